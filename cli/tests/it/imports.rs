use agectl::Exit;
use serde_json::{Value, json};

use crate::fake::{Fake, TOKEN};

/// 297 lines.
const WEEK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/week.ndjson");

#[tokio::test]
async fn lines_that_are_refused_are_named_and_the_others_sent() {
    let fake = Fake::start().await;
    let input = "{\"a\":1}\n\n{\"b\":\"refuse me\"}\n{\"a\":1}\n{\"c\":1}";
    let ran = fake.agectl_with("event import -", Some(TOKEN), input).await;
    assert_eq!((ran.exit, ran.out.as_str()), (Exit::Refused, "4 lines: 3 stored, 0 already there, 1 refused\n"));
    assert_eq!(
        ran.err,
        "standard input:3: 2 fields are not valid\n  severity: must be one of LOW, HIGH\n  severty: is unknown\nagectl: 1 line refused\n"
    );
}

#[tokio::test]
async fn the_same_file_again_only_replays_and_what_is_added_is_stored() {
    let fake = Fake::start().await;
    let first = fake.agectl_with("event import - --batch night", Some(TOKEN), "{\"a\":1}\n{\"a\":1}\n").await;
    assert_eq!(first.out, "2 lines: 2 stored, 0 already there, 0 refused\n");
    let again = fake
        .agectl_with("event import - --batch night --json", Some(TOKEN), "{\"b\":1}\n{\"a\":1}\n{\"a\":1}\n{\"a\":1}\n")
        .await;
    let told: Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!(told, json!({"lines": 4, "stored": 2, "alreadyThere": 2, "refused": 0, "skipped": 0}));
    // What reads the same in another batch is something else that happened.
    let other = fake.agectl_with("event import - --batch morning", Some(TOKEN), "{\"a\":1}\n").await;
    assert_eq!(other.out, "1 line: 1 stored, 0 already there, 0 refused\n");
    let unnamed = fake.agectl_with("event import -", Some(TOKEN), "{\"a\":1}\n").await;
    assert_eq!(unnamed.out, "1 line: 1 stored, 0 already there, 0 refused\n");
}

#[tokio::test]
async fn lines_before_the_first_are_not_sent_but_counted() {
    let fake = Fake::start().await;
    let input = "{\"a\":1}\n{\"a\":1}\n{\"b\":1}\n";
    let ran = fake.agectl_with("event import - --from-line 2", Some(TOKEN), input).await;
    assert_eq!(ran.out, "3 lines: 2 stored, 0 already there, 0 refused, 1 skipped\n");
    let all = fake.agectl_with("event import -", Some(TOKEN), input).await;
    assert_eq!(all.out, "3 lines: 1 stored, 2 already there, 0 refused\n");
}

#[tokio::test]
async fn what_is_interrupted_goes_on_where_it_stopped() {
    let fake = Fake::start().await;
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/interrupted.ndjson");
    std::fs::write(file, "{\"a\":1}\n".repeat(5000)).unwrap();
    fake.memory().interrupt_at = Some(2);
    let first = fake.agectl(&format!("event import {file}")).await;
    let stored = fake.memory().stored.len();
    assert_eq!((first.exit, first.out.as_str()), (Exit::Interrupted, ""));
    assert!((1000..4000).contains(&stored) && stored.is_multiple_of(500), "{stored}");
    let told = format!(
        "agectl: interrupted\n{stored} of 5000 lines are in; the same command goes on where it stopped; the first line that is not done is {}\n",
        stored + 1
    );
    assert!(first.err.ends_with(&told), "{}", first.err);

    let second = fake.agectl(&format!("event import {file}")).await;
    let rest = 5000 - stored;
    assert_eq!(second.out, format!("5000 lines: {rest} stored, {stored} already there, 0 refused\n"));
    assert_eq!((second.exit, fake.memory().stored.len()), (Exit::Done, 5000));
}

#[tokio::test]
async fn lines_go_in_batches_as_large_as_age_takes() {
    let fake = Fake::start().await;
    let line = format!("{{\"a\":\"{}\"}}\n", "x".repeat(16_000));
    let input = format!("{}{}", "{}\n".repeat(1200), line.repeat(100));
    let ran = fake.agectl_with("event import - --concurrency 1", Some(TOKEN), &input).await;
    assert_eq!(ran.out, "1300 lines: 1300 stored, 0 already there, 0 refused\n");
    let memory = fake.memory();
    let lines: Vec<usize> = memory.seen.iter().map(|seen| seen.body.lines().count()).collect();
    assert!(lines.starts_with(&[500, 500]) && lines.iter().sum::<usize>() == 1300 && lines.len() == 4, "{lines:?}");
    assert!(memory.seen.iter().all(|seen| seen.body.len() <= 1 << 20 && seen.what == "POST /api/governance/events"));
    assert_eq!(memory.stored.len(), 1300);
}

