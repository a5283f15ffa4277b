//! The decisions whose approvals are pending.

use age_model::{
    Decision, DecisionApprovalStatus, DecisionId, Engine, StoreError, Timestamp, UnreadableItem, take_turns,
};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::decisions::Decisions;
use crate::dynamodb::attribute::{Item, text};
use crate::dynamodb::error::read_failed;
use crate::dynamodb::query_filter::QueryFilter;
use crate::dynamodb::sort_key_range::SortKeyRange;
use crate::found::Found;

/// How many decisions of each engine are counted.
const MAX_COUNTED: usize = 100;

/// How many engines are read concurrently, each with a connection of its own.
const CONCURRENT_ENGINES: usize = 16;

/// The longest time that responders have to approve a decision, in seconds: the policy allows no more than a day.
const MAX_PENDING_SECONDS: i64 = 86_400;

/// Decisions whose approvals are pending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PendingApprovals {
    /// The decisions, first the one whose time is up first.
    pub decisions: Vec<Decision>,
    /// How many more there are; of each engine, up to 100 are counted.
    pub more: usize,
    /// The decisions among those read that cannot be read.
    pub unreadable: Vec<UnreadableItem>,
}

impl Decisions {
    /// Returns up to `limit` decisions of `engines` whose approvals are pending at `now`. If there are more, engines take turns, so that one
    /// with many does not hide those of another.
    ///
    /// Makes one query of each engine over the decisions of a day, and one read of each decision that is returned. A new decision may be
    /// missing for some seconds.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be read.
    pub async fn pending(
        &self,
        engines: impl Iterator<Item = Engine>,
        limit: usize,
        now: Timestamp,
    ) -> Result<PendingApprovals, StoreError> {
        let reads: Vec<_> = engines.map(|engine| self.pending_of(engine, now)).collect();
        let found: Vec<_> = stream::iter(reads).buffered(CONCURRENT_ENGINES).try_collect().await?;
        let found: Vec<(Engine, DecisionId)> = found.into_iter().flatten().collect();
        let ids: Vec<DecisionId> = take_turns(found, |(engine, _)| *engine).into_iter().map(|(_, id)| id).collect();
        let key = |id: &DecisionId| Item::from([("id".to_owned(), text(id))]);
        let keys: Vec<Item> = ids.iter().take(limit).map(key).collect();
        let rows = if keys.is_empty() { Vec::new() } else { self.table.get_all(keys).await? };
        let Found { items: mut decisions, unreadable } = Found::of(rows.iter().map(|row| self.parse(row)))?;
        // The index is eventually consistent, and it does not know whose time is up.
        let until = |decision: &Decision| {
            let approval = decision.approval.as_ref()?;
            (approval.status_at(now) == DecisionApprovalStatus::Pending).then_some(approval.until)
        };
        decisions.retain(|decision| until(decision).is_some());
        decisions.sort_by_key(|decision| (until(decision), decision.id));
        Ok(PendingApprovals { decisions, more: ids.len().saturating_sub(limit), unreadable })
    }

    /// Returns up to [`MAX_COUNTED`] decisions of `engine` with pending approvals, the oldest first.
    async fn pending_of(&self, engine: Engine, now: Timestamp) -> Result<Vec<(Engine, DecisionId)>, StoreError> {
        let since = now.plus_seconds(-MAX_PENDING_SECONDS);
        let range = SortKeyRange::new(Some(since.to_string()), [None, None]);
        let mut is_pending = QueryFilter::default();
        is_pending.one_of("approval_status", [DecisionApprovalStatus::Pending]);
        let query = self.table.client.query().table_name(&self.table.name).index_name("listing");
        let query = query.expression_attribute_values(":engine", text(engine));
        let query = is_pending.apply(range.apply(query, "engine = :engine", "#at"), MAX_COUNTED);
        let query = query.projection_expression("id").expression_attribute_names("#at", "at");
        let mut items = query.into_paginator().items().send();
        let mut pending = Vec::new();
        while pending.len() < MAX_COUNTED {
            let Some(item) = items.next().await else { break };
            let item = item.map_err(|error| read_failed("Query", &self.table.name, error))?;
            let id = item.get("id").and_then(|value| value.as_s().ok()).and_then(|id| id.parse().ok());
            pending.extend(id.map(|id| (engine, id)));
        }
        Ok(pending)
    }
}
