//! From rollups to a report.

use std::sync::Arc;

use age_model::{Clock, Period, Report, ReportKind};
use age_scoring::Policy;
use age_store::{Incidents, Rollups, StoreError};

/// Makes reports, and stores none. Made once per execution environment.
#[derive(Clone)]
pub struct Reporter(Arc<Parts>);

struct Parts {
    rollups: Rollups,
    incidents: Incidents,
    policy: Policy,
    clock: Box<dyn Clock>,
}

impl Reporter {
    /// Puts the parts together.
    pub fn new(rollups: Rollups, incidents: Incidents, policy: Policy, clock: impl Clock + 'static) -> Self {
        Self(Arc::new(Parts { rollups, incidents, policy, clock: Box::new(clock) }))
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.0.clock.as_ref()
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.0.policy
    }

    /// The report of `period`, beside the week before it; that one's own report, if it is at hand, spares reading it again.
    ///
    /// # Errors
    /// [`StoreError`] if any row of either week cannot be read: a report that cannot be trusted is not made.
    pub(crate) async fn report(
        &self,
        kind: ReportKind,
        period: Period,
        before: Option<Report>,
    ) -> Result<Report, StoreError> {
        let Parts { rollups, incidents, policy, .. } = self.0.as_ref();
        let figures =
            age_store::figures(rollups, incidents, period, before.filter(|report| report.policy_hash == Policy::HASH))
                .await?;
        Ok(age_scoring::report(policy, kind, period, figures, self.clock()))
    }
}
