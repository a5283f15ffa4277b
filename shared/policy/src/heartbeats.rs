//! Heartbeats: which engines are silent, and the incidents about them.

use age_model::{Engine, Incident, IncidentCause, IncidentState, StatusChange, Timestamp};

use crate::document::{IncidentRules, Policy};
use crate::incident_changes::resolve;

/// The state of an engine by the absence or presence of its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heartbeat {
    /// The engine has reported within its expected interval.
    Reporting,
    /// The engine has not reported within its expected interval.
    Silent,
    /// Nobody expects it to report, or not yet.
    NotExpected,
}

/// The note on an incident that is resolved because its engine is no longer expected to report.
const NOT_EXPECTED: &str = "The engine is not expected to report any more.";

impl Policy {
    /// Returns since when `engine` must have reported not to be silent at `now`. None if it is not expected to: the policy permits its
    /// silence, or AGE was installed later, at `installed_at`.
    #[must_use]
    pub fn must_have_reported_since(
        &self,
        engine: Engine,
        installed_at: Timestamp,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let interval = self.engines.get(&engine).map_or(0, |rules| rules.expected_interval_seconds);
        let since = now.plus_seconds(-interval);
        (interval != 0 && installed_at < since).then_some(since)
    }
}

impl Heartbeat {
    /// Returns the heartbeat of an engine that must have reported since `since`, was last heard at `last_heard_at`, and is in use since
    /// `in_use_since` if it was never heard.
    #[must_use]
    pub fn of(since: Timestamp, last_heard_at: Option<Timestamp>, in_use_since: Option<Timestamp>) -> Self {
        match last_heard_at {
            Some(last) if last >= since => Self::Reporting,
            Some(_) => Self::Silent,
            None if in_use_since.is_some_and(|created_at| created_at < since) => Self::Silent,
            None => Self::NotExpected,
        }
    }
}

impl IncidentRules {
    /// Returns the state of the key of an engine's silence after its heartbeat was checked at `now`; None if it stays as it was.
    ///
    /// A person may have resolved the silence: the next one begins after the engine has reported, see [`resolved_by_person`].
    #[must_use]
    pub fn check_silence(&self, state: &IncidentState, heartbeat: Heartbeat, now: Timestamp) -> Option<IncidentState> {
        let mut next = state.clone();
        let is_silent = heartbeat == Heartbeat::Silent;
        let note = (heartbeat == Heartbeat::NotExpected).then(|| NOT_EXPECTED.to_owned());
        let is_silence = |incident: &&mut Incident| incident.cause == IncidentCause::EngineSilent;
        let has_changed = match next.open_incident_mut().filter(is_silence) {
            Some(incident) => !is_silent && resolve(incident, StatusChange { at: now, by: None, note }).is_ok(),
            None => is_silent && self.open_engine_silent(&mut next, now),
        };
        has_changed.then_some(next)
    }
}

/// Returns when a person resolved the latest silence of `state`, if a person did.
#[must_use]
pub fn resolved_by_person(state: &IncidentState) -> Option<Timestamp> {
    let change = state.incident.as_ref()?.resolved.as_ref()?;
    change.by.as_ref().map(|_| change.at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_is_silent_after_its_interval_if_it_was_heard_or_is_in_use() {
        let policy = Policy::compiled().unwrap();
        let (engine, start): (Engine, Timestamp) = ("qa".parse().unwrap(), "2026-11-23T00:00:00Z".parse().unwrap());
        let now = start.plus_seconds(86_400);
        assert_eq!(policy.must_have_reported_since(engine, start, now), None, "installed a day ago");
        let since = policy.must_have_reported_since(engine, start.plus_millis(-1), now).unwrap();
        assert_eq!(since, start);
        assert_eq!(Heartbeat::of(since, Some(since), None), Heartbeat::Reporting);
        assert_eq!(Heartbeat::of(since, Some(since.plus_millis(-1)), None), Heartbeat::Silent);
        assert_eq!(Heartbeat::of(since, None, Some(since.plus_millis(-1))), Heartbeat::Silent);
        assert_eq!(Heartbeat::of(since, None, Some(since)), Heartbeat::NotExpected);
        assert_eq!(Heartbeat::of(since, None, None), Heartbeat::NotExpected);
    }

    #[test]
    fn silence_opens_an_incident_once_and_the_next_report_resolves_it() {
        let rules = Policy::compiled().unwrap().incidents;
        let now = Timestamp::from_millis(1_000_000);
        let silent = rules.check_silence(&IncidentState::default(), Heartbeat::Silent, now).unwrap();
        assert_eq!(rules.check_silence(&silent, Heartbeat::Silent, now), None);
        let resolved = rules.check_silence(&silent, Heartbeat::Reporting, now).unwrap();
        assert!(resolved.open_incident().is_none() && resolved_by_person(&resolved).is_none());
        assert_eq!(rules.check_silence(&resolved, Heartbeat::Reporting, now), None);
    }
}
