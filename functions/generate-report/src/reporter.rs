//! From rollups to a report.

use std::sync::Arc;

use model::{Clock, Deeds, IncidentFigures, Period, Report, ReportKind};
use scoring::Policy;
use store::{Consistency, Incidents, Rollups, StoreError};

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

    /// The report of `period`, beside the week before it.
    ///
    /// # Errors
    /// [`StoreError`] if any row of either week cannot be read: a report that cannot be trusted is not made.
    pub(crate) async fn report(&self, kind: ReportKind, period: Period) -> Result<Report, StoreError> {
        let counts = self.0.rollups.counts(period, Consistency::Strong).await?;
        let before = self.0.rollups.counts(period.previous_week(), Consistency::Strong).await?;
        let deeds = self.deeds(period).await?;
        Ok(scoring::report(&self.0.policy, kind, period, &counts, &before, deeds, self.clock()))
    }

    async fn deeds(&self, period: Period) -> Result<Deeds, StoreError> {
        let Parts { rollups, incidents, .. } = self.0.as_ref();
        let opened = incidents.opened(period.from(), period.to()).await?;
        let moments: Vec<_> = opened.into_iter().map(|listed| (listed.id.opened_at, listed.acknowledged_at)).collect();
        Ok(Deeds {
            actions: rollups.actions(period, Consistency::Strong).await?,
            incidents: IncidentFigures::of(&moments),
            silent_engines: incidents.silent_engines().await?,
        })
    }
}
