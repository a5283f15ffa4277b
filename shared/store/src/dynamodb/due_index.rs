//! The sparse `due` indexes: what is due for the rows of a table.
//!
//! The entries of incidents and decisions are in groups, one of each engine and step. A partition has the groups of several engines, so an
//! idle system has few partitions to read, however many engines it has. A read skips from one group to the next: the many entries of an
//! engine hide none of another, and cost no more than those of them that are read.

use age_model::{Engine, StoreError, Timestamp};
use futures_util::future::try_join_all;

use crate::dynamodb::attribute::{Item, text};
use crate::dynamodb::client::Table;
use crate::dynamodb::error::read_failed;
use crate::dynamodb::keys;
use crate::dynamodb::sort_key_range::SortKeyRange;

/// How many entries are read to find the next groups: about as many as half a read unit pays for.
const PAGE: usize = 32;

/// The most entries of one query.
const MAX_PAGE: usize = 500;

/// Items that are due, as an eventually consistent `due` index has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueItems<T> {
    /// The items. An unreadable row is an error of its own, so that it does not hide the others.
    pub items: Vec<Result<T, StoreError>>,
    /// Since when the earliest item is due that was not read, because the limit of its engine was reached.
    pub unread_since: Option<Timestamp>,
}

/// A group of which some entries were read.
#[derive(Debug, Default)]
struct Group {
    name: String,
    /// How many more entries are wanted. None: the group is not wanted.
    left: Option<usize>,
    /// Whether no further entry is wanted, or due.
    is_finished: bool,
}

/// Which entries are due, wanted, and how they are parsed: at once, because a parsed one is much smaller.
struct DueQuery<L, P> {
    until: Timestamp,
    limit: L,
    parse: P,
}

impl<T> DueItems<T> {
    const fn empty() -> Self {
        Self { items: Vec::new(), unread_since: None }
    }

    /// Adds the next entry of `group`, if it is due and wanted.
    fn add(&mut self, group: &mut Group, item: &Item, is_due: bool, parse: impl Fn(&Item) -> Result<T, StoreError>) {
        if group.is_finished {
            return;
        }
        match &mut group.left {
            Some(left) if is_due && *left > 0 => {
                *left -= 1;
                self.items.push(parse(item));
            }
            left => {
                group.is_finished = true;
                if is_due && left.is_some() {
                    let (_, due_at) = keys::due_group(due_key(item));
                    self.unread_since = self.unread_since.into_iter().chain(due_at.parse().ok()).min();
                }
            }
        }
    }
}

impl Table {
    /// Returns what is due at `until`, the earliest first. `limit` returns for the name of a group how many of its entries are wanted; None
    /// if the group is not wanted. `parse` parses an entry.
    ///
    /// Makes at least one query of each partition, and about one more for each group with many entries.
    pub(crate) async fn due_by_group<T: Ord>(
        &self,
        until: Timestamp,
        limit: impl Fn(&str) -> Option<usize>,
        parse: impl Fn(&Item) -> Result<T, StoreError>,
    ) -> Result<DueItems<T>, StoreError> {
        let query = DueQuery { until, limit, parse };
        let of_shard = async |shard: String| self.due_of_shard(&shard, &query).await;
        let shards = try_join_all(keys::due_shards().map(of_shard)).await?;
        let unread_since = shards.iter().filter_map(|due| due.unread_since).min();
        let mut items: Vec<Result<T, StoreError>> = shards.into_iter().flat_map(|due| due.items).collect();
        items.sort_by(|one, other| one.as_ref().ok().cmp(&other.as_ref().ok()));
        Ok(DueItems { items, unread_since })
    }

