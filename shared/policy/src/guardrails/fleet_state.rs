//! The state of the fleet by which guardrails decide.

use age_model::{Engine, Hold, Posture, Timestamp};

/// The state of the fleet when AGE decides, and the engine that asks.
#[derive(Debug, Clone, Copy)]
pub struct FleetState<'a> {
    /// The engine that asks.
    pub engine: Engine,
    /// The time of the request.
    pub now: Timestamp,
    /// The posture; None if it was never written.
    pub posture: Option<&'a Posture>,
    /// The holds. Those that have ended have no effect.
    pub holds: &'a [Hold],
}
