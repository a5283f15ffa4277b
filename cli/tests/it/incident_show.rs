//! `agectl incident show`: the incident, its timeline and the next steps.

use agectl::ExitCode;
use serde_json::{Value, json};

use crate::fake_age::FakeAge;

const ID: &str = "billing.1795403565678.a~20b";
const EVENT: &str = "01936f2e-0000-7000-8000-00000000000a";

const SHOWN: &str = "\
billing: a b
  Incident             billing.1795403565678.a~20b
  Status               acknowledged
  Severity             CRITICAL
  Cause                failed remediation
  Events               2, last 2026-11-23 00:04:00Z
  Opened               2026-11-23 00:01:00Z by billing-worker
  Acknowledged         2026-11-23 00:03:00Z by night-desk
  Notification failed  2026-11-23 00:02:30Z: InvalidParameter

Timeline
  (earlier events are left out)
  2026-11-23 00:00:00Z  billing reported a b, HIGH, by billing-worker
                        > {\"amount\":2.50,\"text\":\"a b\"}
                        agectl event show 01936f2e-0000-7000-8000-00000000000a
  2026-11-23 00:00:00Z  AGE planned billing_sync_repair
  2026-11-23 00:00:00Z  AGE planned permission_reset: pending approval
  2026-11-23 00:00:30Z  billing_sync_repair approved by night-desk
  2026-11-23 00:01:00Z  billing_sync_repair: failed according to its worker,
                        reported by billing-worker
                        > the ledger is locked
  2026-11-23 00:01:00Z  Incident opened: failed remediation
  2026-11-23 00:02:00Z  E-mail 1: initial notification; 1 new event; the same
                        e-mail is about 2 other incidents
  2026-11-23 00:03:00Z  Acknowledged by night-desk
                        > looking
  2026-11-23 00:03:30Z  delegated by day-desk
  2026-11-23 00:03:40Z  moon landed by day-desk
  2026-11-23 00:03:50Z  Resolved automatically
  2026-11-23 00:04:00Z  billing reported a b as resolved, by billing-worker
                        agectl event show 01936f2e-0000-7000-8000-00000000000a

Next steps
  Resolve          agectl incident resolve billing.1795403565678.a~20b
  Comment          agectl incident comment billing.1795403565678.a~20b --note TEXT
  Approve or deny  agectl action show 01936f2e-0000-7000-8000-00000000000a permission_reset
";

fn event(details: &Value) -> Value {
    json!({"id": EVENT, "engine": "billing", "eventType": "a b", "severity": "HIGH", "reportedBy": "billing-worker",
        "occurredAt": "2026-11-23T00:00:00.000Z", "details": details})
}

fn action(name: &str, status: &str) -> Value {
    json!({"eventId": EVENT, "action": name, "status": status})
}

pub(crate) fn shown_incident() -> Value {
    let at = |time: &str| format!("2026-11-23T00:0{time}.000Z");
    let details: Value = json!({"amount": "AMOUNT", "text": "a b"});
    json!({"id": ID, "engine": "billing", "eventType": "a b", "status": "acknowledged", "cause": "failed_remediation",
    "severity": "CRITICAL", "openedAt": at("1:00"), "openedBy": "billing-worker", "eventCount": 2, "lastEventAt": at("4:00"),
    "failedRemediationCount": 1, "notificationCount": 1, "acknowledged": {"at": at("3:00"), "by": "night-desk", "note": "looking"},
    "notificationFailure": {"at": at("2:30"), "reason": "InvalidParameter"},
    "hasEarlierEvents": true, "hasEarlierNotifications": false, "hasEarlierChanges": false, "timeline": [
        {"at": at("0:00"), "type": "event", "event": event(&details)},
        {"at": at("0:00"), "type": "action", "action": action("billing_sync_repair", "failed")},
        {"at": at("0:00"), "type": "action", "action": action("permission_reset", "pending_approval")},
        {"at": at("0:30"), "type": "approval", "by": "night-desk", "eventId": EVENT, "action": "billing_sync_repair", "status": "pending"},
        {"at": at("1:00"), "type": "outcome", "by": "billing-worker", "eventId": EVENT, "action": "billing_sync_repair",
            "status": "failed", "detail": "the ledger is locked"},
        {"at": at("1:00"), "type": "opened", "cause": "failed_remediation", "policyHash": "x"},
        {"at": at("2:00"), "type": "notification", "notification": {"number": 1, "kind": "initial", "at": at("2:00"),
            "newEventCount": 1, "eventCount": 1, "incidentCount": 3}},
        {"at": at("3:00"), "type": "acknowledged", "by": "night-desk", "note": "looking"},
        {"at": at("3:30"), "type": "changed", "change": "delegated", "by": "day-desk"},
        {"at": at("3:40"), "type": "moon_landed", "by": "day-desk", "moon": 1},
        {"at": at("3:50"), "type": "resolved"},
        {"at": at("4:00"), "type": "reported_resolved", "event": event(&json!({}))},
    ]})
}

/// Plans the incident as AGE would send it, with a number that a `Value` would shorten.
fn plan(fake: &FakeAge, incident: &Value) {
    fake.plan_text(200, &incident.to_string().replace("\"AMOUNT\"", "2.50"));
}

#[tokio::test]
async fn incident_is_shown_with_its_timeline_and_the_next_commands() {
    let fake = FakeAge::start().await;
    plan(&fake, &shown_incident());
    let output = fake.run(&format!("incident show {ID}")).await;
    assert_eq!((output.stdout.as_str(), output.stderr.as_str(), output.exit_code), (SHOWN, "", ExitCode::Success));
    assert_eq!(fake.request_lines(), [format!("GET /api/governance/incidents/{ID}")]);
}

#[tokio::test]
async fn next_commands_follow_from_the_status() {
    let fake = FakeAge::start().await;
    for (status, expected) in [
        ("open", ["Acknowledge", "Resolve", "Comment", "Approve"].as_slice()),
        ("resolved", &["Reopen", "Comment", "Approve"]),
        ("snoozed", &["Resolve", "Comment", "Approve"]),
    ] {
        let mut incident = shown_incident();
        incident["status"] = status.into();
        plan(&fake, &incident);
        let output = fake.run(&format!("incident show {ID}")).await;
        let (_, steps) = output.stdout.split_once("Next steps\n").unwrap();
        let steps: Vec<_> = steps.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
        assert_eq!((steps.as_slice(), output.exit_code), (expected, ExitCode::Success));
        assert!(output.stdout.contains(&format!("Status               {status}\n")), "{}", output.stdout);
    }
}

#[tokio::test]
async fn entry_that_makes_no_sense_does_not_hide_the_others() {
    let fake = FakeAge::start().await;
    let mut incident = shown_incident();
    incident["timeline"][7]["at"] = "yesterday".into();
    plan(&fake, &incident);
    let output = fake.run(&format!("incident show {ID}")).await;
    assert_eq!(output.exit_code, ExitCode::Unavailable);
    assert!(
        output.stdout.contains("Resolved automatically") && !output.stdout.contains("looking"),
        "{}",
        output.stdout
    );
    assert!(output.stderr.contains("RFC 3339"), "{}", output.stderr);
}

#[tokio::test]
async fn missing_incident_has_an_exit_code_of_its_own() {
    let fake = FakeAge::start().await;
    fake.plan_response(404, None, json!({"status": 404, "detail": "no resource has this id"}));
    let output = fake.run(&format!("incident show {ID}")).await;
    assert_eq!(
        (output.exit_code, output.stderr.as_str()),
        (ExitCode::NothingFound, "agectl: no resource has this id\n")
    );
    // A gateway that does not know the path says nothing about the incident.
    fake.plan_response(404, None, json!({"message": "Not Found"}));
    assert_eq!(fake.run(&format!("incident show {ID}")).await.exit_code, ExitCode::Refused);
}
