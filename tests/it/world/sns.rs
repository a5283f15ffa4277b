//! A fake SNS. It stores published messages, or refuses them. It has the limits of SNS.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::call_log::{CallLog, Service};
use super::message_schemas;
use super::proxy::Fault;
use age_model::{Clock, ManualClock, Timestamp};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tokio::net::TcpListener;

/// The largest message, with its attributes, in bytes.
const MAX_MESSAGE_BYTES: usize = 262_144;

/// A published message.
#[derive(Debug, Clone)]
pub(crate) struct Published {
    /// The last part of the topic's ARN.
    pub(crate) topic: String,
    pub(crate) subject: String,
    /// The message as an e-mail has it.
    pub(crate) message: String,
    /// The message as machines get it. Null if it has no JSON.
    pub(crate) json: Value,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) at: Timestamp,
}

pub(crate) struct Sns {
    pub(crate) url: String,
    state: Arc<SnsState>,
}

struct SnsState {
    fault: Box<dyn Fn(&str) -> Fault + Send + Sync>,
    clock: Arc<ManualClock>,
    log: Arc<CallLog>,
    refusing: AtomicBool,
    /// The topics without a confirmed subscription.
    unsubscribed: Mutex<BTreeSet<String>>,
    /// The topics with a subscription that waits for its confirmation.
    unconfirmed: Mutex<BTreeSet<String>>,
    /// A message with this text is refused as invalid.
    refused_text: Mutex<Option<String>>,
    published: Mutex<Vec<Published>>,
}

impl Drop for Sns {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let published = self.state.published.lock().unwrap();
        // These topics carry messages between functions of AGE.
        let by_contract = published.iter().filter(|it| !["simulations", "relay"].contains(&it.topic.as_str()));
        let invalid: Vec<_> = by_contract.flat_map(|it| message_schemas::errors(&it.topic, &it.json)).collect();
        assert!(invalid.is_empty(), "messages are not as the contract says: {invalid:#?}");
    }
}

impl Sns {
    /// Starts the server. `fault` returns the fault of each call, by its action. Each call is logged in `log`.
    pub(crate) async fn start(
        clock: Arc<ManualClock>,
        log: Arc<CallLog>,
        fault: impl Fn(&str) -> Fault + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(SnsState {
            fault: Box::new(fault),
            clock,
            log,
            refusing: AtomicBool::default(),
            unsubscribed: Mutex::default(),
            unconfirmed: Mutex::default(),
            refused_text: Mutex::default(),
            published: Mutex::default(),
        });
        let router = Router::new().fallback(publish).with_state(Arc::clone(&state));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = TowerToHyperService::new(router.clone());
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { url, state }
    }

    /// Refuses all calls from now on, or no longer.
    pub(crate) fn set_refusing(&self, refusing: bool) {
        self.state.refusing.store(refusing, Ordering::SeqCst);
    }

    /// Sets whether a topic has a confirmed subscription. At first every topic has one.
    pub(crate) fn set_subscribed(&self, topic: &str, subscribed: bool) {
        let mut unsubscribed = self.state.unsubscribed.lock().unwrap();
        if subscribed {
            unsubscribed.remove(topic)
        } else {
            unsubscribed.insert(topic.to_owned())
        };
    }

    /// Adds a subscription to a topic that waits for its confirmation.
    pub(crate) fn add_unconfirmed_subscription(&self, topic: &str) {
        self.state.unconfirmed.lock().unwrap().insert(topic.to_owned());
    }

    /// Refuses every message with `text` as invalid from now on, or no longer.
    pub(crate) fn refuse_messages_with(&self, text: Option<&str>) {
        *self.state.refused_text.lock().unwrap() = text.map(str::to_owned);
    }

    /// Returns the topic of each message published so far, in their order.
    pub(crate) fn published_topics(&self) -> Vec<String> {
        self.state.published.lock().unwrap().iter().map(|message| message.topic.clone()).collect()
    }

    /// Returns the messages published to `topic` so far.
    pub(crate) fn published(&self, topic: &str) -> Vec<Published> {
        self.state.published.lock().unwrap().iter().filter(|message| message.topic == topic).cloned().collect()
    }
}

