//! The list of decisions, newest first.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use age_model::{
    Decision, DecisionApprovalStatus, DecisionEventStatus, DecisionId, Engine, StoreError, Timestamp, UnreadableItem,
    Verdict,
};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::decisions::Decisions;
use crate::dynamodb::attribute::{Item, text};
use crate::dynamodb::error::read_failed;
use crate::dynamodb::keys::Position;
use crate::dynamodb::query_filter::QueryFilter;
use crate::dynamodb::sort_key_range::SortKeyRange;
use crate::found::unreadable;

/// How many engines are read concurrently, each with a connection of its own.
const CONCURRENT_ENGINES: usize = 16;

/// The decisions to list: those that meet every condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DecisionFilter {
    /// The engines whose decisions are listed.
    pub engines: BTreeSet<Engine>,
    /// Only decisions with these verdicts; with any if empty.
    pub verdicts: BTreeSet<Verdict>,
    /// Only decisions whose approvals have these statuses; all if empty. An approval that nobody has decided in time is `pending` here
    /// until the next sweep; one that was approved and not used in time is still `approved`.
    pub approvals: BTreeSet<DecisionApprovalStatus>,
    /// Only decisions of whose operations the event has one of these statuses; all if empty.
    pub events: BTreeSet<DecisionEventStatus>,
    /// Whether only decisions are listed to which the shadow would have given another verdict.
    pub shadow_differs: bool,
    /// Only decisions made at this time or later.
    pub from: Option<Timestamp>,
    /// Only decisions made before this time.
    pub to: Option<Timestamp>,
}

impl DecisionFilter {
    /// Returns the conditions on the entries of `listing` that are no part of the index's key.
    fn conditions(&self) -> QueryFilter {
        let mut conditions = QueryFilter::default();
        conditions.one_of("verdict", &self.verdicts);
        conditions.one_of("approval_status", &self.approvals);
        conditions.one_of("event_status", &self.events);
        if self.shadow_differs {
            conditions.require_attribute("shadow_differs");
        }
        conditions
    }
}

/// A page of decisions, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionPage {
    /// The decisions.
    pub decisions: Vec<Decision>,
    /// The decisions of the page that cannot be read.
    pub unreadable: Vec<UnreadableItem>,
    /// The position after which the next page begins, if there is one.
    pub next: Option<Position>,
}

impl Decisions {
    /// Returns up to `limit` decisions that match `filter` and come after `before` in the list, newest first.
    ///
    /// The engines and times are ranges of the index's key. The other conditions filter its entries: for a full page, up to all
    /// entries of the period are read, and then only the decisions of the page.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be read.
    pub async fn list(
        &self,
        filter: &DecisionFilter,
        limit: usize,
        before: Option<&Position>,
    ) -> Result<DecisionPage, StoreError> {
        let [from, to] = [filter.from, filter.to].map(|time| time.map(|time| time.to_string()));
        let range = SortKeyRange::new(from, [to, before.map(ToString::to_string)]);
        let of_engine = |engine: &Engine| self.entries(*engine, &range, filter, limit + 1);
        let reads: Vec<_> = filter.engines.iter().map(of_engine).collect();
        let read: Vec<_> = stream::iter(reads).buffered(CONCURRENT_ENGINES).try_collect().await?;
        let mut entries: Vec<(Position, DecisionId)> = read.into_iter().flatten().collect();
        entries.sort_unstable_by(|one, other| Reverse(one).cmp(&Reverse(other)));
        let more = entries.len() > limit;
        entries.truncate(limit);
        let next = entries.last().filter(|_| more).map(|(position, _)| position.clone());
        self.page(entries, next).await
    }

    async fn page(
        &self,
        entries: Vec<(Position, DecisionId)>,
        next: Option<Position>,
    ) -> Result<DecisionPage, StoreError> {
        let key = |(_, id): &(Position, DecisionId)| Item::from([("id".to_owned(), text(id))]);
        let keys: Vec<Item> = entries.iter().map(key).collect();
        let items = if keys.is_empty() { Vec::new() } else { self.table.get_all(keys).await? };
        let mut page = DecisionPage { decisions: Vec::new(), unreadable: Vec::new(), next };
        let mut by_id: BTreeMap<DecisionId, Decision> = BTreeMap::new();
        for item in &items {
            match self.parse(item) {
                Ok(decision) => _ = by_id.insert(decision.id, decision),
                Err(error) => page.unreadable.push(unreadable(None, error)?),
            }
        }
        page.decisions = entries.iter().filter_map(|(_, id)| by_id.remove(id)).collect();
        Ok(page)
    }

    /// Returns up to `limit` entries of an engine in the index `listing`, newest first.
    async fn entries(
        &self,
        engine: Engine,
        range: &SortKeyRange,
        filter: &DecisionFilter,
        limit: usize,
    ) -> Result<Vec<(Position, DecisionId)>, StoreError> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let query = self.table.client.query().table_name(&self.table.name).index_name("listing");
        let query = query.scan_index_forward(false).expression_attribute_values(":engine", text(engine));
        let query = filter.conditions().apply(range.apply(query, "engine = :engine", "#at"), limit);
        let query = query.projection_expression("id, #at").expression_attribute_names("#at", "at");
        let mut items = query.into_paginator().items().send();
        let mut entries = Vec::new();
        while entries.len() < limit {
            let Some(item) = items.next().await else { break };
            let item = item.map_err(|error| read_failed("Query", &self.table.name, error))?;
            let of = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
            let (Some(at), Some(Ok(id))) = (of("at"), of("id").map(|id| id.parse())) else { continue };
            if range.contains(at) {
                entries.push((Position::stored(at), id));
            }
        }
        Ok(entries)
    }
}
