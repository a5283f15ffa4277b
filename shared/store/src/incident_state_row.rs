//! The row of an incident key's state: how it is read, and the changes of its attributes.

use age_model::{
    CounterChange, FiringAlerts, FiringAlertsChange, Incident, IncidentChange, IncidentCounters, IncidentKey,
    IncidentState, KeyRecord, Notification, StoreError, Timestamp,
};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Deserialize;

use crate::dynamodb::attribute::{StoredItem, number, text};
use crate::dynamodb::client::{Consistency, Table};
use crate::dynamodb::keys;
use crate::dynamodb::update::UpdateExpression;
use crate::incident_rows::ListingEntry;
use crate::incident_shards::{EventCounting, ShardRow, add_shards, read_shards};

/// The attributes of a state's row that this version knows. Others move with the incident when it is archived.
pub(crate) const STATE_ROW: [&str; 20] = [
    "fingerprint",
    "opened_at",
    "v",
    "state",
    "events",
    "last_event_at",
    "resolved_events",
    "last_heard_at",
    "firing_alerts",
    "firing_alerts_from",
    "is_sharded",
    "merging_since",
    "due_shard",
    "due_key",
    "listing",
    "listed",
    "status",
    "severity",
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
    #[serde(default)]
    resolved_events: u64,
    #[serde(default)]
    last_heard_at: Option<Timestamp>,
    #[serde(default)]
    firing_alerts: u64,
    #[serde(default)]
    firing_alerts_from: Option<Timestamp>,
    /// Whether events of the latest incident are counted in shards as well.
    #[serde(default)]
    is_sharded: bool,
    /// Since when no writer begins to count in shards.
    #[serde(default)]
    merging_since: Option<Timestamp>,
}

/// The state of an incident key as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IncidentStateRecord {
    /// The state that decisions are made on. Its version changes with every write.
    pub state: IncidentState,
    /// The counters of the latest incident. Without its shards if it was read by [`IncidentStates::get_without_shards`].
    ///
    /// [`IncidentStates::get_without_shards`]: crate::IncidentStates::get_without_shards
    pub counters: IncidentCounters,
    /// The alerts that are firing.
    pub firing_alerts: FiringAlerts,
    /// Where further events of the incident are counted.
    pub counting: EventCounting,
    /// The counters that the row itself has.
    pub(crate) row_counters: IncidentCounters,
    pub(crate) stored: StoredItem,
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
    /// Where further events are counted from now on, if that changes.
    pub counting: Option<EventCounting>,
    /// What a person or AGE did with the incident.
    pub incident_change: Option<&'a IncidentChange>,
    /// When the change happens. The retention of what has ended begins then.
    pub at: Timestamp,
}

/// How often a state is read with its shards until no other writer changes it meanwhile.
const MAX_READS: usize = 3;

/// Returns the state of `key` in `table` without the shards of its incident, read strongly; the default if there is none yet.
pub(crate) async fn read_row(table: &Table, key: &IncidentKey) -> Result<IncidentStateRecord, StoreError> {
    let row_key = [("fingerprint", text(keys::fingerprint(key))), ("opened_at", text(keys::STATE))];
    let Some(item) = table.get(row_key, Consistency::Strong).await? else {
        return Ok(IncidentStateRecord::default());
    };
    let row: StateRow = table.parse(&item)?;
    let StateRow { state, events, last_event_at, resolved_events, last_heard_at, .. } = row;
    let counters = IncidentCounters { events, last_event_at, resolved_events, last_heard_at };
    let firing_alerts = FiringAlerts { number: row.firing_alerts, counted_from: row.firing_alerts_from };
    let counting = match (row.is_sharded, row.merging_since) {
        (false, _) => EventCounting::InState,
        (true, None) => EventCounting::InShards,
        (true, Some(since)) => EventCounting::Merging(since),
    };
    let row_counters = counters;
    Ok(IncidentStateRecord { state, counters, firing_alerts, counting, row_counters, stored: item.into() })
}

/// Returns the state of `key` in `table` with the shards of its incident, read strongly; the default if there is none yet.
pub(crate) async fn read_state(
    table: &Table,
    key: &IncidentKey,
) -> Result<(IncidentStateRecord, Vec<ShardRow>), StoreError> {
    let mut record = read_row(table, key).await?;
    let mut shards = Vec::new();
    for _ in 0..MAX_READS {
        let opened_at = record.state.incident.as_ref().map(|incident| incident.opened_at);
        let Some(opened_at) = opened_at.filter(|_| record.counting != EventCounting::InState) else {
            return Ok((record, Vec::new()));
        };
        shards = read_shards(table, key, opened_at).await?;
        // Merging moves events from the shards to the row.
        let after = read_row(table, key).await?;
        let is_unchanged = after.state.version == record.state.version;
        record = after;
        if is_unchanged {
            break;
        }
    }
    add_shards(&mut record.counters, &shards);
    Ok((record, shards))
}

