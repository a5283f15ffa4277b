//! The secret of a proxy in front of the API.

use age_http::{Access, Routes, verify_origin};
use age_model::OriginSecrets;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::Value;
use tower::ServiceExt;

/// SHA-256 of `old` and of `new`.
const OLD: &str = "cba06b5736faf67e54b07b561eae94395e774c517a7d910a54369e1263ccfbd4";
const NEW: &str = "11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437";

/// Routes whose authentication accepts every caller.
fn routes() -> Router {
    let routes =
        Routes::new().get("/public", Access::Public, async || "public").get("/admin", Access::Admin, async || "admin");
    routes.guarded(async |_, request: Request, next: axum::middleware::Next| next.run(request).await, ())
}

async fn send(routes: &Router, path: &str, secret: Option<&str>) -> (StatusCode, Value) {
    let request =
        secret.into_iter().fold(Request::get(path), |request, secret| request.header("X-Origin-Verify", secret));
    let response = routes.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().into_response();
    assert_eq!(response.headers()["cache-control"], "no-store", "the common headers are on each response");
    let status = response.status();
    (status, serde_json::from_slice(&to_bytes(response.into_body(), 10_000).await.unwrap()).unwrap_or_default())
}

#[tokio::test]
async fn request_past_the_proxy_is_refused_on_every_route() {
    let routes = verify_origin(format!("{OLD},{NEW}").parse().unwrap(), routes());
    for path in ["/public", "/admin", "/nothing"] {
        for secret in [None, Some(""), Some("wrong"), Some(OLD)] {
            let (status, problem) = send(&routes, path, secret).await;
            assert_eq!((status, &problem["status"]), (StatusCode::FORBIDDEN, &Value::from(403)), "{path} {secret:?}");
        }
    }
    for secret in ["old", "new"] {
        assert_eq!(send(&routes, "/public", Some(secret)).await.0, StatusCode::OK);
        assert_eq!(send(&routes, "/admin", Some(secret)).await.0, StatusCode::OK);
        assert_eq!(send(&routes, "/nothing", Some(secret)).await.0, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn no_proxy_is_required_by_default() {
    let routes = verify_origin(OriginSecrets::default(), routes());
    for secret in [None, Some("anything")] {
        assert_eq!(send(&routes, "/public", secret).await.0, StatusCode::OK);
    }
}