#[tokio::test]
async fn only_what_could_not_be_stored_is_sent_again() {
    let fake = Fake::start().await;
    let later = json!({"status": 503, "detail": "it was not begun"});
    let results = json!([{"status": 201}, later, {"status": 200}, later, {"status": 422, "detail": "it is wrong"}]);
    fake.plan(503, Some(0), json!({"detail": "not all events could be stored", "results": results}));
    let input = "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n{\"n\":4}\n{\"n\":5}\n";
    let ran = fake.agectl_with("event import -", Some(TOKEN), input).await;
    assert_eq!(ran.out, "5 lines: 3 stored, 1 already there, 1 refused\n");
    assert_eq!(
        (ran.exit, ran.err.starts_with("standard input:5: it is wrong\n")),
        (Exit::Refused, true),
        "{}",
        ran.err
    );
    let again: Vec<serde_json::Value> =
        fake.memory().seen[1].body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(again.iter().map(|line| line["n"].clone()).collect::<Vec<_>>(), [json!(2), json!(4)]);

    // What stays undone is told, and what is done is counted.
    for _ in 0..9 {
        fake.plan(503, None, json!({"results": [later]}));
    }
    fake.memory().planned[0].2 = json!({"results": [{"status": 201}, later]});
    let stopped = fake.agectl_with("event import -", Some(TOKEN), "{}\n{}\n").await;
    assert_eq!((stopped.exit, fake.memory().seen.len()), (Exit::Unavailable, 10));
    assert!(stopped.err.starts_with("agectl: it was not begun\n1 lines are in; "), "{}", stopped.err);
    assert!(stopped.err.ends_with("the first line that is not done is 2\n"), "{}", stopped.err);
}

#[tokio::test]
async fn as_many_verdicts_as_lines_or_it_makes_no_sense() {
    let fake = Fake::start().await;
    fake.plan(200, None, json!({"results": [{"status": 201}]}));
    let ran = fake.agectl_with("event import -", Some(TOKEN), "{}\n{}\n").await;
    assert_eq!(ran.exit, Exit::Unavailable);
    assert!(ran.err.contains("makes no sense") && ran.err.contains("\n0 lines are in; "), "{}", ran.err);
}

#[tokio::test]
async fn a_second_interrupt_does_not_wait() {
    let fake = Fake::start().await;
    fake.memory().hangs = true;
    let ran = fake.agectl_with("event import - --concurrency 1", Some(TOKEN), "{}\n{}\n").await;
    assert_eq!(ran.exit, Exit::Interrupted);
    assert!(ran.err.contains("\n0 lines are in; ") && ran.err.ends_with("that is not done is 1\n"), "{}", ran.err);
}

#[tokio::test]
async fn a_busy_age_is_asked_again_and_at_last_given_up() {
    let fake = Fake::start().await;
    for status in [429, 503, 502, 504, 503, 503, 503] {
        fake.plan(status, None, json!({}));
    }
    let one = fake.agectl_with("event import -", Some(TOKEN), "{}\n").await;
    assert_eq!((one.exit, fake.memory().seen.len()), (Exit::Done, 8));
    for _ in 0..8 {
        fake.plan(503, None, json!({"detail": "AGE cannot reach its store"}));
    }
    let none = fake.agectl_with("event import - --concurrency 1", Some(TOKEN), "{\"a\":1}\n{\"a\":2}\n").await;
    assert_eq!((none.exit, fake.memory().seen.len()), (Exit::Unavailable, 16));
    assert!(none.err.starts_with("agectl: AGE cannot reach its store\n0 lines are in; "), "{}", none.err);
}

#[tokio::test]
async fn age_says_when_it_is_to_be_asked_again() {
    let fake = Fake::start().await;
    fake.plan(429, Some(1), json!({}));
    let begun = tokio::time::Instant::now();
    assert_eq!(fake.agectl_with("event import -", Some(TOKEN), "{}").await.exit, Exit::Done);
    assert!(begun.elapsed().as_millis() >= 1000);
}

#[tokio::test]
async fn a_credential_that_may_not_report_ends_an_import() {
    let fake = Fake::start().await;
    fake.plan(403, None, json!({"detail": "the credential may not report for qa"}));
    for _ in 0..3 {
        fake.plan(500, None, json!({"detail": "later"}));
    }
    let ran = fake.agectl(&format!("event import {WEEK}")).await;
    assert_eq!(ran.exit, Exit::Denied);
    assert!(ran.err.starts_with("agectl: the credential may not report for qa\n"), "{}", ran.err);
    assert!(ran.err.contains(" of 297 lines are in; ") && fake.memory().seen.len() < 10, "{}", ran.err);
}

#[tokio::test]
async fn a_line_of_another_engine_ends_an_import_and_the_others_are_counted() {
    let fake = Fake::start().await;
    let input = "{}\n{\"a\":\"not mine\"}\n{}\nno JSON\n";
    let ran = fake.agectl_with("event import -", Some(TOKEN), input).await;
    assert_eq!(ran.exit, Exit::Denied);
    assert!(ran.err.contains("agectl: night-desk may not speak for the engine qa\n2 lines are in; "), "{}", ran.err);
    assert!(ran.err.ends_with("the first line that is not done is 2\n"), "{}", ran.err);
}
