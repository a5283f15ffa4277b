//! The log line of a request: it names the caller, whom the gateway's access log cannot know.

use std::io;
use std::sync::{Arc, Mutex};

use age_http::RequestRate;
use serde_json::{Value, json};
use tracing_subscriber::util::SubscriberInitExt;

use crate::world::World;
use crate::world::browser::Browser;
use crate::world::test_credentials::{ADMIN, BILLING, NIGHT_DESK, READER, TESTS};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Returns the fields of the last line, which must be the only one about a response since the last call.
    fn only_response(&self) -> Value {
        let log = std::mem::take(&mut *self.0.lock().unwrap());
        let lines = String::from_utf8(log).unwrap();
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let fields = lines.iter().map(|line| &line["fields"]);
        let responses: Vec<&Value> = fields.filter(|fields| fields["status"].is_number()).collect();
        assert_eq!(responses.len(), 1, "{lines:?}");
        responses[0].clone()
    }
}

#[tokio::test]
async fn every_request_has_one_line_with_its_route_and_its_proven_caller() {
    let world = World::new().await;
    let log = Log::default();
    let writer = log.clone();
    let _guard = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).set_default();
    let (incidents, credentials) = ("/api/governance/incidents", "/api/governance/credentials");
    let bearer = |kid: &str| format!("Bearer {}", world.token(kid));
    let unproven = format!("Bearer agov1.{ADMIN}.{}", "A".repeat(43));
    for (path, authorization, status, caller, route) in [
        (incidents, bearer(READER), 200, Some(READER), Some(incidents)),
        (
            "/api/governance/incidents/qa.1795403565000.x",
            bearer(READER),
            404,
            Some(READER),
            Some("/api/governance/incidents/{id}"),
        ),
        (credentials, bearer(BILLING), 403, Some(BILLING), Some(credentials)),
        (credentials, unproven, 401, None, Some(credentials)),
        ("/api/governance/nothing", bearer(READER), 404, None, None),
    ] {
        let response = world.api().send_without_token("GET", path, &[("Authorization", &authorization)], b"").await;
        let fields = log.only_response();
        assert_eq!((response.status, &fields["status"]), (status, &json!(status)), "{fields}");
        assert_eq!(fields.get("caller.id"), caller.map(Value::from).as_ref(), "{fields}");
        assert_eq!(fields.get("route"), route.map(Value::from).as_ref(), "{fields}");
        assert_eq!((&fields["method"], &fields["path"]), (&json!("GET"), &json!(path)));
        assert!(fields["duration_ms"].is_u64(), "{fields}");
    }
}

#[tokio::test]
async fn caller_over_its_rate_is_named() {
    let world = World::new().await;
    let environment = world.environment_with_proxied_credentials(RequestRate::new(1, 1)).await;
    let log = Log::default();
    let writer = log.clone();
    let _guard = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).set_default();
    for status in [200, 429] {
        assert_eq!(environment.get("/api/governance/incidents").await.status, status);
        assert_eq!(log.only_response()["caller.id"], TESTS);
    }
}

#[tokio::test]
async fn session_on_the_dashboard_is_named() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, NIGHT_DESK).await;
    let log = Log::default();
    let writer = log.clone();
    let _guard = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).set_default();
    assert_eq!(browser.get("/dashboard/incidents").await.status, 200);
    assert_eq!(log.only_response()["caller.id"], NIGHT_DESK);
}
