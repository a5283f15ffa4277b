//! What is remembered of each kind of trouble, with its latest incident: one row a kind in the `incidents` table.

use age_model::{
    Incident, IncidentCause, IncidentCounters, IncidentId, IncidentKey, IncidentState, IncidentStatus, Notification,
    Timestamp,
};
use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use serde::Deserialize;

use crate::db::{Db, Table};
use crate::incidents::{FiledRow, KEY};
use crate::row::{Item, RowName, number, text, value};
use crate::{Consistency, StoreError, keys, transaction};

#[derive(Debug, Deserialize)]
struct WatchRow {
    state: IncidentState,
    /// The events of the latest incident. Beside the watch, so that counting one changes nothing that others decide on.
    #[serde(default)]
    events: u64,
    #[serde(default)]
    last_event_at: Option<Timestamp>,
}

/// What the index of what is due has of an incident.
#[derive(Debug, Deserialize)]
struct DueRow {
    fingerprint: String,
    due_at: Timestamp,
}

/// What is remembered of a kind of trouble, as the table has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IncidentStateRecord {
    /// What is decided on.
    pub state: IncidentState,
    /// What is counted of its latest incident.
    pub counters: IncidentCounters,
}

/// What follows on something that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Next<'a> {
    /// The watch, if it changes.
    pub(crate) state: Option<&'a IncidentState>,
    /// When an event came that the incident counts, if one did.
    pub(crate) counted_at: Option<Timestamp>,
    /// The notice that was sent, if one was.
    pub(crate) notification: Option<&'a Notification>,
}

impl<'a> Next<'a> {
    /// The watch, and nothing else.
    pub(crate) const fn to(state: &'a IncidentState) -> Self {
        Self { state: Some(state), counted_at: None, notification: None }
    }
}

/// The watches in the `incidents` table.
#[derive(Debug, Clone)]
pub struct IncidentStates(pub(crate) Table);

impl IncidentStates {
    /// The table called `name`.
    #[must_use]
    pub fn new(db: &Db, name: impl Into<String>) -> Self {
        Self(db.table(name))
    }

