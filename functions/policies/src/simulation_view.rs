//! A simulation in responses.

use age_model::{KeyId, PolicyHash, SimulationId, SimulationJob, SimulationRequest, SimulationStatus, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// A simulation of a policy version.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SimulationJob)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SimulationView {
    id: SimulationId,
    status: SimulationStatus,
    from: Timestamp,
    to: Timestamp,
    /// The version that is simulated.
    policy_hash: PolicyHash,
    /// The version that was active when the simulation was asked for.
    active_hash: PolicyHash,
    started_at: Timestamp,
    started_by: KeyId,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Timestamp>,
    /// Why there is no result, if the status is `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The result, if the status is `succeeded`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<age_scoring::simulation::Simulation>)]
    result: Option<Box<RawValue>>,
}

impl SimulationView {
    /// # Errors
    /// If the stored result is not JSON.
    pub(crate) fn new(job: SimulationJob) -> Result<Self, serde_json::Error> {
        let SimulationRequest { hash: policy_hash, active_hash, from, to } = job.request;
        Ok(Self {
            id: job.id,
            status: job.status,
            from,
            to,
            policy_hash,
            active_hash,
            started_at: job.started_at,
            started_by: job.started_by,
            finished_at: job.finished_at,
            error: job.error,
            result: job.result.map(RawValue::from_string).transpose()?,
        })
    }
}
