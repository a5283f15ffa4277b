use agectl::ExitCode;
use serde_json::{Value, json};

use crate::fake_age::{FakeAge, TOKEN};

/// 297 lines.
const WEEK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/week.ndjson");

#[tokio::test]
async fn refused_lines_are_reported_and_the_others_stored() {
    let fake = FakeAge::start().await;
    let input = "{\"a\":1}\n\n{\"b\":\"refuse me\"}\n{\"a\":1}\n{\"c\":1}";
    let output = fake.run_with("event import -", Some(TOKEN), input).await;
    assert_eq!(
        (output.exit_code, output.stdout.as_str()),
        (ExitCode::Refused, "4 lines: 3 stored, 0 already there, 1 refused\n")
    );
    assert_eq!(
        output.stderr,
        "standard input:3: 2 fields are not valid\n  severity: must be one of LOW, HIGH\n  severty: is unknown\nagectl: 1 line refused\n"
    );
}

#[tokio::test]
async fn repeated_import_stores_only_added_lines() {
    let fake = FakeAge::start().await;
    let first = fake.run_with("event import - --batch night", Some(TOKEN), "{\"a\":1}\n{\"a\":1}\n").await;
    assert_eq!(first.stdout, "2 lines: 2 stored, 0 already there, 0 refused\n");
    let again = fake
        .run_with("event import - --batch night --json", Some(TOKEN), "{\"b\":1}\n{\"a\":1}\n{\"a\":1}\n{\"a\":1}\n")
        .await;
    let summary: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(summary, json!({"lines": 4, "stored": 2, "alreadyThere": 2, "refused": 0, "skipped": 0}));
    // An equal line of another batch is another event.
    let other = fake.run_with("event import - --batch morning", Some(TOKEN), "{\"a\":1}\n").await;
    assert_eq!(other.stdout, "1 line: 1 stored, 0 already there, 0 refused\n");
    let unnamed = fake.run_with("event import -", Some(TOKEN), "{\"a\":1}\n").await;
    assert_eq!(unnamed.stdout, "1 line: 1 stored, 0 already there, 0 refused\n");
}

#[tokio::test]
async fn lines_before_from_line_are_counted_but_not_sent() {
    let fake = FakeAge::start().await;
    let input = "{\"a\":1}\n{\"a\":1}\n{\"b\":1}\n";
    let output = fake.run_with("event import - --from-line 2", Some(TOKEN), input).await;
    assert_eq!(output.stdout, "3 lines: 2 stored, 0 already there, 0 refused, 1 skipped\n");
    let all = fake.run_with("event import -", Some(TOKEN), input).await;
    assert_eq!(all.stdout, "3 lines: 1 stored, 2 already there, 0 refused\n");
}

#[tokio::test]
async fn interrupted_import_continues_when_repeated() {
    let fake = FakeAge::start().await;
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/interrupted.ndjson");
    std::fs::write(file, "{\"a\":1}\n".repeat(5000)).unwrap();
    fake.state().interrupt_at = Some(2);
    let first = fake.run(&format!("event import {file}")).await;
    let stored = fake.state().stored_keys.len();
    assert_eq!((first.exit_code, first.stdout.as_str()), (ExitCode::Interrupted, ""));
    assert!((1000..4000).contains(&stored) && stored.is_multiple_of(500), "{stored}");
    let advice = format!(
        "agectl: interrupted\nStored {stored} of 5000 lines. To continue, repeat the command. The first unfinished line is {}.\n",
        stored + 1
    );
    assert!(first.stderr.ends_with(&advice), "{}", first.stderr);

    let second = fake.run(&format!("event import {file}")).await;
    let rest = 5000 - stored;
    assert_eq!(second.stdout, format!("5000 lines: {rest} stored, {stored} already there, 0 refused\n"));
    assert_eq!((second.exit_code, fake.state().stored_keys.len()), (ExitCode::Success, 5000));
}

#[tokio::test]
async fn batches_are_as_large_as_the_api_accepts() {
    let fake = FakeAge::start().await;
    let line = format!("{{\"a\":\"{}\"}}\n", "x".repeat(16_000));
    let input = format!("{}{}", "{}\n".repeat(1200), line.repeat(100));
    let output = fake.run_with("event import - --concurrency 1", Some(TOKEN), &input).await;
    assert_eq!(output.stdout, "1300 lines: 1300 stored, 0 already there, 0 refused\n");
    let state = fake.state();
    let lines: Vec<usize> = state.requests.iter().map(|request| request.body.lines().count()).collect();
    assert!(lines.starts_with(&[500, 500]) && lines.iter().sum::<usize>() == 1300 && lines.len() == 4, "{lines:?}");
    assert!(
        state
            .requests
            .iter()
            .all(|request| request.body.len() <= 1 << 20 && request.line == "POST /api/governance/events")
    );
    assert_eq!(state.stored_keys.len(), 1300);
}

