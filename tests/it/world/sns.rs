//! A fake SNS. It stores published messages, or refuses them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::proxy::Fault;
use age_model::{Clock, ManualClock, Timestamp};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

/// A published message.
#[derive(Debug, Clone)]
pub(crate) struct Published {
    /// The last part of the topic's ARN.
    pub(crate) topic: String,
    pub(crate) subject: String,
    pub(crate) message: String,
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
    refusing: AtomicBool,
    has_no_subscribers: AtomicBool,
    published: Mutex<Vec<Published>>,
}

impl Sns {
    /// Starts the server. `fault` returns the fault of each call, by its action.
    pub(crate) async fn start(clock: Arc<ManualClock>, fault: impl Fn(&str) -> Fault + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(SnsState {
            fault: Box::new(fault),
            clock,
            refusing: AtomicBool::default(),
            has_no_subscribers: AtomicBool::default(),
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

    /// Sets whether the topics have a confirmed subscription.
    pub(crate) fn set_subscribed(&self, subscribed: bool) {
        self.state.has_no_subscribers.store(!subscribed, Ordering::SeqCst);
    }

    /// Returns the messages published to `topic` so far.
    pub(crate) fn published(&self, topic: &str) -> Vec<Published> {
        self.state.published.lock().unwrap().iter().filter(|message| message.topic == topic).cloned().collect()
    }
}

async fn publish(State(state): State<Arc<SnsState>>, body: Bytes) -> Response {
    let form: BTreeMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let fault = (state.fault)(&field("Action"));
    let refused = || {
        let error = "<ErrorResponse><Error><Type>Receiver</Type><Code>InternalError</Code><Message>no</Message></Error></ErrorResponse>";
        (StatusCode::INTERNAL_SERVER_ERROR, error).into_response()
    };
    if fault == Fault::Refuse || state.refusing.load(Ordering::SeqCst) {
        return refused();
    }
    if field("Action") == "GetTopicAttributes" {
        let confirmed = u8::from(!state.has_no_subscribers.load(Ordering::SeqCst));
        let entry = format!("<entry><key>SubscriptionsConfirmed</key><value>{confirmed}</value></entry>");
        return success("GetTopicAttributes", &format!("<Attributes>{entry}</Attributes>"));
    }
    let attribute = |place: usize| {
        let prefix = format!("MessageAttributes.entry.{place}");
        Some((form.get(&format!("{prefix}.Name"))?.clone(), field(&format!("{prefix}.Value.StringValue"))))
    };
    state.published.lock().unwrap().push(Published {
        topic: field("TopicArn").rsplit(':').next().unwrap_or_default().to_owned(),
        subject: field("Subject"),
        message: field("Message"),
        attributes: (1..).map_while(attribute).collect(),
        at: state.clock.now(),
    });
    if fault == Fault::DropResponse {
        return refused();
    }
    success("Publish", "<MessageId>m</MessageId>")
}

fn success(operation: &str, result: &str) -> Response {
    let xmlns = "http://sns.amazonaws.com/doc/2010-03-31/";
    let body = format!("<{operation}Result>{result}</{operation}Result>");
    format!("<{operation}Response xmlns=\"{xmlns}\">{body}</{operation}Response>").into_response()
}
