//! Error responses: problem details (RFC 9457, `application/problem+json`). They never contain internals of the store.

mod store_error;

use age_model::shortened;
use axum::Json;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem_code::{FieldErrorCode, ProblemCode};
use crate::request_log;
use crate::response_budget::ResponseBudget;

/// The media type of problems (RFC 9457).
pub(crate) const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";

/// After how many seconds a caller may retry a 503. The SDK has retried for up to 4 seconds before.
const RETRY_AFTER_SECONDS: u16 = 2;

/// How many bytes the errors of a problem may have. A body with many wrong fields has a short list of errors.
const MAX_ERRORS_BYTES: usize = 32 * 1024;

/// How many characters of a pointer or a text are shown. Names of fields are as long as their sender makes them.
const MAX_TEXT_CHARS: usize = 1000;

/// An error in one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field as a JSON pointer into the body, or `/name` of a query parameter or header.
    pub pointer: String,
    /// The kind of error.
    pub code: FieldErrorCode,
    /// The error, and the allowed values.
    pub detail: String,
}

impl FieldError {
    /// Creates the error of the field `name` at the top level, escaped for a JSON pointer, whose value is not allowed.
    #[must_use]
    pub fn new(name: &str, detail: impl Into<String>) -> Self {
        let name = name.replace('~', "~0").replace('/', "~1");
        Self::at(format!("/{name}"), detail)
    }

    /// Creates the error of the field at `pointer`, whose value is not allowed.
    #[must_use]
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: FieldErrorCode::Invalid, detail: detail.into() }
    }

    /// Creates an error of the whole body.
    #[must_use]
    pub fn whole(detail: impl Into<String>) -> Self {
        Self::at("", detail)
    }

    /// Returns the error as one of the kind `code`.
    #[must_use]
    pub fn with_code(self, code: FieldErrorCode) -> Self {
        Self { code, ..self }
    }
}

/// The body of an error response (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Problem)]
#[serde(rename_all = "camelCase")]
pub struct ProblemBody {
    /// The URI of the kind of problem: `urn:age:problem:` and the code.
    pub r#type: String,
    /// The kind of problem.
    pub code: ProblemCode,
    /// The reason phrase of the status.
    pub title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// The error and how to correct it, for a person.
    pub detail: String,
    /// The id of the request in the logs, as in the header `X-Request-Id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The fields that are wrong: the first 32 KB of them. `detail` has their number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
}

/// An error response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: ProblemCode,
    detail: String,
    errors: Vec<FieldError>,
    retry_after: Option<u16>,
    accepted_encoding: Option<&'static str>,
}

impl Problem {
    fn new(status: StatusCode, code: ProblemCode, detail: impl Into<String>) -> Self {
        let detail = shortened(&detail.into(), MAX_TEXT_CHARS);
        Self { status, code, detail, errors: Vec::new(), retry_after: None, accepted_encoding: None }
    }

