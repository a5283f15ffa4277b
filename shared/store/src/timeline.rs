//! The indexes `timeline`: events, and their actions, newest first. The rollups show which engine, shard and hour have events that
//! match, and only those ranges of an index are read.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use age_model::{Clock, Day, Engine, Hour, Severity, StoreError, Timestamp};
use futures_util::future;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::dynamodb::attribute::{Item, text};
use crate::dynamodb::client::Table;
use crate::dynamodb::error::read_failed;
use crate::dynamodb::keys;
use crate::dynamodb::keys::Position;
use crate::dynamodb::query_filter::QueryFilter;
use crate::rollups::{Freshness, Rollup, Rollups};

/// The most details on a page, in bytes. A Lambda response has at most 6 MB, in which the quotes of the body are escaped again.
const PAGE_BYTES: usize = 2 * 1024 * 1024;

/// The most blocks that are read for one page. A page that is short because few entries match still has a next position.
const MAX_BLOCKS: usize = 32;

/// A block of hours is not extended once it has this many partitions.
const BLOCK_PARTITIONS: usize = 64;

/// How many partitions are read concurrently. Each may return a megabyte.
const CONCURRENT_READS: usize = 16;

/// How far ahead of this environment's clock another's may be. Lambda keeps clocks within milliseconds.
const CLOCK_SKEW_SECONDS: i64 = 600;

/// The entries to find: those that meet every condition.
#[derive(Debug, Default)]
pub(crate) struct TimelineFilter {
    /// Only entries of these engines.
    pub(crate) engines: BTreeSet<Engine>,
    /// Only entries of events of these severities.
    pub(crate) severities: BTreeSet<Severity>,
    /// Also entries of events of severities that this version does not know.
    pub(crate) or_unknown_severities: bool,
    /// Only entries of events accepted at this time or later.
    pub(crate) from: Option<Timestamp>,
    /// Only entries of events accepted before this time.
    pub(crate) to: Option<Timestamp>,
    /// Conditions on attributes of the entries.
    pub(crate) conditions: QueryFilter,
}

/// An entry of the index.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) position: Position,
    /// The attributes that the index has.
    pub(crate) item: Item,
}

impl Entry {
    /// The size of an event's details; zero for an action, whose entry has only keys.
    fn details_bytes(&self) -> usize {
        self.item.get("details").and_then(|details| details.as_s().ok()).map_or(0, String::len)
    }
}

/// A page of entries, newest first.
#[derive(Debug)]
pub(crate) struct TimelinePage {
    pub(crate) entries: Vec<Entry>,
    /// The position of the next page, if there may be more entries.
    pub(crate) next: Option<Position>,
}

/// Whether a page of an index begins before the rollups show which partitions have entries that match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadAhead {
    /// The rollups come first.
    None,
    /// The first partition that each engine has for the newest day is read beside the rollups. That costs up to half a read unit for each
    /// engine, and makes most pages one call in line shorter.
    NewestDay,
}

/// The index `timeline` of a table.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    table: Table,
    rollups: Rollups,
    /// After how many days the rows of the table expire.
    retention_days: i64,
}

/// A partition of the index `timeline`: the events of one engine, day and shard.
type Partition = (Engine, Day, u32);

/// An hour in which partitions have matching events.
#[derive(Debug, Default)]
struct Slot {
    partitions: Vec<Partition>,
    events: u64,
}

/// The entries that a round reads.
struct Wanted<'a> {
    filter: &'a TimelineFilter,
    /// The most entries, one more than the page has.
    limit: usize,
    bottom: Timestamp,
    /// Entries come after this position in the list.
    top: Position,
}

impl Wanted<'_> {
    /// Returns the lowest position of a partition that is read down to `from`.
    fn lowest(&self, from: Timestamp) -> Position {
        Position::before(from.max(self.bottom))
    }
}

/// The result of reading one page of a partition.
struct PartitionPage {
    entries: Vec<Entry>,
    /// The oldest position that was read, if the range has more.
    frontier: Option<Position>,
}

