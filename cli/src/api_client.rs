//! A client of AGE's HTTP API.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use age_model::{KeyId, Timestamp, Token, UnreadableItem};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::api_response::{self, ApiResponse, parse_json};
use crate::api_url::ApiUrl;
use crate::error::Error;
use crate::problem::EventResult;
use crate::retry::{Idempotency, RetryPolicy};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longer than the 30 s after which API Gateway ends a request, so that its response arrives first.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(35);

/// A client of one AGE with one token.
pub(crate) struct ApiClient {
    http: Client,
    api_url: ApiUrl,
    /// The credential that the token claims to prove.
    kid: KeyId,
    retry_policy: RetryPolicy,
    server_time: Cell<Option<Timestamp>>,
}

/// The response to `POST /events`: one result for each event, in the order of the request.
#[derive(Deserialize)]
struct BatchResponse {
    results: Vec<EventResult>,
}

impl ApiClient {
    /// Returns a client that sends `token` with every request.
    pub(crate) fn new(api_url: ApiUrl, token: &Token, retry_policy: RetryPolicy) -> Result<Self, Error> {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.reveal()))
            .map_err(|error| Error::Token(error.to_string()))?;
        bearer.set_sensitive(true);
        // Another part of the process may have chosen the library for cryptography already; there is no other.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut builder = Client::builder()
            .user_agent(concat!("agectl/", env!("CARGO_PKG_VERSION")))
            .default_headers(HeaderMap::from_iter([(AUTHORIZATION, bearer)]))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            // reqwest would follow a redirected POST with a GET, and the event would be lost without an error.
            .redirect(Policy::none());
        if api_url.is_loopback() {
            // A proxy is another machine, and plain HTTP would show it the token.
            builder = builder.no_proxy();
        }
        if let Some(host) = api_url.localhost_subdomain() {
            builder = builder.resolve(host, SocketAddr::new(ApiUrl::LOOPBACK, 0));
        }
        let http = builder.build().map_err(|error| Error::Usage(error.to_string()))?;
        Ok(Self { http, api_url, kid: token.kid().clone(), retry_policy, server_time: Cell::new(None) })
    }

    /// Returns the same client with the retries of a command that sends many requests.
    pub(crate) fn with_bulk_retries(self) -> Self {
        Self { retry_policy: self.retry_policy.bulk(), ..self }
    }

    /// Ends all retries, also those of requests that are in progress.
    pub(crate) fn disable_retries(&self) {
        self.retry_policy.disable();
    }

    /// Returns the URL of AGE, without a slash at the end.
    pub(crate) fn base_url(&self) -> String {
        self.api_url.to_string()
    }

    /// Returns the name of the credential that the token claims to prove.
    pub(crate) const fn kid(&self) -> &KeyId {
        &self.kid
    }

    /// Returns the time at which the latest response was sent, by the clock of AGE. `None` if no response had the header `Date`.
    pub(crate) const fn server_time(&self) -> Option<Timestamp> {
        self.server_time.get()
    }

    pub(crate) async fn get(&self, path: &[&str], query: &[(&str, String)]) -> Result<ApiResponse, Error> {
        let url = self.api_url.resource(path);
        self.send(Idempotency::Idempotent, || self.http.get(url.clone()).query(query)).await
    }

    /// Gets one thing that the user names.
    ///
    /// # Errors
    /// [`Error::NotFound`] if AGE has no such thing.
    pub(crate) async fn get_named(&self, path: &[&str]) -> Result<ApiResponse, Error> {
        self.get(path, &[]).await.map_err(|error| match error {
            // A gateway's 404 is about the address, and has no detail.
            Error::Api(problem) if problem.status == StatusCode::NOT_FOUND && problem.has_detail() => {
                Error::NotFound(problem)
            }
            error => error,
        })
    }

    pub(crate) async fn delete(&self, path: &[&str]) -> Result<ApiResponse, Error> {
        self.delete_with(path, &[]).await
    }

    /// As [`ApiClient::delete`], with a query.
    pub(crate) async fn delete_with(&self, path: &[&str], query: &[(&str, String)]) -> Result<ApiResponse, Error> {
        let url = self.api_url.resource(path);
        self.send(Idempotency::Idempotent, || self.http.delete(url.clone()).query(query)).await
    }

    /// Posts a request that has the same effect when it is sent twice.
    pub(crate) async fn post_idempotent(&self, path: &[&str], body: &impl Serialize) -> Result<ApiResponse, Error> {
        let url = self.api_url.resource(path);
        self.send(Idempotency::Idempotent, || self.http.post(url.clone()).json(body)).await
    }

    /// As [`ApiClient::post_idempotent`], without a body.
    pub(crate) async fn post_idempotent_without_body(&self, path: &[&str]) -> Result<ApiResponse, Error> {
        let url = self.api_url.resource(path);
        self.send(Idempotency::Idempotent, || self.http.post(url.clone())).await
    }

    /// Posts a request that would have another effect when it is sent twice. An error after which nobody knows whether AGE
    /// carried the request out says so.
    pub(crate) async fn post_non_idempotent(&self, path: &[&str], body: &impl Serialize) -> Result<ApiResponse, Error> {
        let url = self.api_url.resource(path);
        self.send_non_idempotent(|| self.http.post(url.clone()).json(body)).await
    }

    /// As [`ApiClient::post_non_idempotent`], without a body.
    pub(crate) async fn post_without_body(&self, path: &[&str]) -> Result<ApiResponse, Error> {
        let url = self.api_url.resource(path);
        self.send_non_idempotent(|| self.http.post(url.clone())).await
    }

    async fn send_non_idempotent(&self, request: impl Fn() -> RequestBuilder) -> Result<ApiResponse, Error> {
        let result = self.send(Idempotency::NonIdempotent, request).await;
        let advice = "AGE may have carried out the request: check before you repeat it.";
        result.map_err(|error| if error.had_no_effect() { error } else { error.with_advice(advice) })
    }

    /// Sends the event in `body`. AGE stores an event with the same `idempotency_key` once.
    pub(crate) async fn send_event(&self, body: Vec<u8>, idempotency_key: &str) -> Result<ApiResponse, Error> {
        let url = self.api_url.resource(&["event"]);
        let request = || {
            let request = self.http.post(url.clone()).header(CONTENT_TYPE, "application/json");
            request.header("Idempotency-Key", idempotency_key).body(body.clone())
        };
        self.send(Idempotency::Idempotent, request).await
    }

    /// Sends events, each with its own idempotency key.
    ///
    /// Calls `pending_events` before each attempt: it returns the events that are not finished yet, as NDJSON. Calls
    /// `apply_results` after each attempt, with one result for each of them and with AGE's `Retry-After`. If that returns a
    /// retryable error, the events that are still pending are sent again.
    pub(crate) async fn send_events(
        &self,
        pending_events: impl Fn() -> Vec<u8>,
        apply_results: impl Fn(Vec<EventResult>, Option<Duration>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let url = self.api_url.resource(&["events"]);
        let apply_results = &apply_results;
        let attempt = || {
            let request = self.http.post(url.clone()).header(CONTENT_TYPE, "application/x-ndjson");
            let request = request.body(pending_events());
            async move {
                match self.send_once(request).await {
                    Ok(response) => apply_results(response.parse::<BatchResponse>()?.results, None),
                    Err(Error::Api(problem)) if !problem.results.is_empty() => {
                        apply_results(problem.results, problem.retry_after)
                    }
                    Err(error) => Err(error),
                }
            }
        };
        self.retry_policy.run(Idempotency::Idempotent, attempt).await
    }

    /// Returns up to `limit` items of the list at `path`, in pages of up to `page_size`. The last segment names the list.
    pub(crate) async fn list(
        &self,
        path: &[&str],
        filter: &[(&str, String)],
        limit: usize,
        page_size: usize,
    ) -> Result<ListedItems, Error> {
        let mut listed = ListedItems::default();
        let mut cursor: Option<String> = None;
        loop {
            let page_limit = page_size.min(limit.saturating_sub(listed.items.len()));
            let page = self.list_page(path, filter, page_limit, cursor).await?;
            listed.items.extend(page.items);
            listed.unreadable.extend(page.unreadable);
            cursor = page.next_cursor;
            if cursor.is_none() || listed.items.len() >= limit {
                return Ok(listed);
            }
        }
    }

    /// Returns the page of the list at `path` that begins at `cursor`, or else the first one.
    pub(crate) async fn list_page(
        &self,
        path: &[&str],
        filter: &[(&str, String)],
        limit: usize,
        cursor: Option<String>,
    ) -> Result<ListPage, Error> {
        let name = path.last().copied().unwrap_or_default();
        let mut query = filter.to_vec();
        query.push(("limit", limit.to_string()));
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        let mut page: BTreeMap<String, Box<RawValue>> = self.get(path, &query).await?.parse()?;
        let items = page.remove(name).ok_or_else(|| Error::UnexpectedResponse(format!("missing field `{name}`")))?;
        let unreadable: Option<Option<_>> = page.remove("unreadable").map(|it| parse_json(it.get())).transpose()?;
        let next_cursor: Option<Option<_>> = page.remove("nextCursor").map(|it| parse_json(it.get())).transpose()?;
        Ok(ListPage {
            items: parse_json(items.get())?,
            unreadable: unreadable.flatten().unwrap_or_default(),
            next_cursor: next_cursor.flatten(),
        })
    }

    async fn send(&self, idempotency: Idempotency, request: impl Fn() -> RequestBuilder) -> Result<ApiResponse, Error> {
        self.retry_policy.run(idempotency, || self.send_once(request())).await
    }

    async fn send_once(&self, request: RequestBuilder) -> Result<ApiResponse, Error> {
        let response = request.send().await.map_err(Error::unreachable)?;
        self.server_time.set(api_response::date(&response));
        ApiResponse::from_http(response).await
    }
}

/// The items of a list.
#[derive(Default)]
pub(crate) struct ListedItems {
    /// The items, with AGE's JSON unchanged.
    pub(crate) items: Vec<Box<RawValue>>,
    /// The items that AGE itself cannot read.
    pub(crate) unreadable: Vec<UnreadableItem>,
}

/// One page of a list.
pub(crate) struct ListPage {
    /// The items, with AGE's JSON unchanged.
    pub(crate) items: Vec<Box<RawValue>>,
    /// The items that AGE itself cannot read.
    pub(crate) unreadable: Vec<UnreadableItem>,
    /// The cursor of the next page. `None`: this one is the last.
    pub(crate) next_cursor: Option<String>,
}