    /// What is remembered of this kind of trouble; nothing, if it is new.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn get(&self, incident_key: &IncidentKey) -> Result<IncidentStateRecord, StoreError> {
        let key = [("fingerprint", text(keys::fingerprint(incident_key))), ("opened_at", text(keys::STATE))];
        let Some(item) = self.0.get(key, Consistency::Strong).await? else { return Ok(IncidentStateRecord::default()) };
        let row: WatchRow = self.row_name().read(&item)?;
        Ok(IncidentStateRecord {
            state: row.state,
            counters: IncidentCounters { events: row.events, last_event_at: row.last_event_at },
        })
    }

    /// Up to `limit` of each shard of the kinds whose incident was due at `now`, the longest due first. A row that cannot be
    /// read is an error of its own: it must not keep the others waiting.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be told what is due.
    pub async fn due(&self, now: Timestamp, limit: i32) -> Result<Vec<Result<IncidentKey, StoreError>>, StoreError> {
        let items = self.0.due(keys::due_shards(), Some(now), Some(limit)).await?;
        let parse = |item: &Item| {
            let name = self.row_name();
            let row: DueRow = name.read(item)?;
            let incident_key = keys::incident_key(&row.fingerprint);
            let incident_key =
                incident_key.ok_or_else(|| name.corrupt(item, "fingerprint", "is of no incident_key of trouble"))?;
            Ok((row.due_at, incident_key))
        };
        let mut due: Vec<Result<(Timestamp, IncidentKey), StoreError>> = items.iter().map(parse).collect();
        due.sort_by(|a, b| a.as_ref().ok().cmp(&b.as_ref().ok()));
        Ok(due.into_iter().map(|row| row.map(|(_, incident_key)| incident_key)).collect())
    }

    /// Writes what follows on `before`, as parts of a transaction, unless somebody else has decided something meanwhile.
    pub(crate) fn put(
        &self,
        incident_key: &IncidentKey,
        before: &IncidentStateRecord,
        next: &Next<'_>,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let (old, new) = (before.state.incident.as_ref(), next.state.unwrap_or(&before.state).incident.as_ref());
        let is_another = old.map(|old| old.opened_at) != new.map(|new| new.opened_at);
        let (mut set, mut remove, mut add) = (Vec::new(), Vec::new(), Vec::new());
        let mut update = Update::builder()
            .key("fingerprint", text(keys::fingerprint(incident_key)))
            .key("opened_at", text(keys::STATE))
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":before", number(before.state.version));
        let mut condition = "(attribute_not_exists(fingerprint) OR #state.version = :before)".to_owned();
        if let Some(state) = next.state {
            set.push("#state = :state");
            update = update.expression_attribute_values(":state", value(&self.row_name(), state)?);
            match new.and_then(|incident| incident.due_at) {
                Some(due_at) => {
                    set.push("due_shard = :due_shard, due_at = :due_at");
                    update = update
                        .expression_attribute_values(
                            ":due_shard",
                            text(keys::due_shard(&keys::fingerprint(incident_key))),
                        )
                        .expression_attribute_values(":due_at", text(due_at));
                }
                None => remove.push("due_shard, due_at"),
            }
        }
        if let Some(incident) = new.filter(|_| next.state.is_some()) {
            let id = IncidentId { key: incident_key.clone(), opened_at: incident.opened_at };
            set.push("#status = :status, listed = :listed");
            update = update
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":status", text(incident.status))
                .expression_attribute_values(":listed", text(keys::listed(&id)));
            match &incident.acknowledged {
                Some(mark) => {
                    set.push("acknowledged_at = :acknowledged_at");
                    update = update.expression_attribute_values(":acknowledged_at", text(mark.at));
                }
                None => remove.push("acknowledged_at"),
            }
            // INVARIANT: nothing is over, or put off, while an event comes that it counts and nobody has looked at.
            let put_off = old.is_some_and(|old| old.due_at < incident.due_at) && next.notification.is_none();
            if incident.status == IncidentStatus::Resolved || (put_off && incident.lease_expires_at.is_none()) {
                condition += " AND (attribute_not_exists(events) OR events = :events)";
                update = update.expression_attribute_values(":events", number(before.counters.events));
            }
        }
        // A new incident counts from the event that its remedy was for, if that is how it began.
        let first =
            u64::from(is_another && new.is_some_and(|incident| incident.cause == IncidentCause::FailedRemediation));
        if is_another {
            set.push("events = :events_now");
            let events = first + u64::from(next.counted_at.is_some());
            update = update.expression_attribute_values(":events_now", number(events));
        } else if next.counted_at.is_some() {
            add.push("events :one");
            update = update.expression_attribute_values(":one", number(1));
        }
        match next.counted_at {
            Some(at) => {
                set.push("last_event_at = :last_event_at");
                update = update.expression_attribute_values(":last_event_at", text(at));
            }
            None if is_another => remove.push("last_event_at"),
            None => {}
        }
        let parts = [("SET", set), ("REMOVE", remove), ("ADD", add)];
        let parts = parts.iter().filter(|(_, parts)| !parts.is_empty());
        let expression: Vec<String> = parts.map(|(verb, parts)| format!("{verb} {}", parts.join(", "))).collect();
        let update = update.update_expression(expression.join(" ")).condition_expression(condition);
        let mut items = vec![transaction::update(&self.0.name, update)?];
        if let Some(filed) = old.filter(|_| is_another) {
            items.push(self.put_filed(incident_key, filed, before.counters)?);
        }
        if let (Some(notification), Some(incident)) = (next.notification, new) {
            items.push(self.put_notice(incident_key, incident.opened_at, notification)?);
        }
        Ok(items)
    }

    /// Files an incident away: the kind's row is for the next one.
    fn put_filed(
        &self,
        incident_key: &IncidentKey,
        incident: &Incident,
        counters: IncidentCounters,
    ) -> Result<TransactWriteItem, StoreError> {
        let row = FiledRow::new(incident_key, incident, counters);
        transaction::put(&self.0.name, Put::builder().set_item(Some(self.row_name().write(&row)?)))
    }

    fn put_notice(
        &self,
        incident_key: &IncidentKey,
        opened_at: Timestamp,
        notification: &Notification,
    ) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .item("fingerprint", text(keys::fingerprint(incident_key)))
            .item("opened_at", text(keys::notification(opened_at, notification.number)))
            .item("notification", value(&self.row_name(), notification)?);
        transaction::put(&self.0.name, put)
    }

    const fn row_name(&self) -> RowName<'_> {
        RowName { table: self.0.name.as_str(), key: KEY }
    }
}
