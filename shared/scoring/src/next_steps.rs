//! The next steps of a report, in the one order in which every view shows them: incidents and failed remediations first, then the
//! recommendations of the policy, the category with the highest score first.

use std::cmp::Reverse;

use age_model::{ActionStatus, Engine, Period, ReportStep, ReportStepKind, ReportSummary, Severity};
use age_policy::{Category, Policy};

/// Returns the next steps for the figures in `summary`, which are those of `period`.
pub(crate) fn next_steps(policy: &Policy, period: Period, summary: &ReportSummary) -> Vec<ReportStep> {
    let mut steps = incident_steps(summary);
    steps.extend(failed_remediations(summary));
    let critical = critical_events(policy, period, summary);
    let are_all_resolved = !summary.unresolved_incidents.has_critical_event;
    let (first, last) = if are_all_resolved { (None, critical) } else { (critical, None) };
    steps.extend(first);
    let score = |category: &Category| summary.raw_scores.get(&category.name).copied().unwrap_or_default();
    let mut categories: Vec<&Category> = policy.categories.iter().collect();
    categories.sort_by_key(|category| Reverse(score(category)));
    steps.extend(categories.into_iter().filter_map(|category| category_step(policy, period, summary, category)));
    steps.extend(last);
    steps
}

fn incident_steps(summary: &ReportSummary) -> Vec<ReportStep> {
    let unresolved = summary.unresolved_incidents;
    let step = |kind, verb: &str, status: &str, count: u64, detail: &str| ReportStep {
        kind,
        text: format!("{verb} {}", counted(count, &format!("{status} incident"))),
        detail: detail.to_owned(),
        count: Some(count),
        path: format!("/dashboard/incidents?status={status}"),
    };
    let open = step(
        ReportStepKind::OpenIncidents,
        "Acknowledge",
        "open",
        unresolved.open,
        "Nobody had acknowledged them when the report was generated",
    );
    let acknowledged = step(
        ReportStepKind::AcknowledgedIncidents,
        "Resolve",
        "acknowledged",
        unresolved.acknowledged,
        "They were acknowledged but not resolved when the report was generated",
    );
    [open, acknowledged].into_iter().filter(|step| step.count > Some(0)).collect()
}

fn failed_remediations(summary: &ReportSummary) -> Option<ReportStep> {
    let failures = summary.actions.settled.iter().filter(|(status, number)| status.is_failure() && **number > 0);
    let failures: Vec<(&ActionStatus, &u64)> = failures.collect();
    let count = failures.iter().fold(0, |sum: u64, (_, number)| sum.saturating_add(**number));
    let numbers: Vec<String> =
        failures.iter().map(|(status, number)| format!("{number} {}", words(status.as_str()))).collect();
    (count > 0).then(|| ReportStep {
        kind: ReportStepKind::FailedRemediations,
        text: format!("Check {}", counted(count, "failed remediation")),
        detail: format!("Of those planned in the period: {}", numbers.join(", ")),
        count: Some(count),
        path: "/dashboard/actions?status=failed".to_owned(),
    })
}

fn critical_events(policy: &Policy, period: Period, summary: &ReportSummary) -> Option<ReportStep> {
    let count = summary.critical_count;
    let resolved =
        if summary.unresolved_incidents.has_critical_event { "" } else { ". All their incidents are resolved" };
    (count > 0).then(|| ReportStep {
        kind: ReportStepKind::CriticalEvents,
        text: policy.critical_recommendation(count),
        detail: format!("{} of {} in all{resolved}", counted(count, "CRITICAL event"), summary.total_events),
        count: Some(count),
        path: events_path(period, &format!("severity={}", Severity::Critical)),
    })
}

fn category_step(policy: &Policy, period: Period, summary: &ReportSummary, category: &Category) -> Option<ReportStep> {
    let score = summary.risk_scores.get(&category.name).copied().unwrap_or_default();
    let contributions = summary.contributions.get(&category.name).into_iter().flatten();
    let mut points: Vec<(Engine, u64)> = contributions.map(|(engine, points)| (*engine, *points)).collect();
    points.retain(|(_, points)| *points > 0);
    points.sort_by_key(|(_, points)| Reverse(*points));
    let main_engine = points.first().map(|(engine, _)| *engine)?;
    let points: Vec<String> =
        points.iter().map(|(engine, points)| format!("{} {points}", policy.title(engine))).collect();
    (score > category.recommend_above).then(|| ReportStep {
        kind: ReportStepKind::Category,
        text: category.recommendation.clone(),
        detail: format!(
            "{} is {score}, above the threshold of {}. Points by engine: {}",
            capitalized(&words(&category.name)),
            category.recommend_above,
            points.join(", ")
        ),
        count: None,
        path: events_path(period, &format!("engine={main_engine}")),
    })
}

