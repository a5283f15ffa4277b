//! How AGE itself is: whether an escalation would reach anybody, and whether last week has its report.

use age_model::{Period, ReportId};
use age_store::{Consistency, Health, StoreError};

use crate::{Sweep, Swept};

/// How long after Monday's midnight the weekly report must be there: it is made five minutes after it, and tried again.
const REPORT_BY_SECONDS: i64 = 20 * 60;

impl Sweep {
    /// Looks whether an escalation would reach anybody, and puts on record that it has looked.
    pub(crate) async fn vitals(&self, swept: &mut Swept) -> Result<Health, StoreError> {
        let reachable = self.people.has_subscribers().await;
        let unknown = |error: &_| tracing::warn!(%error, "it is not known whether an escalation would reach anybody");
        swept.notifications_reachable = reachable.inspect_err(unknown).ok();
        self.dispatcher.life().health().put(self.now(), swept.notifications_reachable).await
    }

    /// Looks whether last week has its report.
    pub(crate) async fn report_is_missing(&self, swept: &mut Swept) -> Result<(), StoreError> {
        let now = self.now();
        let monday = now.day().monday();
        let health = self.dispatcher.life().health().get().await?;
        // Before its first sweep nobody was there to make one.
        let was_there = health.is_some_and(|health| health.installed_at <= monday.start());
        if was_there && now >= monday.start().plus_seconds(REPORT_BY_SECONDS) {
            let id = ReportId::weekly(Period::week_before(monday));
            swept.weekly_report_missing = self.reports.get(id, Consistency::Eventual).await?.is_none();
        }
        Ok(())
    }
}
