//! AGE's HTTP API, as its callers see it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use age_model::Token;
use backon::{ExponentialBuilder, Retryable};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::address::Address;
use crate::error::Error;
use crate::problem::{EventResult, Problem};

const CONNECT: Duration = Duration::from_secs(5);
/// A little more than what API Gateway gives a request.
const ANSWER: Duration = Duration::from_secs(35);
/// The longest wait before a request is sent again, whatever AGE asks for.
const LONGEST: Duration = Duration::from_secs(30);
/// How often a request is sent while somebody waits for it, and in the midst of many.
const TRIES: usize = 4;
const PATIENT_TRIES: usize = 8;

/// A client of one AGE.
pub(crate) struct Api {
    http: Client,
    address: Address,
    pace: Duration,
    tries: usize,
    given_up: Cell<bool>,
}

/// What AGE answered.
pub(crate) struct Answer {
    /// Whether AGE knew the event already.
    pub(crate) replayed: bool,
    pub(crate) body: String,
}

/// What AGE answers to many events.
#[derive(Deserialize)]
struct BatchResults {
    results: Vec<EventResult>,
}

/// Whether a request may be sent again when nobody knows what came of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeat {
    Harmless,
    Harmful,
}

impl Api {
    /// A client of the AGE at `address`, for whoever has `token`. A request is sent again after `pace`, then after longer.
    pub(crate) fn new(address: Address, token: &Token, pace: Duration) -> Result<Self, Error> {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.reveal()))
            .map_err(|error| Error::NoToken(error.to_string()))?;
        bearer.set_sensitive(true);
        let mut http = Client::builder()
            .user_agent(concat!("agectl/", env!("CARGO_PKG_VERSION")))
            .default_headers(HeaderMap::from_iter([(AUTHORIZATION, bearer)]))
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            // A POST that is redirected becomes a GET.
            .redirect(Policy::none());
        if address.is_here() {
            // A proxy would be somewhere else, and would see the token.
            http = http.no_proxy();
        }
        if let Some(name) = address.local_name() {
            http = http.resolve(name, SocketAddr::new(Address::HERE, 0));
        }
        let http = http.build().map_err(|error| Error::Usage(error.to_string()))?;
        Ok(Self { http, address, pace, tries: TRIES, given_up: Cell::new(false) })
    }

    /// The same, for work that nobody watches step by step.
    pub(crate) fn patient(self) -> Self {
        Self { tries: PATIENT_TRIES, ..self }
    }

    /// From now on, nothing is tried again.
    pub(crate) fn give_up(&self) {
        self.given_up.set(true);
    }

    pub(crate) async fn get(&self, path: &[&str], query: &[(&str, String)]) -> Result<Answer, Error> {
        let url = self.address.of(path);
        self.send(|| self.http.get(url.clone()).query(query), Repeat::Harmless).await
    }

    pub(crate) async fn delete(&self, path: &[&str]) -> Result<Answer, Error> {
        let url = self.address.of(path);
        self.send(|| self.http.delete(url.clone()), Repeat::Harmless).await
    }

    /// Posts what does no more when it comes twice.
    pub(crate) async fn post(&self, path: &[&str], body: &impl Serialize) -> Result<Answer, Error> {
        let url = self.address.of(path);
        self.send(|| self.http.post(url.clone()).json(body), Repeat::Harmless).await
    }

    /// Posts what would be done twice when it comes twice.
    pub(crate) async fn post_once(&self, path: &[&str], body: &impl Serialize) -> Result<Answer, Error> {
        let url = self.address.of(path);
        let sent = self.send(|| self.http.post(url.clone()).json(body), Repeat::Harmful).await;
        let unknown = "It may have been done all the same: look before you do it again.";
        sent.map_err(|error| if error.left_no_trace() { error } else { error.advise(unknown) })
    }

    /// Reports the event in `body`; AGE knows by `key` when it comes again.
    pub(crate) async fn report(&self, body: Vec<u8>, key: &str) -> Result<Answer, Error> {
        let url = self.address.of(&["event"]);
        let request = || {
            let request = self.http.post(url.clone()).header(CONTENT_TYPE, "application/json");
            request.header("Idempotency-Key", key).body(body.clone())
        };
        self.send(request, Repeat::Harmless).await
    }

    /// Reports the events in `lines`, NDJSON, and has AGE's results `settled`. If they are an error that may pass, those lines
    /// that there are then are sent again, no sooner than AGE asks for.
    pub(crate) async fn report_all(
        &self,
        lines: impl Fn() -> Vec<u8>,
        settled: impl Fn(Vec<EventResult>, Option<Duration>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let url = self.address.of(&["events"]);
        let (lines, settled) = (&lines, &settled);
        let report = || {
            let request = self.http.post(url.clone()).header(CONTENT_TYPE, "application/x-ndjson").body(lines());
            async move {
                match attempt(request).await {
                    Ok(answer) => settled(answer.read::<BatchResults>()?.results, None),
                    Err(Error::Answered(problem)) if !problem.results.is_empty() => {
                        settled(problem.results, problem.retry_after)
                    }
                    Err(error) => Err(error),
                }
            }
        };
        self.repeated(report, Repeat::Harmless).await
    }

    /// Up to `limit` items of the list `name`, each as AGE wrote it, in pages of up to `page`.
    pub(crate) async fn list(
        &self,
        name: &str,
        filter: &[(&str, String)],
        limit: usize,
        page: usize,
    ) -> Result<Vec<Box<RawValue>>, Error> {
        let mut items: Vec<Box<RawValue>> = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut query = filter.to_vec();
            query.push(("limit", page.min(limit.saturating_sub(items.len())).to_string()));
            query.extend(cursor.map(|cursor| ("cursor", cursor)));
            let mut answer: BTreeMap<String, Box<RawValue>> = self.get(&[name], &query).await?.read()?;
            let found = answer.remove(name).ok_or_else(|| Error::Senseless(format!("missing field `{name}`")))?;
            items.extend(read::<Vec<Box<RawValue>>>(found.get())?);
            cursor = answer.remove("nextCursor").map(|cursor| read(cursor.get())).transpose()?;
            if cursor.is_none() || items.len() >= limit {
                return Ok(items);
            }
        }
    }

    async fn send(&self, request: impl Fn() -> RequestBuilder, repeat: Repeat) -> Result<Answer, Error> {
        self.repeated(|| attempt(request()), repeat).await
    }

    /// Tries until it works, or fails for good, or has been tried often enough.
    async fn repeated<T, F: Future<Output = Result<T, Error>>>(
        &self,
        attempt: impl FnMut() -> F,
        repeat: Repeat,
    ) -> Result<T, Error> {
        let pace = ExponentialBuilder::default()
            .with_min_delay(self.pace)
            .with_max_delay(LONGEST)
            .with_max_times(self.tries.saturating_sub(1))
            .with_jitter();
        let again = |error: &Error| {
            let safe = repeat == Repeat::Harmless || error.left_no_trace();
            error.is_passing() && safe && !self.given_up.get()
        };
        let wait = |error: &Error, wait: Option<Duration>| Some(wait_for(error.retry_after(), wait?));
        attempt.retry(pace).when(again).adjust(wait).await
    }
}

