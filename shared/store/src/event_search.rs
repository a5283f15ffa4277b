//! Events, newest first. The rollups are the directory: they tell which engine, shard and hour hold what is looked for,
//! and only those ranges of the timeline are read.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use age_model::{Clock, Day, Engine, Event, EventType, Severity, Timestamp};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::keys::{self, Position};
use crate::row::text;
use crate::{Events, Freshness, Rollup, Rollups, StoreError};

/// The most details on a page, in bytes. Lambda answers at most 6 MB, of a body whose quotes are escaped once more.
const PAGE_BYTES: usize = 2 * 1024 * 1024;

/// The most rounds of reading for one page. A page that a rare type leaves short still says where to go on.
const MAX_ROUNDS: usize = 32;

/// A block of hours is not widened once it has this many partitions.
const ENOUGH_PARTITIONS: usize = 64;

/// How many of them are read at the same time: each may answer with a megabyte.
const READS_AT_ONCE: usize = 16;

/// How far ahead of ours another environment's clock may be. Lambda keeps them within milliseconds.
const CLOCK_SKEW_SECONDS: i64 = 600;

/// What to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only this engine's.
    pub engine: Option<Engine>,
    /// Only of these severities; of all, if there are none.
    pub severities: Vec<Severity>,
    /// Only of this type.
    pub event_type: Option<EventType>,
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
}

impl EventFilter {
    fn severities(&self) -> &[Severity] {
        if self.severities.is_empty() { Severity::ALL } else { &self.severities }
    }
}

/// Some events, newest first, and where the next ones begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPage {
    /// The events.
    pub events: Vec<Event>,
    /// Where to go on, if there may be more.
    pub next: Option<Position>,
}

/// Lists events.
#[derive(Debug, Clone)]
pub struct EventSearch {
    events: Events,
    rollups: Rollups,
}

/// One engine's events of one day and shard: a partition of the timeline.
type Partition = (Engine, Day, u32);

/// An hour in which some partitions hold events that are looked for.
#[derive(Debug, Default)]
struct Slot {
    partitions: Vec<Partition>,
    events: u64,
}

/// What one reading of a partition brought.
struct Reading {
    events: Vec<Event>,
    /// How far down it got, if it did not reach the bottom of its range.
    frontier: Option<Position>,
}

impl EventSearch {
    /// Reads these tables.
    #[must_use]
    pub const fn new(events: Events, rollups: Rollups) -> Self {
        Self { events, rollups }
    }

    /// The events themselves.
    #[must_use]
    pub const fn events(&self) -> &Events {
        &self.events
    }

    /// Up to `limit` events that `filter` lets through and that stand before `before`, newest first.
    ///
    /// # Errors
    /// [`StoreError`] if any of them cannot be read.
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
        // Another environment's clock may be a little ahead: its events are listed, too.
        let end = now.plus_seconds(CLOCK_SKEW_SECONDS);
        let top = Position::before(filter.to.map_or(end, |to| to.min(end)));
        let mut top = before.map_or(top.clone(), |before| before.min(top));