impl PartitionPage {
    /// Returns the part of the page that a read of entries from `from` on would have had.
    fn since(mut self, from: &Position) -> Self {
        self.entries.retain(|entry| entry.position >= *from);
        self.frontier = self.frontier.filter(|frontier| frontier >= from);
        self
    }
}

impl Timeline {
    /// Reads the index of `table`, whose rows expire after `retention_days`.
    pub(crate) const fn new(table: Table, rollups: Rollups, retention_days: i64) -> Self {
        Self { table, rollups, retention_days }
    }

    /// Returns up to `limit` entries that match `filter` and come after `before`, newest first.
    pub(crate) async fn page(
        &self,
        filter: &TimelineFilter,
        limit: usize,
        before: Option<Position>,
        read_ahead: ReadAhead,
        clock: &dyn Clock,
    ) -> Result<TimelinePage, StoreError> {
        let now = clock.now();
        let oldest = now.plus_days(-self.retention_days);
        let bottom = filter.from.map_or(oldest, |from| from.max(oldest));
        // Events of an environment whose clock is a little ahead are listed as well.
        let end = now.plus_seconds(CLOCK_SKEW_SECONDS);
        let top = Position::before(filter.to.map_or(end, |to| to.min(end)));
        let top = before.map_or(top.clone(), |before| before.min(top));

        let newest = top.time().unwrap_or(end).day();
        let mut wanted = Wanted { filter, limit: limit + 1, bottom, top };
        let mut found: Vec<Entry> = Vec::new();
        let mut rounds = 0;
        for window in windows(bottom.day(), newest) {
            let of_window = if window.1 == newest { read_ahead } else { ReadAhead::None };
            let ahead = self.read_ahead(of_window, newest, &wanted);
            let (slots, mut ahead) = future::try_join(self.matching_hours(filter, window, now), ahead).await?;
            while let Some(block) = Block::next(&slots, &wanted.top, wanted.limit.saturating_sub(found.len())) {
                wanted.top = self.read(&block, &wanted, std::mem::take(&mut ahead), &mut found).await?;
                rounds += 1;
                let bytes: usize = found.iter().map(Entry::details_bytes).sum();
                if found.len() > limit || bytes > PAGE_BYTES || rounds == MAX_BLOCKS {
                    return Ok(truncate(found, limit, Some(wanted.top)));
                }
            }
        }
        Ok(truncate(found, limit, None))
    }

    /// Returns the hours of `days` that have matching events, by the rollups.
    async fn matching_hours(
        &self,
        filter: &TimelineFilter,
        days: (Day, Day),
        now: Timestamp,
    ) -> Result<BTreeMap<Timestamp, Slot>, StoreError> {
        let mut slots: BTreeMap<Timestamp, Slot> = BTreeMap::new();
        let counted = self.rollups.days(&filter.engines, days, Freshness::Cached(now)).await?;
        for Rollup { engine, shard, day, hours, uncounted, .. } in counted.rollups() {
            // A row with unknown counters does not tell in which hours it has events.
            let may_have_more = uncounted.is_some() && filter.or_unknown_severities;
            let unknown_hours = Hour::all().filter(|hour| may_have_more && !hours.contains_key(hour));
            for hour in hours.keys().copied().chain(unknown_hours) {
                let counts = hours.get(&hour).copied().unwrap_or_default();
                let of_severities = filter.severities.iter().map(|severity| counts.of(*severity));
                let events = of_severities.fold(0_u64, u64::saturating_add);
                if events > 0 || may_have_more {
                    let slot = slots.entry(day.at(hour)).or_default();
                    slot.partitions.push((*engine, *day, *shard));
                    slot.events = slot.events.saturating_add(events);
                }
            }
        }
        Ok(slots)
    }

    /// Reads the newest entries of the first partition of each engine, by partition.
    async fn read_ahead(
        &self,
        read_ahead: ReadAhead,
        newest: Day,
        wanted: &Wanted<'_>,
    ) -> Result<BTreeMap<Partition, PartitionPage>, StoreError> {
        let engines = wanted.filter.engines.iter().copied().filter(|_| read_ahead == ReadAhead::NewestDay);
        let one = |engine: Engine| async move {
            let partition = (engine, newest, 0);
            Ok((partition, self.read_partition(partition, wanted, newest.start()).await?))
        };
        stream::iter(engines.map(one)).buffer_unordered(CONCURRENT_READS).try_collect().await
    }

