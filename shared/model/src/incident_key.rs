//! What identifies an incident: engine and event type.

use crate::{Engine, EventType, NewEvent};

/// One kind of trouble: what one engine calls by one name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IncidentKey {
    /// Whose.
    pub engine: Engine,
    /// Which.
    pub event_type: EventType,
}

impl IncidentKey {
    /// The kind of trouble that `event` is.
    #[must_use]
    pub fn of(event: &NewEvent) -> Self {
        Self { engine: event.engine, event_type: event.event_type.clone() }
    }

    /// The silence of `engine`.
    #[must_use]
    pub fn silence_of(engine: Engine) -> Self {
        Self { engine, event_type: EventType::engine_silent() }
    }
}
