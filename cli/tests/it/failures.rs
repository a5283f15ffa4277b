use std::io::{self, ErrorKind, Write};

use agectl::Exit;
use serde_json::json;

use crate::fake::{Fake, TOKEN};

/// Standard output, after its reader has gone.
pub(crate) struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn exit_codes_tell_what_happened() {
    let fake = Fake::start().await;
    for (status, exit) in [
        (200, Exit::Unavailable), // Not an answer that makes sense.
        (404, Exit::Refused),
        (409, Exit::Refused),
        (401, Exit::Denied),
        (403, Exit::Denied),
        (500, Exit::Unavailable),
    ] {
        fake.plan(status, None, json!({"detail": "it is so"}));
        let ran = fake.agectl("credential list").await;
        assert_eq!((ran.exit, ran.out.as_str()), (exit, ""), "{status}");
        assert!(ran.err.starts_with("agectl: "), "{}", ran.err);
    }
    let gone = Fake::at("http://127.0.0.1:1");
    let ran = gone.agectl("incidents").await;
    assert_eq!(ran.exit, Exit::Unavailable);
    assert!(
        ran.err.contains("cannot be reached at http://127.0.0.1:1: ") && ran.err.contains("refused"),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn what_would_be_done_twice_is_not_sent_twice() {
    let fake = Fake::start().await;
    for (status, times) in [(429, 2), (503, 1)] {
        fake.plan(status, None, json!({}));
        fake.memory().seen.clear();
        let ran = fake.agectl("credential rotate night-desk").await;
        assert_eq!(fake.asked().len(), times, "{status}");
        assert_eq!(ran.err.contains("may have been done"), status == 503, "{}", ran.err);
        fake.memory().planned.clear();
    }
    fake.memory().seen.clear();
    for _ in 0..9 {
        fake.plan(503, None, json!({}));
    }
    assert_eq!(fake.agectl("incidents").await.exit, Exit::Unavailable);
    assert_eq!(fake.asked().len(), 4);
}

#[tokio::test]
async fn the_token_is_never_shown() {
    let fake = Fake::start().await;
    let nearly = format!("{TOKEN}=");
    let secret = TOKEN.rsplit('.').next().unwrap();
    for (token, exit) in [
        (Some(TOKEN), Exit::Refused),
        (Some(&TOKEN.replace("night", "late")), Exit::Denied),
        (Some(nearly.as_str()), Exit::Denied),
        (Some(" "), Exit::Denied),
        (None, Exit::Denied),
    ] {
        for line in ["credential list", "report show", "ack billing.1795403565678.a --json"] {
            let ran = fake.agectl_with(line, token, "").await;
            assert_eq!(ran.exit, exit, "{token:?}: {}", ran.err);
            assert!(!ran.err.contains(secret) && !ran.out.contains(secret), "{ran:?}");
        }
    }
}

#[tokio::test]
async fn the_token_may_come_from_standard_input_once() {
    let fake = Fake::start().await;
    fake.plan(200, None, json!({"credentials": []}));
    let token = format!("{TOKEN}\n");
    assert_eq!(fake.agectl_with("credential list --token-file -", None, &token).await.exit, Exit::Done);
    let twice = fake.agectl_with("event import - --token-file -", None, &token).await;
    assert_eq!(twice.exit, Exit::Usage);
    assert!(twice.err.contains("one thing only"), "{}", twice.err);
    let missing = fake.agectl_with("credential list --token-file /no/such/file", None, "").await;
    assert_eq!(missing.exit, Exit::Usage);
    assert!(missing.err.starts_with("agectl: /no/such/file: "), "{}", missing.err);
}

#[tokio::test]
async fn a_reader_that_has_gone_ends_the_command_quietly() {
    let fake = Fake::start().await;
    fake.plan(200, None, json!({"credentials": []}));
    let ended = fake.agectl_to("credential list", Some(TOKEN), "", &mut Closed).await;
    assert_eq!(ended, (Exit::Done, String::new()));
}

#[tokio::test]
async fn completions_need_no_age() {
    let ran = Fake::at("http://localhost").agectl_with("completions bash", None, "").await;
    assert_eq!(ran.exit, Exit::Done);
    assert!(ran.out.contains("agectl") && ran.out.contains("image_engine"), "{}", ran.out);
}
