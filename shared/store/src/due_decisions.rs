//! The decisions for which something is due, as the sparse index `due` has them.

use age_model::{DecisionId, DecisionRecord, Engine, StoreError, Timestamp};
use serde::Deserialize;

use crate::decisions::{Decisions, condition_on_approval, set_due, set_status};
use crate::dynamodb::attribute::{Item, number, text};
use crate::dynamodb::client::Consistency;
use crate::dynamodb::keys::{self, DueStep};
use crate::dynamodb::update::UpdateExpression;

/// The attributes that the `due` index projects.
#[derive(Debug, Deserialize)]
struct DueRow {
    id: DecisionId,
    due_shard: String,
    due_at: Timestamp,
}

/// A decision for which a step is due, as the eventually consistent index `due` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueDecision {
    /// Since when the step is due.
    pub due_at: Timestamp,
    /// The decision.
    pub id: DecisionId,
    /// The engine whose operation it is about.
    pub engine: Engine,
}

impl Decisions {
    /// Returns the decisions of `engines` for which `step` was due at `now`, the earliest first: up to `limit` of each engine. An
    /// unreadable row is an error of its own, so that it does not hide the others.
    ///
    /// # Errors
    /// [`StoreError`] if the index cannot be read.
    pub async fn due(
        &self,
        step: DueStep,
        engines: impl Iterator<Item = Engine>,
        now: Timestamp,
        limit: i32,
    ) -> Result<Vec<Result<DueDecision, StoreError>>, StoreError> {
        let partitions = engines.map(|engine| keys::due_decisions(engine, step));
        let items = self.table.due(partitions, now, limit).await?;
        let parse = |item: &Item| {
            let DueRow { id, due_shard, due_at } = self.table.parse(item)?;
            let engine = keys::engine_of_due_decisions(&due_shard);
            let engine =
                engine.ok_or_else(|| self.table.corrupt(item, "due_shard", "must begin with the name of an engine"))?;
            Ok(DueDecision { due_at, id, engine })
        };
        let mut due: Vec<Result<DueDecision, StoreError>> = items.iter().map(parse).collect();
        due.sort_by(|one, other| one.as_ref().ok().cmp(&other.as_ref().ok()));
        Ok(due)
    }

    /// Returns the decision `id` with what is due for its approval, read strongly, if it exists.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn get_record(&self, id: DecisionId) -> Result<Option<DecisionRecord>, StoreError> {
        let item = self.table.get([("id", text(id))], Consistency::Strong).await?;
        item.map(|item| self.parse_record(&item)).transpose()
    }

    /// Replaces what is due for the approval of `old`, and its status, by that of `new`. Returns false, and nothing is written, if the
    /// row is no longer `old`.
    ///
    /// INVARIANT: a decision for whose approval nothing is due is not in the index.
    ///
    /// # Errors
    /// [`StoreError`] if it was not written.
    pub async fn replace_approval(&self, old: &DecisionRecord, new: &DecisionRecord) -> Result<bool, StoreError> {
        let [was, is] = [old, new].map(|record| record.decision.approval.as_ref());
        let (Some(was), Some(is)) = (was, is) else { return Ok(false) };
        let mut expression = UpdateExpression::default();
        if was.status != is.status {
            set_status(&mut expression, is.status);
        }
        set_due(&mut expression, new.due_at.map(|due_at| (new.decision.engine, due_at)));
        if old.notifications.count != new.notifications.count {
            expression.set(&["notification_count"], number(new.notifications.count));
        }
        if let Some(at) = new.notifications.last_at.filter(|at| old.notifications.last_at != Some(*at)) {
            expression.set(&["notified_at"], text(at));
        }
        match (&old.notifications.failure, &new.notifications.failure) {
            (old, Some(new)) if old.as_ref() != Some(new) => {
                expression.set(&["notification_failure"], self.table.attribute(new)?);
            }
            (Some(_), None) => expression.remove(&["notification_failure"]),
            _ => {}
        }
        let unchanged = condition_on_approval(&mut expression, was.status, &was.digest);
        let due_at = expression.path(&["due_at"]);
        let condition = match old.due_at {
            Some(was_due) => format!("{unchanged} AND {due_at} = {}", expression.value(text(was_due))),
            None => format!("{unchanged} AND attribute_not_exists({due_at})"),
        };
        let update = self.table.client.update_item().table_name(&self.table.name).key("id", text(new.decision.id));
        self.table.update_if(expression.apply(update).condition_expression(condition)).await
    }
}
