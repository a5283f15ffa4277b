//! Changes of single values: thresholds, points, times and limits.

use age_model::format_duration;
use serde_json::Value;

use crate::policy_change::PolicyChange;

/// How people read a value.
#[derive(Clone, Copy)]
enum Unit {
    /// A number, or a word.
    Plain,
    /// Seconds, or a list of them.
    Seconds,
    /// A text, in quotes.
    Text,
}

/// A single value of the document: its subject, its path, its unit, and what it is.
type Setting = (&'static str, &'static str, Unit, &'static str);

const SETTINGS: &[Setting] = &[
    ("scores", "score_cap", Unit::Plain, "The highest score of a category"),
    ("scores", "critical_recommendation", Unit::Text, "The recommendation about CRITICAL events"),
    ("weights", "weights.LOW", Unit::Plain, "The number of points of a LOW event"),
    ("weights", "weights.MEDIUM", Unit::Plain, "The number of points of a MEDIUM event"),
    ("weights", "weights.HIGH", Unit::Plain, "The number of points of a HIGH event"),
    ("weights", "weights.CRITICAL", Unit::Plain, "The number of points of a CRITICAL event"),
    ("levels", "levels.LOW", Unit::Plain, "The lowest score of level LOW"),
    ("levels", "levels.MEDIUM", Unit::Plain, "The lowest score of level MEDIUM"),
    ("levels", "levels.HIGH", Unit::Plain, "The lowest score of level HIGH"),
    ("levels", "levels.CRITICAL", Unit::Plain, "The lowest score of level CRITICAL"),
    ("actions", "actions.min_severity", Unit::Plain, "The lowest severity of events that lead to actions"),
    ("actions", "actions.lease_seconds", Unit::Seconds, "The time that one attempt to dispatch an action has"),
    (
        "actions",
        "actions.retry_after_seconds",
        Unit::Seconds,
        "The wait before each further attempt to dispatch an action",
    ),
    ("actions", "actions.answer_within_seconds", Unit::Seconds, "The time that a worker has to report an outcome"),
    ("actions", "actions.approve_within_seconds", Unit::Seconds, "The time that responders have to approve an action"),
    ("actions", "actions.verify_after_seconds", Unit::Seconds, "The time without events that verifies a remediation"),
    (
        "actions",
        "actions.repeat_after_seconds",
        Unit::Seconds,
        "The time for which a remediation in progress suppresses the same one",
    ),
    (
        "actions",
        "actions.give_up_after",
        Unit::Plain,
        "The number of ineffective remediations that suppress further ones",
    ),
    (
        "actions",
        "actions.give_up_within_seconds",
        Unit::Seconds,
        "The time in which ineffective remediations are counted",
    ),
    ("incidents", "incidents.min_severity", Unit::Plain, "The lowest severity of events that open an incident"),
    ("incidents", "incidents.max_open_per_engine", Unit::Plain, "The highest number of open incidents of an engine"),
    (
        "incidents",
        "incidents.digest_after_seconds",
        Unit::Seconds,
        "The shortest time between two notifications about new events",
    ),
    ("incidents", "incidents.remind_after_seconds", Unit::Seconds, "The time between two reminders"),
    (
        "incidents",
        "incidents.second_line_after_seconds",
        Unit::Seconds,
        "The time after which the second line is notified",
    ),
    (
        "incidents",
        "incidents.resolve_after_seconds",
        Unit::Seconds,
        "The time without events that resolves an acknowledged incident",
    ),
    ("incidents", "incidents.on_resolved", Unit::Plain, "What follows when all alerts of an incident are resolved"),
    (
        "incidents",
        "incidents.lease_seconds",
        Unit::Seconds,
        "The time that one attempt to notify people of an incident has",
    ),
    ("incidents", "incidents.email_interval_seconds", Unit::Seconds, "The time in which one more e-mail may be sent"),
    ("incidents", "incidents.email_burst", Unit::Plain, "The number of e-mails that may be sent at once after a pause"),
    (
        "activation",
        "activation.requires_another_admin",
        Unit::Plain,
        "Whether the author of a version needs another admin to activate it",
    ),
    ("decisions", "decisions.valid_for_seconds", Unit::Seconds, "The time for which a decision holds"),
    (
        "decisions",
        "decisions.approve_within_seconds",
        Unit::Seconds,
        "The time that responders have to approve a decision",
    ),
    ("decisions", "decisions.record_payload", Unit::Plain, "Whether a decision is recorded with its request"),
    (
        "decisions",
        "decisions.expect_event_within_seconds",
        Unit::Seconds,
        "The time within which the event of an allowed operation is expected",
    ),
    ("alerts", "alertmanager.otherwise", Unit::Plain, "The severity of an alert whose word has no severity"),
];

/// Returns the changes of single values of `subjects`, between two documents.
pub(crate) fn setting_changes<'a>(
    subjects: &'a [&str],
    old: &'a Value,
    new: &'a Value,
) -> impl Iterator<Item = PolicyChange> + 'a {
    SETTINGS.iter().filter(|(subject, ..)| subjects.contains(subject)).filter_map(|(subject, path, unit, what)| {
        let pointer = format!("/{}", path.replace('.', "/"));
        let (before, after) = (old.pointer(&pointer), new.pointer(&pointer));
        let sentence = || format!("{what} becomes {}; it was {}.", shown(after, *unit), shown(before, *unit));
        let raw = |value: Option<&Value>| value.map(ToString::to_string);
        (before != after).then(|| PolicyChange::new(*subject, sentence()).with_values(path, raw(before), raw(after)))
    })
}

fn shown(value: Option<&Value>, unit: Unit) -> String {
    match (value, unit) {
        (None, _) => "the default".to_owned(),
        (Some(Value::Array(items)), _) => {
            items.iter().map(|item| shown(Some(item), unit)).collect::<Vec<_>>().join(", ")
        }
        (Some(Value::Number(seconds)), Unit::Seconds) => seconds.as_i64().map(format_duration).unwrap_or_default(),
        (Some(Value::String(word)), Unit::Plain) => word.clone(),
        (Some(value), _) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::document::Policy;

    use super::*;

    #[test]
    fn every_single_value_of_the_document_is_a_setting() {
        let mut policy = Policy::compiled().unwrap();
        policy.incidents.on_resolved = Some(crate::document::OnResolved::Note);
        policy.decisions = crate::decision_document::test_data::decision_rules();
        policy.guardrails = crate::guardrail_document::test_data::guardrails();
        let document = serde_json::to_value(policy).unwrap();
        let mut paths = BTreeSet::new();
        for (section, value) in document.as_object().unwrap() {
            match value.as_object().filter(|_| section != "engines") {
                Some(fields) => paths.extend(fields.keys().map(|key| format!("{section}.{key}"))),
                None => _ = paths.insert(section.clone()),
            }
        }
        let elsewhere = [
            "engines",
            "categories",
            "actions.require_approval",
            "actions.carried_out_by",
            "actions.first_match",
            "actions.also",
            "alertmanager.severities",
            "guardrails",
            "decisions.unbound_context",
            "decisions.on_unavailable",
            "decisions.event_types",
            "decisions.holds",
        ];
        let listed: BTreeSet<_> =
            SETTINGS.iter().map(|(_, path, ..)| *path).chain(elsewhere).map(str::to_owned).collect();
        assert_eq!(listed, paths);
    }
}
