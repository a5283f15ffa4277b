//! Request bodies: JSON, of a bounded size.

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;

use crate::fields::Fields;
use crate::problem::Problem;
use crate::query::Query;

/// The default limit of a body, in bytes. An event has 17 KB at most; the rest allows for white space.
const MAX_BODY_BYTES: usize = 256 * 1024;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// The bytes of a body whose `Content-Type` is JSON. They are not parsed yet.
#[derive(Debug)]
pub struct JsonBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let body = <AnyBody>::from_request(request, &()).await?;
        if body.is_json() { Ok(Self(body.bytes)) } else { Err(Problem::not_json()) }
    }
}

/// As [`JsonBody`], of a body whose fields are all optional, so that the body is optional. Without a body, the bytes are `{}`.
#[derive(Debug)]
pub struct OptionalJsonBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for OptionalJsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let body = <AnyBody>::from_request(request, &()).await?;
        // A null counts as absent, as it does for a field.
        match body.bytes.trim_ascii() {
            b"" => Ok(Self(Bytes::from_static(b"{}"))),
            _ if !body.is_json() => Err(Problem::not_json()),
            b"null" => Ok(Self(Bytes::from_static(b"{}"))),
            _ => Ok(Self(body.bytes)),
        }
    }
}

/// The bytes of a body, `MAX_BYTES` at most, and the media type of its `Content-Type`. The bytes are not parsed yet.
#[derive(Debug)]
pub struct AnyBody<const MAX_BYTES: usize = MAX_BODY_BYTES> {
    /// The media type, without parameters and in lower case. None without a `Content-Type`.
    pub media_type: Option<String>,
    /// The bytes.
    pub bytes: Bytes,
}

impl<const MAX_BYTES: usize> AnyBody<MAX_BYTES> {
    /// Whether the media type is JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.media_type.as_deref() == Some(JSON)
    }
}

impl<S: Send + Sync, const MAX_BYTES: usize> FromRequest<S> for AnyBody<MAX_BYTES> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let media_type = media_type(request.headers());
        Ok(Self { media_type, bytes: read(request, MAX_BYTES).await? })
    }
}

/// The fields of a form, as browsers send them.
#[derive(Debug)]
pub struct FormBody(pub Query);

impl<S: Send + Sync> FromRequest<S> for FormBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let AnyBody { media_type, bytes } = <AnyBody>::from_request(request, &()).await?;
        if media_type.as_deref() == Some(FORM) {
            Ok(Self(Query::parse(&bytes)))
        } else {
            Err(Problem::unsupported_media_type(format!("the Content-Type must be {FORM}")))
        }
    }
}

/// No body, or an empty JSON object. Fields are refused by name, because they would have no effect.
#[derive(Debug, Clone, Copy)]
pub struct NoBody;

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let bytes = read(request, MAX_BODY_BYTES).await?;
        if bytes.is_empty() {
            return Ok(Self);
        }
        Fields::parse(&bytes)?.finish(Ok(Self))
    }
}

async fn read(request: Request, max_bytes: usize) -> Result<Bytes, Problem> {
    let too_large = |_| Problem::too_large(format!("the body must be at most {max_bytes} bytes"), Vec::new());
    to_bytes(request.into_body(), max_bytes).await.map_err(too_large)
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(|media_type| media_type.trim().to_ascii_lowercase())
}
