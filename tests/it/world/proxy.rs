//! A proxy before DynamoDB. It injects faults, counts calls and capacity units, and can make overlapping writes conflict.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dynoxide::Database;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::call_log::{CallLog, Service};
use super::emulator;

/// How the proxy handles a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Forwards the call.
    None,
    /// Closes the connection without forwarding the call.
    Refuse,
    /// Forwards the call, and closes the connection without a response.
    DropResponse,
    /// Returns the error of a throttled call.
    Throttle,
    /// Cancels a transaction. The counter's item has this reason.
    Cancel(&'static str),
    /// Cancels a transaction, because another one is writing its items of the table of incidents.
    ConflictOfIncidents,
    /// Forwards the call, and returns the error that the transaction is in progress.
    InProgress,
    /// Does not respond for a minute.
    Stall,
    /// Forwards the call after [`Proxy::release`].
    Hold,
}

/// A call of the DynamoDB API.
#[derive(Debug)]
pub(crate) struct Call {
    /// Such as `TransactWriteItems`.
    pub(crate) operation: String,
    pub(crate) body: Value,
    /// The number of calls of this operation since the last reset.
    pub(crate) earlier: usize,
}

/// Consumed capacity units, as DynamoDB reports them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Units {
    pub(crate) read: f64,
    pub(crate) written: f64,
}

/// The part of a response that has the units.
#[derive(Deserialize)]
struct Consumed {
    #[serde(rename = "ConsumedCapacity", default)]
    capacity: Value,
}

type Rule = Box<dyn Fn(&Call) -> Fault + Send + Sync>;

pub(crate) struct Proxy {
    pub(crate) url: String,
    state: Arc<State>,
}

struct State {
    database: Database,
    log: Arc<CallLog>,
    rule: Mutex<Rule>,
    calls: Mutex<BTreeMap<String, usize>>,
    released: Notify,
    /// The items that are being written. None if overlapping writes do not conflict.
    overlaps: Mutex<Option<BTreeSet<String>>>,
    conflicts: AtomicUsize,
    /// The capacity units consumed since the last reset.
    units: Mutex<Units>,
    /// The number of calls in progress, and its maximum since the last reset.
    concurrent_calls: AtomicUsize,
    max_concurrent_calls: AtomicUsize,
}

impl Proxy {
    /// Starts the proxy before `database`. Each call is logged in `log`.
    pub(crate) async fn start(database: Database, log: Arc<CallLog>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            database,
            log,
            rule: Mutex::new(Box::new(|_| Fault::None)),
            calls: Mutex::default(),
            released: Notify::new(),
            overlaps: Mutex::default(),
            conflicts: AtomicUsize::default(),
            units: Mutex::default(),
            concurrent_calls: AtomicUsize::default(),
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

    /// Applies the fault that `rule` returns to each call from now on. Resets all counters of calls and units.
    pub(crate) fn set_fault(&self, rule: impl Fn(&Call) -> Fault + Send + Sync + 'static) {
        self.state.calls.lock().unwrap().clear();
        *self.state.units.lock().unwrap() = Units::default();
        self.state.max_concurrent_calls.store(0, Ordering::SeqCst);
        *self.state.rule.lock().unwrap() = Box::new(rule);
    }

    /// Forwards `passing` more calls, applies `fault` to the next, and `then` to all later ones.
    pub(crate) fn set_fault_at(&self, passing: usize, fault: Fault, then: Fault) {
        let seen = AtomicUsize::new(0);
        self.set_fault(move |_| match seen.fetch_add(1, Ordering::SeqCst) {
            call if call < passing => Fault::None,
            call if call == passing => fault,
            _ => then,
        });
    }

    /// Returns the fault rule for the calls of another service. They count like those of DynamoDB.
    pub(crate) fn injector(&self) -> impl Fn(&str) -> Fault + Send + Sync + use<> {
        let state = Arc::clone(&self.state);
        move |operation| {
            let call = Call { earlier: state.count(operation), operation: operation.to_owned(), body: Value::Null };
            (state.rule.lock().unwrap())(&call)
        }
    }

    /// Forwards every call from now on. Resets all counters of calls and units.
    pub(crate) fn reset(&self) {
        self.set_fault(|_| Fault::None);
    }

    /// Forwards a call that is held.
    pub(crate) fn release(&self) {
        self.state.released.notify_one();
    }

    /// Refuses a write of an item that another call is writing, as DynamoDB does, from now on.
    pub(crate) fn conflict_on_overlap(&self) {
        *self.state.overlaps.lock().unwrap() = Some(BTreeSet::new());
    }

    /// Calls DynamoDB without the SDK and without faults. Panics if it returns an error.
    pub(crate) fn call(&self, operation: &str, body: &Value) -> Value {
        emulator::call(&self.state.database, operation, body.clone())
    }

    /// Returns how many writes were refused because of a conflict.
    pub(crate) fn conflicts(&self) -> usize {
        self.state.conflicts.load(Ordering::SeqCst)
    }

    /// The capacity units consumed since the last reset.
    pub(crate) fn units(&self) -> Units {
        *self.state.units.lock().unwrap()
    }

    /// Returns the number of calls that DynamoDB has not answered yet.
    pub(crate) fn calls_in_progress(&self) -> usize {
        self.state.concurrent_calls.load(Ordering::SeqCst)
    }

    /// Returns the maximum number of concurrent calls since the last reset.
    pub(crate) fn max_concurrent_calls(&self) -> usize {
        self.state.max_concurrent_calls.load(Ordering::SeqCst)
    }

    /// Returns the capacity units that `work` consumes, and its result.
    pub(crate) async fn measure_units<T>(&self, work: impl Future<Output = T>) -> (Units, T) {
        self.reset();
        let result = work.await;
        (self.units(), result)
    }

    /// Returns the number of calls of `operation` since the last reset.
    pub(crate) fn calls(&self, operation: &str) -> usize {
        self.state.calls.lock().unwrap().get(operation).copied().unwrap_or_default()
    }
}

/// The error that makes the server close the connection without a response.
#[derive(Debug)]
struct ConnectionClosed;

impl std::fmt::Display for ConnectionClosed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("connection closed")
    }
}

