//! The events that report operations, or name a decision, and that AGE has not compared with the decisions yet: the sparse index
//! `operations` of the `events` table.

use age_model::{DecisionId, Engine, EventId, StoreError, Timestamp};
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use serde::Deserialize;

use crate::dynamodb::attribute::{Item, text};
use crate::dynamodb::error::read_failed;
use crate::dynamodb::keys::Position;
use crate::dynamodb::transaction::{self, Write};
use crate::dynamodb::update::UpdateExpression;
use crate::events::Events;

/// The partition of the index: the engine of the event. The event leaves the index when it was compared.
const UNCHECKED_ENGINE: &str = "unchecked_engine";

/// An event that AGE has not compared with the decisions yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UncheckedOperation {
    /// The id of the event.
    pub event_id: EventId,
    /// When AGE accepted the event.
    pub occurred_at: Timestamp,
    /// The operation that its type reported when it was accepted: the name of an action.
    pub operation: Option<String>,
    /// The decision that it names.
    pub decision_id: Option<DecisionId>,
}

/// A page of the index `operations`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UncheckedPage {
    /// The events, the oldest first.
    pub operations: Vec<UncheckedOperation>,
    /// The errors of the entries that this version cannot read.
    pub unreadable: Vec<StoreError>,
    /// The position after which the next page begins, if there may be one.
    pub next: Option<Position>,
}

#[derive(Debug, Deserialize)]
struct UncheckedRow {
    id: EventId,
    at: String,
    #[serde(default)]
    operation: Option<String>,
    #[serde(default)]
    decision_id: Option<DecisionId>,
}

impl Events {
    /// Returns up to `limit` events of `engine` that were not compared yet and come after `after`, the oldest first, as the eventually
    /// consistent index `operations` has them.
    ///
    /// # Errors
    /// [`StoreError`] if the index cannot be read.
    pub async fn unchecked_operations(
        &self,
        engine: Engine,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<UncheckedPage, StoreError> {
        let table = self.table();
        let query = table.client.query().table_name(&table.name).index_name("operations");
        let query = query.limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let query = query.expression_attribute_values(":engine", text(engine));
        let condition = format!("{UNCHECKED_ENGINE} = :engine");
        let query = match after {
            Some(after) => query
                .key_condition_expression(format!("{condition} AND #at > :after"))
                .expression_attribute_names("#at", "at")
                .expression_attribute_values(":after", text(after)),
            None => query.key_condition_expression(condition),
        };
        let page = query.send().await.map_err(|error| read_failed("Query", &table.name, error))?;
        let has_more = page.last_evaluated_key.is_some();
        let items = page.items.unwrap_or_default();
        let mut unchecked = UncheckedPage::default();
        for item in &items {
            match self.parse_unchecked(item) {
                Ok(operation) => unchecked.operations.push(operation),
                Err(error) => unchecked.unreadable.push(error),
            }
        }
        let last = items.last().and_then(|item| item.get("at")?.as_s().ok());
        unchecked.next = last.filter(|_| has_more).map(|at| Position::stored(at));
        Ok(unchecked)
    }

    /// Records that the event `id` was compared with the decisions. Nothing changes if that is recorded already.
    ///
    /// # Errors
    /// [`StoreError`] if it is unknown whether it was recorded.
    pub async fn set_checked(&self, id: EventId) -> Result<(), StoreError> {
        let mut expression = UpdateExpression::default();
        expression.remove(&[UNCHECKED_ENGINE]);
        let table = self.table();
        let update = table.client.update_item().table_name(&table.name).key("id", text(id));
        let condition = format!("attribute_exists({UNCHECKED_ENGINE})");
        table.update_if(expression.apply(update).condition_expression(condition)).await?;
        Ok(())
    }

    /// Returns the write that records that the event `id` was compared with the decisions. If that is recorded already, the transaction
    /// returns the row.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be built.
    pub fn checked(&self, id: EventId) -> Result<Write, StoreError> {
        let mut expression = UpdateExpression::default();
        expression.remove(&[UNCHECKED_ENGINE]);
        let update = expression
            .into_update()
            .key("id", text(id))
            .condition_expression(format!("attribute_exists({UNCHECKED_ENGINE})"))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        transaction::update(&self.table().name, update)
    }

    fn parse_unchecked(&self, item: &Item) -> Result<UncheckedOperation, StoreError> {
        let table = self.table();
        let row: UncheckedRow = table.parse(item)?;
        let occurred_at = row.at.parse::<Position>().ok().and_then(|position| position.time());
        Ok(UncheckedOperation {
            event_id: row.id,
            occurred_at: occurred_at.ok_or_else(|| table.corrupt(item, "at", "must be a time and an event id"))?,
            operation: row.operation,
            decision_id: row.decision_id,
        })
    }
}