async fn publish(State(state): State<Arc<SnsState>>, body: Bytes) -> Response {
    let form: BTreeMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let topic = field("TopicArn").rsplit(':').next().unwrap_or_default().to_owned();
    let _in_progress = state.log.begin(Service::Sns, &field("Action")).await;
    let fault = (state.fault)(&field("Action"));
    let refused = || {
        let error = "<ErrorResponse><Error><Type>Receiver</Type><Code>InternalError</Code><Message>no</Message></Error></ErrorResponse>";
        (StatusCode::INTERNAL_SERVER_ERROR, error).into_response()
    };
    if fault == Fault::Refuse || state.refusing.load(Ordering::SeqCst) {
        return refused();
    }
    if field("Action") == "GetTopicAttributes" {
        let confirmed = u8::from(!state.unsubscribed.lock().unwrap().contains(&topic));
        let pending = u8::from(state.unconfirmed.lock().unwrap().contains(&topic));
        let entry = |name: &str, value: u8| format!("<entry><key>{name}</key><value>{value}</value></entry>");
        let entries = entry("SubscriptionsConfirmed", confirmed) + &entry("SubscriptionsPending", pending);
        return success("GetTopicAttributes", &format!("<Attributes>{entries}</Attributes>"));
    }
    let response = if field("Action") == "PublishBatch" {
        publish_batch(&state, &topic, &form)
    } else {
        publish_one(&state, &topic, |name| form.get(name).cloned())
    };
    if fault == Fault::DropResponse { refused() } else { response }
}

fn publish_one(state: &SnsState, topic: &str, field: impl Fn(&str) -> Option<String>) -> Response {
    if accept(state, topic, field) {
        return success("Publish", "<MessageId>m</MessageId>");
    }
    let error = "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidParameter</Code><Message>Invalid parameter: Message</Message></Error></ErrorResponse>";
    (StatusCode::BAD_REQUEST, error).into_response()
}

fn publish_batch(state: &SnsState, topic: &str, form: &BTreeMap<String, String>) -> Response {
    let prefix = |place: usize| format!("PublishBatchRequestEntries.member.{place}.");
    let ids: Vec<&String> = (1..).map_while(|place| form.get(&format!("{}Id", prefix(place)))).collect();
    let bytes: usize =
        (1..=ids.len()).filter_map(|place| Some(form.get(&format!("{}Message", prefix(place)))?.len())).sum();
    assert!((1..=10).contains(&ids.len()) && bytes <= MAX_MESSAGE_BYTES, "{} messages of {bytes} bytes", ids.len());
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for (id, place) in ids.iter().zip(1..) {
        if accept(state, topic, |name| form.get(&format!("{}{name}", prefix(place))).cloned()) {
            successful.push(format!("<member><Id>{id}</Id><MessageId>m</MessageId></member>"));
        } else {
            let reason = "<Code>InvalidParameter</Code><Message>Invalid parameter: Message</Message>";
            failed.push(format!("<member><Id>{id}</Id>{reason}<SenderFault>true</SenderFault></member>"));
        }
    }
    let (successful, failed) = (successful.concat(), failed.concat());
    success("PublishBatch", &format!("<Successful>{successful}</Successful><Failed>{failed}</Failed>"))
}

/// Stores the message that `field` has the fields of, unless SNS would refuse it.
fn accept(state: &SnsState, topic: &str, field: impl Fn(&str) -> Option<String>) -> bool {
    let text = |name: &str| field(name).unwrap_or_default();
    let attribute = |place: usize| {
        let prefix = format!("MessageAttributes.entry.{place}");
        Some((field(&format!("{prefix}.Name"))?, text(&format!("{prefix}.Value.StringValue"))))
    };
    let attributes: BTreeMap<String, String> = (1..).map_while(attribute).collect();
    let attribute_bytes: usize = attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
    let is_refused =
        state.refused_text.lock().unwrap().as_ref().is_some_and(|refused| text("Message").contains(refused));
    if is_refused || text("Message").len() + attribute_bytes > MAX_MESSAGE_BYTES || !is_subject(&text("Subject")) {
        return false;
    }
    let (message, json) = by_protocol(&text("Message"), &text("MessageStructure"));
    state.published.lock().unwrap().push(Published {
        topic: topic.to_owned(),
        subject: text("Subject"),
        message,
        json,
        attributes,
        at: state.clock.now(),
    });
    true
}

/// Whether SNS accepts a subject: up to 100 characters of printable ASCII, of which the first is no space.
fn is_subject(subject: &str) -> bool {
    let is_printable = subject.chars().all(|character| (' '..='~').contains(&character));
    is_printable && subject.len() <= 100 && !subject.starts_with(' ')
}

/// Returns what an e-mail has, and what machines get.
fn by_protocol(message: &str, structure: &str) -> (String, Value) {
    if structure != "json" {
        return (message.to_owned(), serde_json::from_str(message).unwrap_or_default());
    }
    let texts: BTreeMap<String, String> = serde_json::from_str(message).unwrap();
    let email = texts.get("email").unwrap_or(&texts["default"]).clone();
    (email, serde_json::from_str(&texts["default"]).unwrap())
}

fn success(operation: &str, result: &str) -> Response {
    let xmlns = "http://sns.amazonaws.com/doc/2010-03-31/";
    let body = format!("<{operation}Result>{result}</{operation}Result>");
    format!("<{operation}Response xmlns=\"{xmlns}\">{body}</{operation}Response>").into_response()
}
