//! What a notification says about the approval of an operation that a decision leaves to a responder.

use age_model::{
    ApprovalNotificationKind, Decision, DecisionApproval, DecisionReason, DecisionRequest, Severity, Timestamp,
};
use age_policy::Policy;

use crate::approval_text::{time_left, word, write_deadline, write_resource};
use crate::text::{display_name, line, quoted_admin, quoted_request};

/// The most reasons that a notification has. The page of the decision has all of them.
const MAX_REASONS: usize = 20;

/// A decision whose operation needs an approval, of which a message notifies people.
#[derive(Debug, Clone, Copy)]
pub struct NotifiedDecision<'a> {
    /// The decision.
    pub decision: &'a Decision,
    /// Its approval, which is pending or has expired.
    pub approval: &'a DecisionApproval,
    /// The kind of notification.
    pub kind: ApprovalNotificationKind,
    /// Whether the policy version that decided is the active one. An approval under another one permits nothing.
    pub is_policy_active: bool,
    /// The time at which it is written.
    pub now: Timestamp,
}

impl<'a> NotifiedDecision<'a> {
    /// An engine waits for a person, as it does after a HIGH event whose remediation needs an approval.
    pub(crate) const SEVERITY: Severity = Severity::High;

    /// Returns the address of the decision's page.
    pub(crate) fn page(&self, api: &str) -> String {
        format!("{api}/dashboard/decisions/{}", self.decision.id)
    }

    /// Returns the address to which the approval is posted.
    pub(crate) fn resource(&self, api: &str) -> String {
        format!("{api}/api/governance/decisions/{}/approval", self.decision.id)
    }

    /// Returns why the operation needs an approval, as far as a notification says it.
    pub(crate) fn reasons(&self) -> &'a [DecisionReason] {
        let reasons = &self.decision.reasons;
        reasons.get(..MAX_REASONS).unwrap_or(reasons)
    }
}

/// Returns the engine and the operation, in a few words. The name of the operation ends it: what comes after it would not be known as
/// AGE's.
fn title(policy: &Policy, notified: &NotifiedDecision<'_>) -> String {
    let Decision { engine, request, .. } = notified.decision;
    format!("{}: {}", policy.title(engine), display_name(&request.action))
}

/// Returns the subject of a message about one decision.
pub(crate) fn decision_subject(policy: &Policy, notified: &NotifiedDecision<'_>) -> String {
    format!("[AGE] {}, {}: {}", NotifiedDecision::SEVERITY, word(notified.kind), title(policy, notified))
}

/// Returns the text of a message about one decision.
// INVARIANT: no text of others comes before AGE's own link.
pub(crate) fn decision_text(policy: &Policy, notified: &NotifiedDecision<'_>, api: &str) -> String {
    let engine = policy.title(&notified.decision.engine);
    let needed = "AGE did: it answered that the operation needs an approval; without one it may not run";
    let decide = format!("To approve or deny: {}", notified.page(api));
    let (why, did, todo) = match notified.kind {
        ApprovalNotificationKind::Request => {
            (format!("{engine}: an operation waits for your approval"), needed, decide)
        }
        ApprovalNotificationKind::Reminder => {
            let left = time_left(notified.approval.until, notified.now);
            (format!("{engine}: nobody has approved or denied an operation, {left} left"), needed, decide)
        }
        ApprovalNotificationKind::Expiry => (
            format!("{engine}: nobody approved or denied an operation in time"),
            "AGE did: it ended the approval; the operation may not run",
            "If it is still needed, the engine has to ask again: AGE then requests another approval.".to_owned(),
        ),
    };
    let mut text = format!("{}: {why}\n{did}\n{todo}\n\n", NotifiedDecision::SEVERITY);
    write_facts(&mut text, policy, notified, api);
    text
}

/// Returns the part about one decision of a message about several things.
pub(crate) fn decision_entry(policy: &Policy, notified: &NotifiedDecision<'_>, api: &str) -> String {
    let severity = NotifiedDecision::SEVERITY;
    let mut text = format!("{severity}, {}: {}\n", word(notified.kind), title(policy, notified));
    write_facts(&mut text, policy, notified, api);
    text
}

