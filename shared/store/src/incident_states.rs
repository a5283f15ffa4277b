//! The state of each incident key, with its latest incident: one row per key in the `incidents` table.

use age_model::{
    FiringAlerts, FiringAlertsChange, Incident, IncidentChange, IncidentCounters, IncidentId, IncidentKey,
    IncidentState, Notification, StoreError, Timestamp,
};
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{Put, Update};
use serde::Deserialize;

use crate::dynamodb::attribute::{Item, number, text};
use crate::dynamodb::client::{Consistency, DynamoDb, Table};
use crate::dynamodb::keys;
use crate::dynamodb::transaction::{self, TransactionResult, Write};
use crate::incident_rows::{self, ArchivedRow};

#[derive(Debug, Deserialize)]
struct StateRow {
    state: IncidentState,
    /// The events of the latest incident. Separate from the state, so that counting an event does not change its version.
    #[serde(default)]
    events: u64,
    #[serde(default)]
    last_event_at: Option<Timestamp>,
    #[serde(default)]
    resolved_events: u64,
    #[serde(default)]
    last_heard_at: Option<Timestamp>,
    #[serde(default)]
    firing_alerts: u64,
    #[serde(default)]
    firing_alerts_from: Option<Timestamp>,
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
    /// The alerts that are firing.
    pub firing_alerts: FiringAlerts,
}

/// How the counters of the incident change when a state is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterChange {
    /// The counters stay as they are.
    Keep,
    /// So many events more, the latest accepted at this time.
    Increment(u64, Timestamp),
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
    /// How many events of the incident were reported as resolved.
    pub resolved_events: u64,
    /// How the number of firing alerts changes.
    pub firing_alerts: FiringAlertsChange,
    /// When an event of the key, or a repeat of one, was heard.
    pub heard_at: Option<Timestamp>,
    /// Whether the write must fail if an event was counted, repeated or reported as resolved since `before` was read.
    pub requires_counters: bool,
    /// The incident that a new one replaces: it is archived under a key of its own.
    pub archived: Option<&'a Incident>,
    /// The notification that was sent.
    pub notification: Option<&'a Notification>,
    /// What a person or AGE did with the incident.
    pub incident_change: Option<&'a IncidentChange>,
}

/// The states in the `incidents` table.
#[derive(Debug, Clone)]
pub struct IncidentStates(Table);

impl IncidentStates {
    /// Uses the table `name`.
    #[must_use]
    pub fn new(db: &DynamoDb, name: impl Into<String>) -> Self {
        Self(db.table(name, incident_rows::KEY))
    }

