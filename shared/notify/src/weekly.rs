//! What a manager reads on Monday morning.

use std::fmt::Write;

use age_model::{ActionFigures, IncidentFigures, Report, ReportSummary, Severity};
use age_scoring::Policy;

use crate::Message;

/// The weekly `report` as an e-mail; machines get the report itself. `api` is the address of the API, if it is known.
///
/// # Errors
/// If the report cannot be written as JSON.
pub fn weekly_message(policy: &Policy, report: &Report, api: Option<&str>) -> Result<Message, serde_json::Error> {
    let (week, level, score) = (report.from.day().in_words(), report.risk_level, report.risk_score);
    let subject = format!("[AGE] Week of {week}: risk {level}, score {score} of 100");
    let mut text = Message::new(&subject, summary(policy, report, api));
    text.json = Some(serde_json::to_string(report)?);
    Ok(text)
}

fn summary(policy: &Policy, report: &Report, api: Option<&str>) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, policy, report, api);
    text
}

fn write(text: &mut String, policy: &Policy, report: &Report, api: Option<&str>) -> std::fmt::Result {
    let summary = &report.summary;
    let previous = summary.previous.as_ref();
    writeln!(text, "Governance report, {} to {}\n", report.from.in_words(), report.to.in_words())?;

    let peak = summary.peak_category.as_deref().map_or(String::new(), |peak| format!(", because of {peak}"));
    writeln!(text, "Risk level  {}{peak}", report.risk_level)?;
    writeln!(
        text,
        "Risk score  {} of 100{}",
        report.risk_score,
        before(previous.map(|week| u64::from(week.risk_score)))
    )?;
    writeln!(text, "Events      {}{}", summary.total_events, before(previous.map(|week| week.total_events)))?;
    for severity in Severity::ALL.iter().rev() {
        let number = summary.by_severity.get(severity).copied().unwrap_or_default();
        writeln!(text, "            {number:>6} {severity}")?;
    }

    writeln!(text, "\nCategory            Score  Week before  Uncapped")?;
    for category in &policy.categories {
        let name = category.name.as_str();
        let score = summary.risk_scores.get(name).copied().unwrap_or_default();
        let raw = summary.raw_scores.get(name).copied().unwrap_or_default();
        let then = previous.and_then(|week| week.risk_scores.get(name)).map_or("-".to_owned(), u32::to_string);
        writeln!(text, "{name:<18} {score:>6}  {then:>11}  {raw:>8}")?;
    }

    writeln!(text, "\nEngine              Events")?;
    for (engine, number) in &summary.by_engine {
        writeln!(text, "{:<18} {number:>7}", policy.title(*engine))?;
    }

    activity(text, policy, summary)?;

    writeln!(text, "\nRecommendations")?;
    for recommendation in &report.recommendations {
        writeln!(text, "- {recommendation}")?;
    }
    if report.recommendations.is_empty() {
        writeln!(text, "- none: no category is above its threshold")?;
    }

    writeln!(text, "\nLook at     {}/dashboard/reports/{}", api.unwrap_or_default(), report.id)?;
    writeln!(text, "Made at     {}", report.generated_at.in_words())?;
    writeln!(text, "Policy      {}", report.policy_hash)
}

fn activity(text: &mut String, policy: &Policy, summary: &ReportSummary) -> std::fmt::Result {
    let ActionFigures { running, settled } = &summary.actions;
    writeln!(text, "\nRemedies")?;
    writeln!(text, "{:<18} {running:>7}", "running")?;
    for (status, number) in settled.iter().filter(|(_, number)| **number > 0) {
        writeln!(text, "{:<18} {number:>7}", status.as_str().replace('_', " "))?;
    }
    if let Some(seconds) = summary.mean_seconds_to_outcome {
        writeln!(text, "Mean time to an outcome: {}", duration(seconds))?;
    }
    let IncidentFigures { opened, acknowledged, median_seconds_to_acknowledge } = summary.incidents;
    writeln!(text, "\nIncidents")?;
    writeln!(text, "{:<18} {opened:>7}", "opened")?;
    writeln!(text, "{:<18} {acknowledged:>7}", "acknowledged")?;
    if let Some(seconds) = median_seconds_to_acknowledge {
        writeln!(text, "Median time to acknowledgement: {}", duration(seconds))?;
    }
    let silent: Vec<&str> = summary.silent_engines.iter().map(|engine| policy.title(*engine)).collect();
    if silent.is_empty() { Ok(()) } else { writeln!(text, "Silent now: {}", silent.join(", ")) }
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

fn before(figure: Option<u64>) -> String {
    figure
        .map_or_else(|| " (no events in the week before)".to_owned(), |figure| format!(" (the week before: {figure})"))
}

#[cfg(test)]
mod tests {
    use age_model::{
        ActionCounts, ActionStatus, ActivitySummary, Baseline, Clock, Engine, EventCounts, ManualClock, Period,
        ReportInput, ReportKind,
    };

    use super::*;

    #[test]
    fn reads_as_a_person_would_want_it() {
        let policy = Policy::compiled().unwrap();
        let clock = ManualClock::at("2026-11-23T00:05:00Z".parse().unwrap());
        let (mut counts, mut before) = (EventCounts::default(), EventCounts::default());
        counts.add(Engine::Billing, Severity::Critical, 5);
        counts.add(Engine::Qa, Severity::Low, 7);
        before.add(Engine::Qa, Severity::Medium, 2);
        let period = Period::week_before(clock.now().day());
        let activity = ActivitySummary {
            actions: ActionCounts {
                planned: 9,
                by_status: [(ActionStatus::Verified, 6), (ActionStatus::TimedOut, 1)].into(),
                outcomes: 2,
                outcome_millis: 390_000,
            },
            incidents: IncidentFigures { opened: 3, acknowledged: 1, median_seconds_to_acknowledge: Some(7260) },
            silent_engines: vec![Engine::Maos],
        };
        let figures = ReportInput { counts, before: Baseline::Counts(before), activity };
        let report = age_scoring::report(&policy, ReportKind::Weekly, period, figures, &clock);

        let message = weekly_message(&policy, &report, None).unwrap();
        assert_eq!(message.subject(), "[AGE] Week of Mon 16 Nov 2026: risk CRITICAL, score 23 of 100");
        for line in [
            "Governance report, Mon 16 Nov 2026, 00:00:00 UTC to Mon 23 Nov 2026, 00:00:00 UTC",
            "Risk level  CRITICAL, because of billing_risk",
            "Risk score  23 of 100 (the week before: 4)",
            "Events      12 (the week before: 2)",
            "                 5 CRITICAL",
            "billing_risk          100            0       125",
            "operational_risk        7           10         7",
            "Deep Agent               0",
            "running                  2",
            "verified                 6",
            "timed out                1",
            "Mean time to an outcome: 3 min 15 s",
            "opened                   3",
            "Median time to acknowledgement: 2 h 1 min",
            "Silent now: MAOS",
            "- Address 5 critical events immediately",
        ] {
            assert!(message.text().lines().any(|found| found == line), "{line}\n{}", message.text());
        }
        assert_eq!(serde_json::from_str::<Report>(&message.json.unwrap()).unwrap(), report);
    }
}