/// How long to wait: as long as AGE asks for, else as long as the pace has it.
fn wait_for(asked: Option<Duration>, pace: Duration) -> Duration {
    asked.unwrap_or(pace).min(LONGEST)
}

async fn attempt(request: RequestBuilder) -> Result<Answer, Error> {
    let response = request.send().await.map_err(Error::unreachable)?;
    let (status, retry_after) = (response.status(), retry_after(&response));
    let replayed = response.headers().get("Idempotency-Replayed").is_some_and(|value| value == "true");
    let body = response.text().await.map_err(Error::unreachable)?;
    if status.is_success() {
        Ok(Answer { replayed, body })
    } else {
        Err(Error::Answered(Problem::new(status, retry_after, &body)))
    }
}

/// In seconds; AGE and its gateway never name a date.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

impl Answer {
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        read(&self.body)
    }
}

/// What AGE says in `json`.
pub(crate) fn read<T: DeserializeOwned>(json: &str) -> Result<T, Error> {
    let mut json = serde_json::Deserializer::from_str(json);
    serde_path_to_error::deserialize(&mut json).map_err(|error| Error::Senseless(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_says_how_long_to_wait_but_not_for_ever() {
        let seconds = Duration::from_secs;
        assert_eq!(wait_for(None, seconds(4)), seconds(4));
        assert_eq!(wait_for(Some(seconds(2)), seconds(4)), seconds(2));
        assert_eq!(wait_for(Some(seconds(86_400)), seconds(4)), LONGEST);
    }

    #[test]
    fn what_is_missing_is_named() {
        let read = read::<age_model::Report>(r#"{"id":"01936f2e-0000-7000-8000-00000000000a","kind":"yearly"}"#);
        let told = read.map_err(|error| error.to_string()).unwrap_err();
        assert!(told.contains("kind: unknown variant `yearly`"), "{told}");
    }
}