    /// Returns the state of `key`, read strongly; the default if there is none yet.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn get(&self, key: &IncidentKey) -> Result<IncidentStateRecord, StoreError> {
        let row_key = [("fingerprint", text(keys::fingerprint(key))), ("opened_at", text(keys::STATE))];
        let Some(item) = self.0.get(row_key, Consistency::Strong).await? else {
            return Ok(IncidentStateRecord::default());
        };
        let row: StateRow = self.0.parse(&item)?;
        let StateRow { state, events, last_event_at, resolved_events, last_heard_at, .. } = row;
        let counters = IncidentCounters { events, last_event_at, resolved_events, last_heard_at };
        let firing_alerts = FiringAlerts { number: row.firing_alerts, counted_from: row.firing_alerts_from };
        Ok(IncidentStateRecord { state, counters, firing_alerts })
    }

    /// Returns the keys whose incident was due at `now`, the earliest first: of each engine up to `limit` incidents that nobody was
    /// notified of, and up to `limit` others. An unreadable row is an error of its own, so that it does not hide the others.
    ///
    /// # Errors
    /// [`StoreError`] if the index cannot be read.
    pub async fn due(&self, now: Timestamp, limit: i32) -> Result<Vec<Result<IncidentKey, StoreError>>, StoreError> {
        let items = self.0.due(keys::all_due_incidents(), Some(now), Some(limit)).await?;
        let parse = |item: &Item| {
            let row: DueRow = self.0.parse(item)?;
            let key = keys::incident_key(&row.fingerprint);
            let key = key.ok_or_else(|| self.0.corrupt(item, "fingerprint", "must be an engine and an event type"))?;
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
        self.0.commit(writes).await
    }

    /// Returns the error of a state that other writers changed in each of `attempts`.
    #[must_use]
    pub fn contended(&self, attempts: u32) -> StoreError {
        StoreError::Contended { table: self.0.name.clone(), attempts }
    }

    /// Returns the writes that apply `change` to the state of `key`.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be serialized.
    pub fn change(&self, key: &IncidentKey, change: &IncidentStateChange<'_>) -> Result<Vec<Write>, StoreError> {
        let mut expression = Expression::default();
        let mut update = Update::builder()
            .key("fingerprint", text(keys::fingerprint(key)))
            .key("opened_at", text(keys::STATE))
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":version", number(change.before.state.version));
        let mut condition = "(attribute_not_exists(fingerprint) OR #state.version = :version)".to_owned();
        if let Some(state) = change.state {
            expression.set.push("#state = :state");
            update = update.expression_attribute_values(":state", self.0.attribute(state)?);
            update = set_due(&mut expression, update, key, state);
        }
        if let Some(incident) = change.state.and_then(|state| state.incident.as_ref()) {
            update = set_listing(&mut expression, update, key, incident);
        }
        if change.requires_counters {
            (condition, update) = require_counters(condition, update, change.before);
        }
        update = set_counters(&mut expression, update, change);
        update = set_firing_alerts(&mut expression, update, change.firing_alerts);
        let update = update.update_expression(expression.to_string()).condition_expression(condition);
        let mut writes = vec![transaction::update(&self.0.name, update)?];
        if let Some(incident) = change.archived {
            let row = ArchivedRow::new(key, incident, change.before.counters);
            writes.push(transaction::put(&self.0.name, Put::builder().set_item(Some(self.0.serialize(&row)?)))?);
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

    /// Returns the writes that add `change` to the archived incident `id`, on the condition that its last change has the number
    /// before.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be serialized.
    pub fn archived_change(&self, id: &IncidentId, change: &IncidentChange) -> Result<Vec<Write>, StoreError> {
        let update = Update::builder()
            .key("fingerprint", text(keys::fingerprint(&id.key)))
            .key("opened_at", text(id.opened_at))
            .update_expression("SET incident.last_change = :change")
            .condition_expression("incident.last_change.#number = :before")
            .expression_attribute_names("#number", "number")
            .expression_attribute_values(":change", self.0.attribute(change)?)
            .expression_attribute_values(":before", number(change.number.saturating_sub(1)));
        let update = transaction::update(&self.0.name, update)?;
        Ok(vec![update, self.incident_change(&id.key, id.opened_at, change)?])
    }

    fn incident_change(
        &self,
        key: &IncidentKey,
        opened_at: Timestamp,
        change: &IncidentChange,
    ) -> Result<Write, StoreError> {
        let put = Put::builder()
            .item("fingerprint", text(keys::fingerprint(key)))
            .item("opened_at", text(keys::incident_change(opened_at, change.number)))
            .item("change", self.0.attribute(change)?);
        transaction::put(&self.0.name, put)
    }

    fn notification(
        &self,
        key: &IncidentKey,
        opened_at: Timestamp,
        notification: &Notification,
    ) -> Result<Write, StoreError> {
        let put = Put::builder()
            .item("fingerprint", text(keys::fingerprint(key)))
            .item("opened_at", text(keys::notification(opened_at, notification.number)))
            .item("notification", self.0.attribute(notification)?);
        transaction::put(&self.0.name, put)
    }

    pub(crate) const fn table(&self) -> &Table {
        &self.0
    }
}

/// The clauses of an update expression.
#[derive(Debug, Default)]
struct Expression {
    set: Vec<&'static str>,
    remove: Vec<&'static str>,
    add: Vec<&'static str>,
}

impl std::fmt::Display for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let clauses = [("SET", &self.set), ("REMOVE", &self.remove), ("ADD", &self.add)];
        let clauses = clauses.into_iter().filter(|(_, parts)| !parts.is_empty());
        let clauses: Vec<String> = clauses.map(|(verb, parts)| format!("{verb} {}", parts.join(", "))).collect();
        f.write_str(&clauses.join(" "))
    }
}

