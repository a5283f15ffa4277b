//! The pointer to the active policy version.

use std::collections::BTreeSet;

use crate::credential::KeyId;
use crate::engine::Engine;
use crate::policy_hash::PolicyHash;
use crate::time::Timestamp;

/// The most engines that active versions may have or have had together: sums over the past are over all of them.
pub const MAX_ENGINES_EVER: usize = 128;

/// Which policy version is active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyPointer {
    /// How often a version was activated, this time included.
    pub number: u64,
    /// The active version.
    pub hash: PolicyHash,
    /// When it was activated.
    pub activated_at: Timestamp,
    /// The credential of the admin who activated it.
    pub activated_by: KeyId,
    /// The version that was active before.
    pub previous: PolicyHash,
    /// Every engine that an active version has or had.
    pub engines: BTreeSet<Engine>,
}
