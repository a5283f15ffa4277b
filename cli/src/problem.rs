//! Error responses of AGE: RFC 9457 `application/problem+json`.

use std::fmt;
use std::time::Duration;

use age_model::visible_line;
use reqwest::StatusCode;
use serde::Deserialize;

use crate::exit_code::ExitCode;

/// A response with a status other than 2xx, or the same for one event of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    /// The `Retry-After` header of the response.
    pub(crate) retry_after: Option<Duration>,
    /// One result for each event of a batch, if AGE could not store some of them. Else empty.
    pub(crate) results: Vec<EventResult>,
    /// How many incidents match a filter, if another number was expected.
    pub(crate) actual_count: Option<u64>,
    detail: String,
    has_detail: bool,
    /// The id by which AGE's logs name the request.
    request_id: Option<String>,
    errors: Vec<FieldError>,
}

/// The result of one event of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct EventResult {
    /// The HTTP status that a request with this event alone would have got.
    pub(crate) status: u16,
    #[serde(flatten)]
    body: ProblemBody,
}

/// The fields of a problem that agectl shows. All are optional, because API Gateway responds without them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProblemBody {
    detail: Option<String>,
    request_id: Option<String>,
    #[serde(default)]
    errors: Vec<FieldError>,
    #[serde(default)]
    results: Vec<EventResult>,
    #[serde(default)]
    actual_count: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct FieldError {
    /// JSON pointer of the field. Empty: the body as a whole.
    pointer: String,
    detail: String,
}

impl Problem {
    /// Accepts any body, because a gateway or proxy may respond in AGE's place.
    pub(crate) fn from_body(status: StatusCode, retry_after: Option<Duration>, body: &str) -> Self {
        Self::new(status, retry_after, serde_json::from_str(body).unwrap_or_default())
    }

    /// `retry_after` is that of the response that contains the result.
    pub(crate) fn from_event_result(EventResult { status, body }: EventResult, retry_after: Option<Duration>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::new(status, retry_after, body)
    }

    fn new(status: StatusCode, retry_after: Option<Duration>, body: ProblemBody) -> Self {
        let ProblemBody { detail, request_id, errors, results, actual_count } = body;
        let has_detail = detail.is_some();
        // API Gateway refuses a request without saying why.
        let detail = detail.unwrap_or_else(|| match status {
            StatusCode::UNAUTHORIZED => {
                "AGE does not accept the token: it is wrong, or its credential has expired or is revoked".to_owned()
            }
            StatusCode::FORBIDDEN => "access denied: the role of the credential does not allow this request, or the \
                                      token is wrong, or its credential has expired or is revoked"
                .to_owned(),
            status => format!("AGE responded with {status}"),
        });
        Self { status, retry_after, results, actual_count, detail, has_detail, request_id, errors }
    }

    /// Whether the response has AGE's own detail. That of a gateway or proxy has none.
    pub(crate) const fn has_detail(&self) -> bool {
        self.has_detail
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ExitCode::AccessDenied,
            StatusCode::TOO_MANY_REQUESTS => ExitCode::Unavailable,
            status if status.is_client_error() => ExitCode::Refused,
            _ => ExitCode::Unavailable,
        }
    }

    /// Whether the same request may succeed later. Not after 500: it is a defect of AGE that a retry meets again.
    pub(crate) fn is_retryable(&self) -> bool {
        matches!(
            self.status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        )
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A message may quote the input of another caller.
        f.write_str(&visible_line(&self.detail))?;
        // An error of AGE's own is looked up in its logs.
        if let Some(id) = self.request_id.as_ref().filter(|_| self.status.is_server_error()) {
            write!(f, " (request {})", visible_line(id))?;
        }
        for FieldError { pointer, detail } in &self.errors {
            let field = pointer.strip_prefix('/').unwrap_or("the body");
            write!(f, "\n  {}: {}", visible_line(field), visible_line(detail))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_has_one_line_per_invalid_field() {
        let body = r#"{"title":"Unprocessable Entity","status":422,"detail":"2 fields are not valid","errors":[
            {"pointer":"/engine","detail":"must be one of a, b"},{"pointer":"","detail":"has a \u001b[2J"}]}"#;
        let problem = Problem::from_body(StatusCode::UNPROCESSABLE_ENTITY, None, body);
        assert_eq!(
            problem.to_string(),
            "2 fields are not valid\n  engine: must be one of a, b\n  the body: has a [U+001B][2J"
        );
        assert_eq!((problem.exit_code(), problem.is_retryable()), (ExitCode::Refused, false));
    }

    #[test]
    fn error_of_age_names_its_request() {
        let message = |status, body| Problem::from_body(status, None, body).to_string();
        let body = r#"{"detail":"stored data is corrupt","requestId":"8476a536"}"#;
        assert_eq!(message(StatusCode::INTERNAL_SERVER_ERROR, body), "stored data is corrupt (request 8476a536)");
        assert_eq!(message(StatusCode::NOT_FOUND, r#"{"detail":"no","requestId":"8476a536"}"#), "no");
    }

    #[test]
    fn response_without_detail_gets_a_message_for_its_status() {
        let message = |status, body| Problem::from_body(status, None, body).to_string();
        assert_eq!(message(StatusCode::BAD_GATEWAY, "<html>"), "AGE responded with 502 Bad Gateway");
        assert!(message(StatusCode::FORBIDDEN, r#"{"message":"Forbidden"}"#).starts_with("access denied: "));
    }

    #[test]
    fn exit_code_follows_from_http_status() {
        let exit_code = |status: u16| Problem::from_body(StatusCode::from_u16(status).unwrap(), None, "").exit_code();
        for (statuses, expected) in [
            (&[400, 404, 409, 413, 422][..], ExitCode::Refused),
            (&[401, 403], ExitCode::AccessDenied),
            (&[301, 429, 500, 502, 503, 504], ExitCode::Unavailable),
        ] {
            for status in statuses {
                assert_eq!(exit_code(*status), expected, "{status}");
            }
        }
    }
}
