//! The message that starts a simulation. The function that runs it is the only subscriber of its topic.

use age_model::SimulationId;

use crate::message::Message;

/// Returns the message that starts the simulation `id`: its text is the id.
#[must_use]
pub fn simulation_message(id: SimulationId) -> Message {
    Message::text_only("[AGE] Simulation", id.to_string())
}
