//! An AGE that answers as the real one does, as far as the command can tell, and remembers what it was asked.

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

/// A request, as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Method, path and query.
    pub(crate) what: String,
    pub(crate) key: Option<String>,
    pub(crate) body: String,
}

#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) seen: Vec<Seen>,
    /// The keys of the events that are stored.
    pub(crate) stored: HashSet<String>,
    /// Answers that are given before those of `Fake::answer`: status, `Retry-After`, body.
    pub(crate) planned: VecDeque<(u16, Option<u64>, Value)>,
    /// Somebody presses Ctrl-C when the request of this number is here.
    pub(crate) interrupt_at: Option<usize>,
    /// No request is answered, and Ctrl-C is pressed twice.
    pub(crate) hangs: bool,
}

#[derive(Clone, Default)]
pub(crate) struct Fake {
    pub(crate) url: String,
    memory: Arc<Mutex<Memory>>,
    /// Ctrl-C.
    pub(crate) interrupt: Arc<Notify>,
    /// So many connections are lost.
    pub(crate) losses: Arc<AtomicUsize>,
}

impl Fake {
    /// One that may not be there.
    pub(crate) fn at(url: &str) -> Self {
        Self { url: url.to_owned(), ..Self::default() }
    }

    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        // A name that most resolvers do not know.
        let url = format!("http://fake.age.localhost:{}", listener.local_addr().unwrap().port());
        let fake = Self::at(&url);
        let router = Router::new().fallback(take).with_state(fake.clone());
        let losses = Arc::clone(&fake.losses);
        tokio::spawn(async move { axum::serve(Lossy { listener, losses }, router).await });
        fake
    }

    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap()
    }

    pub(crate) fn plan(&self, status: u16, retry_after: Option<u64>, body: Value) {
        self.memory().planned.push_back((status, retry_after, body));
    }

    /// What was asked, without the bodies.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.memory().seen.iter().map(|seen| seen.what.clone()).collect()
    }

    pub(crate) fn body(&self, number: usize) -> Value {
        serde_json::from_str(&self.memory().seen[number].body).unwrap()
    }

    fn answer(&self, seen: &Seen) -> Response {
        if seen.what == "POST /api/governance/events" {
            let results: Vec<Value> = seen.body.lines().map(|line| self.result(line)).collect();
            return json!({ "results": results }).to_string().into_response();
        }
        let (key, body) = (seen.key.clone().unwrap_or_default(), seen.body.as_str());
        let answer = json!({"id": "01936f2e-0000-7000-8000-00000000000a", "details": {},
            "actions": [{"action": "billing_sync_repair", "status": "dispatched"}]});
        if seen.what != "POST /api/governance/event" {
            return problem(404, "there is no such thing", &json!([]));
        }
        assert!(!body.contains("refuse me"), "only lines of a file are refused");
        if self.memory().stored.insert(key) {
            (StatusCode::CREATED, answer.to_string()).into_response()
        } else {
            ([("Idempotency-Replayed", "true")], answer.to_string()).into_response()
        }
    }

    /// On one line of a batch.
    fn result(&self, line: &str) -> Value {
        let Ok(event) = serde_json::from_str::<Value>(line) else {
            return json!({"status": 400, "detail": "the body is not JSON"});
        };
        if line.contains("refuse me") {
            let errors = json!([{"pointer": "/severity", "detail": "must be one of LOW, HIGH"}, {"pointer": "/severty", "detail": "is unknown"}]);
            return json!({"status": 422, "detail": "2 fields are not valid", "errors": errors});
        }
        if line.contains("not mine") {
            return json!({"status": 403, "detail": "night-desk may not speak for the engine qa"});
        }
        let key = event["idempotencyKey"].as_str().unwrap().to_owned();
        let status = if self.memory().stored.insert(key) { 201 } else { 200 };
        json!({"status": status, "id": "01936f2e-0000-7000-8000-00000000000a", "occurredAt": "2026-11-23T00:05:00.000Z"})
    }
}

async fn take(State(fake): State<Fake>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    if text("authorization") != Some(format!("Bearer {TOKEN}")) {
        return problem(401, "there is no such credential", &json!([]));
    }
    let (body, key) = (String::from_utf8_lossy(&body).into_owned(), text("idempotency-key"));
    let seen = Seen { what: format!("{method} {uri}"), key, body };
    let (planned, hangs) = {
        let mut memory = fake.memory();
        memory.seen.push(seen.clone());
        if memory.interrupt_at == Some(memory.seen.len()) {
            fake.interrupt.notify_one();
        }
        (memory.planned.pop_front(), memory.hangs)
    };
    if hangs {
        fake.interrupt.notify_one();
        tokio::time::sleep(Duration::from_millis(50)).await;
        fake.interrupt.notify_one();
        std::future::pending::<()>().await;
    }
    let Some((status, retry_after, body)) = planned else { return fake.answer(&seen) };
    let status = StatusCode::from_u16(status).unwrap();
    let mut response = (status, body.to_string()).into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert("Retry-After", seconds.into());
    }
    response
}

fn problem(status: u16, detail: &str, errors: &Value) -> Response {
    let body = json!({"title": "x", "status": status, "detail": detail, "errors": errors});
    (StatusCode::from_u16(status).unwrap(), [("Content-Type", "application/problem+json")], body.to_string())
        .into_response()
}

/// A network that loses connections.
struct Lossy {
    listener: TcpListener,
    losses: Arc<AtomicUsize>,
}

impl Listener for Lossy {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            let accepted = self.listener.accept().await.unwrap();
            let one_less = |losses: usize| losses.checked_sub(1);
            if self.losses.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_err() {
                return accepted;
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