impl From<&IncidentStateRecord> for KeyRecord {
    fn from(IncidentStateRecord { state, counters, firing_alerts, .. }: &IncidentStateRecord) -> Self {
        Self { state: state.clone(), counters: *counters, firing_alerts: *firing_alerts }
    }
}

impl IncidentStateRecord {
    /// Returns when the row expires, in seconds since 1970. None: not yet.
    pub(crate) fn expires_at(&self) -> Option<i64> {
        self.stored.get()?.get("expires_at")?.as_n().ok()?.parse().ok()
    }
}

pub(crate) fn set_due(expression: &mut UpdateExpression, key: &IncidentKey, state: &IncidentState) {
    if let Some((incident, due_at)) = state.incident.as_ref().and_then(|incident| Some((incident, incident.due_at?))) {
        expression.set(&["due_shard"], text(keys::due_shard(key.engine.as_str())));
        expression.set(&["due_key"], text(keys::due_incident(key.engine, incident, due_at)));
    } else {
        expression.remove(&["due_shard"]);
        expression.remove(&["due_key"]);
    }
}

/// Sets the attributes of the index that lists incidents, if they change.
pub(crate) fn set_listing(
    expression: &mut UpdateExpression,
    key: &IncidentKey,
    before: &IncidentStateRecord,
    state: &IncidentState,
) {
    let entry = |state: &IncidentState| state.incident.as_ref().map(|incident| ListingEntry::new(key, incident));
    let Some(new) = entry(state).filter(|new| entry(&before.state).as_ref() != Some(new)) else { return };
    let ListingEntry { listing, listed, status, severity, acknowledged_at } = new;
    expression.set(&["listing"], text(listing));
    expression.set(&["listed"], text(listed));
    expression.set(&["status"], text(status));
    expression.set(&["severity"], text(severity));
    match acknowledged_at {
        Some(at) => expression.set(&["acknowledged_at"], text(at)),
        None => expression.remove(&["acknowledged_at"]),
    }
}

pub(crate) fn set_counters(expression: &mut UpdateExpression, change: &IncidentStateChange<'_>) {
    if let Some(at) = change.heard_at {
        expression.set(&["last_heard_at"], text(at));
    }
    let last_event_at = match change.counters {
        CounterChange::Keep => None,
        CounterChange::Increment(events, at) => {
            expression.add("events", i64::try_from(events).unwrap_or(i64::MAX));
            Some(at)
        }
        CounterChange::Reset(IncidentCounters { events, last_event_at, resolved_events, .. }) => {
            expression.set(&["events"], number(events));
            expression.set(&["resolved_events"], number(resolved_events));
            if last_event_at.is_none() {
                expression.remove(&["last_event_at"]);
            }
            // The shards belong to the incident before, whose row of its own says so.
            set_counting(expression, EventCounting::InState);
            last_event_at
        }
    };
    if let Some(at) = last_event_at {
        expression.set(&["last_event_at"], text(at));
    }
    if change.resolved_events > 0 {
        expression.add("resolved_events", i64::try_from(change.resolved_events).unwrap_or(i64::MAX));
    }
    match change.firing_alerts {
        FiringAlertsChange::Keep => {}
        FiringAlertsChange::Begin(alerts) => expression.add("firing_alerts", i64::try_from(alerts).unwrap_or(i64::MAX)),
        FiringAlertsChange::End(alerts) => expression.add("firing_alerts", -i64::try_from(alerts).unwrap_or(i64::MAX)),
        FiringAlertsChange::Restart(alerts, from) => {
            expression.set(&["firing_alerts"], number(alerts));
            expression.set(&["firing_alerts_from"], text(from));
        }
    }
}

pub(crate) fn set_counting(expression: &mut UpdateExpression, counting: EventCounting) {
    match counting {
        EventCounting::InState => {
            expression.remove(&["is_sharded"]);
            expression.remove(&["merging_since"]);
        }
        EventCounting::InShards => {
            expression.set(&["is_sharded"], AttributeValue::Bool(true));
            expression.remove(&["merging_since"]);
        }
        EventCounting::Merging(since) => expression.set(&["merging_since"], text(since)),
    }
}

/// Returns the condition that the counters are still those of `before`.
pub(crate) fn counters_condition(expression: &mut UpdateExpression, before: &IncidentStateRecord) -> String {
    let IncidentStateRecord { row_counters: counters, firing_alerts, .. } = before;
    let numbers = [
        ("events", counters.events),
        ("resolved_events", counters.resolved_events),
        ("firing_alerts", firing_alerts.number),
    ];
    let mut conditions: Vec<String> = Vec::new();
    for (name, before) in numbers {
        let (path, value) = (expression.path(&[name]), expression.value(number(before)));
        let or_absent = if before == 0 { format!("attribute_not_exists({path}) OR ") } else { String::new() };
        conditions.push(format!("({or_absent}{path} = {value})"));
    }
    let path = expression.path(&["last_heard_at"]);
    conditions.push(match counters.last_heard_at {
        Some(at) => format!("{path} = {}", expression.value(text(at))),
        None => format!("attribute_not_exists({path})"),
    });
    conditions.join(" AND ")
}
