//! `agectl action` and `agectl event list|show`.

use agectl::ExitCode;
use serde_json::{Value, json};

use crate::fake_age::FakeAge;

pub(crate) const EVENT: &str = "01936f2e-0000-7000-8000-00000000000a";

pub(crate) fn action(name: &str, status: &str) -> Value {
    json!({"eventId": EVENT, "action": name, "status": status, "engine": "compliance", "eventType": "a b", "severity": "HIGH",
        "createdAt": "2026-11-23T00:00:00.000Z", "approveBy": "2026-11-24T00:00:00.000Z", "policyHash": "p", "digest": "d".repeat(64),
        "attempt": 0})
}

pub(crate) fn event() -> Value {
    json!({"id": EVENT, "engine": "compliance", "eventType": "a b", "severity": "HIGH", "reportedBy": "worker",
        "occurredAt": "2026-11-23T00:00:00.000Z", "sourceTime": "2026-11-22T23:59:00.000Z", "details": {"role": "auditor"},
        "actions": [action("permission_reset", "pending_approval"), action("notify_admin", "dispatched")]})
}

/// The first line of `text` that begins with `label`, without it.
fn command<'a>(text: &'a str, label: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix(label)).unwrap();
    line.trim().strip_prefix("agectl ").unwrap()
}

#[tokio::test]
async fn action_is_approved_with_commands_that_were_printed_before() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, json!({"actions": [action("permission_reset", "pending_approval")]}));
    let listed = fake.run("action list --status pending_approval --engine compliance").await;
    assert_eq!(
        listed.stdout.lines().nth(1).unwrap(),
        "01936f2e-0000-7000-8000-00000000000a  permission_reset  pending approval  HIGH      2026-11-23 00:00:00Z  2026-11-24 00:00:00Z  compliance  a b"
    );
    let row: Vec<_> = listed.stdout.lines().nth(1).unwrap().split_whitespace().take(2).collect();

    fake.plan_response(200, None, event());
    let shown = fake.run(&format!("action show {}", row.join(" "))).await;
    assert_eq!(shown.exit_code, ExitCode::Success);
    for expected in [
        "Action permission_reset\n  Would do    Permissions are reset to their last good state.",
        "Status      pending approval\n",
        "Decide by   2026-11-24 00:00:00Z\n",
        "Details\n  {\n    \"role\": \"auditor\"\n  }\n",
    ] {
        assert!(shown.stdout.contains(expected), "{expected} in {}", shown.stdout);
    }
    for (label, decision, status, text) in [
        ("Approve", "approve", "pending", "Approved permission_reset of event EVENT: pending, not dispatched yet\n"),
        ("Deny", "deny", "denied", "Denied permission_reset of event EVENT: denied\n"),
    ] {
        fake.plan_response(200, None, action("permission_reset", status));
        let output = fake.run(command(&shown.stdout, label)).await;
        assert_eq!(output.stdout, text.replace("EVENT", EVENT));
        let request = fake.state().requests.pop().unwrap();
        assert_eq!(request.line, format!("POST /api/governance/events/{EVENT}/actions/permission_reset/approval"));
        let expected = json!({"decision": decision, "digest": "d".repeat(64)});
        assert_eq!(serde_json::from_str::<Value>(&request.body).unwrap(), expected);
    }
    assert_eq!(
        fake.request_lines()[0],
        "GET /api/governance/actions?status=pending_approval&engine=compliance&limit=50"
    );
}

#[tokio::test]
async fn approval_of_something_else_is_refused() {
    let fake = FakeAge::start().await;
    fake.plan_response(409, None, json!({"status": 409, "detail": "the digest does not match what would be done"}));
    let approve = format!("action approve {EVENT} permission_reset --digest {}", "e".repeat(64));
    let output = fake.run(&approve).await;
    assert_eq!((output.exit_code, output.stdout.as_str()), (ExitCode::Refused, ""));
    // Whether AGE carried it out is not known; the command is not repeated.
    fake.plan_response(503, None, json!({}));
    let output = fake.run(&approve).await;
    assert!(output.stderr.contains("check before you repeat it"), "{}", output.stderr);
    assert_eq!(fake.request_lines().len(), 2);
}

#[tokio::test]
async fn action_that_the_event_does_not_have_is_not_found() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, event());
    let output = fake.run(&format!("action show {EVENT} billing_sync_repair")).await;
    assert_eq!(
        (output.exit_code, output.stderr),
        (ExitCode::NothingFound, format!("agectl: event {EVENT} has no action billing_sync_repair\n"))
    );
}

#[tokio::test]
async fn action_of_a_later_version_is_shown_as_it_is() {
    let fake = FakeAge::start().await;
    let mut later = event();
    later["actions"][0] = action("rotate_keys", "paused");
    (later["actions"][0]["decidedAt"], later["actions"][0]["decidedBy"]) =
        ("2026-11-23T00:01:00.000Z".into(), "night-desk".into());
    for (command, expected) in [
        (
            "action show EVENT rotate_keys",
            ["Action rotate_keys", "Status      paused", "2026-11-23 00:01:00Z by night-desk"],
        ),
        (
            "event show EVENT",
            ["rotate_keys   paused", "agectl action show EVENT rotate_keys", "dispatched, no outcome yet"],
        ),
    ] {
        fake.plan_response(200, None, later.clone());
        let output = fake.run(&command.replace("EVENT", EVENT)).await;
        for text in expected {
            assert!(output.stdout.contains(&text.replace("EVENT", EVENT)), "{text} in {}", output.stdout);
        }
        assert!(
            !output.stdout.contains("Approve "),
            "only what waits for an approval can be approved: {}",
            output.stdout
        );
    }
    fake.plan_response(200, None, json!({"actions": [action("rotate_keys", "paused")]}));
    assert!(fake.run("action list").await.stdout.contains("rotate_keys  paused"));
}

#[tokio::test]
async fn events_are_listed_by_all_filters_of_the_api() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, json!({"events": [event()]}));
    let output = fake
        .run("event list --engine compliance --severity HIGH --type a_b --from 2026-11-22 --to 2026-11-23T01:00:00+01:00 --limit 7")
        .await;
    let rows: Vec<_> = output.stdout.lines().collect();
    assert_eq!(
        rows[1],
        "01936f2e-0000-7000-8000-00000000000a  HIGH      2026-11-23 00:00:00Z  worker       compliance  a b"
    );
    assert_eq!(
        fake.request_lines(),
        ["GET /api/governance/events?engine=compliance&severity=HIGH&eventType=a_b&from=2026-11-22T00%3A00%3A00.000Z\
          &to=2026-11-23T00%3A00%3A00.000Z&limit=7"]
    );
}

#[tokio::test]
async fn event_is_shown_with_details_and_actions() {
    let fake = FakeAge::start().await;
    fake.plan_text(200, &event().to_string().replace("\"auditor\"", "2.50"));
    let output = fake.run(&format!("event show {EVENT}")).await;
    let expected = format!(
        "compliance: a b
  Event        {EVENT}
  Severity     HIGH
  Accepted     2026-11-23 00:00:00Z, reported by worker
  Source time  2026-11-22 23:59:00Z, by the clock of the engine

Details
  {{
    \"role\": 2.50
  }}

Actions
  permission_reset  pending approval
  notify_admin      dispatched, no outcome yet

Next steps
  Show the action  agectl action show {EVENT} permission_reset
  Show the action  agectl action show {EVENT} notify_admin
"
    );
    assert_eq!((output.stdout, output.exit_code), (expected, ExitCode::Success));
}
