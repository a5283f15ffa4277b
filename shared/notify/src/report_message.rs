//! The message that sends a weekly report.

use std::fmt::Write;

use age_model::{ActionFigures, IncidentFigures, Report, ReportSummary, Severity};
use age_policy::Policy;

use crate::message::{Message, MessageType};

/// Returns the message with the weekly `report`: text for people, JSON for machines. `api` is the address of the API for links, if it
/// is known.
#[must_use]
pub fn report_message(policy: &Policy, report: &Report, api: Option<&str>) -> Message {
    let (week, level, score) = (report.from.day().in_words(), report.risk_level, report.risk_score);
    let subject = format!("[AGE] Week of {week}: risk {level}, score {score} of 100");
    Message::new(MessageType::Report, &subject, text(policy, report, api), report)
}

fn text(policy: &Policy, report: &Report, api: Option<&str>) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, policy, report, api);
    text
}

fn write(text: &mut String, policy: &Policy, report: &Report, api: Option<&str>) -> std::fmt::Result {
    let summary = &report.summary;
    let previous = summary.previous.as_ref();
    let peak = summary.peak_category.as_deref().map_or(String::new(), |peak| format!(", highest in {}", words(peak)));
    let previous_score = last_week(previous.map(|week| u64::from(week.risk_score)));
    writeln!(text, "Risk level    {}{peak}", report.risk_level)?;
    writeln!(text, "Risk score    {} of 100{previous_score}", report.risk_score)?;
    writeln!(text, "Week          {} to {}", report.from.in_words(), report.to.in_words())?;
    writeln!(text, "Full report   {}/dashboard/reports/{}", api.unwrap_or_default(), report.id)?;

    writeln!(text, "\nNext steps")?;
    for step in &report.next_steps {
        writeln!(text, "- {}\n  {}.\n  {}{}", step.text, step.detail, api.unwrap_or_default(), step.path)?;
    }
    if report.next_steps.is_empty() {
        writeln!(
            text,
            "- None: no incident is unresolved, no remediation failed and no category is above its threshold"
        )?;
    }

    writeln!(text, "\nRisk by category          Score  Last week  Before the limit of 100")?;
    for category in &policy.categories {
        let name = category.name.as_str();
        let score = summary.risk_scores.get(name).copied().unwrap_or_default();
        let raw = summary.raw_scores.get(name).copied().unwrap_or_default();
        let before = previous.and_then(|week| week.risk_scores.get(name)).map_or("-".to_owned(), u32::to_string);
        writeln!(text, "{:<24} {score:>6}  {before:>9}  {raw:>23}", words(name))?;
    }

    let previous_total = last_week(previous.map(|week| week.total_events));
    writeln!(text, "\nEvents: {}{previous_total}", summary.total_events)?;
    for severity in Severity::ALL.iter().rev() {
        let number = summary.by_severity.get(severity).copied().unwrap_or_default();
        row(text, severity.as_str(), number)?;
    }
    for (engine, number) in &summary.by_engine {
        row(text, policy.title(engine), *number)?;
    }

    activity(text, policy, summary)?;

    writeln!(text, "\nGenerated {} by policy {}", report.generated_at.in_words(), report.policy_hash)
}

fn activity(text: &mut String, policy: &Policy, summary: &ReportSummary) -> std::fmt::Result {
    let ActionFigures { running, settled } = &summary.actions;
    writeln!(text, "\nRemediations")?;
    row(text, "in progress", *running)?;
    for (status, number) in settled.iter().filter(|(_, number)| **number > 0) {
        row(text, &words(status.as_str()), *number)?;
    }
    if let Some(seconds) = summary.mean_seconds_to_outcome {
        writeln!(text, "Mean time to outcome: {}", in_words(seconds))?;
    }
    let IncidentFigures { opened, acknowledged, median_seconds_to_acknowledge } = summary.incidents;
    writeln!(text, "\nIncidents")?;
    row(text, "opened", opened)?;
    row(text, "acknowledged", acknowledged)?;
    row(text, "unresolved now", summary.unresolved_incidents.open + summary.unresolved_incidents.acknowledged)?;
    if let Some(seconds) = median_seconds_to_acknowledge {
        writeln!(text, "Median time to acknowledgement: {}", in_words(seconds))?;
    }
    let silent: Vec<&str> = summary.silent_engines.iter().map(|engine| policy.title(engine)).collect();
    if !silent.is_empty() {
        writeln!(text, "Silent engines: {}", silent.join(", "))?;
    }
    summary.decisions.in_words().map_or(Ok(()), |decisions| writeln!(text, "\nDecisions: {decisions}"))
}

