//! The request for a simulation of a policy version.

use crate::policy_hash::PolicyHash;
use crate::time::Timestamp;

/// The longest period of a simulation, in days: 13 weeks.
pub const MAX_SIMULATED_DAYS: i64 = 13 * 7;

/// The request for a simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimulationRequest {
    /// The version that is simulated.
    pub hash: PolicyHash,
    /// The version that was active when the simulation was asked for. The simulated one is compared with it.
    pub active_hash: PolicyHash,
    /// The beginning of the period.
    pub from: Timestamp,
    /// The end of the period, which is not part of it.
    pub to: Timestamp,
}
