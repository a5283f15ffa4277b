//! The calls of AGE's functions to AWS with their times, and the latency that is added to each.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

/// A service of AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    DynamoDb,
    Sns,
}

/// A call, from its arrival to its response.
#[derive(Debug, Clone)]
pub(crate) struct TimedCall {
    /// Such as `GetItem` or `Publish`.
    pub(crate) operation: String,
    added: Duration,
    started: Instant,
    /// None while the call is in progress.
    ended: Option<Instant>,
}

/// The log. DynamoDB's proxy and the fake SNS share it.
#[derive(Debug, Default)]
pub(crate) struct CallLog {
    calls: Mutex<Vec<TimedCall>>,
    /// The latency that is added to each call of DynamoDB and of SNS.
    added: Mutex<[Duration; 2]>,
}

/// A call in progress. It ends when this is dropped.
pub(crate) struct CallInProgress {
    log: Arc<CallLog>,
    /// The position in the log.
    index: usize,
}

impl CallLog {
    /// Adds a latency to each call of DynamoDB and of SNS from now on.
    pub(crate) fn add_latency(&self, dynamodb: Duration, sns: Duration) {
        *self.added.lock().unwrap() = [dynamodb, sns];
    }

    /// Logs that a call arrives, and waits for the added latency.
    pub(crate) async fn begin(self: &Arc<Self>, service: Service, operation: &str) -> CallInProgress {
        let [dynamodb, sns] = *self.added.lock().unwrap();
        let added = if service == Service::DynamoDb { dynamodb } else { sns };
        let call = TimedCall { operation: operation.to_owned(), added, started: Instant::now(), ended: None };
        let index = {
            let mut calls = self.calls.lock().unwrap();
            calls.push(call);
            calls.len() - 1
        };
        let call = CallInProgress { log: Arc::clone(self), index };
        if !added.is_zero() {
            // A thread, because the timer of the runtime may be a millisecond late.
            tokio::task::spawn_blocking(move || std::thread::sleep(added)).await.unwrap();
        }
        call
    }

    /// Returns the calls that `work` makes, and its result. All of them must have ended.
    pub(crate) async fn of<T>(&self, work: impl Future<Output = T>) -> (CallChain, T) {
        self.calls.lock().unwrap().clear();
        let started = Instant::now();
        let result = work.await;
        let took = started.elapsed();
        (CallChain::new(std::mem::take(&mut *self.calls.lock().unwrap()), took), result)
    }
}

impl Drop for CallInProgress {
    fn drop(&mut self) {
        if let Some(call) = self.log.calls.lock().unwrap().get_mut(self.index) {
            call.ended = Some(Instant::now());
        }
    }
}

/// The calls of one request, in the order in which they ended, and how long it took.
#[derive(Debug, Clone)]
pub(crate) struct CallChain {
    calls: Vec<TimedCall>,
    took: Duration,
}

impl CallChain {
    fn new(mut calls: Vec<TimedCall>, took: Duration) -> Self {
        assert!(calls.iter().all(|call| call.ended.is_some()), "a call outlives the request: {calls:#?}");
        calls.sort_by_key(|call| call.ended);
        Self { calls, took }
    }

    /// Returns how long the request took.
    pub(crate) const fn took(&self) -> Duration {
        self.took
    }

    /// Returns the number of calls.
    pub(crate) fn len(&self) -> usize {
        self.calls.len()
    }

    /// Returns the longest chain of calls of which each begins after the one before it has ended: the depth of the request.
    pub(crate) fn in_line(&self) -> Vec<&TimedCall> {
        let mut chain: Vec<&TimedCall> = Vec::new();
        for call in &self.calls {
            if chain.last().is_none_or(|last| last.ended.is_some_and(|ended| ended <= call.started)) {
                chain.push(call);
            }
        }
        chain
    }

    /// Returns the depth.
    pub(crate) fn depth(&self) -> usize {
        self.in_line().len()
    }

    /// Returns the names of the calls, such as `GetItem, TransactWriteItems`.
    pub(crate) fn operations(&self) -> String {
        self.calls.iter().map(|call| call.operation.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Returns the latency that was added to the request: at every moment at which calls waited, whatever their number.
    pub(crate) fn added(&self) -> Duration {
        union(self.calls.iter().map(|call| (call.started, call.started + call.added)).collect())
    }

    /// Returns the time in which at least one call was in progress: the latency that was added, and the time of the services themselves.
    pub(crate) fn in_calls(&self) -> Duration {
        union(self.calls.iter().filter_map(|call| Some((call.started, call.ended?))).collect())
    }
}

/// Returns how long all of `spans` take together, of which each is a beginning and an end. A moment in several counts once.
fn union(mut spans: Vec<(Instant, Instant)>) -> Duration {
    spans.sort_unstable();
    let (mut sum, mut until) = (Duration::ZERO, None);
    for (started, ended) in spans {
        let from = until.map_or(started, |until: Instant| until.max(started));
        sum += ended.saturating_duration_since(from);
        until = Some(until.map_or(ended, |until: Instant| until.max(ended)));
    }
    sum
}
