//! The keys of the `due` indexes: `due_shard`, the partition, and `due_key`, which orders the entries of a partition.
//!
//! The key of an incident or a decision is `engine#step#time`. The entries of an engine and a step are a group: they follow each other in
//! one partition, the earliest first. The key of an action is its time, or `retry#time`.

use age_model::{Engine, Incident, Timestamp};

/// The number of partitions of each `due` index. A sweep reads each of them.
const DUE_SHARDS: u32 = 4;

/// The step of an incident that nobody was notified of. It sorts before [`NOTIFIED`].
const NEW: &str = "new";

/// The step of any other incident.
const NOTIFIED: &str = "notified";

/// The beginning of `due_key` of actions that await another attempt to dispatch. They are apart, because the sweep may retry them before
/// they are due. They sort after all others.
pub(crate) const RETRIES: &str = "retry#";

/// Returns `due_shard` of a row that is assigned by `text`: the engine, or the id of the event.
pub(crate) fn due_shard(text: &str) -> String {
    // FNV-1a.
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash % DUE_SHARDS).to_string()
}

/// Returns all partitions of a `due` index.
pub(crate) fn due_shards() -> impl Iterator<Item = String> {
    (0..DUE_SHARDS).map(|shard| shard.to_string())
}

/// Returns `due_key` of an action that is due at `due_at`.
pub(crate) fn due_action(awaits_retry: bool, due_at: Timestamp) -> String {
    if awaits_retry { format!("{RETRIES}{due_at}") } else { due_at.to_string() }
}

/// Returns whether the action with this `due_key` awaits another attempt to dispatch, and when it is due.
pub(crate) fn parse_due_action(key: &str) -> Option<(bool, Timestamp)> {
    let (awaits_retry, due_at) = key.strip_prefix(RETRIES).map_or((false, key), |due_at| (true, due_at));
    Some((awaits_retry, due_at.parse().ok()?))
}

/// Returns `due_key` of an incident of `engine` that is due at `due_at`.
pub(crate) fn due_incident(engine: Engine, incident: &Incident, due_at: Timestamp) -> String {
    let step = if incident.awaits_initial_notification() { NEW } else { NOTIFIED };
    due_key(engine, step, due_at)
}

/// A step of a decision that the sweep takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DueStep {
    /// People are notified of its approval, or the time for the approval is up.
    Approval,
    /// The event of the operation that it allows should have been reported.
    Event,
}

impl DueStep {
    const ALL: [Self; 2] = [Self::Approval, Self::Event];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::Event => "event",
        }
    }
}

/// Returns `due_key` of a decision of `engine` for which `step` is due at `due_at`.
pub(crate) fn due_decision(engine: Engine, step: DueStep, due_at: Timestamp) -> String {
    due_key(engine, step.as_str(), due_at)
}

fn due_key(engine: Engine, step: &str, due_at: Timestamp) -> String {
    format!("{engine}#{step}#{due_at}")
}

/// Returns the prefix of `due_key` of all entries of `engine`.
pub(crate) fn due_of_engine(engine: Engine) -> String {
    format!("{engine}#")
}

/// The parts of `due_key` of an incident or a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DueKey<'a> {
    pub(crate) engine: Engine,
    step: &'a str,
    pub(crate) due_at: Timestamp,
}

impl<'a> DueKey<'a> {
    /// Parses a key.
    pub(crate) fn parse(key: &'a str) -> Option<Self> {
        let (group, due_at) = due_group(key);
        let (engine, step) = Self::parse_group(group)?;
        Some(Self { engine, step, due_at: due_at.parse().ok()? })
    }

    /// Returns the engine and the step of a decision's group. None if this version does not know the step.
    pub(crate) fn decision_step(group: &str) -> Option<(Engine, DueStep)> {
        let (engine, step) = Self::parse_group(group)?;
        DueStep::ALL.into_iter().find(|known| known.as_str() == step).map(|step| (engine, step))
    }

    fn parse_group(group: &str) -> Option<(Engine, &str)> {
        let (engine, step) = group.split_once('#')?;
        Some((engine.parse().ok()?, step))
    }

    /// Whether it is the key of an incident that nobody was notified of.
    pub(crate) fn is_new_incident(&self) -> bool {
        self.step == NEW
    }
}

/// Returns the group of a `due_key`, and since when its entry is due. Times sort as their texts.
pub(crate) fn due_group(key: &str) -> (&str, &str) {
    key.rsplit_once('#').unwrap_or((key, ""))
}

/// Returns a key that sorts after those of the entries of `group` that are due at `until`, and before those of the others.
pub(crate) fn due_in_group(group: &str, until: Timestamp) -> String {
    format!("{group}#{until}$")
}

