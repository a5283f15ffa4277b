//! Lists of events, newest first. The rollups show which engine, shard and hour have matching events, and only those ranges of
//! the index `timeline` are read.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use age_model::{Clock, Day, Engine, Event, EventType, Hour, Severity, StoreError, Timestamp, UnreadableItem};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::dynamodb::attribute::{Item, text};
use crate::dynamodb::error::read_failed;
use crate::dynamodb::keys;
use crate::dynamodb::keys::Position;
use crate::dynamodb::query_filter::QueryFilter;
use crate::events::Events;
use crate::found::unreadable;
use crate::rollups::{Freshness, Rollup, Rollups};

/// The most details on a page, in bytes. A Lambda response has at most 6 MB, in which the quotes of the body are escaped again.
const PAGE_BYTES: usize = 2 * 1024 * 1024;

/// The most blocks that are read for one page. A page that is short because the event type is rare still has a next position.
const MAX_BLOCKS: usize = 32;

/// A block of hours is not extended once it has this many partitions.
const BLOCK_PARTITIONS: usize = 64;

/// How many partitions are read concurrently. Each may return a megabyte.
const CONCURRENT_READS: usize = 16;

/// How far ahead of this environment's clock another's may be. Lambda keeps clocks within milliseconds.
const CLOCK_SKEW_SECONDS: i64 = 600;

/// The events to list: those that meet every condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only events of these engines.
    pub engines: BTreeSet<Engine>,
    /// Only events of these severities; of any if empty.
    pub severities: BTreeSet<Severity>,
    /// Only events of this severity or a higher one. A severity that this version does not know counts as higher.
    pub min_severity: Option<Severity>,
    /// Only events of these types; of any if empty. At most 100, as DynamoDB allows.
    pub event_types: BTreeSet<EventType>,
    /// Also events of other severities that report an event as resolved.
    pub or_resolving: bool,
    /// Only events accepted at this time or later.
    pub from: Option<Timestamp>,
    /// Only events accepted before this time.
    pub to: Option<Timestamp>,
}

impl EventFilter {
    fn wanted_severities(&self) -> impl Iterator<Item = Severity> {
        let is_wanted = |severity: &Severity| {
            let is_min = self.or_resolving || self.min_severity.is_none_or(|min| *severity >= min);
            is_min && (self.severities.is_empty() || self.severities.contains(severity))
        };
        Severity::ALL.iter().copied().filter(is_wanted)
    }

    /// Returns the conditions on attributes that are no part of the index's key.
    fn conditions(&self) -> QueryFilter {
        let mut conditions = QueryFilter::default();
        conditions.one_of("severity", &self.severities);
        for lower in Severity::ALL.iter().filter(|severity| self.min_severity.is_some_and(|min| **severity < min)) {
            let (severity, lower) = (conditions.attribute("severity"), conditions.value(lower));
            let or_resolving = if self.or_resolving { " OR attribute_exists(resolves)" } else { "" };
            conditions.require(format!("({severity} <> {lower}{or_resolving})"));
        }
        conditions.one_of("event_type", self.event_types.iter().map(EventType::as_str));
        conditions
    }

    /// Whether events of severities that this version does not know match.
    fn includes_unknown_severities(&self) -> bool {
        self.severities.is_empty()
    }
}

/// A page of events, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPage {
    /// The events.
    pub events: Vec<Event>,
    /// The events of the page that cannot be read.
    pub unreadable: Vec<UnreadableItem>,
    /// The position of the next page, if there may be more events.
    pub next: Option<Position>,
}

/// Lists events of the `events` table by the `rollups` table.
#[derive(Debug, Clone)]
pub struct EventSearch {
    events: Events,
    rollups: Rollups,
}

/// A partition of the index `timeline`: the events of one engine, day and shard.
type Partition = (Engine, Day, u32);

/// An hour in which partitions have matching events.
#[derive(Debug, Default)]
struct Slot {
    partitions: Vec<Partition>,
    events: u64,
}

/// A row of the index.
struct Row {
    position: Position,
    event: Result<Event, StoreError>,
}

impl Row {
    /// The size of the event's details, in bytes.
    fn size(&self) -> usize {
        self.event.as_ref().map_or(0, |event| event.reported.details.as_str().len())
    }
}

/// The result of reading one page of a partition.
struct PartitionPage {
    rows: Vec<Row>,
    /// The oldest position that was read, if the range has more.
    frontier: Option<Position>,
}

impl EventSearch {
    /// Searches these tables.
    #[must_use]
    pub const fn new(events: Events, rollups: Rollups) -> Self {
        Self { events, rollups }
    }

    /// Returns the `events` table.
    #[must_use]
    pub const fn events(&self) -> &Events {
        &self.events
    }

    /// Returns up to `limit` events that match `filter` and come after `before` in the list, newest first.
    ///
    /// # Errors
    /// [`StoreError`] if the tables cannot be read.
    pub async fn page(
        &self,
        filter: &EventFilter,
        limit: usize,
        before: Option<Position>,
        clock: &dyn Clock,
    ) -> Result<EventPage, StoreError> {
        let now = clock.now();
        let oldest = self.events.oldest(now);
        let bottom = filter.from.map_or(oldest, |from| from.max(oldest));
        // Events of an environment whose clock is a little ahead are listed as well.
        let end = now.plus_seconds(CLOCK_SKEW_SECONDS);
        let top = Position::before(filter.to.map_or(end, |to| to.min(end)));
        let mut top = before.map_or(top.clone(), |before| before.min(top));

        let mut found: Vec<Row> = Vec::new();
        let mut rounds = 0;
        for window in windows(bottom.day(), top.time().unwrap_or(end).day()) {
            let slots = self.matching_hours(filter, window, now).await?;
            while let Some(block) = Block::next(&slots, &top, (limit + 1).saturating_sub(found.len())) {
                let floor = self.read(&block, filter, limit + 1, bottom, &top, &mut found).await?;
                top = floor;
                rounds += 1;
                let bytes: usize = found.iter().map(Row::size).sum();
                if found.len() > limit || bytes > PAGE_BYTES || rounds == MAX_BLOCKS {
                    return truncate(found, limit, Some(top));
                }
            }
        }
        truncate(found, limit, None)
    }

