//! Running a router under Lambda.

use std::fmt::Display;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Uri};
use axum::middleware::{self, Next};
use axum::response::Response;
use lambda_http::Adapter;
use lambda_runtime::LambdaEvent;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::ServiceExt;

use crate::{Error, Problem, gateway};

/// On every answer that does not say otherwise: nobody may keep it, take it for another type, or show it as a page. The
/// values are those that OWASP's list of secure headers has for an API.
const SECURE: [(HeaderName, &str); 5] = [
    (CACHE_CONTROL, "no-store"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (REFERRER_POLICY, "no-referrer"),
    (STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// Adds what every router has: answers to a path or method it does not know, headers that keep answers from being misused,
/// and one log line a request.
pub(crate) fn router(routes: Router) -> Router {
    routes
        .fallback(unknown_path)
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(middleware::from_fn(log))
}

async fn log(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = next.run(request).await;
    for (name, value) in SECURE {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    tracing::info!(%method, path, status = response.status().as_u16(), "answered");
    response
}

async fn unknown_path(uri: Uri) -> Problem {
    Problem::not_found(format!("there is nothing at {}", uri.path()))
}

/// Takes requests until the execution environment ends.
///
/// # Errors
/// If the Lambda runtime cannot be reached.
pub async fn serve(router: Router) -> Result<(), Error> {
    let router = ServiceExt::<lambda_http::Request>::map_response(router, gateway::Answer);
    lambda_runtime::run(Adapter::from(router).map_request(gateway::clean)).await
}

/// A firing that says nothing but that it is time.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
pub struct Tick {}

/// Takes invocations that are no requests, such as firings of a schedule, until the execution environment ends. One that
/// fails is a failed invocation; the template says whether it is retried.
///
/// # Errors
/// If the Lambda runtime cannot be reached.
pub async fn on_invocation<In, Out, E, F>(run: F) -> Result<(), Error>
where
    In: DeserializeOwned,
    Out: Serialize,
    E: std::error::Error + Send + Sync + 'static,
    F: AsyncFn(In) -> Result<Out, E>,
{
    let run = &run;
    lambda_runtime::run(lambda_runtime::service_fn(|event: LambdaEvent<In>| async move {
        // Boxed, or the compiler gives up on the depth of the future.
        Box::pin(run(event.payload)).await.map_err(|error| {
            tracing::error!(%error, "the invocation failed");
            Error::from(error)
        })
    }))
    .await
}

/// Waits for a first contact that is made during init, when CPU is free, instead of in the first request.
/// If it fails, the first request finds out, and says so to its caller.
pub async fn warm<E: Display>(contact: impl Future<Output = Result<(), E>>) {
    if let Err(error) = contact.await {
        tracing::warn!(%error, "no first contact with the store");
    }
}
