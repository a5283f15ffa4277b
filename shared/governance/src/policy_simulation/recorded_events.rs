//! Reading the events of a history, without keeping their details.

use std::collections::BTreeSet;

use age_model::{AlertId, AlertStatus, Clock, Details, Engine, Event, EventId, Severity, StoreError, Timestamp};
use age_scoring::simulation::{LeftOut, RecordedAction, RecordedAlert, RecordedEvent, RecordedIncident};
use age_store::{EventFilter, EventSearch};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::Deserialize;

/// How many engines' events are read at the same time. Each page has up to two megabytes of details.
const CONCURRENT_ENGINES: usize = 8;

/// The events of one page.
const PAGE: usize = 500;

/// How many occurrences of an alert are tried to recognize its event.
const MAX_OCCURRENCES: u32 = 64;

/// Which events are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct EventRange {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    /// The lowest severity of the events that a policy may act on.
    pub(super) min_severity: Severity,
    /// Whether the others are read as well.
    pub(super) reads_all: bool,
}

/// Reads the events of `range`.
pub(super) async fn read_events(
    search: &EventSearch,
    engines: &BTreeSet<Engine>,
    range: &EventRange,
    clock: &dyn Clock,
    left_out: &mut LeftOut,
) -> Result<Vec<RecordedEvent>, StoreError> {
    let of_engine = |engine: Engine| read_engine(search, engine, range, clock);
    let mut read = stream::iter(engines.iter().copied()).map(of_engine).buffered(CONCURRENT_ENGINES);
    let mut events = Vec::new();
    while let Some((of_engine, unreadable)) = read.try_next().await? {
        events.extend(of_engine);
        left_out.unreadable += unreadable;
    }
    events.sort_by_key(|event: &RecordedEvent| (event.occurred_at, event.id));
    Ok(events)
}

async fn read_engine(
    search: &EventSearch,
    engine: Engine,
    range: &EventRange,
    clock: &dyn Clock,
) -> Result<(Vec<RecordedEvent>, u64), StoreError> {
    let filter = EventFilter {
        engines: BTreeSet::from([engine]),
        min_severity: (!range.reads_all).then_some(range.min_severity),
        or_resolving: !range.reads_all,
        from: Some(range.from),
        to: Some(range.to),
        ..EventFilter::default()
    };
    let (mut events, mut unreadable, mut before) = (Vec::new(), 0, None);
    loop {
        let page = search.page(&filter, PAGE, before, clock).await?;
        events.extend(page.events.iter().map(recorded));
        unreadable += page.unreadable.len() as u64;
        before = page.next;
        if before.is_none() {
            return Ok((events, unreadable));
        }
    }
}

/// Reads the events whose problems `events` report as resolved, unless they are among `events` or `earlier`.
pub(super) async fn resolved_events(
    search: &EventSearch,
    events: &[RecordedEvent],
    earlier: &[RecordedEvent],
) -> Result<Vec<RecordedEvent>, StoreError> {
    let known: BTreeSet<EventId> = events.iter().chain(earlier).map(|event| event.id).collect();
    let resolved: BTreeSet<EventId> = events.iter().filter_map(|event| event.resolves).collect();
    let missing: BTreeSet<EventId> = resolved.difference(&known).copied().collect();
    Ok(search.events().get_all(&missing).await?.values().map(recorded).collect())
}

/// Brings `events` into the order in which they were accepted. Of those that were accepted together, the ones that have led to something
/// came first.
pub(super) fn sort_events(events: &mut [RecordedEvent], actions: &[RecordedAction], incidents: &[RecordedIncident]) {
    let suppressing = actions.iter().filter_map(|action| action.suppressed_by);
    let opening = incidents.iter().flat_map(|incident| incident.event_id.into_iter().chain(incident.notify_admin));
    let leading: BTreeSet<EventId> = suppressing.chain(opening).collect();
    events.sort_by_key(|event| (event.occurred_at, !leading.contains(&event.id), event.id));
}

fn recorded(event: &Event) -> RecordedEvent {
    let reported = &event.reported;
    RecordedEvent {
        id: event.id,
        engine: reported.engine,
        event_type: reported.event_type.clone(),
        severity: reported.severity,
        occurred_at: event.occurred_at,
        resolves: event.resolves,
        alert: alert_of(event),
    }
}

/// The details of an alert's event.
#[derive(Debug, Deserialize)]
struct AlertDetails {
    status: AlertStatus,
    labels: AlertLabels,
    #[serde(rename = "startsAt")]
    starts_at: Timestamp,
    fingerprint: String,
}

#[derive(Debug, Deserialize)]
struct AlertLabels {
    #[serde(default)]
    severity: Option<String>,
}

/// Returns the alert that `event` reports. Details that look like those of an alert do not suffice: an engine may send the same. The id
/// of an alert's event is derived from them.
fn alert_of(event: &Event) -> Option<RecordedAlert> {
    let reported = &event.reported;
    if reported.details == Details::default() {
        return None;
    }
    let details: AlertDetails = serde_json::from_str(reported.details.as_str()).ok()?;
    let AlertDetails { status, labels, starts_at, fingerprint } = details;
    let word = labels.severity.as_deref().unwrap_or_default();
    let parts = [&fingerprint, &starts_at.to_string(), reported.event_type.as_str(), word];
    let alert = AlertId::of("alertmanager", &parts);
    let is_occurrence = |number| EventId::keyed(reported.engine, &alert.key(number, status)) == event.id;
    (0..MAX_OCCURRENCES).any(is_occurrence).then_some(RecordedAlert { status, severity_word: labels.severity })
}