    /// Returns the hours of `days` that have matching events, by the rollups.
    async fn matching_hours(
        &self,
        filter: &EventFilter,
        days: (Day, Day),
        now: Timestamp,
    ) -> Result<BTreeMap<Timestamp, Slot>, StoreError> {
        let mut slots: BTreeMap<Timestamp, Slot> = BTreeMap::new();
        let counted = self.rollups.days(&filter.engines, days, Freshness::Cached(now)).await?;
        for Rollup { engine, shard, day, hours, uncounted, .. } in counted.rollups() {
            // A row with unknown counters does not tell in which hours it has events.
            let may_have_more = uncounted.is_some() && filter.includes_unknown_severities();
            let unknown_hours = Hour::all().filter(|hour| may_have_more && !hours.contains_key(hour));
            for hour in hours.keys().copied().chain(unknown_hours) {
                let counts = hours.get(&hour).copied().unwrap_or_default();
                let events =
                    filter.wanted_severities().fold(0_u64, |sum, severity| sum.saturating_add(counts.of(severity)));
                if events > 0 || may_have_more {
                    let slot = slots.entry(day.at(hour)).or_default();
                    slot.partitions.push((*engine, *day, *shard));
                    slot.events = slot.events.saturating_add(events);
                }
            }
        }
        Ok(slots)
    }

    /// Reads one page of each partition of `block` into `found`. Returns the position down to which `found` is complete.
    async fn read(
        &self,
        block: &Block,
        filter: &EventFilter,
        limit: usize,
        bottom: Timestamp,
        top: &Position,
        found: &mut Vec<Row>,
    ) -> Result<Position, StoreError> {
        let one = |(partition, from): (&Partition, &Timestamp)| {
            self.read_partition(*partition, filter, limit, Position::before((*from).max(bottom)), top.clone())
        };
        let mut pages = stream::iter(block.partitions.iter().map(one)).buffer_unordered(CONCURRENT_READS);
        let (mut newest, mut floor) = (Vec::new(), Position::before(block.from));
        while let Some(PartitionPage { rows, frontier }) = pages.try_next().await? {
            newest.extend(rows);
            newest.sort_by_cached_key(|row| Reverse(row.position.clone()));
            // Events beyond the page are dropped and read again for the next page: those of all partitions may not fit into memory.
            let last = if newest.len() > limit { newest.get(limit - 1).map(|row| row.position.clone()) } else { None };
            newest.truncate(limit);
            for reached in [frontier, last].into_iter().flatten() {
                floor = floor.max(reached);
            }
        }
        found.extend(newest.into_iter().filter(|row| row.position >= floor));
        Ok(floor)
    }

    async fn read_partition(
        &self,
        (engine, day, shard): Partition,
        filter: &EventFilter,
        limit: usize,
        from: Position,
        top: Position,
    ) -> Result<PartitionPage, StoreError> {
        // The range is empty, which DynamoDB would refuse.
        if from > top {
            return Ok(PartitionPage { rows: Vec::new(), frontier: None });
        }
        let table = self.events.table();
        let query = table
            .client
            .query()
            .table_name(&table.name)
            .index_name("timeline")
            .key_condition_expression("#bucket = :bucket AND #at BETWEEN :from AND :top")
            .expression_attribute_names("#bucket", "bucket")
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":bucket", text(keys::bucket(engine, day, shard)))
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":top", text(&top))
            .scan_index_forward(false);
        let query = filter.conditions().apply(query, limit);
        let page = query.send().await.map_err(|error| read_failed("Query", &table.name, error))?;
        let at = |item: &Item| item.get("at").and_then(|at| at.as_s().ok()).map(|at| Position::stored(at));
        let row = |item: &Item| Some(Row { position: at(item)?, event: self.events.parse(item) });
        // BETWEEN includes its upper end, the page does not.
        let rows = page.items().iter().filter_map(row).filter(|row| row.position < top).collect();
        Ok(PartitionPage { rows, frontier: page.last_evaluated_key().and_then(at) })
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

/// Returns the page of the first rows of `found`, up to `limit` rows and [`PAGE_BYTES`]. `rest` is the position of the events
/// that were not read.
fn truncate(mut found: Vec<Row>, limit: usize, rest: Option<Position>) -> Result<EventPage, StoreError> {
    let mut bytes = 0;
    let fitting = found.iter().take(limit).take_while(|row| {
        bytes += row.size();
        bytes <= PAGE_BYTES
    });
    let fitting = fitting.count();
    let next = if fitting == found.len() {
        rest
    } else {
        found.truncate(fitting);
        found.last().map(|row| row.position.clone())
    };
    let mut page = EventPage { events: Vec::new(), unreadable: Vec::new(), next };
    for Row { event, .. } in found {
        match event {
            Ok(event) => page.events.push(event),
            Err(error) => page.unreadable.push(unreadable(None, error)?),
        }
    }
    Ok(page)
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
