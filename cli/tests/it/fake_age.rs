//! An HTTP server that responds like AGE, as far as agectl can tell, and records the requests.

use std::collections::{HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

pub(crate) const TOKEN: &str = "agov1.night-desk.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordedRequest {
    /// Method, path and query.
    pub(crate) line: String,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) body: String,
}

/// A response that a test prescribes.
pub(crate) struct PlannedResponse {
    pub(crate) status: u16,
    pub(crate) retry_after_seconds: Option<u64>,
    /// JSON. A string stands for its text, which need not be JSON.
    pub(crate) body: Value,
}

#[derive(Default)]
pub(crate) struct FakeState {
    pub(crate) requests: Vec<RecordedRequest>,
    /// The idempotency keys of the stored events.
    pub(crate) stored_keys: HashSet<String>,
    /// Responses that take precedence over the usual ones, in order.
    pub(crate) planned_responses: VecDeque<PlannedResponse>,
    /// The number of the request, from 1, at which Ctrl-C is pressed.
    pub(crate) interrupt_at: Option<usize>,
    /// No request gets a response; Ctrl-C is pressed twice.
    pub(crate) hangs: bool,
    /// Standard output of the command is a terminal.
    pub(crate) stdout_is_terminal: bool,
    /// The header `Date` of planned responses, if it is not the time of this machine.
    pub(crate) date: Option<&'static str>,
}

#[derive(Clone, Default)]
pub(crate) struct FakeAge {
    pub(crate) url: String,
    state: Arc<Mutex<FakeState>>,
    /// Ctrl-C.
    pub(crate) interrupt: Arc<Notify>,
    /// How many of the next connections are closed without a response.
    pub(crate) connections_to_drop: Arc<AtomicUsize>,
}

impl FakeAge {
    /// Does not start a server.
    pub(crate) fn at(url: &str) -> Self {
        Self { url: url.to_owned(), ..Self::default() }
    }

    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        // Most resolvers do not know this name, so the tests show that agectl does not ask one.
        let url = format!("http://fake.age.localhost:{}", listener.local_addr().unwrap().port());
        let fake = Self::at(&url);
        let router = Router::new().fallback(handle_request).with_state(fake.clone());
        let connections_to_drop = Arc::clone(&fake.connections_to_drop);
        tokio::spawn(async move { axum::serve(DroppingListener { listener, connections_to_drop }, router).await });
        fake
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, FakeState> {
        self.state.lock().unwrap()
    }

    pub(crate) fn plan_response(&self, status: u16, retry_after_seconds: Option<u64>, body: Value) {
        self.state().planned_responses.push_back(PlannedResponse { status, retry_after_seconds, body });
    }

    /// Plans a response with exactly this body.
    pub(crate) fn plan_text(&self, status: u16, body: &str) {
        self.plan_response(status, None, Value::from(body));
    }

    /// Method, path and query of each request.
    pub(crate) fn request_lines(&self) -> Vec<String> {
        self.state().requests.iter().map(|request| request.line.clone()).collect()
    }

    /// The JSON body of the request with this index.
    pub(crate) fn request_body(&self, index: usize) -> Value {
        serde_json::from_str(&self.state().requests[index].body).unwrap()
    }

    fn respond(&self, request: &RecordedRequest) -> Response {
        if request.line == "POST /api/governance/events" {
            let results: Vec<Value> = request.body.lines().map(|line| self.store_line(line)).collect();
            return json!({ "results": results }).to_string().into_response();
        }
        let (key, body) = (request.idempotency_key.clone().unwrap_or_default(), request.body.as_str());
        let event = json!({"id": "01936f2e-0000-7000-8000-00000000000a", "details": {},
            "actions": [{"action": "billing_sync_repair", "status": "pending_approval"}]});
        if request.line != "POST /api/governance/event" {
            return problem(404, "there is no such resource", &json!([]));
        }
        assert!(!body.contains("refuse me"), "only lines of an import are refused");
        if self.state().stored_keys.insert(key) {
            (StatusCode::CREATED, event.to_string()).into_response()
        } else {
            ([("Idempotency-Replayed", "true")], event.to_string()).into_response()
        }
    }

    /// The result of one line of a batch.
    fn store_line(&self, line: &str) -> Value {
        let Ok(event) = serde_json::from_str::<Value>(line) else {
            return json!({"status": 400, "detail": "the body is not JSON"});
        };
        if line.contains("refuse me") {
            let errors = json!([{"pointer": "/severity", "detail": "must be one of LOW, HIGH"}, {"pointer": "/severty", "detail": "is unknown"}]);
            return json!({"status": 422, "detail": "2 fields are not valid", "errors": errors});
        }
        if line.contains("not mine") {
            return json!({"status": 403, "detail": "night-desk may not act for the engine qa"});
        }
        let key = event["idempotencyKey"].as_str().unwrap().to_owned();
        let status = if self.state().stored_keys.insert(key) { 201 } else { 200 };
        json!({"status": status, "id": "01936f2e-0000-7000-8000-00000000000a", "occurredAt": "2026-11-23T00:05:00.000Z"})
    }
}

async fn handle_request(
    State(fake): State<FakeAge>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    if header("authorization") != Some(format!("Bearer {TOKEN}")) {
        return problem(401, "unknown credential", &json!([]));
    }
    let request = RecordedRequest {
        line: format!("{method} {uri}"),
        idempotency_key: header("idempotency-key"),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let (planned, hangs, date) = {
        let mut state = fake.state();
        state.requests.push(request.clone());
        if state.interrupt_at == Some(state.requests.len()) {
            fake.interrupt.notify_one();
        }
        (state.planned_responses.pop_front(), state.hangs, state.date)
    };
    if hangs {
        fake.interrupt.notify_one();
        tokio::time::sleep(Duration::from_millis(50)).await;
        fake.interrupt.notify_one();
        std::future::pending::<()>().await;
    }
    let Some(PlannedResponse { status, retry_after_seconds, body }) = planned else { return fake.respond(&request) };
    let status = StatusCode::from_u16(status).unwrap();
    let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
    let mut response = (status, body).into_response();
    if let Some(date) = date {
        response.headers_mut().insert("Date", date.parse().unwrap());
    }
    if let Some(seconds) = retry_after_seconds {
        response.headers_mut().insert("Retry-After", seconds.into());
    }
    response
}

fn problem(status: u16, detail: &str, errors: &Value) -> Response {
    let body = json!({"title": "x", "status": status, "detail": detail, "errors": errors});
    (StatusCode::from_u16(status).unwrap(), [("Content-Type", "application/problem+json")], body.to_string())
        .into_response()
}

/// Closes some connections as soon as they are open.
struct DroppingListener {
    listener: TcpListener,
    connections_to_drop: Arc<AtomicUsize>,
}

impl Listener for DroppingListener {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            let accepted = self.listener.accept().await.unwrap();
            let decrement = |count: usize| count.checked_sub(1);
            if self.connections_to_drop.fetch_update(Ordering::SeqCst, Ordering::SeqCst, decrement).is_err() {
                return accepted;
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
