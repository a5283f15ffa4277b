use std::sync::atomic::Ordering;

use agectl::Exit;
use serde_json::json;

use crate::fake::{Fake, TOKEN};

#[tokio::test]
async fn an_event_is_sent_as_it_was_given() {
    let fake = Fake::start().await;
    let line = "event send --engine billing --type invoice_sync_failed --severity HIGH --source-time 2026-11-23T00:00:00+01:00 --details {\"a\":2.50}";
    let ran = fake.agectl(line).await;
    assert_eq!(ran.out, "01936f2e-0000-7000-8000-00000000000a\n  billing_sync_repair: dispatched\n");
    assert_eq!(ran.err, "");
    let sent = &fake.memory().seen[0];
    assert_eq!(sent.key.as_deref(), Some("01936f2e-0000-4000-8000-00000000000b"));
    let expected = r#"{"engine":"billing","eventType":"invoice_sync_failed","severity":"HIGH","details":{"a":2.50},"sourceTime":"2026-11-22T23:00:00.000Z"}"#;
    assert_eq!(sent.body, expected);
}

#[tokio::test]
async fn an_event_is_stored_once_however_often_it_is_sent() {
    let fake = Fake::start().await;
    fake.losses.store(1, Ordering::SeqCst);
    fake.plan(503, Some(0), json!({"detail": "try again"}));
    fake.plan(429, None, json!({"message": "Too Many Requests"}));
    let line = "event send --engine qa --type suite_failed --key run-4711";
    assert_eq!(fake.agectl(line).await.exit, Exit::Done);
    let again = fake.agectl(line).await;
    assert_eq!((again.exit, again.err.as_str()), (Exit::Done, "AGE knew this event already.\n"));
    let memory = fake.memory();
    assert_eq!((memory.seen.len(), memory.stored.len()), (4, 1));
    assert!(memory.seen.iter().all(|seen| seen == &memory.seen[0]));
}

#[tokio::test]
async fn details_may_come_from_standard_input() {
    let fake = Fake::start().await;
    let line = "event send --engine qa --type suite_failed --details-file -";
    assert_eq!(fake.agectl_with(line, Some(TOKEN), "{\"a\": 1}\n").await.exit, Exit::Done);
    assert_eq!(fake.body(0)["details"], json!({"a": 1}));
    let wrong = fake.agectl_with(line, Some(TOKEN), "[]").await;
    assert_eq!(wrong.exit, Exit::Usage);
    assert!(wrong.err.starts_with("agectl: standard input must be"), "{}", wrong.err);
}
