//! Successful responses of AGE.

use std::time::{Duration, UNIX_EPOCH};

use age_model::Timestamp;
use reqwest::header::{DATE, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::problem::Problem;

/// A response with a 2xx status.
pub(crate) struct ApiResponse {
    pub(crate) status: StatusCode,
    /// Whether the event was already stored, and AGE replayed the response of the first request.
    pub(crate) is_replay: bool,
    /// JSON.
    pub(crate) body: String,
}

impl ApiResponse {
    /// Reads the body of `response`.
    ///
    /// # Errors
    /// [`Error::Api`] if the status is not 2xx, [`Error::Unreachable`] if the connection fails.
    pub(crate) async fn from_http(response: Response) -> Result<Self, Error> {
        let (status, retry_after) = (response.status(), retry_after(&response));
        let is_replay = response.headers().get("Idempotency-Replayed").is_some_and(|value| value == "true");
        let body = response.text().await.map_err(Error::unreachable)?;
        if status.is_success() {
            Ok(Self { status, is_replay, body })
        } else {
            Err(Error::Api(Box::new(Problem::from_body(status, retry_after, &body))))
        }
    }

    /// Parses the body.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, Error> {
        parse_json(&self.body)
    }
}

/// Parses JSON of AGE. The error names the path of the field that is wrong or missing.
pub(crate) fn parse_json<T: DeserializeOwned>(json: &str) -> Result<T, Error> {
    let mut json = serde_json::Deserializer::from_str(json);
    serde_path_to_error::deserialize(&mut json).map_err(|error| Error::UnexpectedResponse(error.to_string()))
}

/// Only seconds: neither AGE nor API Gateway sends a date.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Returns when the response was sent, by the clock of its sender, to the second.
pub(crate) fn date(response: &Response) -> Option<Timestamp> {
    let time = httpdate::parse_http_date(response.headers().get(DATE)?.to_str().ok()?).ok()?;
    let millis = time.duration_since(UNIX_EPOCH).ok()?.as_millis();
    i64::try_from(millis).ok().map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_error_names_the_field() {
        let result = parse_json::<age_model::Report>(r#"{"id":"01936f2e-0000-7000-8000-00000000000a","kind":7}"#);
        let message = result.map_err(|error| error.to_string()).unwrap_err();
        assert!(message.contains("kind: invalid type: integer `7`"), "{message}");
    }
}
