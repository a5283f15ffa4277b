//! What is remembered of each kind of trouble, with its latest incident: one row a kind in the `incidents` table.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use model::{Cause, Incident, IncidentId, IncidentStatus, Kind, Notice, Tally, Timestamp, Watch};
use serde::Deserialize;

use crate::db::{Db, Table};
use crate::incidents::{FiledRow, KEY};
use crate::row::{Item, RowName, number, text, value};
use crate::{Consistency, StoreError, keys, transaction};

#[derive(Debug, Deserialize)]
struct WatchRow {
    watch: Watch,
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
pub struct Kept {
    /// What is decided on.
    pub watch: Watch,
    /// What is counted of its latest incident.
    pub tally: Tally,
}

/// What follows on something that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Next<'a> {
    /// The watch, if it changes.
    pub(crate) watch: Option<&'a Watch>,
    /// When an event came that the incident counts, if one did.
    pub(crate) counted_at: Option<Timestamp>,
    /// The notice that was sent, if one was.
    pub(crate) notice: Option<&'a Notice>,
}

impl<'a> Next<'a> {
    /// The watch, and nothing else.
    pub(crate) const fn to(watch: &'a Watch) -> Self {
        Self { watch: Some(watch), counted_at: None, notice: None }
    }
}

/// The watches in the `incidents` table.
#[derive(Debug, Clone)]
pub struct Watches(pub(crate) Table);

impl Watches {
    /// The table called `name`.
    #[must_use]
    pub fn new(db: &Db, name: impl Into<String>) -> Self {
        Self(db.table(name))
    }

    /// What is remembered of this kind of trouble; nothing, if it is new.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn get(&self, kind: &Kind) -> Result<Kept, StoreError> {
        let key = [("fingerprint", text(keys::fingerprint(kind))), ("opened_at", text(keys::WATCH))];
        let Some(item) = self.0.get(key, Consistency::Strong).await? else { return Ok(Kept::default()) };
        let row: WatchRow = self.row_name().read(&item)?;
        Ok(Kept { watch: row.watch, tally: Tally { events: row.events, last_event_at: row.last_event_at } })
    }

    /// Up to `limit` of each shard of the kinds whose incident was due at `now`, the longest due first. A row that cannot be
    /// read is an error of its own: it must not keep the others waiting.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be told what is due.
    pub async fn due(&self, now: Timestamp, limit: i32) -> Result<Vec<Result<Kind, StoreError>>, StoreError> {
        let items = self.0.due(keys::due_shards(), Some(now), Some(limit)).await?;
        let parse = |item: &Item| {
            let name = self.row_name();
            let row: DueRow = name.read(item)?;
            let kind = keys::kind(&row.fingerprint);
            let kind = kind.ok_or_else(|| name.corrupt(item, "fingerprint", "is of no kind of trouble"))?;
            Ok((row.due_at, kind))
        };
        let mut due: Vec<Result<(Timestamp, Kind), StoreError>> = items.iter().map(parse).collect();
        due.sort_by(|a, b| a.as_ref().ok().cmp(&b.as_ref().ok()));
        Ok(due.into_iter().map(|row| row.map(|(_, kind)| kind)).collect())
    }

    /// Writes what follows on `before`, as parts of a transaction, unless somebody else has decided something meanwhile.
    pub(crate) fn put(
        &self,
        kind: &Kind,
        before: &Kept,
        next: &Next<'_>,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let (old, new) = (before.watch.incident.as_ref(), next.watch.unwrap_or(&before.watch).incident.as_ref());
        let is_another = old.map(|old| old.opened_at) != new.map(|new| new.opened_at);
        let (mut set, mut remove, mut add) = (Vec::new(), Vec::new(), Vec::new());
        let mut update = Update::builder()
            .key("fingerprint", text(keys::fingerprint(kind)))
            .key("opened_at", text(keys::WATCH))
            .expression_attribute_names("#watch", "watch")
            .expression_attribute_values(":before", number(before.watch.version));
        let mut condition = "(attribute_not_exists(fingerprint) OR #watch.version = :before)".to_owned();
        if let Some(watch) = next.watch {
            set.push("#watch = :watch");
            update = update.expression_attribute_values(":watch", value(&self.row_name(), watch)?);
            match new.and_then(|incident| incident.due_at) {
                Some(due_at) => {
                    set.push("due_shard = :due_shard, due_at = :due_at");
                    update = update
                        .expression_attribute_values(":due_shard", text(keys::due_shard(&keys::fingerprint(kind))))
                        .expression_attribute_values(":due_at", text(due_at));
                }
                None => remove.push("due_shard, due_at"),
            }
        }
        if let Some(incident) = new.filter(|_| next.watch.is_some()) {
            let id = IncidentId { kind: kind.clone(), opened_at: incident.opened_at };
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
            let put_off = old.is_some_and(|old| old.due_at < incident.due_at) && next.notice.is_none();
            if incident.status == IncidentStatus::Resolved || (put_off && incident.sending_until.is_none()) {
                condition += " AND (attribute_not_exists(events) OR events = :events)";
                update = update.expression_attribute_values(":events", number(before.tally.events));
            }
        }
        // A new incident counts from the event that its remedy was for, if that is how it began.
        let first = u64::from(is_another && new.is_some_and(|incident| incident.cause == Cause::Action));
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
            items.push(self.put_filed(kind, filed, before.tally)?);
        }
        if let (Some(notice), Some(incident)) = (next.notice, new) {
            items.push(self.put_notice(kind, incident.opened_at, notice)?);
        }
        Ok(items)
    }

    /// Files an incident away: the kind's row is for the next one.
    fn put_filed(&self, kind: &Kind, incident: &Incident, tally: Tally) -> Result<TransactWriteItem, StoreError> {
        let row = FiledRow::new(kind, incident, tally);
        transaction::put(&self.0.name, Put::builder().set_item(Some(self.row_name().write(&row)?)))
    }

    fn put_notice(&self, kind: &Kind, opened_at: Timestamp, notice: &Notice) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .item("fingerprint", text(keys::fingerprint(kind)))
            .item("opened_at", text(keys::notice(opened_at, notice.number)))
            .item("notice", value(&self.row_name(), notice)?);
        transaction::put(&self.0.name, put)
    }

    const fn row_name(&self) -> RowName<'_> {
        RowName { table: self.0.name.as_str(), key: KEY }
    }
}
