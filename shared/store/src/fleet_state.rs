//! The state of the fleet: one row of the `incidents` table with the posture and the active holds, which decisions read by one call.
//! Each hold is an attribute of its own, so neither the sweep, which writes the posture, nor another hold overwrites it.

pub(crate) mod hold_list;
mod hold_rows;
pub(crate) mod holds;
mod posture_row;

use age_model::{Clock, Hold, Posture, StoreError};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};

use crate::dynamodb::attribute::{Item, SCHEMA_VERSION, number, text};
use crate::dynamodb::backoff;
use crate::dynamodb::client::{Consistency, DynamoDb, Table};
use crate::dynamodb::error::write_failed;
use crate::dynamodb::keys;
use crate::incident_rows::KEY;

/// Attempts while others write the row at the same time.
const MAX_ATTEMPTS: u32 = 8;

/// The state of the fleet as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredFleetState {
    /// The latest posture. None: none was recorded yet.
    pub posture: Option<Posture>,
    /// The holds that nobody has ended, in the order in which they were set. The time of some may be up.
    pub holds: Vec<Hold>,
}

/// The result of recording a posture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedPosture {
    /// Whether the posture was recorded. If not, the row has one of the same time or a later one.
    pub is_latest: bool,
    /// The holds that the row has, as in [`StoredFleetState`], or why they cannot be read.
    pub holds: Result<Vec<Hold>, StoreError>,
}

/// The row with the state of the fleet, and the records of holds.
#[derive(Debug, Clone)]
pub struct FleetStateStore(Table);

impl FleetStateStore {
    /// Uses the rows in the table of incidents `name`.
    #[must_use]
    pub fn new(db: &DynamoDb, name: impl Into<String>) -> Self {
        Self(db.table(name, KEY))
    }

    /// Returns the state of the fleet, read strongly by one call.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if this version cannot read the row; another [`StoreError`] if the table cannot be read.
    pub async fn get(&self) -> Result<StoredFleetState, StoreError> {
        self.state(&self.item().await?)
    }

    /// Records `posture`, unless the row has one of the same time or a later one. No hold changes.
    ///
    /// # Errors
    /// [`StoreError`] if it was not written.
    pub async fn record_posture(&self, posture: &Posture, clock: &dyn Clock) -> Result<RecordedPosture, StoreError> {
        let set = "SET v = if_not_exists(v, :v), as_of = :as_of, policy_hash = :policy_hash, levels = :levels, engines = :engines";
        let update = self
            .0
            .client
            .update_item()
            .table_name(&self.0.name)
            .set_key(Some(state_key()))
            .update_expression(set)
            .condition_expression("attribute_not_exists(as_of) OR as_of < :as_of")
            .expression_attribute_values(":v", number(SCHEMA_VERSION))
            .expression_attribute_values(":as_of", text(posture.as_of))
            .expression_attribute_values(":policy_hash", text(posture.policy_hash))
            .expression_attribute_values(":levels", posture_row::levels(posture))
            .expression_attribute_values(":engines", posture_row::engines(posture))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let recorded = |is_latest, item: Option<Item>| {
            Ok(RecordedPosture { is_latest, holds: self.holds(&item.unwrap_or_default()) })
        };
        for attempt in 1..=MAX_ATTEMPTS {
            let error = match update.clone().send().await {
                Ok(updated) => return recorded(true, updated.attributes),
                Err(error) => error,
            };
            match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(later)) => {
                    return recorded(false, later.item.clone());
                }
                // A hold is being set or ended.
                Some(UpdateItemError::TransactionConflictException(_)) => {
                    backoff::wait_before_retry(attempt, clock).await;
                }
                _ => return Err(write_failed("UpdateItem", &self.0.name, error)),
            }
        }
        Err(self.contended())
    }

    fn state(&self, item: &Item) -> Result<StoredFleetState, StoreError> {
        Ok(StoredFleetState { posture: posture_row::parse(&self.0, item)?, holds: self.holds(item)? })
    }

    /// Returns the row; empty if there is none yet.
    async fn item(&self) -> Result<Item, StoreError> {
        let key = [("fingerprint", text(keys::AGE)), ("opened_at", text(keys::FLEET_STATE))];
        Ok(self.0.get(key, Consistency::Strong).await?.unwrap_or_default())
    }

    fn contended(&self) -> StoreError {
        StoreError::Contended { table: self.0.name.clone(), attempts: MAX_ATTEMPTS }
    }
}

fn state_key() -> Item {
    Item::from([("fingerprint".to_owned(), text(keys::AGE)), ("opened_at".to_owned(), text(keys::FLEET_STATE))])
}
