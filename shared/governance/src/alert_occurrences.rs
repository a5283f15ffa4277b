//! The occurrences of alerts. An alert that fires again after it was resolved is another event; what its senders report in between is
//! a repeat.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{AlertId, AlertStatus, Engine, Event, EventId, NewEvent, StoreError, Timestamp};
use age_policy::EventRole;
use age_store::Events;

use crate::pending_event::NewcomingEvent;

/// An alert that fires within so many seconds of its resolution is a late copy, such as of a second sender.
const LATE_COPY_SECONDS: i64 = 60;

/// The most occurrences of one alert that are looked up at once.
const MAX_LOOKUP_WIDTH: u32 = 32;

/// What a report of an alert is.
#[derive(Debug, Clone)]
pub(crate) enum AlertReport {
    /// A new event.
    New(NewcomingEvent),
    /// A repeat of an event.
    Repeat {
        event: Event,
        /// Whether the alert was heard firing.
        is_firing: bool,
    },
}

/// The latest occurrence of an alert, as far as it is stored.
#[derive(Debug)]
struct Occurrence {
    number: u32,
    firing: Option<Event>,
    resolved: Option<Event>,
}

impl Occurrence {
    fn of(alert: &AlertId, engine: Engine, number: u32, stored: &BTreeMap<EventId, Event>) -> Option<Self> {
        let [firing, resolved] = ids_of(alert, engine, number).map(|id| stored.get(&id).cloned());
        Some(Self { number, firing, resolved }).filter(|it| it.firing.is_some() || it.resolved.is_some())
    }
}

/// Returns what each of `reports` is at `now`. Reports of different alerts do not affect each other.
///
/// # Errors
/// [`StoreError`] if the events cannot be read.
pub(crate) async fn recognize_alerts(
    events: &Events,
    reports: Vec<(AlertId, AlertStatus, NewEvent)>,
    now: Timestamp,
) -> Result<Vec<AlertReport>, StoreError> {
    let alerts: Vec<_> = reports.iter().map(|(alert, _, reported)| (alert.clone(), reported.engine)).collect();
    let latest = latest_occurrences(events, &alerts).await?;
    let mut recognized = Vec::new();
    for ((alert, status, reported), latest) in reports.into_iter().zip(latest) {
        recognized.push(match status {
            AlertStatus::Firing => firing(latest, &alert, reported, now),
            AlertStatus::Resolved => resolved(events, latest, &alert, reported).await?,
        });
    }
    Ok(recognized)
}

fn firing(latest: Option<Occurrence>, alert: &AlertId, reported: NewEvent, now: Timestamp) -> AlertReport {
    let new = |number| {
        AlertReport::New(NewcomingEvent {
            key: Some(alert.key(number, AlertStatus::Firing)),
            role: EventRole::FiringAlert,
            resolves: None,
            reported,
        })
    };
    match latest {
        None => new(0),
        Some(Occurrence { firing: Some(event), resolved: None, .. }) => AlertReport::Repeat { event, is_firing: true },
        Some(Occurrence { number, firing, resolved }) => {
            let is_late = resolved.is_some_and(|it| now < it.occurred_at.plus_seconds(LATE_COPY_SECONDS));
            match firing {
                Some(event) if is_late => AlertReport::Repeat { event, is_firing: false },
                // Its resolution came first.
                None if is_late => new(number),
                _ => new(number + 1),
            }
        }
    }
}

async fn resolved(
    events: &Events,
    latest: Option<Occurrence>,
    alert: &AlertId,
    reported: NewEvent,
) -> Result<AlertReport, StoreError> {
    let (number, firing) = match latest {
        None => (0, None),
        Some(Occurrence { resolved: Some(event), .. }) => return Ok(AlertReport::Repeat { event, is_firing: false }),
        Some(Occurrence { number, firing, .. }) => (number, firing),
    };
    if let Some(earlier) = number.checked_sub(1) {
        // A late copy of the resolution before has its end.
        let id = EventId::keyed(reported.engine, &alert.key(earlier, AlertStatus::Resolved));
        let before = events.get_all(&BTreeSet::from([id])).await?.remove(&id);
        if let Some(event) = before.filter(|event| event.reported.source_time == reported.source_time) {
            return Ok(AlertReport::Repeat { event, is_firing: false });
        }
    }
    Ok(AlertReport::New(NewcomingEvent {
        reported,
        key: Some(alert.key(number, AlertStatus::Resolved)),
        resolves: firing.as_ref().map(|event| event.id),
        role: firing.map_or(EventRole::Counted, EventRole::resolution),
    }))
}

/// Returns the latest occurrence of each of `alerts`, if any is stored.
async fn latest_occurrences(
    events: &Events,
    alerts: &[(AlertId, Engine)],
) -> Result<Vec<Option<Occurrence>>, StoreError> {
    let mut latest: Vec<Option<Occurrence>> = alerts.iter().map(|_| None).collect();
    let mut unsettled: Vec<(usize, u32)> = (0..alerts.len()).map(|index| (index, 0)).collect();
    let mut width = 1;
    while !unsettled.is_empty() {
        let alert = |index: usize| alerts.get(index).into_iter();
        let wanted = unsettled.iter().flat_map(|(index, first)| {
            alert(*index).flat_map(move |(alert, engine)| {
                (*first..first + width).flat_map(move |number| ids_of(alert, *engine, number))
            })
        });
        let stored = events.get_all(&wanted.collect()).await?;
        let mut next = Vec::new();
        for (index, first) in unsettled {
            let found = alert(index).find_map(|(alert, engine)| {
                (first..first + width).rev().find_map(|number| Occurrence::of(alert, *engine, number, &stored))
            });
            // INVARIANT: an occurrence is stored only after the one before it was resolved, so their numbers have no gaps.
            if found.as_ref().is_some_and(|found| found.resolved.is_some() && found.number == first + width - 1) {
                next.push((index, first + width));
            }
            if let (Some(place), Some(found)) = (latest.get_mut(index), found) {
                *place = Some(found);
            }
        }
        unsettled = next;
        width = (width * 2).min(MAX_LOOKUP_WIDTH);
    }
    Ok(latest)
}

fn ids_of(alert: &AlertId, engine: Engine, number: u32) -> [EventId; 2] {
    [AlertStatus::Firing, AlertStatus::Resolved].map(|status| EventId::keyed(engine, &alert.key(number, status)))
}
