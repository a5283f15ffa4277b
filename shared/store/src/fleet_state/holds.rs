//! Setting and ending holds. Each change is one transaction of the state of the fleet, which decisions read, and of the hold's record.

use age_model::{Clock, Hold, HoldEnd, HoldId, HoldRecord, StoreError};
use aws_sdk_dynamodb::types::Put;

use super::hold_rows::{self, EndRow, HoldRow, RecordRow};
use super::{FleetStateStore, MAX_ATTEMPTS, state_key};
use crate::dynamodb::attribute::{Item, number, text};
use crate::dynamodb::backoff;
use crate::dynamodb::client::Consistency;
use crate::dynamodb::keys;
use crate::dynamodb::transaction::{self, TransactionResult};
use crate::dynamodb::update::UpdateExpression;

/// The attribute that changes whenever a hold is set, so that concurrent writers cannot exceed the bound together.
const VERSION: &str = "holds_version";

/// The result of setting a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetHold {
    /// The hold was set.
    Set,
    /// This hold is active that says the same: nothing was written.
    Exists(Hold),
    /// [`FleetStateStore::MAX_ACTIVE_HOLDS`] are active: nothing was written.
    TooMany,
}

impl FleetStateStore {
    /// The most active holds, so that the row stays below the 400 KB of an item.
    pub const MAX_ACTIVE_HOLDS: usize = 64;

    /// Sets `hold`, unless an active one says the same, and removes the holds whose time is up.
    ///
    /// # Errors
    /// [`StoreError`] if it was not set, or that is unknown.
    pub async fn set_hold(&self, hold: &Hold, clock: &dyn Clock) -> Result<SetHold, StoreError> {
        for attempt in 1..=MAX_ATTEMPTS {
            let state = self.item().await?;
            let (active, expired): (Vec<_>, Vec<_>) =
                self.holds(&state)?.into_iter().partition(|other| other.is_active(hold.set_at));
            if let Some(same) = active.iter().find(|other| says_the_same(other, hold)) {
                let is_own = same.id == hold.id; // Of an earlier attempt.
                return Ok(if is_own { SetHold::Set } else { SetHold::Exists(same.clone()) });
            }
            if active.len() >= Self::MAX_ACTIVE_HOLDS {
                return Ok(SetHold::TooMany);
            }
            let version: u64 = state.get(VERSION).and_then(|version| version.as_n().ok()?.parse().ok()).unwrap_or(0);
            let mut expression = UpdateExpression::default();
            expression.set_schema_version();
            expression.set(&[VERSION], number(version.saturating_add(1)));
            expression.set(&[&keys::hold(hold.id)], self.0.attribute(&HoldRow::from(hold))?);
            for hold in expired {
                expression.remove(&[&keys::hold(hold.id)]);
            }
            let (path, seen) = (expression.path(&[VERSION]), expression.value(number(version)));
            let update = expression
                .into_update()
                .set_key(Some(state_key()))
                .condition_expression(format!("attribute_not_exists({path}) OR {path} = {seen}"));
            let mut record = self.0.serialize(&RecordRow::from(&HoldRecord { hold: hold.clone(), end: None }))?;
            record.extend(record_key(hold.id));
            let record = transaction::put(&self.0.name, Put::builder().set_item(Some(record)))?;
            let written = self.0.commit(vec![transaction::update(&self.0.name, update)?, record]).await?;
            if matches!(written, TransactionResult::Committed) {
                return Ok(SetHold::Set);
            }
            backoff::wait_before_retry(attempt, clock).await;
        }
        Err(self.contended())
    }

    /// Ends the hold `id` as `end` says, unless it has ended before. Returns its record as it is then; None if there is no such hold.
    ///
    /// # Errors
    /// [`StoreError`] if it was not ended, or that is unknown.
    pub async fn end_hold(
        &self,
        id: HoldId,
        end: &HoldEnd,
        clock: &dyn Clock,
    ) -> Result<Option<HoldRecord>, StoreError> {
        for attempt in 1..=MAX_ATTEMPTS {
            let Some(record) = self.hold(id).await? else { return Ok(None) };
            if record.end.is_some() || !record.hold.is_active(end.at) {
                return Ok(Some(record));
            }
            let ended = HoldRecord { end: Some(end.clone()), ..record };
            let mut expression = UpdateExpression::default();
            expression.remove(&[&keys::hold(id)]);
            let state = expression.into_update().set_key(Some(state_key()));
            let mut expression = UpdateExpression::default();
            expression.set(&["ended"], self.0.attribute(&EndRow::from(end))?);
            expression.set(&["expires_at"], number(ended.expires_at().seconds()));
            let [hold, ending] = [["hold"], ["ended"]].map(|path| expression.path(&path));
            // Not if somebody else has ended it meanwhile, or if the record has expired.
            let is_active = format!("attribute_exists({hold}) AND attribute_not_exists({ending})");
            let record = expression.into_update().set_key(Some(record_key(id))).condition_expression(is_active);
            let writes = [state, record].map(|update| transaction::update(&self.0.name, update));
            let writes = writes.into_iter().collect::<Result<_, _>>()?;
            if matches!(self.0.commit(writes).await?, TransactionResult::Committed) {
                return Ok(Some(ended));
            }
            backoff::wait_before_retry(attempt, clock).await;
        }
        Err(self.contended())
    }

    /// Returns the record of the hold `id`, read strongly, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn hold(&self, id: HoldId) -> Result<Option<HoldRecord>, StoreError> {
        let key = [("fingerprint", text(keys::HOLDS)), ("opened_at", text(id))];
        let item = self.0.get(key, Consistency::Strong).await?;
        item.map(|item| hold_rows::record(&self.0, &item)).transpose()
    }

    pub(super) fn holds(&self, state: &Item) -> Result<Vec<Hold>, StoreError> {
        hold_rows::holds(&self.0, state)
    }
}

/// Whether two holds differ in nothing but their ids and the times at which they were set.
fn says_the_same(one: &Hold, other: &Hold) -> bool {
    *one == Hold { id: one.id, set_at: one.set_at, ..other.clone() }
}

fn record_key(id: HoldId) -> Item {
    Item::from([("fingerprint".to_owned(), text(keys::HOLDS)), ("opened_at".to_owned(), text(id))])
}
