//! All that a report is made from.

use model::{Deeds, Figures, IncidentFigures, Period};

use crate::{Consistency, Incidents, Rollups, StoreError};

/// The figures of `period`, beside the week before it, read strongly.
///
/// # Errors
/// [`StoreError`] if any of them cannot be read: a report that cannot be trusted is not made.
pub async fn figures(rollups: &Rollups, incidents: &Incidents, period: Period) -> Result<Figures, StoreError> {
    let counts = rollups.counts(period, Consistency::Strong).await?;
    let before = rollups.counts(period.previous_week(), Consistency::Strong).await?;
    let opened = incidents.opened(period.from(), period.to()).await?;
    let moments: Vec<_> = opened.into_iter().map(|listed| (listed.id.opened_at, listed.acknowledged_at)).collect();
    let deeds = Deeds {
        actions: rollups.actions(period, Consistency::Strong).await?,
        incidents: IncidentFigures::of(&moments),
        silent_engines: incidents.silent_engines().await?,
    };
    Ok(Figures { counts, before, deeds })
}
