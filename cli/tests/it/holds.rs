//! `agectl hold`.

use agectl::ExitCode;
use serde_json::{Value, json};

use crate::fake_age::FakeAge;

const ID: &str = "01936f2e-0000-7000-8000-00000000000a";

pub(crate) fn hold() -> Value {
    json!({"id": ID, "engine": "billing", "reason": "Audit of the ledger", "status": "active", "setBy": "night-desk",
        "setAt": "2026-11-23T00:05:00.000Z", "until": "2026-11-23T04:05:00.000Z"})
}

fn ended() -> Value {
    let mut hold = hold();
    hold.as_object_mut().unwrap().extend(
        json!({"operation": "refund", "status": "ended", "endedAt": "2026-11-23T00:06:00.000Z", "endedBy": "day-desk"})
            .as_object()
            .unwrap()
            .clone(),
    );
    hold
}

#[tokio::test]
async fn hold_is_set_until_a_time_or_for_a_duration() {
    let fake = FakeAge::start().await;
    fake.plan_response(201, None, hold());
    let output = fake.run("hold set billing --reason audit --until 2026-11-23T04:05:00Z").await;
    assert_eq!(output.stdout, format!("Hold of billing until 2026-11-23 04:05:00Z: Audit of the ledger ({ID})\n"));
    assert_eq!(fake.request_lines(), ["POST /api/governance/holds"]);
    let expected = json!({"engine": "billing", "reason": "audit", "until": "2026-11-23T04:05:00.000Z"});
    assert_eq!(fake.request_body(0), expected);

    // Sent again: AGE recognizes the same hold.
    fake.plan_response(503, None, json!({}));
    fake.plan_response(200, None, hold());
    let output = fake.run("hold set billing --operation refund --reason audit --for 4h --json").await;
    assert_eq!(serde_json::from_str::<Value>(&output.stdout).unwrap(), hold());
    let (first, second) = (fake.request_body(1), fake.request_body(2));
    assert_eq!((&first["operation"], &first), (&json!("refund"), &second));
    assert_eq!(first["until"], "2026-11-23T04:05:00.000Z");
}

#[tokio::test]
async fn hold_is_ended_with_a_reason() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, ended());
    let output = fake.run(&format!("hold end {ID} --reason done")).await;
    let expected = format!("Hold of operation refund of billing ended at 2026-11-23 00:06:00Z ({ID})\n");
    assert_eq!((output.exit_code, output.stdout), (ExitCode::Success, expected));
    assert_eq!(fake.request_lines(), [format!("DELETE /api/governance/holds/{ID}?reason=done")]);
    fake.plan_response(409, None, json!({"status": 409, "detail": "the policy's rule critical has set this hold"}));
    let refused = fake.run(&format!("hold end {ID}")).await;
    assert_eq!(refused.exit_code, ExitCode::Refused);
    assert!(refused.stderr.contains("the policy's rule critical"), "{}", refused.stderr);
}

#[tokio::test]
async fn holds_are_listed_with_who_set_them_and_until_when() {
    let fake = FakeAge::start().await;
    let mut by_policy = hold();
    by_policy["setBy"] = Value::Null;
    by_policy["rule"] = "critical".into();
    by_policy["status"] = "paused".into();
    fake.plan_response(200, None, json!({"holds": [hold(), by_policy, ended()]}));
    let output = fake.run("hold list --status active,ended --engine billing --from 2026-11-23").await;
    let rows: Vec<Vec<&str>> = output
        .stdout
        .lines()
        .map(|line| line.split("  ").filter(|it| !it.is_empty()).map(str::trim).collect())
        .collect();
    let (until, reason) = ("2026-11-23 04:05:00Z", "Audit of the ledger");
    assert_eq!(rows[1], [ID, "active", "billing", "all", until, "night-desk", reason]);
    assert_eq!(
        rows[2],
        [ID, "paused", "billing", "all", until, "policy: critical", reason],
        "a status of a later version"
    );
    assert_eq!(rows[3], [ID, "ended", "billing", "refund", "2026-11-23 00:06:00Z", "night-desk", reason]);
    assert_eq!(
        fake.request_lines(),
        [
            "GET /api/governance/holds?status=active&status=ended&engine=billing&from=2026-11-23T00%3A00%3A00.000Z&limit=50"
        ]
    );
}
