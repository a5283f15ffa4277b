//! Receivers of channels over HTTPS on the loopback interface, well-behaved and otherwise.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use age_https::{AddressRule, HttpsClient, HttpsSettings, Resolution, Resolver};
use age_model::ManualClock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::tls::Authority;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The end of every response without a body.
const EMPTY: &str = "content-length: 0\r\n\r\n";

/// The conduct of a receiver towards each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conduct {
    /// Responds at once with a status line and headers.
    Respond(&'static str),
    /// Never responds.
    Silence,
    /// Sends one byte of its response a second.
    ByteASecond,
    /// Responds with 200 and a body of a gigabyte.
    Gigabyte,
    /// Has a certificate for another name.
    WrongCertificate,
}

/// A receiver, and a record of its requests.
#[derive(Clone)]
pub(crate) struct HttpsReceiver {
    /// The URL of a channel.
    pub(crate) url: String,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    /// When each request was complete.
    requests: Mutex<Vec<Instant>>,
    connections: AtomicUsize,
    sent_bytes: AtomicUsize,
}

impl HttpsReceiver {
    /// Starts a receiver with a certificate of `authority` for its host, `name`.
    pub(crate) async fn start(authority: &Authority, name: &str, conduct: Conduct) -> Self {
        let host = if conduct == Conduct::WrongCertificate { "other.example.com" } else { name };
        let acceptor = authority.acceptor(host);
        let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
        let url = format!("https://{name}:{}/secret-path", listener.local_addr().unwrap().port());
        let seen = Arc::new(Seen::default());
        let receiver = Self { url, seen: Arc::clone(&seen) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                seen.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(acceptor.clone(), stream, conduct, Arc::clone(&seen)));
            }
        });
        receiver
    }

    /// Returns when each request was complete.
    pub(crate) fn requests(&self) -> Vec<Instant> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// Returns the number of connections.
    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// Returns how many bytes of bodies were sent, part of which the machine may hold back from the client.
    pub(crate) fn sent_bytes(&self) -> usize {
        self.seen.sent_bytes.load(Ordering::SeqCst)
    }
}

/// Returns the client that the relay has on AWS, which reaches the receivers of `authority` as if their addresses were public.
pub(crate) fn client(authority: &Authority, clock: &Arc<ManualClock>) -> HttpsClient {
    let settings = HttpsSettings {
        address_rule: AddressRule::PublicOr(vec![LOOPBACK]),
        extra_roots: vec![authority.der()],
        resolver: Arc::new(Loopback),
        ..HttpsSettings::default()
    };
    HttpsClient::new(settings, Arc::<ManualClock>::clone(clock)).unwrap()
}

/// Every name has the loopback address.
struct Loopback;

impl Resolver for Loopback {
    fn resolve<'a>(&'a self, _: &'a str) -> Resolution<'a> {
        Box::pin(std::future::ready(Ok(vec![LOOPBACK])))
    }
}

/// Ends with the connection.
async fn serve(acceptor: TlsAcceptor, stream: TcpStream, conduct: Conduct, seen: Arc<Seen>) -> std::io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    loop {
        read_request(&mut stream).await?;
        seen.requests.lock().unwrap().push(Instant::now());
        match conduct {
            Conduct::Respond(head) => stream.write_all(format!("HTTP/1.1 {head}\r\n{EMPTY}").as_bytes()).await?,
            Conduct::Silence | Conduct::WrongCertificate => std::future::pending().await,
            Conduct::ByteASecond => {
                for byte in format!("HTTP/1.1 200 OK\r\n{EMPTY}").bytes() {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    stream.write_all(&[byte]).await?;
                    stream.flush().await?;
                }
            }
            Conduct::Gigabyte => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n").await?;
                // 13 MB a second, as over a line. As much as the processor can encrypt would leave the other receivers no time.
                let part = vec![b'x'; 1 << 16];
                for _ in 0..1 << 14 {
                    stream.write_all(&part).await?;
                    seen.sent_bytes.fetch_add(part.len(), Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }
        stream.flush().await?;
    }
}

async fn read_request(stream: &mut TlsStream<TcpStream>) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    loop {
        bytes.push(stream.read_u8().await?);
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
            if body.len() >= length.parse().unwrap() {
                return Ok(());
            }
        }
    }
}
