//! The state of each incident key, with its latest incident: one row per key in the `incidents` table.

use age_model::{
    CounterChange, Engine, EventType, Incident, IncidentChange, IncidentId, IncidentKey, IncidentState, Notification,
    StoreError, Timestamp,
};
use aws_sdk_dynamodb::types::{AttributeValue, Put};
use serde::{Deserialize, Serialize};

use crate::dynamodb::attribute::{Item, number, text};
use crate::dynamodb::client::{DynamoDb, Table};
use crate::dynamodb::due_index::{DueItems, due_key};
use crate::dynamodb::keys::{self, DueKey};
use crate::dynamodb::merge::merge;
use crate::dynamodb::transaction::{self, TransactionResult, Write};
use crate::dynamodb::update::UpdateExpression;
use crate::incident_rows::{self, ArchivedRow};
use crate::incident_shards::EventCounting;
use crate::incident_state_row::{
    IncidentStateChange, IncidentStateRecord, STATE_ROW, counters_condition, read_row, read_state, set_counters,
    set_counting, set_due, set_listing,
};
use crate::system_alerts::SystemAlerts;

#[derive(Debug, Serialize)]
struct NotificationRow<'a> {
    fingerprint: String,
    opened_at: String,
    notification: &'a Notification,
    /// When DynamoDB deletes the row, in seconds since 1970.
    expires_at: i64,
}

#[derive(Debug, Serialize)]
struct ChangeRow<'a> {
    fingerprint: String,
    opened_at: String,
    change: &'a IncidentChange,
    /// When DynamoDB deletes the row, in seconds since 1970.
    expires_at: i64,
}

/// An entry of the `due` index, without its `due_key`.
#[derive(Debug, Deserialize)]
struct DueRow {
    fingerprint: String,
}

/// An incident that is due, as the eventually consistent index `due` has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueIncident {
    /// Since when it is due.
    pub due_at: Timestamp,
    /// The incident key.
    pub key: IncidentKey,
    /// Whether nobody was notified of it.
    pub is_new: bool,
}

/// The states in the `incidents` table.
#[derive(Debug, Clone)]
pub struct IncidentStates {
    pub(crate) table: Table,
    pub(crate) retention_days: i64,
}

impl IncidentStates {
    /// Uses the table `name`, whose rows expire `retention_days` after what they are about has ended.
    #[must_use]
    pub fn new(db: &DynamoDb, name: impl Into<String>, retention_days: i64) -> Self {
        Self { table: db.table(name, incident_rows::KEY), retention_days }
    }

    /// Returns the state of `key`, read strongly; the default if there is none yet.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if this version cannot read the row; another [`StoreError`] if the table cannot be read.
    pub async fn get(&self, key: &IncidentKey) -> Result<IncidentStateRecord, StoreError> {
        Ok(read_state(&self.table, key).await?.0)
    }

    /// Returns the state of `key` like [`get`](Self::get), but without the events that are counted in shards.
    ///
    /// # Errors
    /// The errors of [`get`](Self::get).
    pub async fn get_without_shards(&self, key: &IncidentKey) -> Result<IncidentStateRecord, StoreError> {
        read_row(&self.table, key).await
    }

    /// Returns the system alerts, which are in the same table.
    #[must_use]
    pub fn system_alerts(&self) -> SystemAlerts {
        SystemAlerts::in_table(&self.table)
    }

    /// Returns the incidents that were due at `now`, the earliest first: of each engine up to `limit` incidents that nobody was notified of,
    /// and up to `limit` others.
    ///
    /// # Errors
    /// [`StoreError`] if the index cannot be read.
    pub async fn due(&self, now: Timestamp, limit: usize) -> Result<DueItems<DueIncident>, StoreError> {
        let parse = |item: &Item| {
            let due = DueKey::parse(due_key(item));
            let due = due.ok_or_else(|| self.table.corrupt(item, "due_key", "must be an engine, a step and a time"))?;
            Ok(DueIncident { due_at: due.due_at, key: self.due_incident_key(item)?, is_new: due.is_new_incident() })
        };
        self.table.due_by_group(now, |_| Some(limit), parse).await
    }