#[tokio::test]
async fn only_lines_with_retryable_errors_are_sent_again() {
    let fake = FakeAge::start().await;
    let retryable = json!({"status": 503, "detail": "try again later"});
    let results = json!([{"status": 201}, retryable, {"status": 200}, retryable, {"status": 422, "detail": "the event is not valid"}]);
    fake.plan_response(503, Some(0), json!({"detail": "not all events could be stored", "results": results}));
    let input = "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n{\"n\":4}\n{\"n\":5}\n";
    let output = fake.run_with("event import -", Some(TOKEN), input).await;
    assert_eq!(output.stdout, "5 lines: 3 stored, 1 already there, 1 refused\n");
    assert_eq!(
        (output.exit_code, output.stderr.starts_with("standard input:5: the event is not valid\n")),
        (ExitCode::Refused, true),
        "{}",
        output.stderr
    );
    let again: Vec<serde_json::Value> =
        fake.state().requests[1].body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(again.iter().map(|line| line["n"].clone()).collect::<Vec<_>>(), [json!(2), json!(4)]);

    // When the retries end, the stored lines are counted and the first pending one is named.
    for _ in 0..9 {
        fake.plan_response(503, None, json!({"results": [retryable]}));
    }
    fake.state().planned_responses[0].body = json!({"results": [{"status": 201}, retryable]});
    let stopped = fake.run_with("event import -", Some(TOKEN), "{}\n{}\n").await;
    assert_eq!((stopped.exit_code, fake.state().requests.len()), (ExitCode::Unavailable, 10));
    assert!(stopped.stderr.starts_with("agectl: try again later\nStored 1 line. "), "{}", stopped.stderr);
    assert!(stopped.stderr.ends_with("The first unfinished line is 2.\n"), "{}", stopped.stderr);
}

#[tokio::test]
async fn wrong_number_of_results_is_an_unexpected_response() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, json!({"results": [{"status": 201}]}));
    let output = fake.run_with("event import -", Some(TOKEN), "{}\n{}\n").await;
    assert_eq!(output.exit_code, ExitCode::Unavailable);
    assert!(
        output.stderr.contains("unexpected response") && output.stderr.contains("\nStored 0 lines. "),
        "{}",
        output.stderr
    );
}

#[tokio::test]
async fn second_interrupt_stops_immediately() {
    let fake = FakeAge::start().await;
    fake.state().hangs = true;
    let output = fake.run_with("event import - --concurrency 1", Some(TOKEN), "{}\n{}\n").await;
    assert_eq!(output.exit_code, ExitCode::Interrupted);
    assert!(
        output.stderr.contains("\nStored 0 lines. ") && output.stderr.ends_with("The first unfinished line is 1.\n"),
        "{}",
        output.stderr
    );
}

#[tokio::test]
async fn import_gives_up_after_eight_attempts() {
    let fake = FakeAge::start().await;
    for status in [429, 503, 502, 504, 503, 503, 503] {
        fake.plan_response(status, None, json!({}));
    }
    let stored = fake.run_with("event import -", Some(TOKEN), "{}\n").await;
    assert_eq!((stored.exit_code, fake.state().requests.len()), (ExitCode::Success, 8));
    for _ in 0..8 {
        fake.plan_response(503, None, json!({"detail": "AGE cannot reach its store"}));
    }
    let failed = fake.run_with("event import - --concurrency 1", Some(TOKEN), "{\"a\":1}\n{\"a\":2}\n").await;
    assert_eq!((failed.exit_code, fake.state().requests.len()), (ExitCode::Unavailable, 16));
    assert!(failed.stderr.starts_with("agectl: AGE cannot reach its store\nStored 0 lines. "), "{}", failed.stderr);
}

#[tokio::test]
async fn retry_waits_as_long_as_retry_after_says() {
    let fake = FakeAge::start().await;
    fake.plan_response(429, Some(1), json!({}));
    let start = tokio::time::Instant::now();
    assert_eq!(fake.run_with("event import -", Some(TOKEN), "{}").await.exit_code, ExitCode::Success);
    assert!(start.elapsed().as_millis() >= 1000);
}

#[tokio::test]
async fn denied_request_ends_an_import() {
    let fake = FakeAge::start().await;
    fake.plan_response(403, None, json!({"detail": "the credential may not act for the engine qa"}));
    for _ in 0..3 {
        fake.plan_response(500, None, json!({"detail": "internal error"}));
    }
    let output = fake.run(&format!("event import {WEEK}")).await;
    assert_eq!(output.exit_code, ExitCode::AccessDenied);
    assert!(output.stderr.starts_with("agectl: the credential may not act for the engine qa\n"), "{}", output.stderr);
    assert!(output.stderr.contains(" of 297 lines. ") && fake.state().requests.len() < 10, "{}", output.stderr);
}

#[tokio::test]
async fn denied_line_ends_an_import_and_other_results_are_counted() {
    let fake = FakeAge::start().await;
    let input = "{}\n{\"a\":\"not mine\"}\n{}\nno JSON\n";
    let output = fake.run_with("event import -", Some(TOKEN), input).await;
    assert_eq!(output.exit_code, ExitCode::AccessDenied);
    assert!(
        output.stderr.contains("agectl: night-desk may not act for the engine qa\nStored 2 lines. "),
        "{}",
        output.stderr
    );
    assert!(output.stderr.ends_with("The first unfinished line is 2.\n"), "{}", output.stderr);
}
