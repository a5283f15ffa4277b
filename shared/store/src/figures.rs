//! All that a report is made from.

use age_model::{ActivitySummary, Baseline, IncidentFigures, Period, Report, ReportInput};
use tokio::try_join;

use crate::{Freshness, Incidents, Rollups, StoreError};

/// The figures of `period`, read strongly, beside the week before it: that of the `report` on it, if there is one.
///
/// # Errors
/// [`StoreError`] if any of them cannot be read: a report that cannot be trusted is not made.
pub async fn figures(
    rollups: &Rollups,
    incidents: &Incidents,
    period: Period,
    report: Option<Report>,
) -> Result<ReportInput, StoreError> {
    let before = period.previous_week();
    let first = if report.is_some() { period.first_day() } else { before.first_day() };
    let (counted, opened, silent_engines) = try_join!(
        rollups.days((first, period.last_day()), Freshness::Strong),
        incidents.opened(period.from(), period.to()),
        incidents.silent_engines(),
    )?;
    let moments: Vec<_> = opened.into_iter().map(|listed| (listed.id.opened_at, listed.acknowledged_at)).collect();
    Ok(ReportInput {
        counts: counted.events(period),
        before: match report {
            Some(report) => Baseline::Report(Box::new(report)),
            None => Baseline::Counts(counted.events(before)),
        },
        activity: ActivitySummary {
            actions: counted.actions(period),
            incidents: IncidentFigures::of(&moments),
            silent_engines,
        },
    })
}
