//! Lambda's Runtime API, as far as a function asks it: for one execution environment.

use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

/// What the function says.
#[derive(Debug)]
pub(crate) enum Said {
    /// It is ready for an invocation.
    Next,
    /// It answers one.
    Answer(Bytes),
    /// It failed, or could not begin.
    Failed(#[expect(dead_code, reason = "for the message of a failed run")] Bytes),
}

/// The endpoint of one execution environment.
pub(crate) struct RuntimeApi {
    /// Host and port, as `AWS_LAMBDA_RUNTIME_API` names them.
    pub(crate) address: String,
    said: mpsc::UnboundedReceiver<Said>,
    events: mpsc::UnboundedSender<String>,
}

struct Ends {
    said: mpsc::UnboundedSender<Said>,
    events: Mutex<mpsc::UnboundedReceiver<String>>,
}

impl RuntimeApi {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (say, said) = mpsc::unbounded_channel();
        let (events, invocations) = mpsc::unbounded_channel();
        let ends = Arc::new(Ends { said: say, events: Mutex::new(invocations) });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                let ends = Arc::clone(&ends);
                let serve = service_fn(move |request| Arc::clone(&ends).answer(request));
                // The connection ends with the function.
                tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), serve));
            }
        });
        Self { address, said, events }
    }

    /// Waits until the function asks for an invocation.
    pub(crate) async fn ready(&mut self) {
        match self.said.recv().await {
            Some(Said::Next) => {}
            other => panic!("not ready, but {other:?}"),
        }
    }

    /// Has `event` answered.
    pub(crate) async fn invoke(&mut self, event: String) -> Bytes {
        self.events.send(event).unwrap();
        match self.said.recv().await {
            Some(Said::Answer(answer)) => answer,
            other => panic!("no answer, but {other:?}"),
        }
    }
}

impl Ends {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> hyper::Result<Response<Full<Bytes>>> {
        let path = request.uri().path().to_owned();
        let body = request.into_body().collect().await?.to_bytes();
        if path.ends_with("/invocation/next") {
            // Nobody listens any more when the function has been seen enough of.
            let _ = self.said.send(Said::Next);
            let event = self.events.lock().await.recv().await.unwrap_or_default();
            let response = Response::builder()
                .header("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
                .header("lambda-runtime-deadline-ms", "4102444800000")
                .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:age")
                .header(
                    "lambda-runtime-trace-id",
                    "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
                )
                .header("content-type", "application/json");
            return Ok(response.body(Full::new(Bytes::from(event))).unwrap());
        }
        let said = if path.ends_with("/response") { Said::Answer(body) } else { Said::Failed(body) };
        let _ = self.said.send(said);
        Ok(Response::builder().status(202).body(Full::default()).unwrap())
    }
}
