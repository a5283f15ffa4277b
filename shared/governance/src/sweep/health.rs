//! AGE's own health: whether a notification would reach anybody, and whether last week has its report.

use age_model::{Period, ReportId, StoreError};
use age_store::{Consistency, SystemHealth};

use super::{Sweep, SweepReport};

/// How long after Monday's midnight the weekly report must exist, in seconds: it is generated at 00:05 and retried.
const REPORT_DUE_SECONDS: i64 = 20 * 60;

impl Sweep {
    /// Checks whether a notification would reach anybody, and records that this sweep ran.
    pub(super) async fn record_health(&self, report: &mut SweepReport) -> Result<SystemHealth, StoreError> {
        let reachable = self.notifier.topic().has_subscribers().await;
        let unknown = |error: &_| {
            tracing::warn!(%error, "cannot tell whether notifications reach anybody: {error}");
        };
        report.notifications_reachable = reachable.inspect_err(unknown).ok();
        self.notifier.health().record(self.now(), report.notifications_reachable).await
    }

    /// Checks whether the report of last week exists.
    pub(super) async fn check_weekly_report(&self, report: &mut SweepReport) -> Result<(), StoreError> {
        let now = self.now();
        let monday = now.day().monday();
        let health = self.notifier.health().get().await?;
        // Before the first sweep AGE was not installed, so no report was due.
        let was_installed = health.is_some_and(|health| health.installed_at <= monday.start());
        if was_installed && now >= monday.start().plus_seconds(REPORT_DUE_SECONDS) {
            let id = ReportId::weekly(Period::week_before(monday));
            report.weekly_report_missing = self.reports.get(id, Consistency::Eventual).await?.is_none();
        }
        Ok(())
    }
}