impl std::error::Error for ConnectionClosed {}

impl State {
    async fn forward(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, ConnectionClosed> {
        let (parts, body) = request.into_parts();
        let bytes = body.collect().await.map_err(|_| ConnectionClosed)?.to_bytes();
        let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let mut body: Value = serde_json::from_slice(&bytes).unwrap();
        body["ReturnConsumedCapacity"] = Value::from("TOTAL");
        let _in_progress = self.log.begin(Service::DynamoDb, &operation).await;
        let call = Call { earlier: self.count(&operation), body, operation };
        let fault = (self.rule.lock().unwrap())(&call);
        match fault {
            Fault::Refuse => return Err(ConnectionClosed),
            Fault::Throttle => return Ok(error_response("ThrottlingException", json!({}))),
            Fault::Cancel(reason) => return Ok(cancelled(&call, "Rollups", reason)),
            Fault::ConflictOfIncidents => return Ok(cancelled(&call, "Incidents", "TransactionConflict")),
            Fault::Stall => tokio::time::sleep(Duration::from_mins(1)).await,
            Fault::Hold => self.released.notified().await,
            Fault::None | Fault::DropResponse | Fault::InProgress => {}
        }
        let written = written_items(&call);
        if let Some(refusal) = self.lock_items(&call, &written) {
            return Ok(refusal);
        }
        let at_once = self.concurrent_calls.fetch_add(1, Ordering::SeqCst) + 1;
        self.max_concurrent_calls.fetch_max(at_once, Ordering::SeqCst);
        // Others that have arrived count as concurrent.
        tokio::task::yield_now().await;
        let (status, body) = emulator::execute(&self.database, &call.operation, call.body);
        self.concurrent_calls.fetch_sub(1, Ordering::SeqCst);
        self.unlock_items(&written).await;
        match fault {
            Fault::DropResponse => return Err(ConnectionClosed),
            Fault::InProgress => return Ok(error_response("TransactionInProgressException", json!({}))),
            _ => {}
        }
        self.add_units(&call.operation, &body);
        Ok(response(status, body))
    }

    /// Adds the units that a call has consumed. A transaction reports them for each table.
    fn add_units(&self, operation: &str, body: &str) {
        let Consumed { capacity } = serde_json::from_str(body).unwrap();
        let tables = capacity.as_array().map_or(std::slice::from_ref(&capacity), Vec::as_slice);
        let units: f64 = tables.iter().filter_map(|table| table["CapacityUnits"].as_f64()).sum();
        let mut all = self.units.lock().unwrap();
        *(if ["Query", "GetItem", "BatchGetItem"].contains(&operation) { &mut all.read } else { &mut all.written }) +=
            units;
    }

    fn count(&self, operation: &str) -> usize {
        let mut calls = self.calls.lock().unwrap();
        let count = calls.entry(operation.to_owned()).or_default();
        *count += 1;
        *count - 1
    }

    /// Marks the items as being written. Returns an error response if another call is writing one of them.
    fn lock_items(&self, call: &Call, written: &[String]) -> Option<Response<Full<Bytes>>> {
        let mut overlaps = self.overlaps.lock().unwrap();
        let busy = overlaps.as_mut()?;
        if !written.iter().any(|item| busy.contains(item)) {
            busy.extend(written.iter().cloned());
            return None;
        }
        self.conflicts.fetch_add(1, Ordering::SeqCst);
        if call.operation == "UpdateItem" {
            return Some(error_response("TransactionConflictException", json!({})));
        }
        let code = |item: &String| if busy.contains(item) { "TransactionConflict" } else { "None" };
        let reasons: Vec<Value> = written.iter().map(|item| json!({ "Code": code(item) })).collect();
        Some(error_response("TransactionCanceledException", json!({ "CancellationReasons": reasons })))
    }

    async fn unlock_items(&self, written: &[String]) {
        if self.overlaps.lock().unwrap().is_none() || written.is_empty() {
            return;
        }
        // A transaction holds its items for a while: without this, two would hardly ever overlap.
        tokio::time::sleep(Duration::from_millis(2)).await;
        if let Some(busy) = self.overlaps.lock().unwrap().as_mut() {
            busy.retain(|item| !written.contains(item));
        }
    }
}

/// Returns the response to a transaction that is cancelled for `reason`, which its items of `table` have.
fn cancelled(call: &Call, table: &str, reason: &str) -> Response<Full<Bytes>> {
    let of_table = format!("\"{table}\"");
    let code = |item: String| if item.starts_with(&of_table) { reason } else { "None" };
    let reasons: Vec<Value> = written_items(call).into_iter().map(|item| json!({ "Code": code(item) })).collect();
    error_response("TransactionCanceledException", json!({ "CancellationReasons": reasons }))
}

/// Returns the items that a call writes, in the order of the request.
fn written_items(call: &Call) -> Vec<String> {
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

fn error_response(name: &str, more: Value) -> Response<Full<Bytes>> {
    let mut body = more;
    body["__type"] = Value::from(format!("com.amazonaws.dynamodb.v20120810#{name}"));
    body["message"] = Value::from("injected");
    response(StatusCode::BAD_REQUEST, body.to_string())
}

fn response(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let response = Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
    response.body(Full::new(Bytes::from(body))).unwrap()
}
