//! Since when people have been waiting for initial notifications.

use age_model::Timestamp;

use super::claimed::Claimed;
use crate::due_notification::DueNotification;

/// Since when each initial notification has been waiting that was not sent yet.
pub(super) struct Unnotified(Vec<Timestamp>);

impl Unnotified {
    pub(super) fn of(due: &[DueNotification]) -> Self {
        let mut since: Vec<_> = due.iter().filter(|due| due.is_initial()).map(DueNotification::since).collect();
        since.sort_unstable();
        Self(since)
    }

    pub(super) fn remove(&mut self, sent: &[Claimed]) {
        for one in sent.iter().filter(|one| one.is_initial()) {
            self.remove_since(one.since());
        }
    }

    pub(super) fn remove_due(&mut self, due: &DueNotification) {
        if due.is_initial() {
            self.remove_since(due.since());
        }
    }

    fn remove_since(&mut self, since: Timestamp) {
        if let Ok(place) = self.0.binary_search(&since) {
            self.0.remove(place);
        }
    }

    /// Returns since when the oldest has been waiting.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.0.first().copied()
    }
}
