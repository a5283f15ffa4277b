//! The common parts of all routers: responses to unknown paths and methods, security headers, and one log line per request.

use age_model::RequestId;
use axum::Router;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Uri};
use axum::middleware::{self, Next};
use axum::response::Response;

use crate::base_path;
use crate::problem::Problem;
use crate::request_log;

/// Headers of every response that does not set them itself: no caching, no other media type, no use as a page. The values are
/// those of OWASP's secure headers for an API.
const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (CACHE_CONTROL, "no-store"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (REFERRER_POLICY, "no-referrer"),
    (STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// The id of the request in the logs.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Adds the common parts to `routes`.
pub(crate) fn complete(routes: Router) -> Router {
    let routes = routes.fallback(unknown_path).method_not_allowed_fallback(async || Problem::method_not_allowed());
    // A layer of `routes` itself would see a request after its route was chosen by the path as it came.
    Router::new()
        .fallback_service(routes)
        .layer(middleware::from_fn(base_path::middleware))
        .layer(middleware::from_fn(|request, next: Next| finish(request, |request| next.run(request))))
}

/// Has `respond` respond to `request`. Adds the security headers, and writes the log line.
pub(crate) async fn finish<F: Future<Output = Response>>(
    request: Request,
    respond: impl FnOnce(Request) -> F,
) -> Response {
    let id: Option<RequestId> = request.extensions().get().cloned();
    let mut response = request_log::log(request, respond).await;
    // The header may be there already: some standards have the caller choose the id.
    if let Some(id) = id.and_then(|id| HeaderValue::from_str(id.as_str()).ok()) {
        response.headers_mut().entry(REQUEST_ID).or_insert(id);
    }
    for (name, value) in SECURITY_HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

async fn unknown_path(uri: Uri) -> Problem {
    Problem::not_found(format!("no resource at {}", uri.path()))
}
