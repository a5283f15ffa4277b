//! `agectl incident`: changing many incidents, reopening and commenting.

use agectl::ExitCode;
use serde_json::{Value, json};

use crate::fake_age::{FakeAge, TOKEN};

const RESOLVE: &str = "POST /api/governance/incidents/resolve";

fn result(changed: u64, failed: u64, remaining: u64) -> Value {
    let failures: Vec<Value> = (0..failed)
        .map(|n| json!({"id": format!("billing.{n}.a"), "status": 500, "detail": "stored data is corrupt"}))
        .collect();
    json!({"changedCount": changed, "unchangedCount": 0, "failedCount": failed, "remainingCount": remaining,
        "failures": failures, "asOf": "2026-11-23T00:05:00.000Z"})
}

fn mismatch(actual: u64) -> Value {
    json!({"title": "Conflict", "status": 409, "detail": "the filter matches others", "actualCount": actual})
}

#[tokio::test]
async fn one_command_resolves_all_incidents_of_an_engine() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, result(1200, 1, 799));
    fake.plan_response(409, None, mismatch(790));
    fake.plan_response(200, None, result(790, 0, 0));
    let output = fake.run("incident resolve --engine billing --expected-count 2000 --note done --yes").await;
    assert_eq!((output.exit_code, output.stdout.as_str()), (ExitCode::Success, "1990 incidents resolved\n"));
    assert_eq!(output.stderr, "1200 of 2000 incidents resolved so far\n");
    assert_eq!(fake.request_lines(), [RESOLVE; 3]);
    assert_eq!(fake.request_body(0), json!({"engine": "billing", "expectedCount": 2000, "note": "done"}));
    let next = |count: u64| json!({"engine": "billing", "expectedCount": count, "note": "done", "openedBefore": "2026-11-23T00:05:00.000Z"});
    assert_eq!((fake.request_body(1), fake.request_body(2)), (next(800), next(790)), "later incidents are left alone");
}

#[tokio::test]
async fn command_asks_before_it_changes_incidents() {
    for (answer, is_confirmed) in [("y\n", true), ("yes\nmore", true), ("n\n", false), ("", false)] {
        let fake = FakeAge::start().await;
        fake.plan_response(409, None, mismatch(3));
        fake.plan_response(200, None, result(3, 0, 0));
        let output = fake.run_with("incident ack --engine qa --severity HIGH", Some(TOKEN), answer).await;
        assert!(output.stderr.starts_with("Mark 3 incidents as acknowledged? [y/N] "), "{}", output.stderr);
        let expected = if is_confirmed { (ExitCode::Success, 2) } else { (ExitCode::Refused, 1) };
        assert_eq!((output.exit_code, fake.request_lines().len()), expected, "{answer:?}");
        assert_eq!(fake.request_body(0)["expectedCount"], 0, "the first request counts, and changes nothing");
    }
}

#[tokio::test]
async fn other_number_of_incidents_changes_nothing() {
    let fake = FakeAge::start().await;
    fake.plan_response(409, None, mismatch(1999));
    let output = fake.run("incident resolve --engine billing --expected-count 2000 --yes").await;
    assert_eq!((output.exit_code, output.stdout.as_str()), (ExitCode::Refused, ""));
    assert_eq!(output.stderr, "agectl: the filter matches others\n");
}

#[tokio::test]
async fn failures_are_listed_and_exit_code_is_1() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, result(1, 2, 0));
    let output = fake.run("incident resolve --engine billing --expected-count 3 --yes --json").await;
    assert_eq!(output.exit_code, ExitCode::Refused);
    assert_eq!(serde_json::from_str::<Value>(&output.stdout).unwrap()["failedCount"], 2);
    assert!(output.stderr.contains("billing.1.a: stored data is corrupt\nagectl: 2 incidents could not be changed\n"));
    // Without progress, the command ends.
    fake.plan_response(200, None, result(0, 0, 5));
    let output = fake.run("incident resolve --engine billing --expected-count 5 --yes").await;
    assert_eq!((output.exit_code, fake.request_lines().len()), (ExitCode::Refused, 2));
}

#[tokio::test]
async fn several_ids_are_one_request() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, result(1, 0, 0));
    let output = fake.run("incident resolve billing.1.a~20b qa.2.c --note x").await;
    assert_eq!(output.stdout, "1 incident resolved; 1 had been resolved already\n");
    assert_eq!(fake.request_body(0), json!({"ids": ["billing.1.a~20b", "qa.2.c"], "note": "x"}));
}

#[tokio::test]
async fn incident_is_reopened_and_commented_on() {
    let fake = FakeAge::start().await;
    let incident = json!({"id": "billing.1.a", "status": "open", "severity": "CRITICAL", "eventCount": 7,
        "openedAt": "2026-11-23T00:00:00.000Z", "reopened": {"at": "2026-11-23T00:01:00.000Z", "by": "night-desk"}});
    fake.plan_response(200, None, incident.clone());
    fake.plan_response(200, None, incident);
    assert_eq!(fake.run("incident reopen billing.1.a").await.stdout, "billing.1.a is open\n");
    assert_eq!(fake.run("incident comment billing.1.a --note seen").await.stdout, "Commented on billing.1.a\n");
    assert_eq!(
        fake.request_lines(),
        ["POST /api/governance/incidents/billing.1.a/reopen", "POST /api/governance/incidents/billing.1.a/comments"]
    );
    assert_eq!((fake.request_body(0), fake.request_body(1)), (json!({}), json!({"note": "seen"})));
}

#[tokio::test]
async fn several_incidents_are_reopened_or_commented_on_one_by_one() {
    let fake = FakeAge::start().await;
    let incident = |id: &str| json!({"id": id, "status": "open", "severity": "CRITICAL", "eventCount": 7, "openedAt": "2026-11-23T00:00:00.000Z"});
    for (arguments, expected) in [
        ("comment", "Commented on billing.1.a\nCommented on qa.3.c\n"),
        ("reopen", "billing.1.a is open\nqa.3.c is open\n"),
    ] {
        fake.plan_response(200, None, incident("billing.1.a"));
        fake.plan_response(404, None, json!({"status": 404, "detail": "no resource has this id"}));
        fake.plan_response(200, None, incident("qa.3.c"));
        let output = fake.run(&format!("incident {arguments} billing.1.a billing.2.b qa.3.c --note x")).await;
        assert_eq!((output.stdout.as_str(), output.exit_code), (expected, ExitCode::Refused));
        let warnings = "billing.2.b: no resource has this id\nagectl: 1 incident could not be changed\n";
        assert_eq!(output.stderr, warnings);
    }
    fake.plan_response(200, None, incident("billing.1.a"));
    fake.plan_response(200, None, incident("qa.3.c"));
    let output = fake.run("incident comment billing.1.a qa.3.c --note x --json").await;
    let lines: Vec<Value> = output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, [incident("billing.1.a"), incident("qa.3.c")]);
    // A credential that may not change one may change none.
    fake.plan_response(403, None, json!({"detail": "the role reader may not use this route"}));
    let before = fake.request_lines().len();
    let output = fake.run("incident comment billing.1.a qa.3.c --note x").await;
    assert_eq!((output.exit_code, fake.request_lines().len() - before), (ExitCode::AccessDenied, 1));
}
