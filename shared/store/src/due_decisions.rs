//! The decisions for which something is due, as the sparse index `due` has them.

use age_model::{DecisionId, DecisionRecord, Engine, StoreError, Timestamp};
use serde::Deserialize;

use crate::decisions::{Decisions, INVALID_DUE_KEY, condition_on_approval, set_due, set_status};
use crate::dynamodb::attribute::{Item, number, text};
use crate::dynamodb::client::Consistency;
use crate::dynamodb::due_index::{DueItems, due_key};
use crate::dynamodb::keys::{self, DueKey, DueStep};
use crate::dynamodb::update::UpdateExpression;

/// An entry of the `due` index, without its `due_key`.
#[derive(Debug, Deserialize)]
struct DueRow {
    id: DecisionId,
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
    /// The step.
    pub step: DueStep,
}

impl Decisions {
    /// Returns the decisions for which a step was due at `now`, the earliest first. `limit` returns how many of an engine and a step are
    /// wanted; None if it is none of them. Nothing is done with a step that this version does not know.
    ///
    /// # Errors
    /// [`StoreError`] if the index cannot be read.
    pub async fn due(
        &self,
        now: Timestamp,
        limit: impl Fn(Engine, DueStep) -> Option<usize>,
    ) -> Result<DueItems<DueDecision>, StoreError> {
        let of_group = |group: &str| DueKey::decision_step(group).and_then(|(engine, step)| limit(engine, step));
        let parse = |item: &Item| {
            let DueRow { id } = self.table.parse(item)?;
            let key = due_key(item);
            let due = DueKey::parse(key).zip(DueKey::decision_step(keys::due_group(key).0));
            let (DueKey { due_at, .. }, (engine, step)) =
                due.ok_or_else(|| self.table.corrupt(item, "due_key", INVALID_DUE_KEY))?;
            Ok(DueDecision { due_at, id, engine, step })
        };
        self.table.due_by_group(now, of_group, parse).await
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
        let due_key = expression.path(&["due_key"]);
        let condition = match old.due_at {
            Some(was_due) => {
                let was_due = keys::due_decision(old.decision.engine, DueStep::Approval, was_due);
                format!("{unchanged} AND {due_key} = {}", expression.value(text(was_due)))
            }
            None => format!("{unchanged} AND attribute_not_exists({due_key})"),
        };
        let update = self.table.client.update_item().table_name(&self.table.name).key("id", text(new.decision.id));
        self.table.update_if(expression.apply(update).condition_expression(condition)).await
    }
}
