//! An SNS that keeps what is published, or refuses it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

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
}

pub(crate) struct Sns {
    pub(crate) url: String,
    state: Arc<Inbox>,
}

#[derive(Default)]
struct Inbox {
    refusing: AtomicBool,
    published: Mutex<Vec<Published>>,
}

impl Sns {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Inbox::default());
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

    /// What `topic` has got so far.
    pub(crate) fn published(&self, topic: &str) -> Vec<Published> {
        self.state.published.lock().unwrap().iter().filter(|message| message.topic == topic).cloned().collect()
    }
}

async fn publish(State(inbox): State<Arc<Inbox>>, body: Bytes) -> Response {
    if inbox.refusing.load(Ordering::SeqCst) {
        let error = "<ErrorResponse><Error><Type>Receiver</Type><Code>InternalError</Code><Message>no</Message></Error></ErrorResponse>";
        return (StatusCode::INTERNAL_SERVER_ERROR, error).into_response();
    }
    let form: BTreeMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let attribute = |place: usize| {
        let prefix = format!("MessageAttributes.entry.{place}");
        Some((form.get(&format!("{prefix}.Name"))?.clone(), field(&format!("{prefix}.Value.StringValue"))))
    };
    inbox.published.lock().unwrap().push(Published {
        topic: field("TopicArn").rsplit(':').next().unwrap_or_default().to_owned(),
        subject: field("Subject"),
        message: field("Message"),
        attributes: (1..).map_while(attribute).collect(),
    });
    "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>"
        .into_response()
}
