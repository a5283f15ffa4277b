//! A proxy before DynamoDB that can refuse, cut an answer off, or make overlapping writes conflict as DynamoDB does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What the proxy does with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Lets it through.
    None,
    /// Closes the connection; DynamoDB never sees the call.
    Refuse,
    /// Lets it through, and closes the connection instead of answering.
    DropResponse,
    /// Answers as DynamoDB does when it is asked too much.
    Throttle,
    /// Cancels a transaction for this reason, which is the counter's.
    Cancel(&'static str),
    /// Lets it through, and says that it is still under way.
    InProgress,
    /// Never answers.
    Stall,
}

/// One call on its way to DynamoDB.
#[derive(Debug)]
pub(crate) struct Call {
    /// Such as `TransactWriteItems`.
    pub(crate) operation: String,
    pub(crate) body: Value,
    /// How many calls of this operation came before.
    pub(crate) earlier: usize,
}

/// Capacity units, as DynamoDB reports them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Units {
    pub(crate) read: f64,
    pub(crate) written: f64,
}

type Rule = Box<dyn Fn(&Call) -> Fault + Send + Sync>;

pub(crate) struct Proxy {
    pub(crate) url: String,
    state: Arc<State>,
}

struct State {
    upstream: String,
    http: reqwest::Client,
    rule: Mutex<Rule>,
    calls: Mutex<BTreeMap<String, usize>>,
    /// Items that a transaction is writing at this moment, where overlaps conflict.
    overlaps: Mutex<Option<BTreeSet<String>>>,
    conflicts: AtomicUsize,
    /// What was consumed since the last rule was set.
    units: Mutex<Units>,
    /// How many calls are under way, and how many were at most since the last rule was set.
    under_way: AtomicUsize,
    max_concurrent_calls: AtomicUsize,
}

impl Proxy {
    pub(crate) async fn start(upstream: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            upstream,
            http: reqwest::Client::new(),
            rule: Mutex::new(Box::new(|_| Fault::None)),
            calls: Mutex::default(),
            overlaps: Mutex::default(),
            conflicts: AtomicUsize::default(),
            units: Mutex::default(),
            under_way: AtomicUsize::default(),
            max_concurrent_calls: AtomicUsize::default(),
        });
        let serving = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&serving);
                let service = service_fn(move |request| Arc::clone(&state).forward(request));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { url, state }
    }

    /// From now on `rule` decides what happens to each call.
    pub(crate) fn set_fault(&self, rule: impl Fn(&Call) -> Fault + Send + Sync + 'static) {
        self.state.calls.lock().unwrap().clear();
        *self.state.units.lock().unwrap() = Units::default();
        self.state.max_concurrent_calls.store(0, Ordering::SeqCst);
        *self.state.rule.lock().unwrap() = Box::new(rule);
    }

    /// After `passing` more calls, one meets `fault`, and all others meet `then`.
    pub(crate) fn set_fault_at(&self, passing: usize, fault: Fault, then: Fault) {
        let seen = AtomicUsize::new(0);
        self.set_fault(move |_| match seen.fetch_add(1, Ordering::SeqCst) {
            call if call < passing => Fault::None,
            call if call == passing => fault,
            _ => then,
        });
    }

    /// What is to happen to a call that goes elsewhere, such as to SNS: it counts among the others.
    pub(crate) fn injector(&self) -> impl Fn(&str) -> Fault + Send + Sync + use<> {
        let state = Arc::clone(&self.state);
        move |operation| {
            let call = Call { earlier: state.count(operation), operation: operation.to_owned(), body: Value::Null };
            (state.rule.lock().unwrap())(&call)
        }
    }

    /// From now on every call is let through.
    pub(crate) fn reset(&self) {
        self.set_fault(|_| Fault::None);
    }

    /// From now on a write that meets a transaction on the same item is refused, as DynamoDB does.
    pub(crate) fn conflict_on_overlap(&self) {
        *self.state.overlaps.lock().unwrap() = Some(BTreeSet::new());
    }

    /// Asks DynamoDB directly, past the SDK and the faults.
    pub(crate) async fn call(&self, operation: &str, body: &Value) -> Value {
        call(&self.state.http, &self.state.upstream, operation, body).await
    }

    /// How many writes were refused for that.
    pub(crate) fn conflicts(&self) -> usize {
        self.state.conflicts.load(Ordering::SeqCst)
    }

    /// What was consumed since the last rule was set.
    pub(crate) fn units(&self) -> Units {
        *self.state.units.lock().unwrap()
    }

    /// How many calls were under way at once, at most, since the last rule was set.
    pub(crate) fn max_concurrent_calls(&self) -> usize {
        self.state.max_concurrent_calls.load(Ordering::SeqCst)
    }

    /// What `work` consumes, and what comes of it.
    pub(crate) async fn measure_units<T>(&self, work: impl Future<Output = T>) -> (Units, T) {
        self.reset();
        let done = work.await;
        (self.units(), done)
    }

    /// How many calls of each operation there were since the last rule was set.
    pub(crate) fn calls(&self, operation: &str) -> usize {
        self.state.calls.lock().unwrap().get(operation).copied().unwrap_or_default()
    }
}

/// One call of the DynamoDB API.
pub(crate) async fn call(http: &reqwest::Client, url: &str, operation: &str, body: &Value) -> Value {
    let scope = "Credential=test/20261123/us-east-1/dynamodb/aws4_request";
    let answer = http
        .post(url)
        .header("X-Amz-Target", format!("DynamoDB_20120810.{operation}"))
        .header("Content-Type", "application/x-amz-json-1.0")
        .header("Authorization", format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"))
        .header("X-Amz-Date", "20261123T000000Z")
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{operation}: {text}");
    serde_json::from_str(&text).unwrap()
}

/// The connection is closed without an answer.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut")
    }
}