/// Returns a key that sorts after those of the entries of `group`, and before those of the next group.
pub(crate) fn after_due_group(group: &str) -> String {
    format!("{group}$")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn due_shards_are_all_used() {
        let shards: BTreeSet<_> = (0..100).map(|n| due_shard(&format!("event-{n}"))).collect();
        assert_eq!(shards.into_iter().collect::<Vec<_>>(), ["0", "1", "2", "3"]);
        assert!(due_shards().eq(["0", "1", "2", "3"]));
    }

    #[test]
    fn key_of_an_incident_that_nobody_was_notified_of_sorts_before_those_of_other_incidents() {
        let [earlier, later] = ["2026-11-23T00:05:00.000Z", "2026-11-23T00:06:00.000Z"].map(|at| at.parse().unwrap());
        let engine = Engine::from_static("qa");
        let (new, notified) = (due_key(engine, NEW, later), due_key(engine, NOTIFIED, earlier));
        assert_eq!(new, "qa#new#2026-11-23T00:06:00.000Z");
        assert!(new < notified);
        let parsed = DueKey::parse(&new).unwrap();
        assert_eq!((parsed.engine, parsed.due_at, parsed.is_new_incident()), (engine, later, true));
        assert!(!DueKey::parse(&notified).unwrap().is_new_incident());
        assert_eq!(
            ["", "qa", "qa#new", "QA#new#2026-11-23T00:06:00.000Z", "qa#new#soon"].map(DueKey::parse),
            [None; 5]
        );
    }

    #[test]
    fn actions_that_await_another_attempt_sort_after_all_others() {
        let [earlier, later] = ["2026-11-23T00:05:00.000Z", "2026-11-23T00:06:00.000Z"].map(|at| at.parse().unwrap());
        let keys = [(false, earlier), (false, later), (true, earlier), (true, later)];
        let texts = keys.map(|(awaits_retry, due_at)| due_action(awaits_retry, due_at));
        assert!(texts.is_sorted(), "{texts:?}");
        assert!(texts.iter().map(|key| parse_due_action(key).unwrap()).eq(keys));
        assert_eq!(["", "soon", "retry#", "retry"].map(parse_due_action), [None; 4]);
    }

    #[test]
    fn key_of_a_decision_has_its_engine_step_and_time() {
        let (engine, at) = (Engine::from_static("qa"), "2026-11-23T00:05:00.000Z".parse().unwrap());
        for (step, key) in [
            (DueStep::Approval, "qa#approval#2026-11-23T00:05:00.000Z"),
            (DueStep::Event, "qa#event#2026-11-23T00:05:00.000Z"),
        ] {
            assert_eq!(due_decision(engine, step, at), key);
            let (group, due_at) = due_group(key);
            assert_eq!((DueKey::decision_step(group), due_at.parse()), (Some((engine, step)), Ok(at)));
        }
        assert_eq!(DueKey::decision_step("qa#appeal"), None);
    }

    fn engine() -> impl Strategy<Value = Engine> {
        // Names that are prefixes of each other, among others.
        "[a-b][a0_]{0,3}".prop_map(|name| name.parse().unwrap())
    }

    proptest! {
        #[test]
        fn entries_of_a_group_are_together_and_in_the_order_of_time(
            mut entries in prop::collection::vec((engine(), prop::bool::ANY, 0..5_i64), 1..40), until in 0..5_i64,
        ) {
            let at = |minutes: i64| Timestamp::from_millis(1_764_000_000_000).plus_seconds(minutes * 60);
            let key = |(engine, is_new, minutes): &(Engine, bool, i64)| {
                due_key(*engine, if *is_new { NEW } else { NOTIFIED }, at(*minutes))
            };
            entries.sort_by_key(key);
            let keys: Vec<String> = entries.iter().map(key).collect();
            for (entry, of_entry) in entries.iter().zip(&keys) {
                let (group, _) = due_group(of_entry);
                prop_assert!(of_entry.starts_with(&due_of_engine(entry.0)));
                for (other, of_other) in entries.iter().zip(&keys) {
                    let is_same_group = (entry.0, entry.1) == (other.0, other.1);
                    prop_assert_eq!(is_same_group, due_group(of_other).0 == group);
                    if is_same_group {
                        prop_assert!(*of_other < after_due_group(group));
                        prop_assert_eq!(other.2 <= until, *of_other < due_in_group(group, at(until)));
                        prop_assert_eq!(entry.2 < other.2, of_entry < of_other);
                    } else {
                        prop_assert_eq!(of_entry < of_other, after_due_group(group) < *of_other);
                        prop_assert_eq!(of_other.starts_with(&due_of_engine(entry.0)), other.0 == entry.0);
                    }
                }
            }
        }
    }
}
