//! Every key string of every table, in one place.

use std::fmt;
use std::str::FromStr;

use age_model::{Day, Engine, EventId, Hour, IncidentId, IncidentKey, ReportId, Severity, Timestamp};
use thiserror::Error;

/// How many partitions the `due` index spreads over: a sweep reads each of them once.
const DUE_SHARDS: u32 = 4;

/// `rollups.engine_shard`
pub(crate) fn engine_shard(engine: Engine, shard: u32) -> String {
    format!("{engine}#{shard}")
}

/// `events.bucket`, the partition of the timeline.
pub(crate) fn bucket(engine: Engine, day: Day, shard: u32) -> String {
    format!("{engine}#{day}#{shard}")
}

/// The attribute of a rollup that counts `severity` in `hour`: a letter for each, such as `hC` for CRITICAL ones from seven to
/// eight. Short: a row has 96 of them, and is paid for by its size.
pub(crate) fn counter(hour: Hour, severity: Severity) -> String {
    let initial = severity.as_str().get(..1).unwrap_or_default();
    format!("{}{initial}", char::from(b'a' + hour.number()))
}

/// Whether an attribute of a rollup is named as a counter is, or as one could be.
pub(crate) fn is_counter(name: &str) -> bool {
    matches!(name.as_bytes(), [b'a'..=b'x' | b'0'..=b'9', .., b'A'..=b'Z'])
}

/// `actions.due_shard`
pub(crate) fn due_shard(event_id: &str) -> String {
    let sum = event_id.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    (sum % DUE_SHARDS).to_string()
}

/// All partitions of the `due` index.
pub(crate) fn due_shards() -> impl Iterator<Item = String> {
    (0..DUE_SHARDS).map(|shard| shard.to_string())
}

/// The partition of the `due` index for hand-overs that wait for their next try: apart, because they may go before their time.
pub(crate) fn retry_shard(event_id: &str) -> String {
    format!("retry#{}", due_shard(event_id))
}

/// All partitions of hand-overs that wait for their next try.
pub(crate) fn retry_shards() -> impl Iterator<Item = String> {
    due_shards().map(|shard| format!("retry#{shard}"))
}

/// `rollups.day` of the row that counts what became of an engine's remedies of `day`. It stands behind that of shard 0 which
/// counts its events, so that one query reads both.
pub(crate) fn settled(day: Day) -> String {
    format!("{day}#settled")
}

/// `incidents.fingerprint`: one kind of trouble.
pub(crate) fn fingerprint(key: &IncidentKey) -> String {
    format!("{}#{}", key.engine, key.event_type.as_str())
}

/// The kind of trouble that a fingerprint is of.
pub(crate) fn incident_key(fingerprint: &str) -> Option<IncidentKey> {
    let (engine, event_type) = fingerprint.split_once('#')?;
    Some(IncidentKey { engine: engine.parse().ok()?, event_type: event_type.parse().ok()? })
}

/// `incidents.opened_at` of the row that holds what is remembered of the kind, and its latest incident.
pub(crate) const STATE: &str = "state";

/// `incidents.opened_at` of a notice: behind its incident, in the order of its notices.
pub(crate) fn notification(opened_at: Timestamp, number: u32) -> String {
    format!("{opened_at}#{number:06}")
}

/// What all notices of an incident begin with.
pub(crate) fn notifications(opened_at: Timestamp) -> String {
    format!("{opened_at}#")
}

/// `incidents.listed`: its place in the list of incidents.
pub(crate) fn listed(id: &IncidentId) -> String {
    format!("{}#{}", id.opened_at, fingerprint(&id.key))
}

/// `incidents.fingerprint` of rows that are about no kind of trouble, but about AGE.
pub(crate) const AGE: &str = "age";

/// `incidents.opened_at` of how many e-mails may be sent.
pub(crate) const MAILER: &str = "mailer";

/// `incidents.opened_at` of how AGE itself is.
pub(crate) const HEALTH: &str = "health";

/// `credentials.kid` of the row that holds all credentials. No credential can be called so.
pub(crate) const REGISTRY: &str = "*";

/// A place in a list that is ordered by time and id: the text is `time#id`, or a time alone, which stands before all of
/// its moment. It is the sort key of the timeline (`events.at`) and of the reports (`reports.generated_at`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(String);

/// A text that is not a position.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("is not a position in a list")]
pub struct InvalidPosition;

impl Position {
    /// Where everything that happened before `moment` begins, seen from the newest.
    #[must_use]
    pub fn before(moment: Timestamp) -> Self {
        Self(moment.to_string())
    }

    pub(crate) fn of_event(at: Timestamp, id: EventId) -> Self {
        Self(format!("{at}#{id}"))
    }

    pub(crate) fn of_report(at: Timestamp, id: ReportId) -> Self {
        Self(format!("{at}#{id}"))
    }

    /// The moment it stands at.
    #[must_use]
    pub fn moment(&self) -> Option<Timestamp> {
        self.0.split('#').next()?.parse().ok()
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let (moment, id) = text.split_once('#').map_or((text, None), |(moment, id)| (moment, Some(id)));
        let moment: Timestamp = moment.parse().map_err(|_| InvalidPosition)?;
        let position = match id {
            Some(id) => Self::of_event(moment, id.parse().map_err(|_| InvalidPosition)?),
            None => Self::before(moment),
        };
        if position.0 == text { Ok(position) } else { Err(InvalidPosition) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_these() {
        let day: Day = "2026-11-23".parse().unwrap();
        assert_eq!(engine_shard(Engine::Billing, 3), "billing#3");
        assert_eq!(bucket(Engine::DeepAgent, day, 0), "deep_agent#2026-11-23#0");
        assert_eq!(counter(Hour::new(7).unwrap(), Severity::High), "hH");
        let counters: std::collections::BTreeSet<_> =
            Hour::all().flat_map(|hour| Severity::ALL.iter().map(move |severity| counter(hour, *severity))).collect();
        assert_eq!(counters.len(), 96);
        assert!(counters.iter().all(|name| is_counter(name)) && !is_counter("width") && !is_counter("day"));
    }

    #[test]
    fn fingerprints_are_read_back() {
        let kind = |event_type: &str| IncidentKey { engine: Engine::Qa, event_type: event_type.parse().unwrap() };
        for event_type in ["suite_failed", "a#b", "é"] {
            assert_eq!(super::incident_key(&fingerprint(&kind(event_type))), Some(kind(event_type)));
        }
        assert_eq!(super::incident_key(AGE), None);
    }

    #[test]
    fn due_shards_are_all_used() {
        let shards: std::collections::BTreeSet<_> = (0..100).map(|n| due_shard(&format!("event-{n}"))).collect();
        assert_eq!(shards.into_iter().collect::<Vec<_>>(), ["0", "1", "2", "3"]);
    }

    #[test]
    fn positions_round_trip_and_nothing_else_does() {
        let moment = "2026-11-23T00:05:00.000Z";
        let id = "01936f2e-0000-7000-8000-00000000000a";
        for good in [moment.to_owned(), format!("{moment}#{id}")] {
            assert_eq!(good.parse::<Position>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "#",
            moment.trim_end_matches('Z'),
            &format!("{moment}#"),
            &format!("{moment}#{id}#"),
            "2026-11-23T00:05:00Z",
        ] {
            assert!(bad.parse::<Position>().is_err(), "{bad}");
        }
        let whole: Position = moment.parse().unwrap();
        let one: Position = format!("{moment}#{id}").parse().unwrap();
        assert!(whole < one, "a moment stands before all of its events");
    }
}
