//! The times and limits of a policy, as people read them.

use age_model::format_duration;
use age_policy::{ActionRules, IncidentRules, OnResolved};

use crate::format::format_count;

/// A setting: its label and its value in words.
pub(super) type Setting = (&'static str, String);

/// Returns the times and limits of actions, in the order of an action's life.
pub(super) fn action_settings(rules: &ActionRules) -> Vec<Setting> {
    let retries: Vec<_> = rules.retry_after_seconds.iter().map(|seconds| format_duration(*seconds)).collect();
    let given_up = format!(
        "{} within {}",
        format_count(rules.give_up_after as u64, "ineffective remediation"),
        format_duration(rules.give_up_within_seconds)
    );
    vec![
        ("Approval expires after", format_duration(rules.approve_within_seconds)),
        ("Waits before dispatching again", retries.join(", ")),
        ("One attempt to dispatch takes at most", format_duration(rules.lease_seconds)),
        ("A worker reports the outcome within", format_duration(rules.answer_within_seconds)),
        ("Verified if no event follows for", format_duration(rules.verify_after_seconds)),
        ("While in progress, suppresses the same remediation for", format_duration(rules.repeat_after_seconds)),
        ("AGE starts no more remediations after", given_up),
    ]
}

/// Returns when incidents open, escalate and resolve.
pub(super) fn incident_settings(rules: &IncidentRules) -> Vec<Setting> {
    let on_resolved = match rules.on_resolved {
        None => "An incident that nobody has acknowledged resolves, an acknowledged one gets a note",
        Some(OnResolved::Resolve) => "The incident resolves",
        Some(OnResolved::Note) => "The incident gets a note, and people are notified",
    };
    vec![
        ("Lowest severity that opens an incident", rules.min_severity.to_string()),
        (
            "Open incidents of an engine",
            format!("at most {}, further event types are gathered in one", rules.max_open_per_engine),
        ),
        (
            "Acknowledged incident resolves after",
            format!("{} without events", format_duration(rules.resolve_after_seconds)),
        ),
        ("When all alerts of an incident are resolved", on_resolved.to_owned()),
    ]
}

/// Returns when people are notified.
pub(super) fn notification_settings(rules: &IncidentRules) -> Vec<Setting> {
    let limit = format!(
        "one each {}, and up to {} at once after a pause",
        format_duration(rules.email_interval_seconds),
        rules.email_burst
    );
    vec![
        ("Digest of new events", format!("each {} at most", format_duration(rules.digest_after_seconds))),
        ("Reminder until acknowledged", format!("each {}", format_duration(rules.remind_after_seconds))),
        (
            "Escalation to the second line",
            format!("after {} without an acknowledgement", format_duration(rules.second_line_after_seconds)),
        ),
        ("E-mails of all incidents together", limit),
        ("One attempt to send takes at most", format_duration(rules.lease_seconds)),
    ]
}

#[cfg(test)]
mod tests {
    use age_policy::Policy;

    use super::*;

    #[test]
    fn times_are_durations_in_words() {
        let policy = Policy::compiled().unwrap();
        let settings = [
            action_settings(&policy.actions),
            incident_settings(&policy.incidents),
            notification_settings(&policy.incidents),
        ];
        let lines: Vec<_> = settings.concat().into_iter().map(|(label, value)| format!("{label}: {value}")).collect();
        for line in [
            "Approval expires after: 1 d",
            "Waits before dispatching again: 10 s, 1 min, 5 min, 30 min, 2 h",
            "AGE starts no more remediations after: 3 ineffective remediations within 1 d",
            "Lowest severity that opens an incident: CRITICAL",
            "Reminder until acknowledged: each 4 h",
            "Escalation to the second line: after 30 min without an acknowledgement",
            "E-mails of all incidents together: one each 10 s, and up to 5 at once after a pause",
        ] {
            assert!(lines.iter().any(|it| it == line), "{line} in {lines:?}");
        }
    }
}
