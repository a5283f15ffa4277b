use std::io::{self, ErrorKind, Write};

use agectl::ExitCode;
use serde_json::json;

use crate::fake_age::{FakeAge, TOKEN};

/// Standard output whose reader has closed the pipe.
pub(crate) struct ClosedPipe;

impl Write for ClosedPipe {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn exit_code_follows_from_response_or_connection_error() {
    let fake = FakeAge::start().await;
    for (status, exit_code) in [
        (200, ExitCode::Unavailable), // The body is not a list of credentials.
        (404, ExitCode::Refused),
        (409, ExitCode::Refused),
        (401, ExitCode::AccessDenied),
        (403, ExitCode::AccessDenied),
        (500, ExitCode::Unavailable),
    ] {
        fake.plan_response(status, None, json!({"detail": "test"}));
        let output = fake.run("credential list").await;
        assert_eq!((output.exit_code, output.stdout.as_str()), (exit_code, ""), "{status}");
        assert!(output.stderr.starts_with("agectl: "), "{}", output.stderr);
    }
    let unreachable = FakeAge::at("http://127.0.0.1:1");
    let output = unreachable.run("incident list").await;
    assert_eq!(output.exit_code, ExitCode::Unavailable);
    assert!(
        output.stderr.contains("cannot connect to AGE at http://127.0.0.1:1: ") && output.stderr.contains("refused"),
        "{}",
        output.stderr
    );
}

#[tokio::test]
async fn non_idempotent_request_is_retried_only_if_it_had_no_effect() {
    let fake = FakeAge::start().await;
    for (status, attempts) in [(429, 2), (503, 1)] {
        fake.plan_response(status, None, json!({}));
        fake.state().requests.clear();
        let output = fake.run("credential rotate night-desk").await;
        assert_eq!(fake.request_lines().len(), attempts, "{status}");
        assert_eq!(output.stderr.contains("may have carried out the request"), status == 503, "{}", output.stderr);
        fake.state().planned_responses.clear();
    }
}

#[tokio::test]
async fn retries_end_after_four_attempts() {
    let fake = FakeAge::start().await;
    for _ in 0..9 {
        fake.plan_response(503, None, json!({}));
    }
    assert_eq!(fake.run("incident list").await.exit_code, ExitCode::Unavailable);
    assert_eq!(fake.request_lines().len(), 4);
}

#[tokio::test]
async fn token_is_never_printed() {
    let fake = FakeAge::start().await;
    let malformed = format!("{TOKEN}=");
    let secret = TOKEN.rsplit('.').next().unwrap();
    for (token, exit_code) in [
        (Some(TOKEN), ExitCode::Refused),
        (Some(&TOKEN.replace("night", "late")), ExitCode::AccessDenied),
        (Some(malformed.as_str()), ExitCode::AccessDenied),
        (Some(" "), ExitCode::AccessDenied),
        (None, ExitCode::AccessDenied),
    ] {
        for arguments in ["credential list", "report show", "incident ack billing.1795403565678.a --json"] {
            let output = fake.run_with(arguments, token, "").await;
            assert_eq!(output.exit_code, exit_code, "{token:?}: {}", output.stderr);
            assert!(!output.stderr.contains(secret) && !output.stdout.contains(secret), "{output:?}");
        }
    }
}

#[tokio::test]
async fn standard_input_can_be_read_only_once() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, json!({"credentials": []}));
    let token = format!("{TOKEN}\n");
    assert_eq!(fake.run_with("credential list --token-file -", None, &token).await.exit_code, ExitCode::Success);
    let twice = fake.run_with("event import - --token-file -", None, &token).await;
    assert_eq!(twice.exit_code, ExitCode::UsageError);
    assert!(twice.stderr.contains("can be read only once"), "{}", twice.stderr);
    let missing = fake.run_with("credential list --token-file /no/such/file", None, "").await;
    assert_eq!(missing.exit_code, ExitCode::UsageError);
    assert!(missing.stderr.starts_with("agectl: cannot read /no/such/file: "), "{}", missing.stderr);
}

#[tokio::test]
async fn closed_pipe_ends_the_command_without_an_error() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, json!({"credentials": []}));
    let result = fake.run_into("credential list", Some(TOKEN), "", &mut ClosedPipe).await;
    assert_eq!(result, (ExitCode::Success, String::new()));
}

#[tokio::test]
async fn completions_need_neither_url_nor_token() {
    let output = FakeAge::at("http://localhost").run_with("completions bash", None, "").await;
    assert_eq!(output.exit_code, ExitCode::Success);
    assert!(output.stdout.contains("agectl") && output.stdout.contains("responder"), "{}", output.stdout);
}
