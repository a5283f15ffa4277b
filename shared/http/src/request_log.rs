//! The one log line of a request. It names the caller, whom the gateway's access log cannot know.

use std::cell::OnceCell;

use age_model::{KeyId, RequestId};
use axum::extract::Request;
use axum::response::Response;
use tokio::time::Instant;

tokio::task_local! {
    static FACTS: Facts;
}

/// The fields of a log line that the layers of its request find out.
#[derive(Default)]
struct Facts {
    request_id: Option<RequestId>,
    route: OnceCell<&'static str>,
    caller: OnceCell<KeyId>,
}

/// Records the path of the route that handles the request.
pub(crate) fn record_route(path: &'static str) {
    let _ = FACTS.try_with(|facts| facts.route.set(path));
}

/// Records the credential that sent the request, once it is proven, whether the request is permitted or not.
pub(crate) fn record_caller(kid: &KeyId) {
    let _ = FACTS.try_with(|facts| facts.caller.set(kid.clone()));
}

/// Returns the id of the request that is being handled, if the runtime knows it.
pub(crate) fn request_id() -> Option<String> {
    FACTS.try_with(|facts| facts.request_id.as_ref().map(RequestId::to_string)).ok().flatten()
}

/// Has `respond` respond to `request`, and writes the line.
pub(crate) async fn log<F: Future<Output = Response>>(
    request: Request,
    respond: impl FnOnce(Request) -> F,
) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let facts = Facts { request_id: request.extensions().get().cloned(), ..Facts::default() };
    let started_at = Instant::now();
    let run = async {
        let response = respond(request).await;
        (response, FACTS.with(|facts| (facts.route.get().copied(), facts.caller.get().map(KeyId::to_string))))
    };
    let (response, (route, caller)) = FACTS.scope(facts, run).await;
    let status = response.status().as_u16();
    let duration_ms = u64::try_from(started_at.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(%method, path, route, status, duration_ms, caller.id = caller, "{method} {path} responded {status}");
    response
}
