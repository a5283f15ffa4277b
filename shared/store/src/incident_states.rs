//! The state of each incident key, with its latest incident: one row per key in the `incidents` table.

use age_model::{Incident, IncidentCounters, IncidentKey, IncidentState, Notification, StoreError, Timestamp};
use aws_sdk_dynamodb::types::{AttributeValue, Put};
use serde::{Deserialize, Serialize};

use crate::dynamodb::attribute::{Item, StoredItem, number, text};
use crate::dynamodb::client::{Consistency, DynamoDb, Table};
use crate::dynamodb::keys;
use crate::dynamodb::merge::merge;
use crate::dynamodb::transaction::{self, TransactionResult, Write};
use crate::dynamodb::update::UpdateExpression;
use crate::incident_rows::{self, ArchivedRow, ListingEntry};
use crate::system_alerts::SystemAlerts;

/// The attributes of a state's row that this version knows. Others move with the incident when it is archived.
const STATE_ROW: [&str; 13] = [
    "fingerprint",
    "opened_at",
    "v",
    "state",
    "events",
    "last_event_at",
    "due_shard",
    "due_at",
    "listing",
    "listed",
    "status",
    "acknowledged_at",
    "expires_at",
];

#[derive(Debug, Deserialize)]
struct StateRow {
    state: IncidentState,
    /// The events of the latest incident. Separate from the state, so that counting an event does not change its version.
    #[serde(default)]
    events: u64,
    #[serde(default)]
    last_event_at: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct NotificationRow<'a> {
    fingerprint: String,
    opened_at: String,
    notification: &'a Notification,
    /// When DynamoDB deletes the row, in seconds since 1970.
    expires_at: i64,
}

/// The attributes that the `due` index projects.
#[derive(Debug, Deserialize)]
struct DueRow {
    fingerprint: String,
    due_at: Timestamp,
}

/// The state of an incident key as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IncidentStateRecord {
    /// The state that decisions are made on. Its version changes with every write.
    pub state: IncidentState,
    /// The counters of the latest incident.
    pub counters: IncidentCounters,
    stored: StoredItem,
}

/// How the counters of the incident change when a state is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterChange {
    /// The counters stay as they are.
    Keep,
    /// One more event, accepted at this time.
    Increment(Timestamp),
    /// A new incident begins with these counters.
    Reset(IncidentCounters),
}

/// A change of the state of an incident key. It is written only if the state's version is still that of `before`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentStateChange<'a> {
    /// The record that the change was decided on.
    pub before: &'a IncidentStateRecord,
    /// The new state, if it changes.
    pub state: Option<&'a IncidentState>,
    /// How the counters change.
    pub counters: CounterChange,
    /// Whether the write must fail if an event was counted since `before` was read.
    pub requires_event_count: bool,
    /// The incident that a new one replaces: it is archived under a key of its own.
    pub archived: Option<&'a Incident>,
    /// The notification that was sent.
    pub notification: Option<&'a Notification>,
    /// When the change happens. The retention of what has ended begins then.
    pub at: Timestamp,
}

