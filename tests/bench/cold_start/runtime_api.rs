//! The parts of Lambda's Runtime API that a function uses, for one execution environment.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;

/// A function that is silent for longer has exited.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A call of the function.
#[derive(Debug)]
pub(crate) enum FunctionCall {
    /// The function is ready for an invocation.
    Next,
    /// The function responds to an invocation.
    Respond(Bytes),
    /// The invocation or the initialization failed.
    Failed(#[expect(dead_code, reason = "shown by the panic of a failed run")] Bytes),
}

/// The endpoint of one execution environment.
pub(crate) struct RuntimeApi {
    /// Host and port, for `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) address: String,
    calls: mpsc::UnboundedReceiver<FunctionCall>,
    events: mpsc::UnboundedSender<String>,
}

struct ServerState {
    calls: mpsc::UnboundedSender<FunctionCall>,
    events: Mutex<mpsc::UnboundedReceiver<String>>,
}

impl RuntimeApi {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (call_sender, calls) = mpsc::unbounded_channel();
        let (events, invocations) = mpsc::unbounded_channel();
        let server_state = Arc::new(ServerState { calls: call_sender, events: Mutex::new(invocations) });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                let server_state = Arc::clone(&server_state);
                let serve = service_fn(move |request| Arc::clone(&server_state).answer(request));
                // The connection ends with the function.
                tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), serve));
            }
        });
        Self { address, calls, events }
    }

    /// Waits until the function asks for an invocation.
    pub(crate) async fn ready(&mut self) {
        match self.next_call().await {
            Some(FunctionCall::Next) => {}
            other => panic!("the function is not ready: {other:?}"),
        }
    }

    /// Invokes the function. Returns its response.
    pub(crate) async fn invoke(&mut self, event: String) -> Bytes {
        self.events.send(event).unwrap();
        match self.next_call().await {
            Some(FunctionCall::Respond(answer)) => answer,
            other => panic!("no response of the function: {other:?}"),
        }
    }

    async fn next_call(&mut self) -> Option<FunctionCall> {
        let call = timeout(LONGEST_WAIT, self.calls.recv()).await;
        call.expect("the function does not call the Runtime API; has it exited?")
    }
}

impl ServerState {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> hyper::Result<Response<Full<Bytes>>> {
        let path = request.uri().path().to_owned();
        let body = request.into_body().collect().await?.to_bytes();
        if path.ends_with("/invocation/next") {
            // The receiver is dropped after the last measured request.
            let _ = self.calls.send(FunctionCall::Next);
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
        let calls = if path.ends_with("/response") { FunctionCall::Respond(body) } else { FunctionCall::Failed(body) };
        let _ = self.calls.send(calls);
        Ok(Response::builder().status(202).body(Full::default()).unwrap())
    }
}
