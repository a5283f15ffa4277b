//! Simulations of policy versions: one row each, which expires.

use std::collections::BTreeMap;

use age_model::{
    KeyId, PolicyHash, SimulationId, SimulationJob, SimulationRequest, SimulationStatus, StoreError, Timestamp,
};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use crate::dynamodb::attribute::text;
use crate::dynamodb::client::read_batch;
use crate::dynamodb::keys;
use crate::dynamodb::update::UpdateExpression;
use crate::policies::{Policies, key};

/// The attributes that only a simulation has that has ended.
const ENDING: [&str; 3] = ["finished_at", "error", "result"];

/// The row, except for its key and attributes of a later version.
#[derive(Debug, Serialize, Deserialize)]
struct SimulationRow {
    hash: PolicyHash,
    active_hash: PolicyHash,
    from: Timestamp,
    to: Timestamp,
    status: SimulationStatus,
    started_at: Timestamp,
    started_by: KeyId,
    /// The time after which another one may take its place.
    deadline_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    finished_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    expires_at: i64,
}

impl From<&SimulationJob> for SimulationRow {
    fn from(job: &SimulationJob) -> Self {
        let SimulationRequest { hash, active_hash, from, to } = job.request;
        Self {
            hash,
            active_hash,
            from,
            to,
            status: job.status,
            started_at: job.started_at,
            started_by: job.started_by.clone(),
            deadline_at: job.deadline(),
            finished_at: job.finished_at,
            error: job.error.clone(),
            result: job.result.clone(),
            expires_at: job.expires_at().seconds(),
        }
    }
}

impl Policies {
    /// Stores that `job` has started, unless the same one runs. Returns false, and nothing is written, if it does.
    ///
    /// # Errors
    /// [`StoreError`] if it was not stored, or that is unknown.
    pub async fn start_simulation(&self, job: &SimulationJob) -> Result<bool, StoreError> {
        self.write_simulation(job, |expression| {
            let [id, status, deadline] = [["id"], ["status"], ["deadline_at"]].map(|path| expression.path(&path));
            let running = expression.value(text(SimulationStatus::Running));
            let now = expression.value(text(job.started_at));
            format!("attribute_not_exists({id}) OR {status} <> {running} OR {deadline} <= {now}")
        })
        .await
    }

    /// Returns the simulation `id`, if there is one, read strongly.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn simulation(&self, id: SimulationId) -> Result<Option<SimulationJob>, StoreError> {
        let [items] = read_batch([(&self.0, vec![key(keys::SIMULATION, &id.to_string())])]).await?;
        let Some(item) = items.first() else { return Ok(None) };
        let row: SimulationRow = self.0.parse(item)?;
        let SimulationRow { hash, active_hash, from, to, status, started_at, started_by, .. } = row;
        let request = SimulationRequest { hash, active_hash, from, to };
        let (finished_at, error, result) = (row.finished_at, row.error, row.result);
        Ok(Some(SimulationJob { id, request, status, started_at, started_by, finished_at, error, result }))
    }

    /// Stores how `job` has ended. Returns false, and nothing is written, if it does not run any more.
    ///
    /// # Errors
    /// [`StoreError`] if it was not stored.
    pub async fn finish_simulation(&self, job: &SimulationJob) -> Result<bool, StoreError> {
        self.write_simulation(job, |expression| {
            let [status, started_at] = [["status"], ["started_at"]].map(|path| expression.path(&path));
            let running = expression.value(text(SimulationStatus::Running));
            let started = expression.value(text(job.started_at));
            format!("{status} = {running} AND {started_at} = {started}")
        })
        .await
    }

    /// Writes `job` to its row if the condition holds. Returns false, and nothing is written, if it does not.
    async fn write_simulation(
        &self,
        job: &SimulationJob,
        condition: impl FnOnce(&mut UpdateExpression) -> String,
    ) -> Result<bool, StoreError> {
        let row: BTreeMap<String, AttributeValue> = self.0.serialize(&SimulationRow::from(job))?.into_iter().collect();
        let mut expression = UpdateExpression::default();
        expression.set_schema_version();
        for (name, value) in row.iter().filter(|(name, _)| *name != "v") {
            expression.set(&[name.as_str()], value.clone());
        }
        for ending in ENDING.iter().filter(|name| !row.contains_key(**name)) {
            expression.remove(&[ending]);
        }
        let condition = condition(&mut expression);
        let update = self.0.client.update_item().table_name(&self.0.name);
        let update = update.set_key(Some(key(keys::SIMULATION, &job.id.to_string())));
        self.0.update_if(expression.apply(update).condition_expression(condition)).await
    }
}