/// The states in the `incidents` table.
#[derive(Debug, Clone)]
pub struct IncidentStates {
    table: Table,
    retention_days: i64,
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
        read_state(&self.table, key).await
    }

    /// Returns the system alerts, which are in the same table.
    #[must_use]
    pub fn system_alerts(&self) -> SystemAlerts {
        SystemAlerts::in_table(&self.table)
    }

    /// Returns the keys whose incident was due at `now`, the earliest first; up to `limit` of each shard. An unreadable row is
    /// an error of its own, so that it does not hide the others.
    ///
    /// # Errors
    /// [`StoreError`] if the index cannot be read.
    pub async fn due(&self, now: Timestamp, limit: i32) -> Result<Vec<Result<IncidentKey, StoreError>>, StoreError> {
        let items = self.table.due(keys::due_shards(), Some(now), Some(limit)).await?;
        let parse = |item: &Item| {
            let row: DueRow = self.table.parse(item)?;
            let key = keys::incident_key(&row.fingerprint);
            let key =
                key.ok_or_else(|| self.table.corrupt(item, "fingerprint", "must be an engine and an event type"))?;
            Ok((row.due_at, key))
        };
        let mut due: Vec<Result<(Timestamp, IncidentKey), StoreError>> = items.iter().map(parse).collect();
        due.sort_by(|a, b| a.as_ref().ok().cmp(&b.as_ref().ok()));
        Ok(due.into_iter().map(|row| row.map(|(_, key)| key)).collect())
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
        if let Some(state) = change.state {
            expression.set(&["state"], self.state_attribute(change.before, state)?);
            self.set_expiry(&mut expression, state, change.at);
            set_due(&mut expression, key, state);
            set_listing(&mut expression, key, change.before, state);
        }
        set_counters(&mut expression, change.counters);
        let version = expression.path(&["state", "version"]);
        let mut condition = format!("(attribute_not_exists(fingerprint) OR {version} = :version)");
        if change.requires_event_count {
            let events = expression.path(&["events"]);
            condition = format!("{condition} AND (attribute_not_exists({events}) OR {events} = :events)");
        }
        let mut update = expression
            .into_update()
            .key("fingerprint", text(keys::fingerprint(key)))
            .key("opened_at", text(keys::STATE))
            .expression_attribute_values(":version", number(change.before.state.version))
            .condition_expression(condition);
        if change.requires_event_count {
            update = update.expression_attribute_values(":events", number(change.before.counters.events));
        }
        let mut writes = vec![transaction::update(&self.table.name, update)?];
        if let Some(incident) = change.archived {
            writes.push(self.archive(key, incident, change)?);
        }
        let incident = change.state.unwrap_or(&change.before.state).incident.as_ref();
        if let (Some(notification), Some(incident)) = (change.notification, incident) {
            writes.push(self.notification(key, incident.opened_at, notification)?);
        }
        Ok(writes)
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
        let row = ArchivedRow::new(key, incident, change.before.counters, self.expires_at(ended_at));
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

/// Returns the state of `key` in `table`, read strongly; the default if there is none yet.
pub(crate) async fn read_state(table: &Table, key: &IncidentKey) -> Result<IncidentStateRecord, StoreError> {
    let row_key = [("fingerprint", text(keys::fingerprint(key))), ("opened_at", text(keys::STATE))];
    let Some(item) = table.get(row_key, Consistency::Strong).await? else {
        return Ok(IncidentStateRecord::default());
    };
    let StateRow { state, events, last_event_at } = table.parse(&item)?;
    Ok(IncidentStateRecord { state, counters: IncidentCounters { events, last_event_at }, stored: item.into() })
}

impl IncidentStateRecord {
    /// Returns when the row expires, in seconds since 1970. None: not yet.
    pub(crate) fn expires_at(&self) -> Option<i64> {
        self.stored.get()?.get("expires_at")?.as_n().ok()?.parse().ok()
    }
}

fn set_due(expression: &mut UpdateExpression, key: &IncidentKey, state: &IncidentState) {
    if let Some(due_at) = state.incident.as_ref().and_then(|incident| incident.due_at) {
        expression.set(&["due_shard"], text(keys::due_shard(&keys::fingerprint(key))));
        expression.set(&["due_at"], text(due_at));
    } else {
        expression.remove(&["due_shard"]);
        expression.remove(&["due_at"]);
    }
}

/// Sets the attributes of the index that lists incidents, if they change.
fn set_listing(
    expression: &mut UpdateExpression,
    key: &IncidentKey,
    before: &IncidentStateRecord,
    state: &IncidentState,
) {
    let entry = |state: &IncidentState| state.incident.as_ref().map(|incident| ListingEntry::new(key, incident));
    let Some(new) = entry(state).filter(|new| entry(&before.state).as_ref() != Some(new)) else { return };
    let ListingEntry { listing, listed, status, acknowledged_at } = new;
    expression.set(&["listing"], text(listing));
    expression.set(&["listed"], text(listed));
    expression.set(&["status"], text(status));
    match acknowledged_at {
        Some(at) => expression.set(&["acknowledged_at"], text(at)),
        None => expression.remove(&["acknowledged_at"]),
    }
}

fn set_counters(expression: &mut UpdateExpression, change: CounterChange) {
    let last_event_at = match change {
        CounterChange::Keep => return,
        CounterChange::Increment(at) => {
            expression.add("events", 1);
            Some(at)
        }
        CounterChange::Reset(IncidentCounters { events, last_event_at }) => {
            expression.set(&["events"], number(events));
            last_event_at
        }
    };
    match last_event_at {
        Some(at) => expression.set(&["last_event_at"], text(at)),
        None => expression.remove(&["last_event_at"]),
    }
}
