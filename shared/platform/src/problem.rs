//! Errors as callers see them: RFC 9457 `application/problem+json`. Never with a word of the store's internals.

use age_store::{NotDecided, NotMarked, StoreError};
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use problem_details::ProblemDetails;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// When a caller may try again, in seconds. The SDK has tried for four by then.
const RETRY_AFTER_SECONDS: u16 = 2;

/// One field that is wrong, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field, as a JSON pointer: into the body, or `/name` of a query parameter or header.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

impl FieldError {
    /// The field called `name`, at the top of its object. Escaped as a JSON pointer wants it.
    #[must_use]
    pub fn new(name: &str, detail: impl Into<String>) -> Self {
        let name = name.replace('~', "~0").replace('/', "~1");
        Self { pointer: format!("/{name}"), detail: detail.into() }
    }

    /// The whole body.
    #[must_use]
    pub fn whole(detail: impl Into<String>) -> Self {
        Self { pointer: String::new(), detail: detail.into() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Extension {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    #[serde(flatten)]
    members: Map<String, Value>,
}

/// An error for a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    errors: Vec<FieldError>,
    members: Map<String, Value>,
    retry_after: Option<u16>,
}

impl Problem {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), errors: Vec::new(), members: Map::new(), retry_after: None }
    }

    /// 400: not JSON, or a cursor that is none.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 401: no credential, or one that is not taken.
    #[must_use]
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// 403: a credential that may not do this.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// 404: there is no such thing.
    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 405: the path is right, the method is not. The router adds `Allow`.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "the resource does not have this method; see the Allow header")
    }

    /// 409: its state does not allow it.
    #[must_use]
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// 413: over a limit.
    #[must_use]
    pub fn too_large(detail: impl Into<String>, errors: Vec<FieldError>) -> Self {
        Self { errors, ..Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail) }
    }

    /// 415: a body of another type.
    #[must_use]
    pub fn unsupported_media_type(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    /// 415: a body that does not call itself JSON.
    #[must_use]
    pub fn not_json() -> Self {
        Self::unsupported_media_type("the body must be application/json, and its Content-Type must say so")
    }

    /// 422: fields that are wrong, each named.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] if one.pointer.is_empty() => format!("the body {}", one.detail),
            [one] => format!("{} {}", one.pointer.trim_start_matches('/'), one.detail),
            several => format!("{} fields are not valid", several.len()),
        };
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }

    /// 429: too often; in `seconds` there is room for one more.
    #[must_use]
    pub fn too_many_requests(detail: impl Into<String>, seconds: u16) -> Self {
        Self { retry_after: Some(seconds), ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    /// Its HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// What is wrong, for a person.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Every field that is wrong.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// The same, in other words.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    /// The same, with a member of its own: RFC 9457 has room for them.
    #[must_use]
    pub fn with_member(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }

    /// 503: try again.
    #[must_use]
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self { retry_after: Some(RETRY_AFTER_SECONDS), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }
}

impl From<StoreError> for Problem {
    /// What the store says goes to the log, never to the caller.
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Illegal(illegal) => tracing::info!(%illegal, "refused"),
            failed => tracing::error!(error = %failed, "the store failed"),
        }
        match error {
            StoreError::Unavailable { .. } => {
                Self::unavailable("AGE cannot reach its store; nothing was stored, try again")
            }
            StoreError::Contended { .. } => Self::unavailable("too many writes at once; nothing was stored, try again"),
            StoreError::Unknown { .. } => Self::unavailable(
                "AGE lost its store in the middle: what was sent is stored or not. A repeat is safe; for an event, with the same Idempotency-Key",
            ),
            StoreError::Illegal(illegal) => Self::conflict(illegal.to_string()),
            StoreError::Corrupt { .. } => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "stored data is damaged; it is logged, and trying again will not help",
            ),
        }
    }
}

impl From<NotDecided> for Problem {
    fn from(error: NotDecided) -> Self {
        match error {
            NotDecided::Store(failed) => failed.into(),
            refused => Self::conflict(refused.to_string()),
        }
    }
}

impl From<NotMarked> for Problem {
    fn from(error: NotMarked) -> Self {
        match error {
            NotMarked::Taken(taken) => Self::conflict(taken.to_string()),
            NotMarked::Store(failed) => failed.into(),
        }
    }
}

impl IntoResponse for Problem {
    /// The response carries the problem as an extension, too, for whoever shows it in another form.
    fn into_response(self) -> Response {
        let problem = self.clone();
        let details = ProblemDetails::from_status_code(self.status)
            .with_detail(self.detail)
            .with_extensions(Extension { errors: self.errors, members: self.members });
        let mut response = details.into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(problem);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_escaped() {
        assert_eq!(FieldError::new("a/b~c", "x").pointer, "/a~1b~0c");
    }

    #[test]
    fn the_store_is_not_quoted() {
        let error =
            StoreError::Unavailable { operation: "Query", table: "secret-table".into(), cause: "secret".into() };
        let problem = Problem::from(error);
        assert_eq!((problem.status, problem.retry_after), (StatusCode::SERVICE_UNAVAILABLE, Some(2)));
        assert!(!format!("{problem:?}").contains("secret"));
        let corrupt = StoreError::Corrupt { table: "t".into(), key: "k".into(), field: "f".into(), detail: "d".into() };
        assert_eq!(Problem::from(corrupt).status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}
