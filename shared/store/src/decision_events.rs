//! The events of decisions: which event reports the operation that a decision allowed.

use std::collections::BTreeMap;

use age_model::{Decision, DecisionEventStatus, DecisionId, EventId, StoreError, Verdict};
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;

use crate::decisions::{Decisions, remove_due};
use crate::dynamodb::attribute::{Item, text};
use crate::dynamodb::transaction::{self, Write};
use crate::dynamodb::update::UpdateExpression;

impl Decisions {
    /// Returns those of the decisions `ids` that exist, read strongly; the error of each that this version cannot read.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be read.
    pub async fn find_all(
        &self,
        ids: impl IntoIterator<Item = DecisionId>,
    ) -> Result<BTreeMap<DecisionId, Result<Decision, StoreError>>, StoreError> {
        let keys: Vec<Item> = ids.into_iter().map(|id| Item::from([("id".to_owned(), text(id))])).collect();
        let items = if keys.is_empty() { Vec::new() } else { self.table.get_all(keys).await? };
        let found = items.iter().filter_map(|item| Some((id_of(item)?, self.parse(item))));
        Ok(found.collect())
    }

    /// Records that `event` reports the operation that the decision `id` allowed, and that no event of it is awaited any more. Returns
    /// false, and nothing is written, if another event has, or the decision allows nothing.
    ///
    /// # Errors
    /// [`StoreError`] if it is unknown whether it was recorded.
    pub async fn set_followed(&self, id: DecisionId, event: EventId) -> Result<bool, StoreError> {
        let mut expression = UpdateExpression::default();
        expression.set(&["followed_by"], text(event));
        expression.set(&["event_status"], text(DecisionEventStatus::Followed));
        remove_due(&mut expression);
        let (verdict, allow) = (expression.path(&["verdict"]), expression.value(text(Verdict::Allow)));
        let followed_by = expression.path(&["followed_by"]);
        let update = self.table.client.update_item().table_name(&self.table.name).key("id", text(id));
        let condition = format!("{verdict} = {allow} AND attribute_not_exists({followed_by})");
        self.table.update_if(expression.apply(update).condition_expression(condition)).await
    }

    /// Returns the write by which no event of the decision `id` is awaited any more, because none has come in time. If an event has, or
    /// that is recorded already, the transaction returns the row.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be built.
    pub fn event_is_missing(&self, id: DecisionId) -> Result<Write, StoreError> {
        let mut expression = UpdateExpression::default();
        expression.set(&["event_status"], text(DecisionEventStatus::Missing));
        remove_due(&mut expression);
        let (status, awaited) =
            (expression.path(&["event_status"]), expression.value(text(DecisionEventStatus::Awaited)));
        let update = expression
            .into_update()
            .key("id", text(id))
            .condition_expression(format!("{status} = {awaited}"))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        transaction::update(&self.table.name, update)
    }
}

fn id_of(item: &Item) -> Option<DecisionId> {
    item.get("id")?.as_s().ok()?.parse().ok()
}
