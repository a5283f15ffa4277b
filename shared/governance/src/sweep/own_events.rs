//! AGE's own events about system alerts. Whoever raises an alert only counts it, so that nothing of this is done at the expense of a
//! request.

use age_model::{Event, StoreError, SystemAlert, Timestamp};
use age_store::TransactionResult;

use super::Sweep;

/// The most alerts of which one run records events. The next run goes on.
const ALERTS_PER_RUN: usize = 100;

impl Sweep {
    /// Records an event of each system alert that has begun, once until the alert was quiet for a day.
    pub(super) async fn record_system_alerts(&self, end: Timestamp) -> Result<(), StoreError> {
        for alert in self.system_alerts.without_event().await?.iter().take(ALERTS_PER_RUN) {
            if self.now() > end {
                break;
            }
            self.record_system_alert(alert).await?;
        }
        Ok(())
    }

    async fn record_system_alert(&self, alert: &SystemAlert) -> Result<(), StoreError> {
        let mut writes = self.own_events.writes(&Event::system_alert_began(alert, self.now()))?.to_vec();
        writes.push(self.system_alerts.event_recorded(alert)?);
        match self.system_alerts.commit(writes).await? {
            TransactionResult::Committed => {
                tracing::info!(alert.kind = %alert.kind, "recorded the event that a system alert has begun: {}", alert.kind);
            }
            // Another run was faster, or the alert has changed: it is due again, if it is still without event.
            TransactionResult::Exists(_)
            | TransactionResult::Stale
            | TransactionResult::Conflict(_)
            | TransactionResult::InProgress => {}
        }
        Ok(())
    }
}
