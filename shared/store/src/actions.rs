//! The `actions` table: actions, written with their event; the index `timeline` of all, and the sparse index `due` of those that have not
//! ended.

use age_model::{Action, ActionItem, ActionStatus, Engine, EventId, StoreError, Timestamp};
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{Put, Update};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use crate::dynamodb::attribute::{Item, number, text};
use crate::dynamodb::client::{Consistency, DynamoDb, Table};
use crate::dynamodb::error::built;
use crate::dynamodb::keys;
use crate::dynamodb::keys::Position;
use crate::dynamodb::transaction::{self, TransactionResult, Write};
use crate::dynamodb::update::UpdateExpression;
use crate::found::Found;

/// How many events' actions are read concurrently.
const CONCURRENT_READS: usize = 16;

/// An action, and its entries in the indexes.
#[derive(Debug, Serialize)]
struct ActionRow<'a> {
    event_id: EventId,
    action: Action,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_shard: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_key: Option<String>,
    bucket: String,
    at: String,
    created_at: Timestamp,
    engine: Engine,
    status: ActionStatus,
    item: &'a ActionItem,
    /// When DynamoDB deletes the row, in seconds since 1970.
    expires_at: i64,
}

/// The attribute of a row that has the action.
#[derive(Debug, Deserialize)]
struct StoredAction {
    item: ActionItem,
}

/// The `actions` table.
#[derive(Debug, Clone)]
pub struct Actions(Table);

impl Actions {
    /// Uses the table `name`.
    #[must_use]
    pub fn new(db: &DynamoDb, name: impl Into<String>) -> Self {
        Self(db.table(name, &["event_id", "action"]))
    }

    /// Opens the connection during init, before the first request needs it.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be read.
    pub async fn warm(&self) -> Result<(), StoreError> {
        let key = [("event_id", text("warm")), ("action", text("warm"))];
        self.0.get(key, Consistency::Eventual).await.map(drop)
    }

    /// Returns the actions of an event, read strongly, in the order of [`Action::ALL`].
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be read.
    pub async fn of_event(&self, event: EventId) -> Result<Found<ActionItem>, StoreError> {
        let query = self
            .0
            .client
            .query()
            .key_condition_expression("event_id = :event_id")
            .expression_attribute_values(":event_id", text(event))
            .consistent_read(true);
        let rows = self.0.all(query).await?;
        let mut found = Found::of(rows.iter().map(|item| self.parse(item)))?;
        found.items.sort_by_key(|item| item.action);
        Ok(found)
    }

    /// Returns the actions of many events, in the order of `events`.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be read.
    pub async fn of_events(&self, events: Vec<EventId>) -> Result<Found<ActionItem>, StoreError> {
        let mut reads = stream::iter(events).map(|event| self.of_event(event)).buffered(CONCURRENT_READS);
        let mut found = Found::default();
        while let Some(of_event) = reads.try_next().await? {
            found.extend(of_event);
        }
        Ok(found)
    }

    /// Returns those of `actions` that exist, each the action of an event, read strongly, in the order of `actions`.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be read.
    pub async fn get_all(
        &self,
        actions: impl IntoIterator<Item = (EventId, Action)>,
    ) -> Result<Found<ActionItem>, StoreError> {
        let key =
            |(event, action)| Item::from([("event_id".to_owned(), text(event)), ("action".to_owned(), text(action))]);
        Found::of(self.read(actions.into_iter().map(key).collect()).await?.into_iter().flatten())
    }

    /// Returns the action under each of `keys`, read strongly. None: it does not exist, or has expired.
    pub(crate) async fn read(
        &self,
        keys: Vec<Item>,
    ) -> Result<Vec<Option<Result<ActionItem, StoreError>>>, StoreError> {
        let rows = self.0.get_each(keys).await?;
        Ok(rows.iter().map(|row| row.as_ref().map(|row| self.parse(row))).collect())
    }

