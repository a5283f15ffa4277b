//! Simulations of policy versions: one row each, which expires.

use age_model::{
    KeyId, PolicyHash, SimulationId, SimulationJob, SimulationRequest, SimulationStatus, StoreError, Timestamp,
};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use serde::{Deserialize, Serialize};

use crate::dynamodb::attribute::text;
use crate::dynamodb::client::read_batch;
use crate::dynamodb::error::write_failed;
use crate::dynamodb::keys;
use crate::policies::{Policies, key};

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

impl Policies {
    /// Stores that `job` has started, unless the same one runs. Returns false, and nothing is written, if it does.
    ///
    /// # Errors
    /// [`StoreError`] if it was not stored, or that is unknown.
    pub async fn start_simulation(&self, job: &SimulationJob) -> Result<bool, StoreError> {
        let SimulationRequest { hash, active_hash, from, to } = job.request;
        let row = SimulationRow {
            hash,
            active_hash,
            from,
            to,
            status: job.status,
            started_at: job.started_at,
            started_by: job.started_by.clone(),
            deadline_at: job.deadline(),
            finished_at: None,
            error: None,
            result: None,
            expires_at: job.expires_at().seconds(),
        };
        let put = self
            .0
            .client
            .put_item()
            .table_name(&self.0.name)
            .set_item(Some(self.0.serialize(&row)?))
            .item("kind", text(keys::SIMULATION))
            .item("id", text(job.id))
            .condition_expression("attribute_not_exists(id) OR #status <> :running OR deadline_at <= :now")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":running", text(SimulationStatus::Running))
            .expression_attribute_values(":now", text(job.started_at));
        let Err(error) = put.send().await else { return Ok(true) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(write_failed("PutItem", &self.0.name, error)),
        }
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
        let SimulationJob { id, status, started_at, finished_at, error, result, .. } = job;
        let mut set = vec!["#status = :status"];
        let mut update = self.0.client.update_item().table_name(&self.0.name);
        for (name, clause, value) in [
            (":finished_at", "finished_at = :finished_at", finished_at.map(|at| at.to_string())),
            (":error", "#error = :error", error.clone()),
            (":result", "#result = :result", result.clone()),
        ] {
            if let Some(value) = value {
                set.push(clause);
                update = update.expression_attribute_values(name, text(value));
                if let Some((placeholder, _)) = clause.split_once(' ').filter(|(name, _)| name.starts_with('#')) {
                    update = update.expression_attribute_names(placeholder, placeholder.trim_start_matches('#'));
                }
            }
        }
        let update = update
            .set_key(Some(key(keys::SIMULATION, &id.to_string())))
            .update_expression(format!("SET {}", set.join(", ")))
            .condition_expression("#status = :running AND started_at = :started_at")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", text(status))
            .expression_attribute_values(":running", text(SimulationStatus::Running))
            .expression_attribute_values(":started_at", text(started_at));
        self.0.update_if(update).await
    }
}
