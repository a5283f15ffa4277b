//! Connections: name resolution, the address rule, TCP, TLS and HTTP/1.1.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::address_rule::AddressRule;
use crate::error::HttpsError;
use crate::https_url::HttpsUrl;
use crate::resolver::Resolver;
use crate::tls;

/// How many addresses of a name are tried, one after the other.
const MAX_ADDRESSES: usize = 3;
/// The time for a TCP connection to one address. Three of them fit into the time of a request.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(3);
/// The greatest size of the headers of a response, in bytes.
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// A request whose body is in memory.
pub(crate) type PostRequest = Request<Full<Bytes>>;

/// Opens connections to the addresses that a rule permits.
pub(crate) struct Connector {
    pub(crate) rule: AddressRule,
    pub(crate) resolver: Arc<dyn Resolver>,
    pub(crate) receiver: Option<SocketAddr>,
    pub(crate) tls: TlsConnector,
}

impl Connector {
    /// Opens a connection to the host of `url`.
    ///
    /// # Errors
    /// Every [`HttpsError`] of the time before a request is sent.
    pub(crate) async fn connect(&self, url: &HttpsUrl) -> Result<Connection, HttpsError> {
        let addresses = self.addresses(url).await?;
        let stream = connect_to_first(&addresses, url).await?;
        let stream = self
            .tls
            .connect(url.server_name(), stream)
            .await
            .map_err(|error| tls::handshake_error(url.host(), &error))?;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_HEADER_BYTES)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|_| HttpsError::Protocol { host: url.host().to_owned() })?;
        // The sender reports the errors of its connection.
        let task = tokio::spawn(async move { drop(connection.await) }).abort_handle();
        Ok(Connection { sender, task })
    }

    /// Returns the addresses of the host, all of which the rule permits, or the only receiver.
    // INVARIANT: the connection goes to one of these addresses. A second resolution could have another result.
    async fn addresses(&self, url: &HttpsUrl) -> Result<Vec<SocketAddr>, HttpsError> {
        if let Some(receiver) = self.receiver {
            return Ok(vec![receiver]);
        }
        let host = url.host();
        let addresses = match url.address() {
            Some(address) => vec![address],
            None => self.resolver.resolve(host).await.unwrap_or_default(),
        };
        if addresses.is_empty() {
            return Err(HttpsError::DnsFailed { host: host.to_owned() });
        }
        // A name with both public and private addresses is either a mistake or an attack.
        if !addresses.iter().all(|address| self.rule.permits(*address)) {
            return Err(HttpsError::AddressRefused { host: host.to_owned() });
        }
        Ok(addresses.into_iter().map(|address| SocketAddr::new(address, url.port())).collect())
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("rule", &self.rule).finish_non_exhaustive()
    }
}

async fn connect_to_first(addresses: &[SocketAddr], url: &HttpsUrl) -> Result<TcpStream, HttpsError> {
    let mut reason = io::ErrorKind::AddrNotAvailable;
    for address in addresses.iter().take(MAX_ADDRESSES) {
        match timeout(ADDRESS_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Without it, requests are slower, not wrong.
                drop(stream.set_nodelay(true));
                return Ok(stream);
            }
            Ok(Err(error)) => reason = error.kind(),
            Err(_) => reason = io::ErrorKind::TimedOut,
        }
    }
    Err(HttpsError::ConnectionFailed { host: url.host().to_owned(), reason })
}

/// An HTTP/1.1 connection. Dropping it closes the connection, also if a response is not read to its end.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    task: AbortHandle,
}

/// Why a request on a connection has no response.
#[derive(Debug)]
pub(crate) enum SendFailure {
    /// The connection is closed. No byte of the request was sent.
    NotSent(Box<PostRequest>),
    /// The connection ended before the response.
    NoResponse,
}

impl Connection {
    /// Sends `request` and returns the head of its response.
    pub(crate) async fn send(&mut self, request: PostRequest) -> Result<Response<Incoming>, SendFailure> {
        if self.sender.ready().await.is_err() {
            return Err(SendFailure::NotSent(Box::new(request)));
        }
        self.sender.try_send_request(request).await.map_err(|mut error| match error.take_message() {
            Some(request) => SendFailure::NotSent(Box::new(request)),
            None => SendFailure::NoResponse,
        })
    }

    /// Has either side closed the connection, as far as is known?
    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}
