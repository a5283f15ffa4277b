//! Making a report from its figures.

use age_model::{
    ActionFigures, Baseline, Clock, EventCounts, Period, PreviousWeek, Report, ReportId, ReportInput, ReportKind,
    ReportSummary, Severity,
};

use age_policy::{ActivePolicy, Policy};

use crate::next_steps::next_steps;
use crate::risk_assessment::Assessment;

/// Makes the report of `period` from its figures. The id of a weekly report depends on the period alone; another report gets
/// a fresh id from `clock`.
#[must_use]
pub fn report(
    active: &ActivePolicy,
    kind: ReportKind,
    period: Period,
    input: ReportInput,
    clock: &dyn Clock,
) -> Report {
    let policy = &active.policy;
    let ReportInput { counts, baseline, activity } = input;
    let assessment = Assessment::of(policy, &counts);
    let summary = ReportSummary {
        total_events: counts.total(),
        by_engine: counts.by_engine(policy.engines.keys().copied()),
        by_severity: counts.by_severity(),
        risk_scores: assessment.scores,
        critical_count: counts.of(Severity::Critical),
        raw_scores: assessment.raw_scores,
        peak_category: assessment.peak,
        contributions: assessment.contributions,
        actions: ActionFigures::from(&activity.actions),
        mean_seconds_to_outcome: activity.actions.mean_seconds_to_outcome(),
        incidents: activity.incidents,
        unresolved_incidents: activity.unresolved,
        silent_engines: activity.silent_engines,
        decisions: activity.decisions,
        previous: match baseline {
            Baseline::Counts(counts) => previous_from_counts(policy, &counts),
            Baseline::Report(report) => previous_from_report(*report),
        },
    };
    Report {
        id: match kind {
            ReportKind::Weekly => ReportId::weekly(period),
            ReportKind::OnDemand | ReportKind::Unknown(_) => ReportId::fresh(clock),
        },
        kind,
        report_period: period.label(),
        from: period.from(),
        to: period.to(),
        risk_score: assessment.risk_score,
        risk_level: assessment.level,
        recommendations: assessment.recommendations,
        next_steps: next_steps(policy, period, &summary),
        summary,
        policy_hash: active.hash.clone(),
        policy_versions: Vec::new(),
        generated_at: clock.now(),
        requested_by: None,
    }
}

/// Returns None for a week without events, with which a report does not compare.
fn previous_from_counts(policy: &Policy, counts: &EventCounts) -> Option<PreviousWeek> {
    let assessment = Assessment::of(policy, counts);
    (counts.total() > 0).then(|| PreviousWeek {
        risk_score: assessment.risk_score,
        risk_scores: assessment.scores,
        total_events: counts.total(),
    })
}

fn previous_from_report(report: Report) -> Option<PreviousWeek> {
    let Report { summary, risk_score, .. } = report;
    let ReportSummary { total_events, risk_scores, .. } = summary;
    (total_events > 0).then_some(PreviousWeek { risk_score, risk_scores, total_events })
}

#[cfg(test)]
mod tests {
    use age_model::{ActivitySummary, Engine, ManualClock};

    use super::*;

    #[test]
    fn report_has_the_period_and_the_week_before() {
        let policy = ActivePolicy::compiled().unwrap();
        let clock = ManualClock::at("2026-11-23T00:05:00Z".parse().unwrap());
        let period = Period::week_before(clock.now().day());
        let (mut counts, mut before) = (EventCounts::default(), EventCounts::default());
        counts.add(Engine::from_static("billing"), Severity::Critical, 2);
        before.add(Engine::from_static("billing"), Severity::High, 1);

        let activity =
            ActivitySummary { silent_engines: vec![Engine::from_static("maos")], ..ActivitySummary::default() };
        let input = |counts, baseline| ReportInput { counts, baseline, activity: activity.clone() };
        let figures = input(counts, Baseline::Counts(before.clone()));
        let weekly = report(&policy, ReportKind::Weekly, period, figures.clone(), &clock);
        assert_eq!(weekly.summary.silent_engines, [Engine::from_static("maos")]);
        assert_eq!(weekly.report_period, "2026-11-16_2026-11-23");
        assert_eq!((weekly.summary.total_events, weekly.summary.critical_count), (2, 2));
        assert_eq!(weekly.summary.peak_category.as_deref(), Some("billing_risk"));
        assert_eq!((weekly.risk_score, weekly.risk_level.as_str()), (10, "HIGH"));
        let previous = weekly.summary.previous.clone().unwrap();
        assert_eq!((previous.total_events, previous.risk_score), (1, 3));

        let none = || Baseline::Counts(EventCounts::default());
        let last_week =
            Box::new(report(&policy, ReportKind::Weekly, period.previous_week(), input(before, none()), &clock));
        let compared_with_report = ReportInput { baseline: Baseline::Report(last_week), ..figures.clone() };
        assert_eq!(report(&policy, ReportKind::Weekly, period, compared_with_report, &clock), weekly);

        let again = report(&policy, ReportKind::Weekly, period, input(EventCounts::default(), none()), &clock);
        assert_eq!(again.id, weekly.id);
        let alone = ReportInput { baseline: none(), ..figures };
        let on_demand = |clock| report(&policy, ReportKind::OnDemand, period, alone.clone(), clock);
        assert_ne!(on_demand(&clock).id, on_demand(&clock).id);
        assert_eq!(on_demand(&clock).summary.previous, None);
    }
}
