//! The receivers of channels: they record the requests of the relay with their times, and answer as a test says.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use age_model::{ChannelRequest, ChannelResponse, ChannelSender, Clock, ManualClock, SendError, SentFuture, Timestamp};
use serde_json::Value;
use tokio::sync::Notify;

/// How a receiver answers a request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// A response with this status.
    Status(u16),
    /// A response with this status that asks to wait for so many seconds.
    RetryAfter(u16, u64),
    /// No response.
    Nothing,
    /// A response with this status, after the test has notified.
    Held(Arc<Notify>, u16),
}

/// A request that a receiver got.
#[derive(Debug, Clone)]
pub(crate) struct ReceivedRequest {
    /// The host of its address.
    pub(crate) host: String,
    /// When it arrived, by the clock of the world.
    pub(crate) at: Timestamp,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    pub(crate) json: Value,
}

/// All receivers, by host. They respond with 200 unless a test says otherwise.
#[derive(Clone)]
pub(crate) struct Receivers(Arc<State>);

struct State {
    clock: Arc<ManualClock>,
    answers: Mutex<BTreeMap<String, VecDeque<Answer>>>,
    received: Mutex<Vec<ReceivedRequest>>,
}

impl Receivers {
    /// Receivers of a world with this clock.
    pub(crate) fn new(clock: &Arc<ManualClock>) -> Self {
        let clock = Arc::clone(clock);
        Self(Arc::new(State { clock, answers: Mutex::default(), received: Mutex::default() }))
    }

    /// Answers the next requests to `host` with `answers`, one after the other. The last of them stays.
    pub(crate) fn answer(&self, host: &str, answers: &[Answer]) {
        self.0.answers.lock().unwrap().insert(host.to_owned(), answers.iter().cloned().collect());
    }

    /// Returns the requests to all hosts, in the order of their arrival.
    pub(crate) fn all(&self) -> Vec<ReceivedRequest> {
        self.0.received.lock().unwrap().clone()
    }

    /// Returns the requests to `host`, in the order of their arrival.
    pub(crate) fn of(&self, host: &str) -> Vec<ReceivedRequest> {
        self.all().into_iter().filter(|request| request.host == host).collect()
    }

    fn next_answer(&self, host: &str) -> Answer {
        let mut answers = self.0.answers.lock().unwrap();
        let Some(left) = answers.get_mut(host) else { return Answer::Status(200) };
        let next = if left.len() > 1 { left.pop_front() } else { left.front().cloned() };
        next.unwrap_or(Answer::Status(200))
    }

    async fn receive(&self, request: ChannelRequest) -> Result<ChannelResponse, SendError> {
        let ChannelRequest { url, headers, body } = request;
        let host = url.split('/').nth(2).unwrap().to_owned();
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let json = serde_json::from_slice(&body).unwrap();
        let at = self.0.clock.now();
        self.0.received.lock().unwrap().push(ReceivedRequest { host: host.clone(), at, headers, body, json });
        let respond = |status, retry_after| Ok(ChannelResponse { status, retry_after });
        match self.next_answer(&host) {
            Answer::Status(status) => respond(status, None),
            Answer::RetryAfter(status, seconds) => respond(status, Some(Duration::from_secs(seconds))),
            Answer::Nothing => Err(SendError("no response within 10 seconds".to_owned())),
            Answer::Held(released, status) => {
                released.notified().await;
                respond(status, None)
            }
        }
    }
}

impl ChannelSender for Receivers {
    fn send(&self, request: ChannelRequest) -> SentFuture<'_> {
        Box::pin(self.receive(request))
    }
}