    /// Returns one action, read strongly.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn get(&self, event: EventId, action: Action) -> Result<Option<ActionItem>, StoreError> {
        let key = [("event_id", text(event)), ("action", text(action))];
        self.0.get(key, Consistency::Strong).await?.map(|item| self.parse(&item)).transpose()
    }

    /// Replaces `old` by `new` at `now`. Returns false, and nothing is written, if the row is no longer `old`.
    ///
    /// # Errors
    /// [`StoreError`] if it was not written.
    pub async fn replace(&self, old: &ActionItem, new: &ActionItem, now: Timestamp) -> Result<bool, StoreError> {
        self.update(self.replacement(old, new, DueIndexChange::between(old, new, now))?).await
    }

    /// Moves the entry of `item` in the `due` index to the time at which it is due, if the row is still `item`.
    ///
    /// # Errors
    /// [`StoreError`] if it was not written.
    pub async fn reindex(&self, item: &ActionItem) -> Result<bool, StoreError> {
        self.update(self.replacement(item, item, DueIndexChange::Move)?).await
    }

    async fn update(&self, update: UpdateBuilder) -> Result<bool, StoreError> {
        let Table { client, name, .. } = &self.0;
        let update = built(name, update.table_name(name).build())?;
        let update = client
            .update_item()
            .table_name(name)
            .set_key(Some(update.key))
            .update_expression(update.update_expression)
            .set_condition_expression(update.condition_expression)
            .set_expression_attribute_names(update.expression_attribute_names)
            .set_expression_attribute_values(update.expression_attribute_values);
        self.0.update_if(update).await
    }

    /// Sends `writes` of this and other tables once as one transaction.
    ///
    /// # Errors
    /// [`StoreError`] if the result is unknown, or DynamoDB refused the transaction for another reason than its conditions.
    pub async fn commit(&self, writes: Vec<Write>) -> Result<TransactionResult, StoreError> {
        self.0.commit(writes).await
    }

    /// Returns the writes that insert the actions of an event, `items`, which expire at `expires_at`. In lists, their order is that of
    /// `items`, among the actions of the events of `shard` of the engine's day.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be serialized.
    pub fn insertions(
        &self,
        items: &[ActionItem],
        shard: u32,
        expires_at: Timestamp,
    ) -> Result<Vec<Write>, StoreError> {
        let following = (0..items.len()).rev();
        items
            .iter()
            .zip(following)
            .map(|(item, following)| self.insertion(item, following, shard, expires_at))
            .collect()
    }

    fn insertion(
        &self,
        item: &ActionItem,
        following: usize,
        shard: u32,
        expires_at: Timestamp,
    ) -> Result<Write, StoreError> {
        let row = ActionRow {
            event_id: item.event_id,
            action: item.action,
            due_shard: item.due_at.map(|_| due_shard(item)),
            due_key: item.due_at.map(|due_at| keys::due_action(awaits_retry(item), due_at)),
            bucket: keys::bucket(item.engine, item.created_at.day(), shard),
            at: Position::of_action(item.created_at, item.event_id, following).to_string(),
            created_at: item.created_at,
            engine: item.engine,
            status: item.status,
            item,
            expires_at: expires_at.seconds(),
        };
        transaction::put(&self.0.name, Put::builder().set_item(Some(self.0.serialize(&row)?)))
    }

    /// Returns the write that replaces `old` by `new` at `now`, on the condition that the row is still `old`.
    ///
    /// # Errors
    /// [`StoreError::InvalidTransition`] if the status does not permit it.
    pub fn replacement_write(&self, old: &ActionItem, new: &ActionItem, now: Timestamp) -> Result<Write, StoreError> {
        transaction::update(&self.0.name, self.replacement(old, new, DueIndexChange::between(old, new, now))?)
    }

    /// Returns the write that makes a succeeded action ineffective at `at`, on the condition that it is still `succeeded`.
    ///
    /// # Errors
    /// [`StoreError`] if the request cannot be built.
    pub fn ineffective(&self, event: EventId, action: Action, at: Timestamp) -> Result<Write, StoreError> {
        let from = ActionStatus::Succeeded;
        let update = Update::builder()
            .key("event_id", text(event))
            .key("action", text(action))
            .update_expression(
                "SET #item.#status = :to, #status = :to, #item.verifiedAt = :at REMOVE due_shard, due_key, #item.dueAt",
            )
            .condition_expression("#item.#status = :from")
            .expression_attribute_names("#item", "item")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":at", text(at))
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":to", text(from.transition_to(ActionStatus::Ineffective)?));
        transaction::update(&self.0.name, update)
    }

    /// Returns the write that changes the `notify_admin` of an event from status `from` to `to` at `at`.
    ///
    /// # Errors
    /// [`StoreError::InvalidTransition`] if the status does not permit it.
    pub fn notification_status(
        &self,
        event: EventId,
        from: ActionStatus,
        to: ActionStatus,
        at: Timestamp,
    ) -> Result<Write, StoreError> {
        let time = if to == ActionStatus::Dispatched { "dispatchedAt" } else { "completedAt" };
        let update = Update::builder()
            .key("event_id", text(event))
            .key("action", text(Action::NotifyAdmin))
            .update_expression("SET #item.#status = :to, #status = :to, #item.#time = :at")
            .condition_expression("#item.#status = :from")
            .expression_attribute_names("#item", "item")
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#time", time)
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":to", text(from.transition_to(to)?))
            .expression_attribute_values(":at", text(at));
        transaction::update(&self.0.name, update)
    }

    /// INVARIANT: a status changes along the table of transitions, and only from the status that the change was decided on.
    fn replacement(
        &self,
        old: &ActionItem,
        new: &ActionItem,
        index: DueIndexChange,
    ) -> Result<UpdateBuilder, StoreError> {
        if old.status != new.status {
            old.status.transition_to(new.status)?;
        }
        let mut expression = UpdateExpression::default();
        expression.change(&["item"], &self.0.attribute(old)?, &self.0.attribute(new)?);
        if index != DueIndexChange::None {
            expression.set(&["status"], text(new.status));
        }
        match (index, new.due_at) {
            (DueIndexChange::Move, Some(due_at)) => {
                expression.set(&["due_shard"], text(due_shard(new)));
                expression.set(&["due_key"], text(keys::due_action(awaits_retry(new), due_at)));
            }
            (DueIndexChange::Move, None) => {
                expression.remove(&["due_shard"]);
                expression.remove(&["due_key"]);
            }
            (DueIndexChange::None | DueIndexChange::Status, _) => {}
        }
        let [status, attempt, was_due] = ["status", "attempt", "dueAt"].map(|name| expression.path(&["item", name]));
        let update = expression
            .into_update()
            .key("event_id", text(new.event_id))
            .key("action", text(new.action))
            .expression_attribute_values(":from", text(old.status))
            .expression_attribute_values(":attempt", number(old.attempt));
        let unchanged = format!("{status} = :from AND {attempt} = :attempt");
        Ok(match old.due_at {
            Some(due_at) => update
                .condition_expression(format!("{unchanged} AND {was_due} = :was_due"))
                .expression_attribute_values(":was_due", text(due_at)),
            None => update.condition_expression(format!("{unchanged} AND attribute_not_exists({was_due})")),
        })
    }

    fn parse(&self, item: &Item) -> Result<ActionItem, StoreError> {
        Ok(self.0.parse::<StoredAction>(item)?.item)
    }

    pub(crate) const fn table(&self) -> &Table {
        &self.0
    }
}

/// How a change of an action changes its entry in the `due` index. Moving the entry costs two more write units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DueIndexChange {
    /// The entry stays as it is.
    None,
    /// The entry keeps its time and shows the new status.
    Status,
    /// The entry moves to the new due time, or is removed.
    Move,
}

impl DueIndexChange {
    /// INVARIANT: the index has an action at its due time or before. An action that is postponed may keep its entry until the
    /// sweep finds it and moves the entry.
    fn between(old: &ActionItem, new: &ActionItem, now: Timestamp) -> Self {
        let (Some(was_due), Some(due_at)) = (old.due_at, new.due_at) else { return Self::Move };
        if was_due <= now || due_at < was_due || awaits_retry(old) != awaits_retry(new) {
            Self::Move
        } else if (old.status, new.status) == (ActionStatus::Dispatched, ActionStatus::Succeeded) {
            Self::None
        } else {
            Self::Status
        }
    }
}

fn due_shard(item: &ActionItem) -> String {
    keys::due_shard(&item.event_id.to_string())
}

fn awaits_retry(item: &ActionItem) -> bool {
    item.status == ActionStatus::Pending && item.last_failed_at.is_some()
}