impl std::error::Error for Cut {}

impl State {
    async fn forward(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Cut> {
        let (parts, body) = request.into_parts();
        let bytes = body.collect().await.map_err(|_| Cut)?.to_bytes();
        let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let mut body: Value = serde_json::from_slice(&bytes).unwrap();
        body["ReturnConsumedCapacity"] = Value::from("TOTAL");
        let call = Call { earlier: self.count(&operation), body, operation };
        let fault = (self.rule.lock().unwrap())(&call);
        match fault {
            Fault::Refuse => return Err(Cut),
            Fault::Throttle => return Ok(error("ThrottlingException", json!({}))),
            Fault::Cancel(reason) => {
                let reasons = written(&call)
                    .into_iter()
                    .map(|item| json!({ "Code": if item.starts_with("\"Rollups\"") { reason } else { "None" } }));
                return Ok(error(
                    "TransactionCanceledException",
                    json!({ "CancellationReasons": reasons.collect::<Vec<_>>() }),
                ));
            }
            Fault::Stall => tokio::time::sleep(Duration::from_mins(1)).await,
            Fault::None | Fault::DropResponse | Fault::InProgress => {}
        }
        let written = written(&call);
        if let Some(refusal) = self.begin(&call, &written) {
            return Ok(refusal);
        }
        let at_once = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.max_concurrent_calls.fetch_max(at_once, Ordering::SeqCst);
        let mut forwarded = self.http.post(&self.upstream).body(call.body.to_string());
        for (name, value) in parts.headers.iter().filter(|(name, _)| *name != "host" && *name != "content-length") {
            forwarded = forwarded.header(name, value);
        }
        let answer = forwarded.send().await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        self.end(&written).await;
        match fault {
            Fault::DropResponse => return Err(Cut),
            Fault::InProgress => return Ok(error("TransactionInProgressException", json!({}))),
            _ => {}
        }
        let answer = answer.map_err(|_| Cut)?;
        let mut response = Response::builder().status(answer.status());
        for (name, value) in answer.headers().iter().filter(|(name, _)| *name != "transfer-encoding") {
            response = response.header(name, value);
        }
        let answer = answer.bytes().await.map_err(|_| Cut)?;
        self.weigh(&call.operation, &answer);
        Ok(response.body(Full::new(answer)).unwrap())
    }

    /// Adds up what a call has consumed: a transaction says so of each of its tables.
    fn weigh(&self, operation: &str, answer: &[u8]) {
        let answer: Value = serde_json::from_slice(answer).unwrap();
        let consumed = &answer["ConsumedCapacity"];
        let tables = consumed.as_array().map_or(std::slice::from_ref(consumed), Vec::as_slice);
        let units: f64 = tables.iter().filter_map(|table| table["CapacityUnits"].as_f64()).sum();
        let mut all = self.units.lock().unwrap();
        *(if ["Query", "GetItem"].contains(&operation) { &mut all.read } else { &mut all.written }) += units;
    }

    fn count(&self, operation: &str) -> usize {
        let mut calls = self.calls.lock().unwrap();
        let count = calls.entry(operation.to_owned()).or_default();
        *count += 1;
        *count - 1
    }

    /// Takes the items that are written, or refuses.
    fn begin(&self, call: &Call, written: &[String]) -> Option<Response<Full<Bytes>>> {
        let mut overlaps = self.overlaps.lock().unwrap();
        let busy = overlaps.as_mut()?;
        if !written.iter().any(|item| busy.contains(item)) {
            busy.extend(written.iter().cloned());
            return None;
        }
        self.conflicts.fetch_add(1, Ordering::SeqCst);
        if call.operation == "UpdateItem" {
            return Some(error("TransactionConflictException", json!({})));
        }
        let code = |item: &String| if busy.contains(item) { "TransactionConflict" } else { "None" };
        let reasons: Vec<Value> = written.iter().map(|item| json!({ "Code": code(item) })).collect();
        Some(error("TransactionCanceledException", json!({ "CancellationReasons": reasons })))
    }

    async fn end(&self, written: &[String]) {
        if self.overlaps.lock().unwrap().is_none() || written.is_empty() {
            return;
        }
        // A transaction holds its items a little while, or two would hardly ever meet.
        tokio::time::sleep(Duration::from_millis(2)).await;
        if let Some(busy) = self.overlaps.lock().unwrap().as_mut() {
            busy.retain(|item| !written.contains(item));
        }
    }
}

/// The items that a call writes, in its order.
fn written(call: &Call) -> Vec<String> {
    let item = |write: &Value| {
        let key = write.get("Key").map_or_else(
            || {
                ["id", "event_id", "action", "fingerprint", "opened_at"]
                    .iter()
                    .map(|name| write["Item"][*name].to_string())
                    .collect()
            },
            Value::to_string,
        );
        format!("{} {key}", write["TableName"])
    };
    match call.operation.as_str() {
        "TransactWriteItems" => {
            let items = call.body["TransactItems"].as_array().unwrap();
            items.iter().flat_map(|write| write.as_object().unwrap().values().map(item)).collect()
        }
        "UpdateItem" => vec![item(&call.body)],
        _ => Vec::new(),
    }
}

fn error(name: &str, more: Value) -> Response<Full<Bytes>> {
    let mut body = more;
    body["__type"] = Value::from(format!("com.amazonaws.dynamodb.v20120810#{name}"));
    body["message"] = Value::from("injected");
    let response = Response::builder().status(400).header("content-type", "application/x-amz-json-1.0");
    response.body(Full::new(Bytes::from(body.to_string()))).unwrap()
}