    /// Reads one page of each partition of `block` into `found`, unless it is in `ahead`. Returns the position down to which `found` is
    /// complete.
    async fn read(
        &self,
        block: &Block,
        wanted: &Wanted<'_>,
        mut ahead: BTreeMap<Partition, PartitionPage>,
        found: &mut Vec<Entry>,
    ) -> Result<Position, StoreError> {
        let limit = wanted.limit;
        let reads: Vec<_> = block.partitions.iter().map(|(key, from)| (*key, *from, ahead.remove(key))).collect();
        let one = |(partition, from, page): (Partition, Timestamp, Option<PartitionPage>)| async move {
            match page {
                Some(page) => Ok(page.since(&wanted.lowest(from))),
                None => self.read_partition(partition, wanted, from).await,
            }
        };
        let mut pages = stream::iter(reads.into_iter().map(one)).buffer_unordered(CONCURRENT_READS);
        let (mut newest, mut floor) = (Vec::new(), Position::before(block.from));
        while let Some(PartitionPage { entries, frontier }) = pages.try_next().await? {
            newest.extend(entries);
            newest.sort_by_cached_key(|entry| Reverse(entry.position.clone()));
            // Entries beyond the page are dropped and read again for the next page: those of all partitions may not fit into memory.
            let last =
                if newest.len() > limit { newest.get(limit - 1).map(|entry| entry.position.clone()) } else { None };
            newest.truncate(limit);
            for reached in [frontier, last].into_iter().flatten() {
                floor = floor.max(reached);
            }
        }
        found.extend(newest.into_iter().filter(|entry| entry.position >= floor));
        Ok(floor)
    }

    async fn read_partition(
        &self,
        (engine, day, shard): Partition,
        wanted: &Wanted<'_>,
        from: Timestamp,
    ) -> Result<PartitionPage, StoreError> {
        let (from, top) = (wanted.lowest(from), &wanted.top);
        // The range is empty, which DynamoDB would refuse.
        if from > *top {
            return Ok(PartitionPage { entries: Vec::new(), frontier: None });
        }
        let Table { client, name, .. } = &self.table;
        let query = client
            .query()
            .table_name(name)
            .index_name("timeline")
            .key_condition_expression("#bucket = :bucket AND #at BETWEEN :from AND :top")
            .expression_attribute_names("#bucket", "bucket")
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":bucket", text(keys::bucket(engine, day, shard)))
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":top", text(top))
            .scan_index_forward(false);
        let query = wanted.filter.conditions.clone().apply(query, wanted.limit);
        let page = query.send().await.map_err(|error| read_failed("Query", name, error))?;
        let at = |item: &Item| item.get("at").and_then(|at| at.as_s().ok()).map(|at| Position::stored(at));
        let frontier = page.last_evaluated_key().and_then(at);
        let entry = |item: Item| Some(Entry { position: at(&item)?, item });
        // BETWEEN includes its upper end, the page does not.
        let items = page.items.unwrap_or_default().into_iter();
        Ok(PartitionPage { entries: items.filter_map(entry).filter(|entry| entry.position < *top).collect(), frontier })
    }
}

/// The partitions to read next, each with the hour down to which its events are read.
struct Block {
    from: Timestamp,
    partitions: BTreeMap<Partition, Timestamp>,
}

impl Block {
    /// Returns the hours before `top`, from the newest one, until they have `wanted` events.
    fn next(slots: &BTreeMap<Timestamp, Slot>, top: &Position, wanted: usize) -> Option<Self> {
        let mut block: Option<Self> = None;
        let mut events = 0;
        for (from, slot) in slots.iter().rev().filter(|(from, _)| Position::before(**from) < *top) {
            let block = block.get_or_insert_with(|| Self { from: *from, partitions: BTreeMap::new() });
            block.from = *from;
            block.partitions.extend(slot.partitions.iter().map(|partition| (*partition, *from)));
            events += slot.events;
            if events >= wanted as u64 || block.partitions.len() >= BLOCK_PARTITIONS {
                break;
            }
        }
        block
    }
}

