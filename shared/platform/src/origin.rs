//! Where the API is reached, for links in messages.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use lambda_http::request::RequestContext;

/// The address of the API as API Gateway knows it. None where no gateway is in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    /// Takes the domain from the gateway's own context: the Host header is the caller's to choose.
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let domain = parts.extensions.get::<RequestContext>().and_then(|context| match context {
            RequestContext::ApiGatewayV2(gateway) => gateway.domain_name.clone(),
            _ => None,
        });
        Ok(Self(domain.map(|domain| format!("https://{domain}"))))
    }
}
