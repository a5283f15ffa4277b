//! The address at which the API is reached, for links in messages.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::HOST;
use axum::http::request::Parts;

/// The origin of the API, such as `https://api.example.com`; None if the request has no `Host` header.
///
/// Behind API Gateway the header is trusted: the Lambda runtime adapter replaces the caller's by the gateway's own domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        Ok(Self(host.map(|host| format!("https://{host}"))))
    }
}
