//! Silent engines in the replay.

use age_model::{Engine, IncidentKey, Timestamp};
use age_policy::{Heartbeat, KeyChange, resolved_by_person};

use super::Replay;

impl Replay<'_> {
    /// Records that `engine` was heard now.
    pub(super) fn hear(&mut self, engine: Engine) {
        let last = self.heard.entry(engine).or_insert(self.now);
        *last = self.now.max(*last);
        self.check_silence_at(engine, self.now);
        self.check_silence_after_interval(engine);
    }

    /// Has the sweep look at `engine` at `at`.
    pub(super) fn check_silence_at(&mut self, engine: Engine, at: Timestamp) {
        self.silence_checks.insert((at, engine));
    }

    /// Has the sweep look at `engine` once it is silent, unless it reports before.
    pub(super) fn check_silence_after_interval(&mut self, engine: Engine) {
        let interval = self.policy.engines.get(&engine).map_or(0, |rules| rules.expected_interval_seconds);
        let in_use_since = self.history.engines.get(&engine).and_then(|recorded| recorded.in_use_since);
        let since = self.heard.get(&engine).copied().or(in_use_since);
        let since = since.zip(self.history.installed_at).map(|(since, installed_at)| since.max(installed_at));
        if let Some(since) = since.filter(|_| interval > 0) {
            self.check_silence_at(engine, since.plus_seconds(interval).plus_millis(1));
        }
    }

    /// Opens or resolves the incident about the silence of `engine`.
    pub(super) fn check_silence(&mut self, engine: Engine) {
        let now = self.now;
        let Some(installed_at) = self.history.installed_at else { return };
        let in_use_since = self.history.engines.get(&engine).and_then(|recorded| recorded.in_use_since);
        let last_heard_at = self.heard.get(&engine).copied();
        let heartbeat = match self.policy.must_have_reported_since(engine, installed_at, now) {
            None => Heartbeat::NotExpected,
            Some(since) => Heartbeat::of(since, last_heard_at, in_use_since),
        };
        let key = IncidentKey::engine_silent(engine);
        let record = self.record(&key);
        if heartbeat == Heartbeat::Silent
            && let Some(resolved_at) = resolved_by_person(&record.state)
            && last_heard_at.is_none_or(|last| last < resolved_at)
        {
            return;
        }
        if let Some(mut state) = self.policy.incidents.check_silence(&record.state, heartbeat, now) {
            state.version = state.version.saturating_add(1);
            self.apply(&key, KeyChange::to(state), now);
        }
    }
}
