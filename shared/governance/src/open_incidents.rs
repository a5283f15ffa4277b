//! The open incidents of each engine, as far as this execution environment knows them: how many, and which event types look alike.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use age_model::{Engine, EventType, Timestamp};
use age_policy::{IncidentRules, skeleton};

/// How long an execution environment relies on the open incidents that it has read, in seconds.
const VALID_SECONDS: i64 = 10;

/// After how many incidents that this environment has opened it reads them again. Other environments may open as many at the same
/// time, so this is by how much each of them may exceed the bound.
const VALID_OPENINGS: usize = 50;

/// The open incidents that this execution environment knows.
#[derive(Debug, Default)]
pub(crate) struct OpenIncidents(Mutex<BTreeMap<Engine, OfEngine>>);

/// The event types of the open incidents of an engine.
#[derive(Debug)]
struct OfEngine {
    read_at: Timestamp,
    /// How many there were then.
    number: usize,
    /// How many this environment has opened since.
    opened: usize,
    /// Those that look alike are together.
    by_skeleton: BTreeMap<String, Vec<EventType>>,
}

impl OfEngine {
    fn new(types: Vec<EventType>, read_at: Timestamp) -> Self {
        let mut of_engine = Self { read_at, number: types.len(), opened: 0, by_skeleton: BTreeMap::new() };
        for event_type in types {
            of_engine.add(event_type);
        }
        of_engine
    }

    fn add(&mut self, event_type: EventType) {
        self.by_skeleton.entry(skeleton(event_type.as_str())).or_default().push(event_type);
    }

    fn is_valid(&self, now: Timestamp) -> bool {
        let is_recent = self.read_at <= now && now < self.read_at.plus_seconds(VALID_SECONDS);
        is_recent && self.opened < VALID_OPENINGS
    }

    fn room(&self, rules: &IncidentRules) -> u64 {
        rules.max_open_per_engine.saturating_sub((self.number + self.opened) as u64)
    }
}

impl OpenIncidents {
    /// Calls `read` with what is known of `engine`.
    fn with<T>(&self, engine: Engine, read: impl FnOnce(&mut OfEngine) -> T) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&engine).map(read)
    }

    /// Returns how many more incidents `engine` may open, if that is known.
    pub(crate) fn room(&self, engine: Engine, rules: &IncidentRules, now: Timestamp) -> Option<u64> {
        self.with(engine, |it| it.is_valid(now).then(|| it.room(rules))).flatten()
    }

    /// Sets the event types of the open incidents of `engine`, as they were at `now`. Returns how many more it may open.
    pub(crate) fn set(&self, engine: Engine, types: Vec<EventType>, rules: &IncidentRules, now: Timestamp) -> u64 {
        let of_engine = OfEngine::new(types, now);
        let room = of_engine.room(rules);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(engine, of_engine);
        room
    }

    /// Notes that an incident of `event_type` was opened.
    pub(crate) fn note_opened(&self, engine: Engine, event_type: &EventType) {
        self.with(engine, |it| {
            it.opened += 1;
            it.add(event_type.clone());
        });
    }

    /// Whether an incident of `event_type` was open when the open incidents of `engine` were read, or was opened by this environment since.
    pub(crate) fn has(&self, engine: Engine, event_type: &EventType) -> bool {
        self.with_skeleton(engine, &skeleton(event_type.as_str())).contains(event_type)
    }

    /// Returns the event types of `engine` with this skeleton that have open incidents.
    pub(crate) fn with_skeleton(&self, engine: Engine, skeleton: &str) -> Vec<EventType> {
        self.with(engine, |it| it.by_skeleton.get(skeleton).cloned()).flatten().unwrap_or_default()
    }
}