/// Writes which operation it is, until when it can be approved, how, and what that means.
fn write_facts(text: &mut String, policy: &Policy, notified: &NotifiedDecision<'_>, api: &str) {
    let NotifiedDecision { decision, approval, kind, now, .. } = notified;
    let Decision { id: decision_id, engine, decided_at, request, .. } = decision;
    let digest = &approval.digest;
    let is_open = *kind != ApprovalNotificationKind::Expiry;
    line(text, "Engine", &format!("{} ({engine})", policy.title(engine)));
    line(text, "Decision", &decision_id.to_string());
    line(text, "Requested", &decided_at.in_words());
    line(text, "Digest", digest);
    write_deadline(text, approval.until, *kind, *now);
    if is_open && notified.is_policy_active {
        line(text, "If approved", "it may run once, if the engine asks again in time and nothing denies it then");
    } else if is_open {
        line(text, "If approved", "it may not run: another policy version is active, and the engine has to ask anew");
    }
    line(text, "Approval", &notified.page(api));
    if is_open {
        line(text, "Command", &format!("agectl decision show {decision_id}"));
        line(text, "To approve", &format!("agectl decision approve {decision_id} --digest {digest}"));
        line(text, "To deny", &format!("agectl decision deny {decision_id} --digest {digest}"));
        write_resource(text, &notified.resource(api), digest);
    }
    let DecisionRequest { subject_type, subject_id, action, resource_type, resource_id, .. } = request;
    text.push_str(&quoted_request(&[
        ("Action", action.clone()),
        ("Resource", format!("{resource_type} {resource_id}")),
        ("Subject", format!("{subject_type} {subject_id}")),
    ]));
    let reasons = notified.reasons().iter().map(|reason| match &reason.rule {
        Some(rule) => format!("{rule}: {}", reason.message),
        None => reason.message.clone(),
    });
    let reasons: Vec<String> = reasons.collect();
    if !reasons.is_empty() {
        text.push_str("The guardrails say, in the words of the policy:\n");
        text.push_str(&quoted_admin(&reasons.join("\n")));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use age_model::{Engine, PolicyHash, ReasonCode, Verdict};

    use super::*;
    use crate::message::MAX_MESSAGE_BYTES;
    use crate::notification_message::{Notified, notification_message};

    const API: &str = "https://age.example";

    /// Returns a decision on a refund of `engine` that needs an approval, in which each text of others is `text`.
    pub(crate) fn a_decision(engine: Engine, text: &str, message: &str) -> Decision {
        let decided_at: Timestamp = "2026-11-23T03:12:45Z".parse().unwrap();
        Decision {
            id: "01936f2e-0000-7000-8000-00000000000a".parse().unwrap(),
            decided_at,
            engine,
            asked_by: "billing-engine".parse().unwrap(),
            request: DecisionRequest {
                subject_type: text.to_owned(),
                subject_id: text.to_owned(),
                action: text.to_owned(),
                resource_type: text.to_owned(),
                resource_id: text.to_owned(),
                digest: "d0".to_owned(),
                request_id: Some(text.to_owned()),
                position: 0,
                payload: None,
            },
            verdict: Verdict::NeedsApproval,
            reasons: vec![DecisionReason {
                rule: Some("large_refunds".to_owned()),
                code: ReasonCode::RuleMatched,
                message: message.to_owned(),
            }],
            policy_hash: PolicyHash::from_bytes([7; 32]),
            posture: None,
            expires_at: decided_at.plus_seconds(86_400),
            approval: Some(DecisionApproval::pending("d1".to_owned(), decided_at.plus_seconds(86_400))),
            approved_by_decision: None,
            event_expected_by: None,
            event_status: None,
            followed_by: None,
            shadow: None,
        }
    }

    pub(crate) fn notified(decision: &Decision, kind: ApprovalNotificationKind) -> Notified<'_> {
        Notified::Decision(NotifiedDecision {
            decision,
            approval: decision.approval.as_ref().unwrap(),
            kind,
            is_policy_active: true,
            now: "2026-11-23T15:12:45Z".parse().unwrap(),
        })
    }

    fn policy() -> Policy {
        Policy::compiled().unwrap()
    }

    fn billing(text: &str, message: &str) -> Decision {
        a_decision(Engine::from_static("billing"), text, message)
    }

    #[test]
    fn message_says_which_operation_waits_and_how_to_decide() {
        let mut decision = billing("refund", "refunds over 1,000 need approval");
        decision.request.resource_type = "invoice".to_owned();
        decision.request.resource_id = "4711".to_owned();
        let request = notified(&decision, ApprovalNotificationKind::Request);
        let message = notification_message(&policy(), &[request], None, Some(API));
        assert_eq!(message.subject(), "[AGE] HIGH, approval needed: Billing: refund");
        assert_eq!(
            message.text(),
            "HIGH: Billing: an operation waits for your approval\n\
             AGE did: it answered that the operation needs an approval; without one it may not run\n\
             To approve or deny: https://age.example/dashboard/decisions/01936f2e-0000-7000-8000-00000000000a\n\
             \n\
             Engine      Billing (billing)\n\
             Decision    01936f2e-0000-7000-8000-00000000000a\n\
             Requested   Mon 23 Nov 2026, 03:12:45 UTC\n\
             Digest      d1\n\
             Decide by   Tue 24 Nov 2026, 03:12:45 UTC, 12 h left\n\
             If approved it may run once, if the engine asks again in time and nothing denies it then\n\
             Approval    https://age.example/dashboard/decisions/01936f2e-0000-7000-8000-00000000000a\n\
             Command     agectl decision show 01936f2e-0000-7000-8000-00000000000a\n\
             To approve  agectl decision approve 01936f2e-0000-7000-8000-00000000000a --digest d1\n\
             To deny     agectl decision deny 01936f2e-0000-7000-8000-00000000000a --digest d1\n\
             API         POST https://age.example/api/governance/decisions/01936f2e-0000-7000-8000-00000000000a/approval\n            \
             {\"decision\":\"approve\",\"digest\":\"d1\"}\n            \
             {\"decision\":\"deny\",\"digest\":\"d1\"}\n\
             The engine asked, in its own words:\n  \
             > Action: refund\n  \
             > Resource: invoice 4711\n  \
             > Subject: refund refund\n\
             The guardrails say, in the words of the policy:\n  \
             > large_refunds: refunds over 1,000 need approval\n"
        );
    }

    #[test]
    fn expired_approval_says_that_the_operation_may_not_run_and_has_no_command() {
        let decision = billing("refund", "large");
        let expired = notified(&decision, ApprovalNotificationKind::Expiry);
        let message = notification_message(&policy(), &[expired], None, Some(API));
        assert_eq!(message.subject(), "[AGE] HIGH, approval expired: Billing: refund");
        assert!(message.text().contains("the operation may not run\n"), "{}", message.text());
        for absent in ["agectl", "\"approve\"", "If approved", " left"] {
            assert!(!message.text().contains(absent), "{absent} in {}", message.text());
        }
    }

    #[test]
    fn operations_and_others_share_a_message_that_counts_each() {
        let decision = billing("refund", "large");
        let request = notified(&decision, ApprovalNotificationKind::Request);
        let reminder = notified(&decision, ApprovalNotificationKind::Reminder);
        let message = notification_message(&policy(), &[request, request, reminder], None, None);
        assert_eq!(message.subject(), "[AGE] HIGH, 3 operations: 2 approval needed, 1 approval still needed");
        let lines: Vec<&str> = message.text().lines().skip(1).take(2).collect();
        assert_eq!(
            lines,
            [
                "AGE did: it notified you; it permits no operation without its approval",
                "To approve or deny an operation: open its link"
            ]
        );
        let json: serde_json::Value = serde_json::from_str(message.json()).unwrap();
        let kinds: Vec<&str> =
            json["decisions"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap()).collect();
        assert_eq!((kinds, &json["approvals"]), (vec!["request", "request", "reminder"], &serde_json::json!([])));
    }

    #[test]
    fn operation_with_the_longest_texts_and_most_reasons_fits_a_message() {
        for character in ["\u{1f525}", "\"", "\\", "\u{202e}"] {
            let mut decision = billing(&character.repeat(1024), &character.repeat(200));
            decision.reasons = vec![decision.reasons[0].clone(); 200];
            let request = notified(&decision, ApprovalNotificationKind::Request);
            let message = notification_message(&policy(), &[request], None, Some(API));
            assert!(message.size_bytes() <= MAX_MESSAGE_BYTES, "{} with {character:?}", message.size_bytes());
        }
    }
}
