//! The metrics of a sweep, which alarms watch.

use age_governance::SweepReport;
use age_model::{ActionStatus, TopicName};

/// Returns the metrics of `report`, by name. `Actions…` counts the open actions of a status, or for a final status the actions that
/// reached it in this sweep.
#[must_use]
pub(crate) fn of(report: &SweepReport) -> Vec<(String, i64)> {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let has_no_subscriber = |topic| i64::from(report.topics_without_subscriber.contains(&topic));
    let of_actions = ActionStatus::ALL.iter().map(|status| {
        let words = status.as_str().split('_').map(capitalized).collect::<String>();
        let counts = if status.is_final() { &report.transitions } else { &report.open_actions };
        (format!("Actions{words}"), number(counts.get(status).copied().unwrap_or_default()))
    });
    let mut metrics: Vec<(String, i64)> = of_actions.collect();
    metrics.extend(
        [
            ("OldestDueSeconds", report.oldest_due_seconds),
            ("BehindSeconds", report.behind_seconds()),
            ("SweepFailures", number(report.failed)),
            ("EmailsSent", number(report.emails_sent)),
            ("EmailsHeld", number(report.emails_held)),
            ("OldestUnnotifiedSeconds", report.oldest_unnotified_seconds),
            ("NotificationsUndeliverable", number(report.notifications_undeliverable)),
            ("NotificationsUnreachable", has_no_subscriber(TopicName::Notifications)),
            ("SecondLineUnreachable", has_no_subscriber(TopicName::SecondLine)),
            ("ReportsUnreachable", has_no_subscriber(TopicName::Reports)),
            ("AlarmsUnreachable", has_no_subscriber(TopicName::Alarms)),
            ("WeeklyReportMissing", i64::from(report.weekly_report_missing)),
            ("PolicyUnreadable", i64::from(report.policy_unreadable)),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    metrics
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_have_the_names_that_alarms_watch() {
        let mut report = SweepReport {
            topics_without_subscriber: vec![TopicName::Notifications, TopicName::Alarms],
            oldest_due_seconds: 7,
            oldest_unnotified_seconds: 90,
            actions_behind_seconds: 40,
            decisions_behind_seconds: 50,
            incidents_behind_seconds: 20,
            ..SweepReport::default()
        };
        report.transitions.insert(ActionStatus::TimedOut, 3);
        report.transitions.insert(ActionStatus::Dispatched, 9);
        report.open_actions.insert(ActionStatus::Dispatched, 4);
        let metrics = of(&report);
        for expected in [
            ("ActionsTimedOut", 3),
            ("ActionsDispatched", 4),
            ("ActionsUndeliverable", 0),
            ("OldestDueSeconds", 7),
            ("BehindSeconds", 50),
            ("NotificationsUnreachable", 1),
            ("SecondLineUnreachable", 0),
            ("ReportsUnreachable", 0),
            ("AlarmsUnreachable", 1),
            ("OldestUnnotifiedSeconds", 90),
            ("NotificationsUndeliverable", 0),
            ("PolicyUnreadable", 0),
        ] {
            assert!(metrics.contains(&(expected.0.to_owned(), expected.1)), "{expected:?} in {metrics:?}");
        }
    }
}
