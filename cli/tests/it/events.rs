use std::sync::atomic::Ordering;

use agectl::ExitCode;
use serde_json::json;

use crate::fake_age::{FakeAge, TOKEN};

#[tokio::test]
async fn event_is_sent_with_unchanged_details_and_random_key() {
    let fake = FakeAge::start().await;
    let arguments = "event send --engine billing --type invoice_sync_failed --severity HIGH --source-time 2026-11-23T00:00:00+01:00 --details {\"a\":2.50} --decision 01936f2e-0000-7000-8000-00000000000d";
    let output = fake.run(arguments).await;
    assert_eq!(output.stdout, "01936f2e-0000-7000-8000-00000000000a\n  billing_sync_repair: pending approval\n");
    assert_eq!(output.stderr, "");
    let request = &fake.state().requests[0];
    assert_eq!(request.idempotency_key.as_deref(), Some("01936f2e-0000-4000-8000-00000000000b"));
    let expected = r#"{"engine":"billing","eventType":"invoice_sync_failed","severity":"HIGH","details":{"a":2.50},"sourceTime":"2026-11-22T23:00:00.000Z","decisionId":"01936f2e-0000-7000-8000-00000000000d"}"#;
    assert_eq!(request.body, expected);
}

#[tokio::test]
async fn event_sent_twice_with_the_same_key_is_stored_once() {
    let fake = FakeAge::start().await;
    fake.connections_to_drop.store(1, Ordering::SeqCst);
    fake.plan_response(503, Some(0), json!({"detail": "try again"}));
    fake.plan_response(429, None, json!({"message": "Too Many Requests"}));
    let arguments = "event send --engine qa --type suite_failed --key run-4711";
    assert_eq!(fake.run(arguments).await.exit_code, ExitCode::Success);
    let repeated = fake.run(arguments).await;
    assert_eq!(
        (repeated.exit_code, repeated.stderr.as_str()),
        (ExitCode::Success, "AGE has already stored this event and did not store it again.\n")
    );
    let state = fake.state();
    assert_eq!((state.requests.len(), state.stored_keys.len()), (4, 1));
    assert!(state.requests.iter().all(|request| request == &state.requests[0]));
}

#[tokio::test]
async fn details_are_read_from_standard_input() {
    let fake = FakeAge::start().await;
    let arguments = "event send --engine qa --type suite_failed --details-file -";
    assert_eq!(fake.run_with(arguments, Some(TOKEN), "{\"a\": 1}\n").await.exit_code, ExitCode::Success);
    assert_eq!(fake.request_body(0)["details"], json!({"a": 1}));
    let invalid = fake.run_with(arguments, Some(TOKEN), "[]").await;
    assert_eq!(invalid.exit_code, ExitCode::UsageError);
    assert!(invalid.stderr.starts_with("agectl: the details in standard input must be"), "{}", invalid.stderr);
}
