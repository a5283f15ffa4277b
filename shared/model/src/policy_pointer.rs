//! The pointer to the active policy version.

use std::collections::BTreeSet;

use crate::engine::Engine;
use crate::time::Timestamp;

/// Which policy version is active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyPointer {
    /// How often a version was activated, this time included.
    pub number: u64,
    /// The active version.
    pub hash: String,
    /// When it was activated.
    pub activated_at: Timestamp,
    /// The version that was active before.
    pub previous: String,
    /// Every engine that an active version has or had.
    pub engines: BTreeSet<Engine>,
}