    /// Returns the event types of the incidents of `engine` that are not resolved: at most `limit`, first those that nobody was notified
    /// of. Of those that were opened or resolved within the last second, some may be missing, or there still.
    ///
    /// # Errors
    /// [`StoreError`] if the index cannot be read.
    pub async fn unresolved_types(&self, engine: Engine, limit: u64) -> Result<Vec<EventType>, StoreError> {
        // INVARIANT: an incident that is not resolved has a due time, so the index `due` has it.
        let items = self.table.due_of_engine(engine, usize::try_from(limit).unwrap_or(usize::MAX)).await?;
        items.iter().map(|item| Ok(self.due_incident_key(item)?.event_type)).collect()
    }

    /// Returns the incident key of an entry of the index `due`.
    fn due_incident_key(&self, item: &Item) -> Result<IncidentKey, StoreError> {
        let row: DueRow = self.table.parse(item)?;
        let key = keys::incident_key(&row.fingerprint);
        key.ok_or_else(|| self.table.corrupt(item, "fingerprint", "must be an engine and an event type"))
    }

    /// Sends `writes` of this and other tables once as one transaction.
    ///
    /// # Errors
    /// [`StoreError`] if the result is unknown, or DynamoDB refused the transaction for another reason than its conditions.
    pub async fn commit(&self, writes: Vec<Write>) -> Result<TransactionResult, StoreError> {
        self.table.commit(writes).await
    }

    /// Returns the error of a state that other writers changed in each of `attempts`.
    #[must_use]
    pub fn contended(&self, attempts: u32) -> StoreError {
        StoreError::Contended { table: self.table.name.clone(), attempts }
    }

    /// Returns the writes that apply `change` to the state of `key`. What a later version has stored in the row stays.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be serialized.
    pub fn change(&self, key: &IncidentKey, change: &IncidentStateChange<'_>) -> Result<Vec<Write>, StoreError> {
        let mut expression = UpdateExpression::default();
        expression.set_schema_version();
        self.set_expiry(&mut expression, change.state.unwrap_or(&change.before.state), change.at);
        if let Some(state) = change.state {
            expression.set(&["state"], self.state_attribute(change.before, state)?);
            set_due(&mut expression, key, state);
            set_listing(&mut expression, key, change.before, state);
        }
        set_counters(&mut expression, change);
        if let Some(counting) = change.counting {
            set_counting(&mut expression, counting);
        }
        let (path, version) =
            (expression.path(&["state", "version"]), expression.value(number(change.before.state.version)));
        let mut condition = format!("(attribute_not_exists(fingerprint) OR {path} = {version})");
        if change.requires_counters {
            condition = format!("{condition} AND {}", counters_condition(&mut expression, change.before));
        }
        let update = expression
            .into_update()
            .key("fingerprint", text(keys::fingerprint(key)))
            .key("opened_at", text(keys::STATE))
            .condition_expression(condition);
        let mut writes = vec![transaction::update(&self.table.name, update)?];
        if let Some(incident) = change.archived {
            writes.push(self.archive(key, incident, change)?);
        }
        let incident = change.state.unwrap_or(&change.before.state).incident.as_ref();
        if let (Some(notification), Some(incident)) = (change.notification, incident) {
            writes.push(self.notification(key, incident.opened_at, notification)?);
        }
        if let (Some(change), Some(incident)) = (change.incident_change, incident) {
            writes.push(self.incident_change(key, incident.opened_at, change)?);
        }
        Ok(writes)
    }

    /// Returns the record as it is after `change` was committed and before another writer changes it.
    ///
    /// # Errors
    /// [`StoreError`] if the state cannot be serialized.
    pub fn record_after(&self, change: &IncidentStateChange<'_>) -> Result<IncidentStateRecord, StoreError> {
        let mut record = change.before.clone();
        for counters in [&mut record.counters, &mut record.row_counters] {
            counters.apply(change.counters);
            counters.resolved_events = counters.resolved_events.saturating_add(change.resolved_events);
            counters.last_heard_at = change.heard_at.or(counters.last_heard_at);
        }
        if matches!(change.counters, CounterChange::Reset(_)) {
            record.counting = EventCounting::InState;
        }
        record.counting = change.counting.unwrap_or(record.counting);
        record.firing_alerts.apply(change.firing_alerts);
        if let Some(state) = change.state {
            if let Some(stored) = change.before.stored.get() {
                let mut stored = stored.clone();
                stored.insert("state".to_owned(), self.state_attribute(change.before, state)?);
                record.stored = stored.into();
            }
            record.state = state.clone();
        }
        Ok(record)
    }

