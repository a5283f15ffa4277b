//! `agectl decision`.

use agectl::ExitCode;
use serde_json::{Value, json};

use crate::fake_age::FakeAge;

pub(crate) const DECISION: &str = "01936f2e-0000-7000-8000-00000000000a";

pub(crate) fn decision(status: &str) -> Value {
    json!({"id": DECISION, "decidedAt": "2026-11-23T00:05:00.000Z", "engine": "billing", "askedBy": "billing-engine",
        "request": {"subjectType": "engine", "subjectId": "billing", "action": "refund", "resourceType": "invoice",
            "resourceId": "4711", "digest": "a".repeat(64), "position": 0, "payload": "{\"context\":{\"amount\":2000}}"},
        "verdict": "needs_approval",
        "reasons": [{"rule": "large_refunds", "code": "rule_matched", "message": "refunds over 1,000 need approval"}],
        "policyHash": "b".repeat(64), "expiresAt": "2026-11-24T00:05:00.000Z",
        "approval": {"status": status, "until": "2026-11-24T00:05:00.000Z", "digest": "d".repeat(64)}})
}

/// The first line of `text` that begins with `label`, without it.
fn command<'a>(text: &'a str, label: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix(label)).unwrap();
    line.trim().strip_prefix("agectl ").unwrap()
}

#[tokio::test]
async fn operation_is_approved_with_commands_that_were_printed_before() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, json!({"decisions": [decision("pending")]}));
    let listed = fake.run("decision list --verdict needs_approval --approval pending --engine billing").await;
    assert_eq!(
        listed.stdout.lines().nth(1).unwrap(),
        format!("{DECISION}  needs approval  pending   2026-11-23 00:05:00Z  billing  refund  invoice 4711")
    );
    fake.plan_response(200, None, decision("pending"));
    let shown = fake.run(&format!("decision show {DECISION}")).await;
    assert_eq!(shown.exit_code, ExitCode::Success);
    for expected in [
        "Verdict     needs approval\n",
        "Engine      billing, by billing-engine\n",
        "Resource    invoice 4711\n",
        "Reasons\n  large_refunds  rule matched: refunds over 1,000 need approval\n",
        "Request\n  > {\"context\":{\"amount\":2000}}\n",
    ] {
        assert!(shown.stdout.contains(expected), "{expected} in {}", shown.stdout);
    }
    for (label, verb, status, text) in [
        (
            "Approve ",
            "approve",
            "approved",
            "Approved refund of billing: the engine may run it once, if it asks again in time\n",
        ),
        ("Deny ", "deny", "denied", "Denied refund of billing\n"),
    ] {
        fake.plan_response(200, None, decision(status));
        let line = shown.stdout.lines().rev().find(|line| line.trim_start().starts_with(label)).unwrap();
        let output = fake.run(command(line, label)).await;
        assert_eq!(output.stdout, text);
        let request = fake.state().requests.pop().unwrap();
        assert_eq!(request.line, format!("POST /api/governance/decisions/{DECISION}/approval"));
        let expected = json!({"decision": verb, "digest": "d".repeat(64)});
        assert_eq!(serde_json::from_str::<Value>(&request.body).unwrap(), expected);
    }
    let list = "GET /api/governance/decisions?verdict=needs_approval&approval=pending&engine=billing&limit=50";
    assert_eq!(fake.request_lines()[0], list);
}

#[tokio::test]
async fn decision_says_which_event_reported_its_operation_or_until_when_one_is_expected() {
    let fake = FakeAge::start().await;
    let mut allowed = decision("used");
    allowed.as_object_mut().unwrap().remove("approval");
    allowed["verdict"] = "allow".into();
    allowed["eventExpectedBy"] = "2026-11-23T01:05:00.000Z".into();
    for (status, text) in [
        ("awaited", "awaited, expected by 2026-11-23 01:05:00Z"),
        ("missing", "missing, expected by 2026-11-23 01:05:00Z"),
    ] {
        allowed["eventStatus"] = status.into();
        fake.plan_response(200, None, allowed.clone());
        let shown = fake.run(&format!("decision show {DECISION}")).await;
        assert!(shown.stdout.contains(&format!("Event     {text}\n")), "{}", shown.stdout);
    }
    allowed["eventStatus"] = "followed".into();
    allowed["followedBy"] = "01936f2e-0000-7000-8000-00000000000b".into();
    fake.plan_response(200, None, allowed.clone());
    let shown = fake.run(&format!("decision show {DECISION}")).await;
    let event = "Event     01936f2e-0000-7000-8000-00000000000b reports the operation\n";
    assert!(shown.stdout.contains(event), "{}", shown.stdout);
    fake.plan_response(200, None, json!({"decisions": [allowed]}));
    fake.run("decision list --event missing,awaited").await;
    let list = "GET /api/governance/decisions?event=missing&event=awaited&limit=50";
    assert_eq!(fake.request_lines().last().map(String::as_str), Some(list));
}

#[tokio::test]
async fn decision_that_is_approved_has_no_next_steps() {
    let fake = FakeAge::start().await;
    let mut approved = decision("used");
    approved["approval"]["decidedBy"] = "night-desk".into();
    approved["approval"]["decidedAt"] = "2026-11-23T00:06:00.000Z".into();
    approved["approval"]["usedBy"] = "01936f2e-0000-7000-8000-00000000000b".into();
    fake.plan_response(200, None, approved);
    let shown = fake.run(&format!("decision show {DECISION}")).await;
    assert!(!shown.stdout.contains("Next steps"), "{}", shown.stdout);
    assert!(shown.stdout.contains("2026-11-23 00:06:00Z by night-desk\n"), "{}", shown.stdout);
    assert!(shown.stdout.contains("decision 01936f2e-0000-7000-8000-00000000000b\n"), "{}", shown.stdout);
}