        let mut found: Vec<Event> = Vec::new();
        let mut rounds = 0;
        for window in windows(bottom.day(), top.moment().unwrap_or(end).day()) {
            let slots = self.directory(filter, window, now).await?;
            while let Some(block) = Block::next(&slots, &top, (limit + 1).saturating_sub(found.len())) {
                let floor = self.read(&block, filter, limit + 1, bottom, &top, &mut found).await?;
                top = floor;
                rounds += 1;
                let bytes: usize = found.iter().map(|event| event.reported.details.as_str().len()).sum();
                if found.len() > limit || bytes > PAGE_BYTES || rounds == MAX_ROUNDS {
                    return Ok(cut(found, limit, Some(top)));
                }
            }
        }
        Ok(cut(found, limit, None))
    }

    /// The hours of `days` that hold what is looked for.
    async fn directory(
        &self,
        filter: &EventFilter,
        days: (Day, Day),
        now: Timestamp,
    ) -> Result<BTreeMap<Timestamp, Slot>, StoreError> {
        let engines = filter.engine.as_ref().map_or(Engine::ALL, std::slice::from_ref);
        let mut slots: BTreeMap<Timestamp, Slot> = BTreeMap::new();
        let counted = self.rollups.read(engines, days, Freshness::Remembered(now)).await?;
        for Rollup { engine, shard, day, hours, .. } in counted.rollups() {
            for (hour, counts) in hours {
                let events =
                    filter.severities().iter().fold(0_u64, |sum, severity| sum.saturating_add(counts.of(*severity)));
                if events > 0 {
                    let slot = slots.entry(day.at(*hour)).or_default();
                    slot.partitions.push((*engine, *day, *shard));
                    slot.events = slot.events.saturating_add(events);
                }
            }
        }
        Ok(slots)
    }

    /// Reads one page of each partition of `block`. Everything found at or above the answered floor is complete.
    async fn read(
        &self,
        block: &Block,
        filter: &EventFilter,
        limit: usize,
        bottom: Timestamp,
        top: &Position,
        found: &mut Vec<Event>,
    ) -> Result<Position, StoreError> {
        let one = |(partition, from): (&Partition, &Timestamp)| {
            self.read_partition(*partition, filter, limit, Position::before((*from).max(bottom)), top.clone())
        };
        let mut readings = stream::iter(block.partitions.iter().map(one)).buffer_unordered(READS_AT_ONCE);
        let (mut newest, mut floor) = (Vec::new(), Position::before(block.from));
        while let Some(Reading { events, frontier }) = readings.try_next().await? {
            newest.extend(events);
            newest.sort_by_cached_key(|event| Reverse(position(event)));
            // What is beyond a page is read again for the next one: hundreds of partitions would not fit into memory.
            let last = if newest.len() > limit { newest.get(limit - 1).map(position) } else { None };
            newest.truncate(limit);
            for reached in [frontier, last].into_iter().flatten() {
                floor = floor.max(reached);
            }
        }
        found.extend(newest.into_iter().filter(|event| position(event) >= floor));
        Ok(floor)
    }

    async fn read_partition(
        &self,
        (engine, day, shard): Partition,
        filter: &EventFilter,
        limit: usize,
        from: Position,
        top: Position,
    ) -> Result<Reading, StoreError> {
        // An hour that lies before what is looked for: DynamoDB would refuse a range that is upside down.
        if from > top {
            return Ok(Reading { events: Vec::new(), frontier: None });
        }
        let table = &self.events.table;
        let mut query = table
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
        let mut conditions = Vec::new();
        if !filter.severities.is_empty() {
            let names: Vec<String> = filter.severities.iter().map(|severity| format!(":{severity}")).collect();
            conditions.push(format!("severity IN ({})", names.join(", ")));
            for (name, severity) in names.into_iter().zip(&filter.severities) {
                query = query.expression_attribute_values(name, text(severity));
            }
        }
        if let Some(event_type) = &filter.event_type {
            conditions.push("event_type = :event_type".to_owned());
            query = query.expression_attribute_values(":event_type", text(event_type.as_str()));
        }
        // DynamoDB's limit counts what it reads, not what the filter lets through: a filtered page is read by its megabyte.
        query = if conditions.is_empty() {
            query.limit(i32::try_from(limit).unwrap_or(i32::MAX))
        } else {
            query.filter_expression(conditions.join(" AND "))
        };
        let page = query.send().await.map_err(|error| StoreError::unavailable("Query", &table.name, error))?;
        let parsed = page.items().iter().map(|item| self.events.parse(item));
        // BETWEEN takes in its upper end, a page does not.
        let events = parsed.filter(|event| event.as_ref().map_or(true, |event| position(event) < top));
        let frontier = page.last_evaluated_key().and_then(|key| key.get("at")?.as_s().ok()?.parse().ok());
        Ok(Reading { events: events.collect::<Result<_, _>>()?, frontier })
    }
}

/// The partitions to read next, each with the hour down to which its events are wanted.
struct Block {
    from: Timestamp,
    partitions: BTreeMap<Partition, Timestamp>,
}

impl Block {
    /// As many of the hours below `top`, from the newest, as hold `wanted` events.
    fn next(slots: &BTreeMap<Timestamp, Slot>, top: &Position, wanted: usize) -> Option<Self> {
        let mut block: Option<Self> = None;
        let mut events = 0;
        for (from, slot) in slots.iter().rev().filter(|(from, _)| Position::before(**from) < *top) {
            let block = block.get_or_insert_with(|| Self { from: *from, partitions: BTreeMap::new() });
            block.from = *from;
            block.partitions.extend(slot.partitions.iter().map(|partition| (*partition, *from)));
            events += slot.events;
            if events >= wanted as u64 || block.partitions.len() >= ENOUGH_PARTITIONS {
                break;
            }
        }
        block
    }
}

/// Spans of days from the newest to the oldest, each twice as long as the one before, up to 32 days.
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

fn position(event: &Event) -> Position {
    Position::of_event(event.occurred_at, event.id)
}

/// The first `limit` of `found`, of which no more than a page's bytes; `rest` is where the unread ones begin.
fn cut(mut found: Vec<Event>, limit: usize, rest: Option<Position>) -> EventPage {
    let mut bytes = 0;
    let fitting = found.iter().take(limit).take_while(|event| {
        bytes += event.reported.details.as_str().len();
        bytes <= PAGE_BYTES
    });
    let fitting = fitting.count();
    if fitting == found.len() {
        return EventPage { events: found, next: rest };
    }
    found.truncate(fitting);
    let next = found.last().map(position);
    EventPage { events: found, next }
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
    fn a_block_is_as_deep_as_needed() {
        let day: Day = "2026-11-23".parse().unwrap();
        let at = |hour| day.at(Hour::new(hour).unwrap());
        let slot = |events| Slot { partitions: vec![(Engine::Qa, day, 0)], events };
        let slots = BTreeMap::from([(at(3), slot(10)), (at(5), slot(10)), (at(9), slot(10))]);
        let depth = |top, wanted| Block::next(&slots, &Position::before(at(top)), wanted).map(|block| block.from);
        assert_eq!(depth(23, 5), Some(at(9)));
        assert_eq!(depth(23, 15), Some(at(5)));
        assert_eq!(depth(23, 500), Some(at(3)));
        assert_eq!(depth(9, 1), Some(at(5)));
        assert_eq!(depth(3, 1), None);
    }
}
