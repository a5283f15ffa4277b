//! The open incidents of each engine, as far as this execution environment knows them: how many, and which event types look alike.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use age_model::{Engine, EventType, Incident, IncidentKey, StoreError, Timestamp};
use age_policy::{IncidentRules, skeleton};

use crate::incident_lifecycle::IncidentLifecycle;

/// How long an execution environment relies on the open incidents that it has read, in seconds.
const VALID_SECONDS: i64 = 10;

/// After how many incidents that this environment has opened it reads them again. Other environments may open as many at the same
/// time, so this is by how much each of them may exceed the bound.
const VALID_OPENINGS: usize = 50;

/// The most lookalikes of an event type that are named.
const MAX_LOOKALIKES: usize = 3;

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
}

impl IncidentLifecycle {
    /// Returns how many more incidents `engine` may open. The number is up to 10 seconds old, so that an event that opens an incident
    /// writes no row that all others of its engine write.
    pub(crate) async fn room(&self, engine: Engine, rules: &IncidentRules, now: Timestamp) -> Result<u64, StoreError> {
        let open = self.open_incidents();
        if let Some(room) = open.with(engine, |it| it.is_valid(now).then(|| it.room(rules))).flatten() {
            return Ok(room);
        }
        let of_engine = OfEngine::new(self.states().unresolved_types(engine, rules.max_open_per_engine).await?, now);
        let room = of_engine.room(rules);
        open.0.lock().unwrap_or_else(PoisonError::into_inner).insert(engine, of_engine);
        Ok(room)
    }

    /// Notes that this environment has opened an incident of `key`.
    pub(crate) fn note_opened(&self, key: &IncidentKey) {
        self.open_incidents().with(key.engine, |it| {
            it.opened += 1;
            it.add(key.event_type.clone());
        });
    }

    /// Adds to `incident`, which `key` opens, the event types of its engine that look like its own: of open incidents, and those of
    /// `others`, which open incidents at the same time.
    pub(crate) fn set_lookalikes<'a>(
        &self,
        key: &IncidentKey,
        incident: &mut Incident,
        others: impl Iterator<Item = &'a IncidentKey>,
    ) {
        let own = skeleton(key.event_type.as_str());
        let known = self.open_incidents().with(key.engine, |it| it.by_skeleton.get(&own).cloned());
        let mut types = known.flatten().unwrap_or_default();
        let is_like = |other: &&IncidentKey| other.engine == key.engine && skeleton(other.event_type.as_str()) == own;
        types.extend(others.filter(is_like).map(|other| other.event_type.clone()));
        types.retain(|event_type| *event_type != key.event_type);
        types.sort();
        types.dedup();
        types.truncate(MAX_LOOKALIKES);
        incident.looks_like = types;
    }
}
