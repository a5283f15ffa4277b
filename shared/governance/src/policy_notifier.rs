//! Notifications of activations of policy versions, as far as an execution environment knows them.

use std::sync::atomic::{AtomicU64, Ordering};

use age_store::PolicyNotifications;

/// Which activations people were notified of. Build one per execution environment.
#[derive(Debug)]
pub struct PolicyNotifier {
    pub(crate) store: PolicyNotifications,
    /// The latest activation that people were notified of. There may be later ones.
    known: AtomicU64,
}

impl PolicyNotifier {
    /// Records in `store` what was sent.
    #[must_use]
    pub const fn new(store: PolicyNotifications) -> Self {
        Self { store, known: AtomicU64::new(0) }
    }

    pub(crate) fn known(&self) -> u64 {
        self.known.load(Ordering::Relaxed)
    }

    pub(crate) fn remember(&self, notified: u64) {
        self.known.fetch_max(notified, Ordering::Relaxed);
    }
}