/// Returns spans of days from the newest to the oldest, each twice as long as the previous one, up to 32 days.
fn windows(oldest: Day, newest: Day) -> impl Iterator<Item = (Day, Day)> {
    let mut length = 1_u64;
    let mut next = Some(newest);
    std::iter::from_fn(move || {
        let last = next.filter(|day| *day >= oldest)?;
        let first = last.minus(length - 1).max(oldest);
        length = (length * 2).min(32);
        next = (first > oldest).then(|| first.minus(1));
        Some((first, last))
    })
}

/// Returns the page of the first entries of `found`, up to `limit` and [`PAGE_BYTES`]. `rest` is the position of those that were not
/// read.
fn truncate(mut found: Vec<Entry>, limit: usize, rest: Option<Position>) -> TimelinePage {
    let mut bytes = 0;
    let fitting = found.iter().take(limit).take_while(|entry| {
        bytes += entry.details_bytes();
        bytes <= PAGE_BYTES
    });
    let fitting = fitting.count();
    if fitting == found.len() {
        return TimelinePage { entries: found, next: rest };
    }
    found.truncate(fitting);
    let next = found.last().map(|entry| entry.position.clone());
    TimelinePage { entries: found, next }
}

#[cfg(test)]
mod tests {
    use age_model::Hour;

    use super::*;

    #[test]
    fn windows_cover_every_day_once() {
        let day = |text: &str| text.parse::<Day>().unwrap();
        let spans: Vec<_> = windows(day("2026-01-01"), day("2026-11-23")).collect();
        assert_eq!(spans.first(), Some(&(day("2026-11-23"), day("2026-11-23"))));
        assert_eq!(spans.last().map(|span| span.0), Some(day("2026-01-01")));
        for pair in spans.windows(2) {
            assert_eq!(pair[1].1.next(), pair[0].0);
        }
        assert_eq!(windows(day("2026-11-24"), day("2026-11-23")).count(), 0);
        assert_eq!(windows(day("2026-11-23"), day("2026-11-23")).count(), 1);
    }

    #[test]
    fn part_of_a_page_is_what_a_read_of_it_would_have_returned() {
        let start: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        let position = |second| Position::before(start.plus_seconds(second));
        let entry = |second| Entry { position: position(second), item: Item::new() };
        let since = |frontier: Option<i64>, from| {
            let page = PartitionPage { entries: vec![entry(9), entry(6), entry(3)], frontier: frontier.map(position) };
            let PartitionPage { entries, frontier } = page.since(&position(from));
            (entries.into_iter().map(|entry| entry.position).collect::<Vec<_>>(), frontier)
        };
        // The range has been read to its end, although the page ended at the third entry.
        assert_eq!(since(Some(3), 4), (vec![position(9), position(6)], None));
        assert_eq!(since(Some(3), 3), (vec![position(9), position(6), position(3)], Some(position(3))));
        assert_eq!(since(Some(3), 0), (vec![position(9), position(6), position(3)], Some(position(3))));
        assert_eq!(since(None, 7), (vec![position(9)], None));
    }

    #[test]
    fn block_has_the_hours_with_the_wanted_events() {
        let day: Day = "2026-11-23".parse().unwrap();
        let at = |hour| day.at(Hour::new(hour).unwrap());
        let slot = |events| Slot { partitions: vec![(Engine::from_static("qa"), day, 0)], events };
        let slots = BTreeMap::from([(at(3), slot(10)), (at(5), slot(10)), (at(9), slot(10))]);
        let depth = |top, wanted| Block::next(&slots, &Position::before(at(top)), wanted).map(|block| block.from);
        assert_eq!(depth(23, 5), Some(at(9)));
        assert_eq!(depth(23, 15), Some(at(5)));
        assert_eq!(depth(23, 500), Some(at(3)));
        assert_eq!(depth(9, 1), Some(at(5)));
        assert_eq!(depth(3, 1), None);
    }
}
