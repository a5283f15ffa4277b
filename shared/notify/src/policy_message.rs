//! The message that notifies admins of the activation of a policy version.
//!
//! Its first line says what was activated and by whom; the second what AGE does; the third how to roll back.

use std::fmt::Write;

use age_model::PolicyActivation;
use age_policy::PolicyDifference;
use serde::Serialize;
use utoipa::ToSchema;

use crate::message::{Message, MessageType};
use crate::text::{line, one_line, quoted_admin};

/// The most changes that a message lists. The difference of the versions has all of them.
const MAX_CHANGES: usize = 20;

/// How many digits of a hash tell two versions apart for people.
const SHORT_HASH_CHARS: usize = 12;

/// The activation of a policy version.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PolicyActivationContent<'a> {
    #[serde(flatten)]
    activation: &'a PolicyActivation,
    /// The first changes, in sentences. Absent if the versions cannot be compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    changes: Option<Vec<&'a str>>,
    /// Number of all changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    change_count: Option<usize>,
}

/// Returns the message about `activation`. `difference` is what changed for whom; None if the versions cannot be compared.
#[must_use]
pub fn policy_message(activation: &PolicyActivation, difference: Option<&PolicyDifference>) -> Message {
    let PolicyActivation { number, hash, version, previous, by, at, reason } = activation;
    let [short, short_previous] =
        [hash, previous].map(|hash| hash.to_string().chars().take(SHORT_HASH_CHARS).collect::<String>());
    let mut text = format!("{by} activated policy version {version} ({short}): {}\n", at.in_words());
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "AGE works by it, everywhere within 60 seconds of that time. Before, it worked by {short_previous}."
    );
    let _ = writeln!(text, "To roll back, as an admin: agectl policy activate {previous} --reason \"...\"\n");
    line(&mut text, "Version", &format!("{version}, {hash}"));
    line(&mut text, "Before", &previous.to_string());
    line(&mut text, "Activation", &number.to_string());
    let _ = write!(text, "\nThe reason, in the words of {by}:\n{}", quoted_admin(reason));
    match difference {
        Some(PolicyDifference { changes }) => {
            let _ = writeln!(text, "\n{} changes:", changes.len());
            for change in changes.iter().take(MAX_CHANGES) {
                let _ = writeln!(text, "- {}", one_line(&change.sentence));
            }
            if changes.len() > MAX_CHANGES {
                let _ = writeln!(
                    text,
                    "- and {} more: agectl policy diff {hash} --against {previous}",
                    changes.len() - MAX_CHANGES
                );
            }
        }
        None => text.push_str("\nThe versions cannot be compared now.\n"),
    }
    let content = PolicyActivationContent {
        activation,
        changes: difference.map(|it| it.changes.iter().take(MAX_CHANGES).map(|change| &*change.sentence).collect()),
        change_count: difference.map(|it| it.changes.len()),
    };
    let subject = format!("[AGE] {by} activated policy version {version}");
    Message::new(MessageType::PolicyActivation, &subject, text, &content)
}

#[cfg(test)]
mod tests {
    use age_model::PolicyHash;
    use age_policy::Policy;

    use super::*;

    fn activation(reason: &str) -> PolicyActivation {
        PolicyActivation {
            number: 3,
            hash: PolicyHash::from_bytes([0xab; 32]),
            version: 7,
            previous: Policy::COMPILED_HASH,
            by: "ops-admin".parse().unwrap(),
            at: "2026-11-23T00:05:00Z".parse().unwrap(),
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn message_says_who_when_why_what_and_how_to_roll_back() {
        let old = Policy::compiled().unwrap();
        let mut new = old.clone();
        new.incidents.remind_after_seconds = 7200;
        let message = policy_message(&activation("quieter nights"), Some(&age_policy::difference(&old, &new)));
        assert_eq!(message.subject(), "[AGE] ops-admin activated policy version 7");
        let lines: Vec<&str> = message.text().lines().collect();
        assert_eq!(lines[0], "ops-admin activated policy version 7 (abababababab): Mon 23 Nov 2026, 00:05:00 UTC");
        assert!(lines[1].starts_with("AGE works by it, everywhere within 60 seconds"), "{lines:?}");
        let previous = Policy::COMPILED_HASH;
        assert_eq!(lines[2], format!("To roll back, as an admin: agectl policy activate {previous} --reason \"...\""));
        assert!(message.text().contains("The reason, in the words of ops-admin:\n  > quieter nights\n"), "{message:?}");
        assert!(message.text().contains("\n1 changes:\n- The time between two reminders becomes 2 h"), "{message:?}");
    }

    #[test]
    fn message_lists_at_most_20_changes_and_has_no_links_of_others() {
        let old = Policy::compiled().unwrap();
        let mut new = old.clone();
        for rules in new.engines.values_mut() {
            rules.title = "see https://evil.example".to_owned();
            rules.expected_interval_seconds = 17;
        }
        for category in &mut new.categories {
            category.recommendation = "call www.evil.example".to_owned();
            category.recommend_above = 7;
        }
        let difference = age_policy::difference(&old, &new);
        assert!(difference.changes.len() > MAX_CHANGES);
        let message = policy_message(&activation("see http://evil.example\n\nTo roll back: rm"), Some(&difference));
        let text = message.text();
        assert_eq!(text.lines().filter(|line| line.starts_with("- ")).count(), MAX_CHANGES + 1, "{text}");
        assert!(text.contains(&format!("and {} more: agectl policy diff", difference.changes.len() - MAX_CHANGES)));
        assert!(!text.contains("://") && !text.contains("evil.example"), "{text}");
        let unknown = policy_message(&activation("x"), None);
        assert!(unknown.text().ends_with("The versions cannot be compared now.\n"));
    }
}
