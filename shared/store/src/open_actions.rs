//! The actions that have not ended: the sparse index `due` of the `actions` table.

use age_model::{Action, ActionStatus, Engine, EventId, StoreError, Timestamp};
use futures_util::future::try_join_all;
use serde::Deserialize;

use crate::actions::Actions;
use crate::dynamodb::attribute::Item;
use crate::dynamodb::due_index::due_key;
use crate::dynamodb::keys;

/// How many pages of a partition of the index of open actions are read: the actions of an engine with very many must not hide those of
/// another that are due later.
const MAX_OPEN_PAGES: usize = 4;

/// An entry of the `due` index, without its `due_key`.
#[derive(Debug, Deserialize)]
struct OpenRow {
    event_id: EventId,
    action: Action,
    engine: Engine,
    status: ActionStatus,
    created_at: Timestamp,
}

/// An action that has not ended, as the eventually consistent `due` index has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenAction {
    /// The event that the action is for.
    pub event_id: EventId,
    /// The action.
    pub action: Action,
    /// The event's engine.
    pub engine: Engine,
    /// The status. An action that the index has as `dispatched` may have succeeded; its row has the current status.
    pub status: ActionStatus,
    /// The time at which the sweep looks at the action; never later than something is due.
    pub due_at: Timestamp,
    /// When the action was planned.
    pub created_at: Timestamp,
    /// Whether dispatching failed and the action waits for its next attempt.
    pub awaits_retry: bool,
}

impl Actions {
    /// Returns the actions that have not ended, by the time at which they are due; up to four megabytes of each partition, which are
    /// tens of thousands, and as many of those that await another attempt to dispatch. An unreadable row is an error of its own, so that
    /// it does not hide the others.
    ///
    /// # Errors
    /// [`StoreError`] if the index cannot be read.
    pub async fn open(&self) -> Result<Vec<Result<OpenAction, StoreError>>, StoreError> {
        let of_shard = async |shard: String| {
            let items = self.table().due_actions(&shard, MAX_OPEN_PAGES).await?;
            Ok::<_, StoreError>(items.iter().map(|item| self.parse_open(item)).collect::<Vec<_>>())
        };
        let mut open: Vec<_> = try_join_all(keys::due_shards().map(of_shard)).await?.into_iter().flatten().collect();
        open.sort_by_key(|row| row.as_ref().ok().map(|row: &OpenAction| (row.due_at, row.event_id, row.action)));
        Ok(open)
    }

    fn parse_open(&self, item: &Item) -> Result<OpenAction, StoreError> {
        let OpenRow { event_id, action, engine, status, created_at } = self.table().parse(item)?;
        let due = keys::parse_due_action(due_key(item));
        let (awaits_retry, due_at) = due.ok_or_else(|| self.table().corrupt(item, "due_key", "must be a time"))?;
        Ok(OpenAction { event_id, action, engine, status, due_at, created_at, awaits_retry })
    }
}
