//! An SNS that keeps what is published, or refuses it.

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

/// One message that was published.
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
    state: Arc<Inbox>,
}

struct Inbox {
    fault: Box<dyn Fn(&str) -> Fault + Send + Sync>,
    clock: Arc<ManualClock>,
    refusing: AtomicBool,
    has_no_subscribers: AtomicBool,
    published: Mutex<Vec<Published>>,
}

impl Sns {
    /// `fault` decides what happens to each call.
    pub(crate) async fn start(clock: Arc<ManualClock>, fault: impl Fn(&str) -> Fault + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Inbox {
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

    pub(crate) fn refuse(&self, refusing: bool) {
        self.state.refusing.store(refusing, Ordering::SeqCst);
    }

    /// Whether nobody has confirmed a subscription.
    pub(crate) fn has_no_subscribers(&self, has_no_subscribers: bool) {
        self.state.has_no_subscribers.store(has_no_subscribers, Ordering::SeqCst);
    }

    /// What `topic` has got so far.
    pub(crate) fn published(&self, topic: &str) -> Vec<Published> {
        self.state.published.lock().unwrap().iter().filter(|message| message.topic == topic).cloned().collect()
    }
}

async fn publish(State(inbox): State<Arc<Inbox>>, body: Bytes) -> Response {
    let form: BTreeMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let fault = (inbox.fault)(&field("Action"));
    let refused = || {
        let error = "<ErrorResponse><Error><Type>Receiver</Type><Code>InternalError</Code><Message>no</Message></Error></ErrorResponse>";
        (StatusCode::INTERNAL_SERVER_ERROR, error).into_response()
    };
    if fault == Fault::Refuse || inbox.refusing.load(Ordering::SeqCst) {
        return refused();
    }
    if field("Action") == "GetTopicAttributes" {
        let confirmed = u8::from(!inbox.has_no_subscribers.load(Ordering::SeqCst));
        let entry = format!("<entry><key>SubscriptionsConfirmed</key><value>{confirmed}</value></entry>");
        return answer("GetTopicAttributes", &format!("<Attributes>{entry}</Attributes>"));
    }
    let attribute = |place: usize| {
        let prefix = format!("MessageAttributes.entry.{place}");
        Some((form.get(&format!("{prefix}.Name"))?.clone(), field(&format!("{prefix}.Value.StringValue"))))
    };
    inbox.published.lock().unwrap().push(Published {
        topic: field("TopicArn").rsplit(':').next().unwrap_or_default().to_owned(),
        subject: field("Subject"),
        message: field("Message"),
        attributes: (1..).map_while(attribute).collect(),
        at: inbox.clock.now(),
    });
    if fault == Fault::DropResponse {
        return refused();
    }
    answer("Publish", "<MessageId>m</MessageId>")
}

fn answer(operation: &str, result: &str) -> Response {
    let xmlns = "http://sns.amazonaws.com/doc/2010-03-31/";
    let body = format!("<{operation}Result>{result}</{operation}Result>");
    format!("<{operation}Response xmlns=\"{xmlns}\">{body}</{operation}Response>").into_response()
}