fn set_due(
    expression: &mut Expression,
    update: UpdateBuilder,
    key: &IncidentKey,
    state: &IncidentState,
) -> UpdateBuilder {
    let due = state.incident.as_ref().and_then(|incident| Some((incident, incident.due_at?)));
    let Some((incident, due_at)) = due else {
        expression.remove.push("due_shard, due_at");
        return update;
    };
    expression.set.push("due_shard = :due_shard, due_at = :due_at");
    update
        .expression_attribute_values(":due_shard", text(keys::due_incidents(key.engine, incident)))
        .expression_attribute_values(":due_at", text(due_at))
}

/// Sets the attributes of the index that lists incidents.
fn set_listing(
    expression: &mut Expression,
    update: UpdateBuilder,
    key: &IncidentKey,
    incident: &Incident,
) -> UpdateBuilder {
    let id = IncidentId { key: key.clone(), opened_at: incident.opened_at };
    expression.set.push("#status = :status, listed = :listed");
    let update = update
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":status", text(incident.status))
        .expression_attribute_values(":listed", text(keys::listed(&id)));
    if let Some(at) = incident.first_acknowledged_at {
        expression.set.push("acknowledged_at = :acknowledged_at");
        update.expression_attribute_values(":acknowledged_at", text(at))
    } else {
        expression.remove.push("acknowledged_at");
        update
    }
}

fn require_counters(
    mut condition: String,
    mut update: UpdateBuilder,
    IncidentStateRecord { counters, firing_alerts, .. }: &IncidentStateRecord,
) -> (String, UpdateBuilder) {
    let numbers = [
        ("events", counters.events),
        ("resolved_events", counters.resolved_events),
        ("firing_alerts", firing_alerts.number),
    ];
    for (name, value) in numbers {
        let or_absent = if value == 0 { format!("attribute_not_exists({name}) OR ") } else { String::new() };
        condition += &format!(" AND ({or_absent}{name} = :before_{name})");
        update = update.expression_attribute_values(format!(":before_{name}"), number(value));
    }
    if let Some(at) = counters.last_heard_at {
        condition += " AND last_heard_at = :before_last_heard_at";
        update = update.expression_attribute_values(":before_last_heard_at", text(at));
    } else {
        condition += " AND attribute_not_exists(last_heard_at)";
    }
    (condition, update)
}

fn set_counters(
    expression: &mut Expression,
    mut update: UpdateBuilder,
    change: &IncidentStateChange<'_>,
) -> UpdateBuilder {
    if let Some(at) = change.heard_at {
        expression.set.push("last_heard_at = :last_heard_at");
        update = update.expression_attribute_values(":last_heard_at", text(at));
    }
    let (resolved_events, last_event_at) = match change.counters {
        CounterChange::Keep => (change.resolved_events, None),
        CounterChange::Increment(events, at) => {
            expression.add.push("events :new_events");
            update = update.expression_attribute_values(":new_events", number(events));
            (change.resolved_events, Some(at))
        }
        CounterChange::Reset(IncidentCounters { events, last_event_at, resolved_events, .. }) => {
            expression.set.push("events = :new_events");
            expression.remove.push("resolved_events");
            if last_event_at.is_none() {
                expression.remove.push("last_event_at");
            }
            update = update.expression_attribute_values(":new_events", number(events));
            (resolved_events, last_event_at)
        }
    };
    if let Some(at) = last_event_at {
        expression.set.push("last_event_at = :last_event_at");
        update = update.expression_attribute_values(":last_event_at", text(at));
    }
    if resolved_events > 0 {
        expression.add.push("resolved_events :resolved_events");
        update = update.expression_attribute_values(":resolved_events", number(resolved_events));
    }
    update
}

fn set_firing_alerts(expression: &mut Expression, update: UpdateBuilder, change: FiringAlertsChange) -> UpdateBuilder {
    let by = match change {
        FiringAlertsChange::Keep => return update,
        FiringAlertsChange::Begin(alerts) => i64::try_from(alerts).unwrap_or(i64::MAX),
        FiringAlertsChange::End(alerts) => -i64::try_from(alerts).unwrap_or(i64::MAX),
        FiringAlertsChange::Restart(alerts, from) => {
            expression.set.push("firing_alerts = :firing_alerts, firing_alerts_from = :firing_alerts_from");
            return update
                .expression_attribute_values(":firing_alerts", number(alerts))
                .expression_attribute_values(":firing_alerts_from", text(from));
        }
    };
    expression.add.push("firing_alerts :firing_alerts");
    update.expression_attribute_values(":firing_alerts", number(by))
}