    async fn due_of_shard<T>(
        &self,
        shard: &str,
        query: &DueQuery<impl Fn(&str) -> Option<usize>, impl Fn(&Item) -> Result<T, StoreError>>,
    ) -> Result<DueItems<T>, StoreError> {
        let DueQuery { until, limit, parse } = query;
        let until_text = until.to_string();
        let (mut due, mut from) = (DueItems::empty(), None);
        loop {
            let range = SortKeyRange::new(from, [None, None]);
            let (items, last) = self.due_page(shard, &range, None, Some(PAGE)).await?;
            let mut group = Group::default();
            for item in &items {
                let (name, due_at) = keys::due_group(due_key(item));
                if name != group.name {
                    group = Group { name: name.to_owned(), left: limit(name), is_finished: false };
                }
                due.add(&mut group, item, due_at <= until_text.as_str(), parse);
            }
            let Some(mut after) = last else { return Ok(due) };
            while !group.is_finished {
                let end = keys::due_in_group(&group.name, *until);
                let range = SortKeyRange::new(Some(due_key(&after).to_owned()), [Some(end), None]);
                // One more shows whether some are left unread.
                let wanted = group.left.unwrap_or_default().saturating_add(1).min(MAX_PAGE);
                let (items, next) = self.due_page(shard, &range, Some(after.clone()), Some(wanted)).await?;
                for item in &items {
                    due.add(&mut group, item, true, parse);
                }
                let Some(next) = next else { break };
                after = next;
            }
            let (name, _) = keys::due_group(due_key(&after));
            from = Some(keys::after_due_group(name));
        }
    }

    /// Returns the first `limit` entries of `engine`, whether they are due or not.
    pub(crate) async fn due_of_engine(&self, engine: Engine, limit: usize) -> Result<Vec<Item>, StoreError> {
        let (shard, end) = (keys::due_shard(engine.as_str()), keys::after_due_group(engine.as_str()));
        let range = SortKeyRange::new(Some(keys::due_of_engine(engine)), [Some(end), None]);
        let (mut entries, mut after) = (Vec::new(), None);
        while entries.len() < limit {
            let (items, last) = self.due_page(&shard, &range, after, Some(limit - entries.len())).await?;
            entries.extend(items);
            if last.is_none() {
                break;
            }
            after = last;
        }
        Ok(entries)
    }

    /// Returns the entries of actions in a partition, the earliest first: up to `pages` pages of those that await another attempt to
    /// dispatch, and of the others, so that neither hide the other ones.
    pub(crate) async fn due_actions(&self, shard: &str, pages: usize) -> Result<Vec<Item>, StoreError> {
        let (mut entries, last) = self.due_pages(shard, &SortKeyRange::default(), None, pages).await?;
        if let Some(last) = last {
            let retries = SortKeyRange::new(Some(keys::RETRIES.to_owned()), [None, None]);
            let after = Some(last).filter(|last| retries.contains(due_key(last)));
            entries.extend(self.due_pages(shard, &retries, after, pages).await?.0);
        }
        Ok(entries)
    }

    /// Returns up to `pages` pages of a partition, as [`due_page`](Self::due_page) does.
    async fn due_pages(
        &self,
        shard: &str,
        range: &SortKeyRange,
        mut after: Option<Item>,
        pages: usize,
    ) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let mut entries = Vec::new();
        for _ in 0..pages {
            let (items, last) = self.due_page(shard, range, after, None).await?;
            entries.extend(items);
            after = last;
            if after.is_none() {
                break;
            }
        }
        Ok((entries, after))
    }

    /// Returns up to `limit` entries of a partition whose keys are in `range`, after the entry `after`, and the key of the last one if there
    /// may be more. Without `limit`, it is a page of a megabyte.
    async fn due_page(
        &self,
        shard: &str,
        range: &SortKeyRange,
        after: Option<Item>,
        limit: Option<usize>,
    ) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let limit = limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX));
        let query = self.client.query().table_name(&self.name).index_name("due").set_limit(limit);
        let query = range.apply(query, "due_shard = :shard", "due_key");
        let query = query.expression_attribute_values(":shard", text(shard)).set_exclusive_start_key(after);
        let page = query.send().await.map_err(|error| read_failed("Query", &self.name, error))?;
        Ok((page.items.unwrap_or_default(), page.last_evaluated_key))
    }
}

/// Returns the key of an entry.
pub(crate) fn due_key(item: &Item) -> &str {
    item.get("due_key").and_then(|key| key.as_s().ok()).map_or("", String::as_str)
}
