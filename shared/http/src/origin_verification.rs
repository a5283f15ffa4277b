//! Refusal of requests that did not come through the proxy in front of the API, which limits them by source.

use age_model::OriginSecrets;
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;
use crate::router;

/// The header in which the proxy sends its secret. The name is that of AWS's guides.
const ORIGIN_SECRET: HeaderName = HeaderName::from_static("x-origin-verify");

/// Returns `routes` behind a check that a request has one of `secrets`. Others get 403 before their credentials are looked at, also
/// on public routes.
pub fn verify_origin(secrets: OriginSecrets, routes: Router) -> Router {
    let verify = move |request: Request, next: Next| {
        let is_accepted = secrets.accept(request.headers().get(ORIGIN_SECRET).map(HeaderValue::as_bytes));
        async move { if is_accepted { next.run(request).await } else { router::finish(request, refuse).await } }
    };
    // Around the finished routes, not inside: a refused request shall not reach their fallbacks either.
    Router::new().fallback_service(routes).layer(middleware::from_fn(verify))
}

async fn refuse(_: Request) -> Response {
    Problem::forbidden("this API accepts only requests that come through the proxy in front of it").into_response()
}
