//! Incident keys: engine and event type. Events of one key belong to one incident.

use crate::engine::Engine;
use crate::event::{EventType, NewEvent};

/// Identifies a problem across its events: one event type of one engine. At most one incident of a key is unresolved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IncidentKey {
    /// The engine of the events.
    pub engine: Engine,
    /// The type of the events.
    pub event_type: EventType,
}

impl IncidentKey {
    /// Returns the incident key of `event`.
    #[must_use]
    pub fn of(event: &NewEvent) -> Self {
        Self { engine: event.engine, event_type: event.event_type.clone() }
    }

    /// Returns the key of the incident that opens when `engine` is silent.
    #[must_use]
    pub fn engine_silent(engine: Engine) -> Self {
        Self { engine, event_type: EventType::engine_silent() }
    }

    /// Returns the key of the incident about permits of `engine` of which no event has reported the operation.
    #[must_use]
    pub fn permit_without_event(engine: Engine) -> Self {
        Self { engine, event_type: EventType::permit_without_event() }
    }

    /// Returns the key of the incident about operations of `engine` that ran without a permit.
    #[must_use]
    pub fn operation_without_permit(engine: Engine) -> Self {
        Self { engine, event_type: EventType::operation_without_permit() }
    }

    /// Whether the key is that of an incident which AGE opens because permits and events do not match.
    #[must_use]
    pub fn is_about_permits(&self) -> bool {
        matches!(self.event_type.as_str(), EventType::PERMIT_WITHOUT_EVENT | EventType::OPERATION_WITHOUT_PERMIT)
    }

    /// Returns the key of the incident that gathers what would open too many incidents of `engine`.
    #[must_use]
    pub fn many_event_types(engine: Engine) -> Self {
        Self { engine, event_type: EventType::many_event_types() }
    }
}
