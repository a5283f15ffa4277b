//! How AGE itself is: whether an escalation would reach anybody, and whether last week has its report.

use model::{Period, ReportId, Timestamp};
use store::{Consistency, Health, StoreError};

use crate::{Sweep, Swept};

/// How long after Monday's midnight the weekly report must be there: it is made five minutes after it, and tried again.
const REPORT_BY_SECONDS: i64 = 20 * 60;

impl Sweep {
    /// Looks after AGE itself, and puts on record what it finds.
    pub(crate) async fn vitals(&self, swept: &mut Swept) -> Result<Health, StoreError> {
        let reachable = self.people.has_subscribers().await;
        let unknown = |error: &_| tracing::warn!(%error, "it is not known whether an escalation would reach anybody");
        swept.escalation_reachable = reachable.inspect_err(unknown).ok();
        let now = self.now();
        let health = self.dispatcher.life().health().put(now, swept.escalation_reachable).await?;
        swept.weekly_report_missing = self.report_is_missing(now, health.installed_at).await?;
        Ok(health)
    }

    async fn report_is_missing(&self, now: Timestamp, installed_at: Timestamp) -> Result<bool, StoreError> {
        let monday = now.day().monday();
        let due = monday.start().plus_seconds(REPORT_BY_SECONDS);
        // Nobody was there to make it.
        if now < due || installed_at > monday.start() {
            return Ok(false);
        }
        let id = ReportId::weekly(Period::week_before(monday));
        Ok(self.reports.get(id, Consistency::Eventual).await?.is_none())
    }
}
