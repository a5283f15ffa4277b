//! Request bodies: JSON, of a bounded size.

use std::collections::BTreeMap;

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;

use serde::de::IgnoredAny;

use crate::{FieldError, Problem};

/// The largest body read, in bytes. An event is 17 KB at most; the rest is white space.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// The bytes of a body that calls itself JSON. Whether it is, the caller finds out.
#[derive(Debug)]
pub struct JsonBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::unsupported_media_type(
                "the body must be application/json, and its Content-Type must say so",
            ));
        }
        let bytes = to_bytes(request.into_body(), MAX_BODY_BYTES).await;
        let too_large = |_| Problem::too_large(format!("the body must be at most {MAX_BODY_BYTES} bytes"), Vec::new());
        bytes.map(Self).map_err(too_large)
    }
}

/// A body that asks for nothing: none, or an empty JSON object. What somebody asks for and would not get is refused by name.
#[derive(Debug, Clone, Copy)]
pub struct NoBody;

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state).await.unwrap_or_default();
        if bytes.is_empty() {
            return Ok(Self);
        }
        let fields: BTreeMap<String, IgnoredAny> = serde_json::from_slice(&bytes)
            .map_err(|_| Problem::bad_request("this takes no body, or an empty JSON object"))?;
        let errors: Vec<_> = fields.keys().map(|name| FieldError::new(name, "is not a field of this")).collect();
        if errors.is_empty() { Ok(Self) } else { Err(Problem::invalid(errors)) }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type =
        headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).and_then(|value| value.split(';').next());
    media_type.is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("application/json"))
}