/// Returns the path of the list of events of `period` with the filter `query`.
fn events_path(period: Period, query: &str) -> String {
    format!("/dashboard/events?{query}&from={}&to={}", period.first_day(), period.last_day())
}

fn counted(count: u64, unit: &str) -> String {
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    first + characters.as_str()
}

#[cfg(test)]
mod tests {
    use age_model::{
        ActionCounts, ActivitySummary, Baseline, Clock, EventCounts, ManualClock, Report, ReportInput, ReportKind,
        UnresolvedIncidents,
    };

    use age_policy::ActivePolicy;

    use super::*;

    fn report(events: &[(Engine, Severity, u64)], failed: u64, unresolved: UnresolvedIncidents) -> Report {
        let clock = ManualClock::at("2026-11-23T00:05:00Z".parse().unwrap());
        let mut counts = EventCounts::default();
        for (engine, severity, number) in events {
            counts.add(*engine, *severity, *number);
        }
        let actions = ActionCounts { by_status: [(ActionStatus::TimedOut, failed)].into(), ..ActionCounts::default() };
        let activity = ActivitySummary { actions, unresolved, ..ActivitySummary::default() };
        let input = ReportInput { counts, baseline: Baseline::Counts(EventCounts::default()), activity };
        let period = Period::week_before(clock.now().day());
        crate::report(&ActivePolicy::compiled().unwrap(), ReportKind::Weekly, period, input, &clock)
    }

    fn texts(report: &Report) -> Vec<&str> {
        report.next_steps.iter().map(|step| step.text.as_str()).collect()
    }

    const EVENTS: &[(Engine, Severity, u64)] = &[
        (Engine::from_static("documentation"), Severity::High, 4),
        (Engine::from_static("compliance"), Severity::High, 3),
        (Engine::from_static("billing"), Severity::Critical, 4),
    ];

    #[test]
    fn incidents_and_failures_come_first_then_categories_by_score() {
        let unresolved = UnresolvedIncidents { open: 1, acknowledged: 2, has_critical_event: true };
        let report = report(EVENTS, 3, unresolved);
        assert_eq!(
            texts(&report),
            [
                "Acknowledge 1 open incident",
                "Resolve 2 acknowledged incidents",
                "Check 3 failed remediations",
                "Address 4 critical events immediately",
                "Audit billing sync and token enforcement",
                "Review QA failures and documentation gaps",
                "Review compliance violations and MAOS permissions",
            ]
        );
        let paths: Vec<&str> = report.next_steps.iter().map(|step| step.path.as_str()).collect();
        assert_eq!(
            paths[..5],
            [
                "/dashboard/incidents?status=open",
                "/dashboard/incidents?status=acknowledged",
                "/dashboard/actions?status=failed",
                "/dashboard/events?severity=CRITICAL&from=2026-11-16&to=2026-11-22",
                "/dashboard/events?engine=billing&from=2026-11-16&to=2026-11-22",
            ]
        );
        assert_eq!(report.next_steps[2].detail, "Of those planned in the period: 3 timed out");
        assert_eq!(report.next_steps[3].detail, "4 CRITICAL events of 11 in all");
        assert_eq!(
            report.recommendations,
            [
                "Review QA failures and documentation gaps",
                "Audit billing sync and token enforcement",
                "Review compliance violations and MAOS permissions",
                "Address 4 critical events immediately",
            ],
            "the recommendations keep the order of the original sketch"
        );
    }

    #[test]
    fn critical_events_whose_incidents_are_resolved_come_last_and_say_so() {
        let open_without_critical_event = UnresolvedIncidents { open: 1, ..UnresolvedIncidents::default() };
        for unresolved in [UnresolvedIncidents::default(), open_without_critical_event] {
            let report = report(EVENTS, 0, unresolved);
            let last = report.next_steps.last().unwrap();
            assert_eq!(last.text, "Address 4 critical events immediately");
            assert_eq!(last.detail, "4 CRITICAL events of 11 in all. All their incidents are resolved");
        }
    }

    #[test]
    fn quiet_week_has_no_next_step() {
        let quiet = report(&[(Engine::from_static("qa"), Severity::Low, 3)], 0, UnresolvedIncidents::default());
        assert_eq!((quiet.next_steps, quiet.recommendations), (vec![], vec![]));
    }
}
