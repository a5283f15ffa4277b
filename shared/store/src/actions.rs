//! The `actions` table: what is owed for an event, written with it, and how far each has come.

use age_model::{Action, ActionItem, ActionStatus, Engine, EventId, Timestamp};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use crate::db::{Db, Table};
use crate::row::{Item, RowName, number, text, value};
use crate::{Consistency, StoreError, keys, transaction};

/// How many events' actions are read at the same time.
const READS_AT_ONCE: usize = 16;

pub(crate) const KEY: &[&str] = &["event_id", "action"];

/// An action and its entry in the sparse index of what is due: all but the action itself.
#[derive(Debug, Serialize, Deserialize)]
struct ActionRow {
    event_id: EventId,
    action: Action,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_shard: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<Timestamp>,
    created_at: Timestamp,
    engine: Engine,
    status: ActionStatus,
    item: ActionItem,
}

/// An action that has not ended, as the index of what is due has it: a moment behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct OpenAction {
    /// The event it is for.
    pub event_id: EventId,
    /// Which.
    pub action: Action,
    /// The engine that the event is of.
    pub engine: Engine,
    /// How far it has come. What was dispatched may be done: that shows when it is looked at.
    pub status: ActionStatus,
    /// When it is to be looked at.
    pub due_at: Timestamp,
    /// When it came to be owed.
    pub created_at: Timestamp,
    /// Whether it could not be handed over, and waits for the next try.
    #[serde(skip)]
    pub waits: bool,
}

/// The `actions` table.
#[derive(Debug, Clone)]
pub struct Actions(pub(crate) Table);

impl Actions {
    /// The table called `name`.
    #[must_use]
    pub fn new(db: &Db, name: impl Into<String>) -> Self {
        Self(db.table(name))
    }

    /// The actions of an event, as they are now.
    ///
    /// # Errors
    /// [`StoreError`] if any cannot be read.
    pub async fn of_event(&self, event: EventId) -> Result<Vec<ActionItem>, StoreError> {
        let query = self
            .0
            .client
            .query()
            .key_condition_expression("event_id = :event_id")
            .expression_attribute_values(":event_id", text(event))
            .consistent_read(true);
        let rows = self.0.all(query).await?;
        let mut items: Vec<ActionItem> = rows.iter().map(|item| self.parse(item)).collect::<Result<_, _>>()?;
        items.sort_by_key(|item| item.action);
        Ok(items)
    }

    /// The actions of many events, in the order of the events.
    ///
    /// # Errors
    /// [`StoreError`] if any cannot be read.
    pub async fn of_events(&self, events: Vec<EventId>) -> Result<Vec<ActionItem>, StoreError> {
        let readings = stream::iter(events).map(|event| self.of_event(event)).buffered(READS_AT_ONCE);
        Ok(readings.try_collect::<Vec<_>>().await?.into_iter().flatten().collect())
    }

