//! A report from counts.

use age_model::{
    ActionFigures, Baseline, Clock, EventCounts, Period, PreviousWeek, Report, ReportId, ReportInput, ReportKind,
    ReportSummary, Severity,
};

use crate::{Assessment, Policy};

/// The report of `period`, which has these `figures`. A weekly report is named by its period; any other gets a fresh id from `clock`.
#[must_use]
pub fn report(policy: &Policy, kind: ReportKind, period: Period, figures: ReportInput, clock: &dyn Clock) -> Report {
    let ReportInput { counts, before, activity } = figures;
    let now = Assessment::of(policy, &counts);
    Report {
        id: match kind {
            ReportKind::Weekly => ReportId::weekly(period),
            ReportKind::OnDemand => ReportId::fresh(clock),
        },
        kind,
        report_period: period.label(),
        from: period.from(),
        to: period.to(),
        summary: ReportSummary {
            total_events: counts.total(),
            by_engine: counts.by_engine(),
            by_severity: counts.by_severity(),
            risk_scores: now.scores,
            critical_count: counts.of(Severity::Critical),
            raw_scores: now.raw_scores,
            peak_category: now.peak,
            contributions: now.contributions,
            actions: ActionFigures::from(&activity.actions),
            mean_seconds_to_outcome: activity.actions.mean_seconds_to_outcome(),
            incidents: activity.incidents,
            silent_engines: activity.silent_engines,
            previous: match before {
                Baseline::Counts(counts) => assessed(policy, &counts),
                Baseline::Report(report) => reported(*report),
            },
        },
        risk_score: now.risk_score,
        risk_level: now.level,
        recommendations: now.recommendations,
        policy_hash: Policy::HASH.to_owned(),
        generated_at: clock.now(),
        requested_by: None,
    }
}

/// None of a week that had no event: there is nothing to compare with.
fn assessed(policy: &Policy, counts: &EventCounts) -> Option<PreviousWeek> {
    let then = Assessment::of(policy, counts);
    (counts.total() > 0).then(|| PreviousWeek {
        risk_score: then.risk_score,
        risk_scores: then.scores,
        total_events: counts.total(),
    })
}

fn reported(report: Report) -> Option<PreviousWeek> {
    let Report { summary, risk_score, .. } = report;
    let ReportSummary { total_events, risk_scores, .. } = summary;
    (total_events > 0).then_some(PreviousWeek { risk_score, risk_scores, total_events })
}

#[cfg(test)]
mod tests {
    use age_model::{ActivitySummary, Engine, ManualClock};

    use super::*;

    #[test]
    fn holds_this_week_and_the_week_before() {
        let policy = Policy::compiled().unwrap();
        let clock = ManualClock::at("2026-11-23T00:05:00Z".parse().unwrap());
        let period = Period::week_before(clock.now().day());
        let (mut counts, mut before) = (EventCounts::default(), EventCounts::default());
        counts.add(Engine::Billing, Severity::Critical, 2);
        before.add(Engine::Billing, Severity::High, 1);

        let activity = ActivitySummary { silent_engines: vec![Engine::Maos], ..ActivitySummary::default() };
        let of = |counts, before| ReportInput { counts, before, activity: activity.clone() };
        let figures = of(counts, Baseline::Counts(before.clone()));
        let weekly = report(&policy, ReportKind::Weekly, period, figures.clone(), &clock);
        assert_eq!(weekly.summary.silent_engines, [Engine::Maos]);
        assert_eq!(weekly.report_period, "2026-11-16_2026-11-23");
        assert_eq!((weekly.summary.total_events, weekly.summary.critical_count), (2, 2));
        assert_eq!(weekly.summary.peak_category.as_deref(), Some("billing_risk"));
        assert_eq!((weekly.risk_score, weekly.risk_level.as_str()), (10, "HIGH"));
        let previous = weekly.summary.previous.clone().unwrap();
        assert_eq!((previous.total_events, previous.risk_score), (1, 3));

        let none = || Baseline::Counts(EventCounts::default());
        let last_week =
            Box::new(report(&policy, ReportKind::Weekly, period.previous_week(), of(before, none()), &clock));
        let beside_its_report = ReportInput { before: Baseline::Report(last_week), ..figures.clone() };
        assert_eq!(report(&policy, ReportKind::Weekly, period, beside_its_report, &clock), weekly);

        let again = report(&policy, ReportKind::Weekly, period, of(EventCounts::default(), none()), &clock);
        assert_eq!(again.id, weekly.id);
        let alone = ReportInput { before: none(), ..figures };
        let asked = |clock| report(&policy, ReportKind::OnDemand, period, alone.clone(), clock);
        assert_ne!(asked(&clock).id, asked(&clock).id);
        assert_eq!(asked(&clock).summary.previous, None);
    }
}