    /// Returns the writes that add `change` to the archived incident `id`, on the condition that its last change has the number
    /// before.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be serialized.
    pub fn archived_change(&self, id: &IncidentId, change: &IncidentChange) -> Result<Vec<Write>, StoreError> {
        let mut expression = UpdateExpression::default();
        expression.set(&["incident", "last_change"], self.table.attribute(change)?);
        let path = expression.path(&["incident", "last_change", "number"]);
        let before = expression.value(number(change.number.saturating_sub(1)));
        let update = expression
            .into_update()
            .key("fingerprint", text(keys::fingerprint(&id.key)))
            .key("opened_at", text(id.opened_at))
            .condition_expression(format!("{path} = {before}"));
        let update = transaction::update(&self.table.name, update)?;
        Ok(vec![update, self.incident_change(&id.key, id.opened_at, change)?])
    }

    /// Returns the attribute of `state`, with what a later version has stored in that of `before`.
    fn state_attribute(
        &self,
        before: &IncidentStateRecord,
        state: &IncidentState,
    ) -> Result<AttributeValue, StoreError> {
        let new = self.table.attribute(state)?;
        Ok(match before.stored.get().and_then(|item| item.get("state")) {
            Some(stored) => merge(stored, &self.table.attribute(&before.state)?, &new),
            None => new,
        })
    }

    fn set_expiry(&self, expression: &mut UpdateExpression, state: &IncidentState, at: Timestamp) {
        if state.is_settled() {
            expression.set(&["expires_at"], number(self.expires_at(at)));
        } else {
            expression.remove(&["expires_at"]);
        }
    }

    /// Returns when a row about what ended at `ended_at` expires, in seconds since 1970.
    fn expires_at(&self, ended_at: Timestamp) -> i64 {
        ended_at.plus_days(self.retention_days).seconds()
    }

    /// Returns the write that gives the incident a row of its own, with what a later version has stored about it.
    fn archive(
        &self,
        key: &IncidentKey,
        incident: &Incident,
        change: &IncidentStateChange<'_>,
    ) -> Result<Write, StoreError> {
        let ended_at = incident.resolved.as_ref().map_or(change.at, |resolved| resolved.at);
        let is_sharded = change.before.counting != EventCounting::InState;
        let counters = (change.before.row_counters, is_sharded);
        let row = ArchivedRow::new(key, incident, counters, self.expires_at(ended_at));
        let mut item = self.table.serialize(&row)?;
        let stored = change.before.stored.get();
        for (name, value) in stored.into_iter().flatten().filter(|(name, _)| !STATE_ROW.contains(&name.as_str())) {
            item.insert(name.clone(), value.clone());
        }
        if let Some(version) = stored.and_then(|stored| stored.get("v")) {
            item.insert("v".to_owned(), version.clone());
        }
        let stored = stored.and_then(|stored| stored.get("state")?.as_m().ok()?.get("incident"));
        if let (Some(stored), Some(incident)) = (stored, item.get("incident")) {
            let incident = merge(stored, incident, incident);
            item.insert("incident".to_owned(), incident);
        }
        transaction::put(&self.table.name, Put::builder().set_item(Some(item)))
    }

    fn incident_change(
        &self,
        key: &IncidentKey,
        opened_at: Timestamp,
        change: &IncidentChange,
    ) -> Result<Write, StoreError> {
        let row = ChangeRow {
            fingerprint: keys::fingerprint(key),
            opened_at: keys::incident_change(opened_at, change.number),
            change,
            expires_at: self.expires_at(change.at),
        };
        transaction::put(&self.table.name, Put::builder().set_item(Some(self.table.serialize(&row)?)))
    }

    fn notification(
        &self,
        key: &IncidentKey,
        opened_at: Timestamp,
        notification: &Notification,
    ) -> Result<Write, StoreError> {
        let row = NotificationRow {
            fingerprint: keys::fingerprint(key),
            opened_at: keys::notification(opened_at, notification.number),
            notification,
            expires_at: self.expires_at(notification.at),
        };
        transaction::put(&self.table.name, Put::builder().set_item(Some(self.table.serialize(&row)?)))
    }
}