    /// One action, as it is now.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn get(&self, event: EventId, action: Action) -> Result<Option<ActionItem>, StoreError> {
        let key = [("event_id", text(event)), ("action", text(action))];
        self.0.get(key, Consistency::Strong).await?.map(|item| self.parse(&item)).transpose()
    }

    /// The actions that have not ended, those to be looked at first before the others; of each shard up to a megabyte, which
    /// are some thousands. A row that cannot be read is an error of its own: it must not keep the others waiting.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be told what is due.
    pub async fn open_actions(&self) -> Result<Vec<Result<OpenAction, StoreError>>, StoreError> {
        let shards =
            keys::due_shards().map(|shard| (shard, false)).chain(keys::retry_shards().map(|shard| (shard, true)));
        let of_shard = async |(shard, waits): (String, bool)| {
            let items = self.0.due(std::iter::once(shard), None, None).await?;
            let open_actions = |item: &Item| Ok(OpenAction { waits, ..self.row_name().read(item)? });
            Ok::<_, StoreError>(items.iter().map(open_actions).collect::<Vec<_>>())
        };
        let mut open_actions: Vec<_> = try_join_all(shards.map(of_shard)).await?.into_iter().flatten().collect();
        open_actions
            .sort_by_key(|row| row.as_ref().ok().map(|row: &OpenAction| (row.due_at, row.event_id, row.action)));
        Ok(open_actions)
    }

    /// Writes `new` in the place of `old` at `now`. False, and nothing is written, if it is no longer as `old` has it.
    ///
    /// # Errors
    /// [`StoreError`] if it was not written.
    pub(crate) async fn replace(&self, old: &ActionItem, new: &ActionItem, now: Timestamp) -> Result<bool, StoreError> {
        self.update(self.replacement(old, new, Entry::after(old, new, now))?).await
    }

    /// Lets `item` be looked at when something is due, if it is still so: it came up before.
    ///
    /// # Errors
    /// [`StoreError`] if it was not written.
    pub(crate) async fn put_off(&self, item: &ActionItem) -> Result<bool, StoreError> {
        self.update(self.replacement(item, item, Entry::Moves)?).await
    }

    async fn update(&self, update: UpdateBuilder) -> Result<bool, StoreError> {
        let Table { client, name } = &self.0;
        let update = transaction::built(name, update.table_name(name).build())?;
        let sent = client
            .update_item()
            .table_name(name)
            .set_key(Some(update.key))
            .update_expression(update.update_expression)
            .set_condition_expression(update.condition_expression)
            .set_expression_attribute_names(update.expression_attribute_names)
            .set_expression_attribute_values(update.expression_attribute_values);
        let Err(error) = sent.send().await else { return Ok(true) };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(StoreError::unwritten("UpdateItem", name, error)),
        }
    }

    /// Writes `new` in the place of `old` at `now`, as part of a transaction.
    pub(crate) fn put_replacement(
        &self,
        old: &ActionItem,
        new: &ActionItem,
        now: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        transaction::update(&self.0.name, self.replacement(old, new, Entry::after(old, new, now))?)
    }

    /// INVARIANT: a status changes along the table of moves, and from what it was when the change was decided on.
    fn replacement(&self, old: &ActionItem, new: &ActionItem, entry: Entry) -> Result<UpdateBuilder, StoreError> {
        if old.status != new.status {
            old.status.transition_to(new.status)?;
        }
        let mut expression = "SET #item = :item".to_owned();
        let mut condition = "#item.#status = :from AND #item.attempt = :attempt".to_owned();
        let mut update = Update::builder()
            .key("event_id", text(new.event_id))
            .key("action", text(new.action))
            .expression_attribute_names("#item", "item")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":item", value(&self.row_name(), new)?)
            .expression_attribute_values(":from", text(old.status))
            .expression_attribute_values(":attempt", number(old.attempt));
        if let Some(due_at) = old.due_at {
            condition += " AND #item.dueAt = :was_due";
            update = update.expression_attribute_values(":was_due", text(due_at));
        } else {
            condition += " AND attribute_not_exists(#item.dueAt)";
        }
        if entry != Entry::Stays {
            expression += ", #status = :to";
            update = update.expression_attribute_values(":to", text(new.status));
        }
        match (entry, new.due_at) {
            (Entry::Moves, Some(due_at)) => {
                expression += ", due_shard = :due_shard, due_at = :due_at";
                update = update
                    .expression_attribute_values(":due_shard", text(due_shard(new)))
                    .expression_attribute_values(":due_at", text(due_at));
            }
            (Entry::Moves, None) => expression += " REMOVE due_shard, due_at",
            (Entry::Stays | Entry::Shows, _) => {}
        }
        Ok(update.update_expression(expression).condition_expression(condition))
    }

    /// Records what is owed, as part of a transaction.
    pub(crate) fn put(&self, item: &ActionItem) -> Result<TransactWriteItem, StoreError> {
        transaction::put(&self.0.name, Put::builder().set_item(Some(self.write(item)?)))
    }

    /// Says of an action that has succeeded that it was of no use, as part of a transaction.
    pub(crate) fn put_ineffective(
        &self,
        event: EventId,
        action: Action,
        at: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let from = ActionStatus::Succeeded;
        let update = Update::builder()
            .key("event_id", text(event))
            .key("action", text(action))
            .update_expression(
                "SET #item.#status = :to, #status = :to, #item.verifiedAt = :at REMOVE due_shard, due_at, #item.dueAt",
            )
            .condition_expression("#item.#status = :from")
            .expression_attribute_names("#item", "item")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":at", text(at))
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":to", text(from.transition_to(ActionStatus::Ineffective)?));
        transaction::update(&self.0.name, update)
    }

    /// Moves the `notify_admin` of an event along with its incident, as part of a transaction.
    pub(crate) fn put_told(
        &self,
        event: EventId,
        from: ActionStatus,
        to: ActionStatus,
        at: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let when = if to == ActionStatus::Dispatched { "dispatchedAt" } else { "completedAt" };
        let update = Update::builder()
            .key("event_id", text(event))
            .key("action", text(Action::NotifyAdmin))
            .update_expression("SET #item.#status = :to, #status = :to, #item.#when = :at")
            .condition_expression("#item.#status = :from")
            .expression_attribute_names("#item", "item")
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#when", when)
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":to", text(from.transition_to(to)?))
            .expression_attribute_values(":at", text(at));
        transaction::update(&self.0.name, update)
    }

    fn parse(&self, item: &Item) -> Result<ActionItem, StoreError> {
        Ok(self.row_name().read::<ActionRow>(item)?.item)
    }

    fn write(&self, item: &ActionItem) -> Result<Item, StoreError> {
        self.row_name().write(&ActionRow {
            event_id: item.event_id,
            action: item.action,
            due_shard: item.due_at.map(|_| due_shard(item)),
            due_at: item.due_at,
            created_at: item.created_at,
            engine: item.engine,
            status: item.status,
            item: item.clone(),
        })
    }

    const fn row_name(&self) -> RowName<'_> {
        RowName { table: self.0.name.as_str(), key: KEY }
    }
}

/// What a change of an action does to its entry in the index of what is due. To move it costs two writes more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    /// It is as it was.
    Stays,
    /// It stays where it was and says how far the action has come.
    Shows,
    /// It goes to where the action is due now, or away.
    Moves,
}

impl Entry {
    /// INVARIANT: the index has an action at the time when something is due about it, or before. So what is put off may stay
    /// where it is until it comes up: nobody but the sweep waits for it to be moved.
    fn after(old: &ActionItem, new: &ActionItem, now: Timestamp) -> Self {
        let (Some(was_due), Some(due_at)) = (old.due_at, new.due_at) else { return Self::Moves };
        if was_due <= now || due_at < was_due || due_shard(old) != due_shard(new) {
            Self::Moves
        } else if (old.status, new.status) == (ActionStatus::Dispatched, ActionStatus::Succeeded) {
            Self::Stays
        } else {
            Self::Shows
        }
    }
}

fn due_shard(item: &ActionItem) -> String {
    let event = item.event_id.to_string();
    let waits = item.status == ActionStatus::Pending && item.last_failed_at.is_some();
    if waits { keys::retry_shard(&event) } else { keys::due_shard(&event) }
}
