//! What AGE says when it does not do what it is asked: RFC 9457 `application/problem+json`.

use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;

use crate::error::Exit;

/// An answer that is no success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<Duration>,
    /// Of each event, if there were many and some may yet be stored.
    pub(crate) results: Vec<EventResult>,
    detail: String,
    errors: Vec<FieldError>,
}

/// What AGE says of one event of many.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct EventResult {
    pub(crate) status: u16,
    #[serde(flatten)]
    body: Body,
}

/// The parts of the body that are of use here. The gateway before AGE answers without them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
struct Body {
    detail: Option<String>,
    #[serde(default)]
    errors: Vec<FieldError>,
    #[serde(default)]
    results: Vec<EventResult>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct FieldError {
    pointer: String,
    detail: String,
}

impl Problem {
    /// Any body will do: whoever stands before AGE may answer in its place.
    pub(crate) fn new(status: StatusCode, retry_after: Option<Duration>, body: &str) -> Self {
        Self::of_body(status, retry_after, serde_json::from_str(body).unwrap_or_default())
    }

    /// What a result would be as an answer to a request for that event alone.
    pub(crate) fn of(EventResult { status, body }: EventResult, retry_after: Option<Duration>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::of_body(status, retry_after, body)
    }

    fn of_body(status: StatusCode, retry_after: Option<Duration>, body: Body) -> Self {
        let Body { detail, errors, results } = body;
        let detail = detail.unwrap_or_else(|| match status {
            StatusCode::UNAUTHORIZED => "the token is wrong, or its credential is expired or revoked".to_owned(),
            StatusCode::FORBIDDEN => {
                "the credential may not do this; or its token is wrong, or it is expired or revoked".to_owned()
            }
            status => format!("AGE answered {status}"),
        });
        Self { status, retry_after, results, detail, errors }
    }

    pub(crate) fn exit(&self) -> Exit {
        match self.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Exit::Denied,
            StatusCode::TOO_MANY_REQUESTS => Exit::Unavailable,
            status if status.is_client_error() => Exit::Refused,
            _ => Exit::Unavailable,
        }
    }

    pub(crate) fn is_passing(&self) -> bool {
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
        f.write_str(&visible(&self.detail))?;
        for FieldError { pointer, detail } in &self.errors {
            let field = pointer.strip_prefix('/').unwrap_or("the body");
            write!(f, "\n  {}: {}", visible(field), visible(detail))?;
        }
        Ok(())
    }
}

/// A text that cannot steer a terminal: it may quote what somebody else has sent.
fn visible(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_field_has_its_line() {
        let body = r#"{"title":"Unprocessable Entity","status":422,"detail":"2 fields are not valid","errors":[
            {"pointer":"/engine","detail":"must be one of a, b"},{"pointer":"","detail":"has a \u001b[2J"}]}"#;
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, None, body);
        assert_eq!(
            problem.to_string(),
            "2 fields are not valid\n  engine: must be one of a, b\n  the body: has a \u{fffd}[2J"
        );
        assert_eq!((problem.exit(), problem.is_passing()), (Exit::Refused, false));
    }

    #[test]
    fn what_is_no_problem_has_its_status() {
        let told = |status, body| Problem::new(status, None, body).to_string();
        assert_eq!(told(StatusCode::BAD_GATEWAY, "<html>"), "AGE answered 502 Bad Gateway");
        assert_eq!(told(StatusCode::FORBIDDEN, r#"{"message":"Forbidden"}"#).find("may not"), Some(15));
    }

    #[test]
    fn codes_tell_who_has_to_do_something() {
        let exit = |status: u16| Problem::new(StatusCode::from_u16(status).unwrap(), None, "").exit();
        for (statuses, expected) in [
            (&[400, 404, 409, 413, 422][..], Exit::Refused),
            (&[401, 403], Exit::Denied),
            (&[301, 429, 500, 502, 503, 504], Exit::Unavailable),
        ] {
            for status in statuses {
                assert_eq!(exit(*status), expected, "{status}");
            }
        }
    }
}