    /// Creates a 400: the body is not JSON, or a cursor is not valid.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ProblemCode::MalformedRequest, detail)
    }

    /// Creates a 401: the request has no credential.
    #[must_use]
    pub fn missing_token(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, ProblemCode::MissingToken, detail)
    }

    /// Creates a 401: the credential is not valid.
    #[must_use]
    pub fn invalid_token(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, ProblemCode::InvalidToken, detail)
    }

    /// Creates a 403: the credential does not permit the request.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, ProblemCode::Forbidden, detail)
    }

    /// Creates a 404: the resource does not exist.
    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, ProblemCode::NotFound, detail)
    }

    /// Creates a 405: the resource does not have this method. The router adds the `Allow` header.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            ProblemCode::MethodNotAllowed,
            "method not allowed; the Allow header lists the methods of this resource",
        )
    }

    /// Creates a 409: the state of the resource does not permit the request.
    #[must_use]
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, ProblemCode::Conflict, detail)
    }

    /// Creates a 413: the body or a field is too large.
    #[must_use]
    pub fn too_large(detail: impl Into<String>, errors: Vec<FieldError>) -> Self {
        Self { errors: bounded(errors), ..Self::new(StatusCode::PAYLOAD_TOO_LARGE, ProblemCode::TooLarge, detail) }
    }

    /// Creates a 415: the media type of the body is not supported.
    #[must_use]
    pub fn unsupported_media_type(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, ProblemCode::UnsupportedMediaType, detail)
    }

    /// Creates a 415: the media type of the body is not JSON.
    #[must_use]
    pub fn not_json() -> Self {
        Self::unsupported_media_type("the Content-Type must be application/json")
    }

    /// Creates a 415: the body has the content encoding `name`, and the route supports `accepted`.
    #[must_use]
    pub(crate) fn unsupported_encoding(name: &str, accepted: &'static str) -> Self {
        let detail = format!("the Content-Encoding {name:?} is not supported here; accepted: {accepted}");
        Self { accepted_encoding: Some(accepted), ..Self::unsupported_media_type(detail) }
    }

    /// Creates a 422: fields are not valid, each named in `errors`.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] if one.pointer.is_empty() => format!("the body {}", one.detail),
            [one] => format!("{} {}", one.pointer.trim_start_matches('/'), one.detail),
            several => format!("{} fields are not valid", several.len()),
        };
        Self {
            errors: bounded(errors),
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, ProblemCode::InvalidFields, detail)
        }
    }

    /// Creates a 429: the caller exceeds its rate. The next request is permitted after `seconds`.
    #[must_use]
    pub fn too_many_requests(detail: impl Into<String>, seconds: u16) -> Self {
        Self {
            retry_after: Some(seconds),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, ProblemCode::TooManyRequests, detail)
        }
    }

    /// Returns a 503 in place of a 429, for senders that give up at any 4xx; any other problem as it is.
    #[must_use]
    pub(crate) fn for_senders_that_retry_5xx(self) -> Self {
        match self.status {
            StatusCode::TOO_MANY_REQUESTS => Self { status: StatusCode::SERVICE_UNAVAILABLE, ..self },
            _ => self,
        }
    }

    /// Returns a 400 in place of a 415 or 422, for an API whose standard has it so; any other problem as it is.
    #[must_use]
    pub fn into_bad_request(self) -> Self {
        match self.status {
            StatusCode::UNSUPPORTED_MEDIA_TYPE | StatusCode::UNPROCESSABLE_ENTITY => {
                Self { status: StatusCode::BAD_REQUEST, ..self }
            }
            _ => self,
        }
    }

    /// Returns the HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the text for a person.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Returns the content encoding that the route supports, if the body has another one.
    #[cfg(test)]
    pub(crate) const fn accepted_encoding(&self) -> Option<&'static str> {
        self.accepted_encoding
    }

    /// Returns the fields that are wrong, the first of them if there are many.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// Replaces the text of [`Problem::detail`].
    #[must_use]
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    /// Creates a 503: the request may succeed later.
    #[must_use]
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self {
            retry_after: Some(RETRY_AFTER_SECONDS),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, ProblemCode::Unavailable, detail)
        }
    }
}

/// Returns the first of `errors`, shortened, that have [`MAX_ERRORS_BYTES`] together.
fn bounded(errors: Vec<FieldError>) -> Vec<FieldError> {
    let mut bounded: Vec<FieldError> = errors
        .into_iter()
        .map(|FieldError { pointer, code, detail }| FieldError {
            pointer: shortened(&pointer, MAX_TEXT_CHARS),
            code,
            detail: shortened(&detail, MAX_TEXT_CHARS),
        })
        .collect();
    bounded.truncate(ResponseBudget::of_bytes(MAX_ERRORS_BYTES).count_fitting(&bounded));
    bounded
}

impl Problem {
    /// Returns the body of the response.
    #[must_use]
    pub fn body(&self) -> ProblemBody {
        ProblemBody {
            r#type: self.code.uri(),
            code: self.code,
            request_id: request_log::request_id(),
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            errors: self.errors.clone(),
        }
    }

    /// Makes a response of the problem with `body`, which extends [`Problem::body`] by other members.
    pub fn response_with(self, body: impl Serialize) -> Response {
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_MEDIA_TYPE));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(encoding) = self.accepted_encoding {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(encoding));
        }
        // RFC 6750, 3.1: a request without a token gets no error code.
        let challenge = match self.code {
            ProblemCode::MissingToken => Some("Bearer"),
            ProblemCode::InvalidToken => Some(r#"Bearer error="invalid_token""#),
            _ => None,
        };
        if let Some(challenge) = challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        // A handler of another media type, such as a page, shows the problem in its own way.
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = self.body();
        self.response_with(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_pointers_are_escaped() {
        assert_eq!(FieldError::new("a/b~c", "x").pointer, "/a~1b~0c");
    }
}
