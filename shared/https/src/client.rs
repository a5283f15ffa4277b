//! The client: one POST request, its limits, and what is kept of its response.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use age_model::Clock;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::address_rule::AddressRule;
use crate::connection::{Connection, Connector, PostRequest, SendFailure};
use crate::connection_pool::ConnectionPool;
use crate::error::HttpsError;
use crate::https_url::{HttpsUrl, InvalidHttpsUrl};
use crate::resolver::{Resolver, SystemResolver};
use crate::response_body::discard_body;
use crate::retry_after::parse_retry_after;
use crate::tls;

/// How long the body of a response is read. The connection can then be used again; without, it is closed.
const BODY_TIMEOUT: Duration = Duration::from_secs(1);

/// The settings of an [`HttpsClient`].
#[derive(Clone)]
pub struct HttpsSettings {
    /// The addresses that the client may connect to. The default is [`AddressRule::Public`].
    pub address_rule: AddressRule,
    /// DER certificates of authorities that are trusted as those of the operating system are. The default is none.
    pub extra_roots: Vec<Vec<u8>>,
    /// The time for a request, from the resolution of the name to the end of the response. The default is 10 seconds.
    pub timeout: Duration,
    /// How many bytes of a response's body are read, at most, before its connection is closed. The default is 64 KiB.
    pub max_response_bytes: u64,
    /// The source of addresses. The default is [`SystemResolver`].
    pub resolver: Arc<dyn Resolver>,
    /// The address that all requests go to, whatever the host of their URL. The default is none. For a receiver beside a local AWS.
    pub receiver: Option<SocketAddr>,
}

impl Default for HttpsSettings {
    fn default() -> Self {
        Self {
            address_rule: AddressRule::Public,
            extra_roots: Vec::new(),
            timeout: Duration::from_secs(10),
            max_response_bytes: 64 * 1024,
            resolver: Arc::new(SystemResolver),
            receiver: None,
        }
    }
}

impl fmt::Debug for HttpsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpsSettings")
            .field("address_rule", &self.address_rule)
            .field("extra_roots", &self.extra_roots.len())
            .field("timeout", &self.timeout)
            .field("max_response_bytes", &self.max_response_bytes)
            .field("receiver", &self.receiver)
            .finish_non_exhaustive()
    }
}

/// The answer of a receiver. The body of the response is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpsResponse {
    /// The HTTP status. A redirect is not followed: its status is returned.
    pub status: u16,
    /// The header `Retry-After`: how long to wait before the next request, at most 24 hours.
    pub retry_after: Option<Duration>,
}

/// Sends requests over HTTPS to hosts that are not trusted. Build it once per execution environment: its requests share connections.
pub struct HttpsClient {
    clock: Arc<dyn Clock>,
    connector: Connector,
    idle: ConnectionPool,
    timeout: Duration,
    max_response_bytes: u64,
}

impl HttpsClient {
    /// Creates a client. Reads the root certificates of the operating system.
    ///
    /// # Errors
    /// [`HttpsError::TlsSetup`] if an extra root is no certificate, or if neither the operating system nor `settings` has a root.
    pub fn new(settings: HttpsSettings, clock: Arc<dyn Clock>) -> Result<Self, HttpsError> {
        let tls = TlsConnector::from(Arc::new(tls::client_config(&settings.extra_roots)?));
        Ok(Self {
            clock,
            connector: Connector {
                rule: settings.address_rule,
                resolver: settings.resolver,
                receiver: settings.receiver,
                tls,
            },
            idle: ConnectionPool::default(),
            timeout: settings.timeout,
            max_response_bytes: settings.max_response_bytes,
        })
    }

    /// Reads a URL whose host, if it is an IP address, is permitted by the client's [`AddressRule`].
    ///
    /// # Errors
    /// [`InvalidHttpsUrl`] says which part of the URL is not allowed.
    pub fn parse_url(&self, text: &str) -> Result<HttpsUrl, InvalidHttpsUrl> {
        HttpsUrl::parse(text, &self.connector.rule)
    }

    /// Posts the JSON text `body` to `url` with `headers`. Content type, user agent and host are the client's own.
    ///
    /// Every status is a response, whatever it says. Nothing is retried, except that a connection of an earlier request that the receiver
    /// has closed is replaced before anything is sent.
    ///
    /// # Errors
    /// [`HttpsError`] if there is no response. After [`HttpsError::TimedOut`] and [`HttpsError::Protocol`], the receiver may have
    /// processed the request; after all others, it has not seen it.
    pub async fn post(
        &self,
        url: &HttpsUrl,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<HttpsResponse, HttpsError> {
        let request = request(url, headers, body)?;
        let mut response = None;
        let exchange = async {
            let (connection, head) = self.send(url, request).await?;
            let answer = response.insert(self.read_head(&head));
            if discard_in_time(head, self.max_response_bytes).await {
                self.idle.put(url, connection, self.clock.now());
            }
            Ok(*answer)
        };
        match timeout(self.timeout, exchange).await {
            Ok(result) => result,
            // The receiver has answered, so a slow body does not make the request fail.
            Err(_) => response.ok_or_else(|| HttpsError::TimedOut { host: url.host().to_owned(), limit: self.timeout }),
        }
    }

    /// Sends `request` on an idle connection, or on a new one.
    async fn send(
        &self,
        url: &HttpsUrl,
        mut request: PostRequest,
    ) -> Result<(Connection, Response<Incoming>), HttpsError> {
        let no_response = || HttpsError::Protocol { host: url.host().to_owned() };
        if let Some(mut connection) = self.idle.take(url, self.clock.now()) {
            match connection.send(request).await {
                Ok(response) => return Ok((connection, response)),
                Err(SendFailure::NotSent(unsent)) => request = *unsent,
                Err(SendFailure::NoResponse) => return Err(no_response()),
            }
        }
        let mut connection = self.connector.connect(url).await?;
        let response = connection.send(request).await.map_err(|_| no_response())?;
        Ok((connection, response))
    }

    fn read_head<B>(&self, response: &Response<B>) -> HttpsResponse {
        let retry_after = response.headers().get(RETRY_AFTER);
        HttpsResponse {
            status: response.status().as_u16(),
            retry_after: retry_after.and_then(|value| parse_retry_after(value, self.clock.now())),
        }
    }
}

impl fmt::Debug for HttpsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpsClient").field("connector", &self.connector).finish_non_exhaustive()
    }
}

async fn discard_in_time(response: Response<Incoming>, max_bytes: u64) -> bool {
    timeout(BODY_TIMEOUT, discard_body(response.into_body(), max_bytes)).await.unwrap_or(false)
}

fn request(url: &HttpsUrl, headers: &[(&'static str, String)], body: Vec<u8>) -> Result<PostRequest, HttpsError> {
    let mut request = Request::new(Full::new(Bytes::from(body)));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = url.target();
    let map = request.headers_mut();
    for (name, value) in headers {
        let invalid = || HttpsError::InvalidHeader(name);
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
        map.insert(header, HeaderValue::from_str(value).map_err(|_| invalid())?);
    }
    map.insert(HOST, HeaderValue::from_str(&url.host_header()).map_err(|_| HttpsError::InvalidHeader("host"))?);
    map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    map.insert(USER_AGENT, HeaderValue::from_static(concat!("AGE/", env!("CARGO_PKG_VERSION"))));
    Ok(request)
}
