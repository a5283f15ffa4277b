//! Request bodies: JSON, of a bounded size.

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;

use crate::{Fields, Problem};

/// The largest body read, in bytes. An event is 17 KB at most; the rest is white space.
const MAX_BODY_BYTES: usize = 256 * 1024;

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
        read(request).await.map(Self)
    }
}

/// A body that asks for nothing: none, or an empty JSON object. What somebody asks for and would not get is refused by name.
#[derive(Debug, Clone, Copy)]
pub struct NoBody;

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let bytes = read(request).await?;
        if bytes.is_empty() {
            return Ok(Self);
        }
        Fields::parse(&bytes)?.finish(Ok(Self)).map_err(Problem::invalid)
    }
}

async fn read(request: Request) -> Result<Bytes, Problem> {
    let too_large = |_| Problem::too_large(format!("the body must be at most {MAX_BODY_BYTES} bytes"), Vec::new());
    to_bytes(request.into_body(), MAX_BODY_BYTES).await.map_err(too_large)
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type =
        headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).and_then(|value| value.split(';').next());
    media_type.is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("application/json"))
}