fn row(text: &mut String, name: &str, number: u64) -> std::fmt::Result {
    writeln!(text, "{name:<24} {number:>6}")
}

/// Returns a name of the API in words: `billing_risk` is `billing risk`.
fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn in_words(seconds: u64) -> String {
    age_model::format_duration(i64::try_from(seconds).unwrap_or(i64::MAX))
}

fn last_week(figure: Option<u64>) -> String {
    figure.map_or_else(|| " (no events in the week before)".to_owned(), |figure| format!(" (last week: {figure})"))
}

#[cfg(test)]
mod tests {
    use age_model::{
        ActionCounts, ActionStatus, ActivitySummary, Baseline, Clock, DecisionCounts, Engine, EventCounts, ManualClock,
        Period, ReportInput, ReportKind, UnresolvedIncidents,
    };

    use age_policy::ActivePolicy;

    use super::*;

    #[test]
    fn report_message_has_the_figures_and_their_comparison() {
        let policy = Policy::compiled().unwrap();
        let clock = ManualClock::at("2026-11-23T00:05:00Z".parse().unwrap());
        let (mut counts, mut before) = (EventCounts::default(), EventCounts::default());
        counts.add(Engine::from_static("billing"), Severity::Critical, 5);
        counts.add(Engine::from_static("qa"), Severity::Low, 7);
        before.add(Engine::from_static("qa"), Severity::Medium, 2);
        let period = Period::week_before(clock.now().day());
        let activity = ActivitySummary {
            actions: ActionCounts {
                planned: 9,
                by_status: [(ActionStatus::Verified, 6), (ActionStatus::TimedOut, 1)].into(),
                outcomes: 2,
                outcome_millis: 390_000,
            },
            incidents: IncidentFigures { opened: 3, acknowledged: 1, median_seconds_to_acknowledge: Some(7260) },
            silent_engines: vec![Engine::from_static("maos")],
            unresolved: UnresolvedIncidents { open: 1, acknowledged: 2, has_critical_event: false },
            decisions: DecisionCounts {
                allowed: 1204,
                denied: 12,
                operations_without_permit: 1,
                ..DecisionCounts::default()
            },
        };
        let input = ReportInput { counts, baseline: Baseline::Counts(before), activity };
        let report = age_scoring::report(&ActivePolicy::compiled().unwrap(), ReportKind::Weekly, period, input, &clock);

        let message = report_message(&policy, &report, Some("https://age.example"));
        assert_eq!(message.subject(), "[AGE] Week of Mon 16 Nov 2026: risk CRITICAL, score 23 of 100");
        for line in [
            "Risk level    CRITICAL, highest in billing risk",
            "Risk score    23 of 100 (last week: 4)",
            "Week          Mon 16 Nov 2026, 00:00:00 UTC to Mon 23 Nov 2026, 00:00:00 UTC",
            "billing risk                100          0                      125",
            "operational risk              7         10                        7",
            "Events: 12 (last week: 2)",
            "CRITICAL                      5",
            "Deep Agent                    0",
            "in progress                   2",
            "verified                      6",
            "timed out                     1",
            "Mean time to outcome: 3 min 15 s",
            "opened                        3",
            "Median time to acknowledgement: 2 h 1 min",
            "Silent engines: MAOS",
            "Decisions: 1,204 allowed, 12 denied, 0 needed approval; 1 operation without a permit",
            "unresolved now                3",
            "- Acknowledge 1 open incident",
            "  https://age.example/dashboard/incidents?status=open",
            "- Audit billing sync and token enforcement",
            "- Address 5 critical events immediately",
            "  5 CRITICAL events of 12 in all. All their incidents are resolved.",
        ] {
            assert!(message.text().lines().any(|found| found == line), "{line}\n{}", message.text());
        }
        assert_eq!(serde_json::from_str::<Report>(message.json()).unwrap(), report);

        let mut without = report;
        without.summary.decisions = DecisionCounts::default();
        assert!(!report_message(&policy, &without, None).text().contains("Decisions"), "nothing was decided");
    }
}
