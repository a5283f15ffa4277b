use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::receiver::{Authority, NAME, Receiver, answer_all};
use super::world::{LOOPBACK, client, settings, url};
use crate::{HttpsError, HttpsSettings, TlsFailure};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// The error of a request to a receiver with a certificate of `issuer`, if the client trusts `trusted`.
async fn failure(issuer: &Authority, trusted: &Authority, names: &[&str], year: i32, host: &str) -> HttpsError {
    let receiver = Receiver::start(issuer.acceptor(names, year), |stream| answer_all(stream, OK.to_owned())).await;
    client(settings(trusted)).post(&url(host, receiver.port), &[], Vec::new()).await.unwrap_err()
}

#[tokio::test]
async fn invalid_certificate_is_refused() {
    let (authority, other) = (Authority::new(), Authority::new());
    for (issuer, names, year, host, reason) in [
        (&other, [NAME], 2999, NAME, TlsFailure::UnknownIssuer),
        (&authority, ["other.example.com"], 2999, NAME, TlsFailure::OtherName),
        (&authority, [NAME], 2999, "127.0.0.1", TlsFailure::OtherName),
        (&authority, [NAME], 2020, NAME, TlsFailure::Expired),
    ] {
        let error = failure(issuer, &authority, &names, year, host).await;
        assert_eq!(error, HttpsError::TlsFailed { host: host.to_owned(), reason });
    }
}

#[tokio::test]
async fn certificate_for_an_ip_address_is_accepted() {
    let authority = Authority::new();
    let acceptor = authority.acceptor(&["127.0.0.1"], 2999);
    let receiver = Receiver::start(acceptor, |stream| answer_all(stream, OK.to_owned())).await;
    let response = client(settings(&authority)).post(&url("127.0.0.1", receiver.port), &[], Vec::new()).await;
    assert_eq!(response.unwrap().status, 200);
}

#[tokio::test]
async fn certificate_of_an_unknown_authority_is_refused_without_extra_roots() {
    let authority = Authority::new();
    let receiver = Receiver::start(authority.acceptor(&[NAME], 2999), |stream| answer_all(stream, OK.to_owned())).await;
    let Ok(client) = crate::HttpsClient::new(
        HttpsSettings { extra_roots: Vec::new(), ..settings(&authority) },
        super::world::clock(),
    ) else {
        // This machine has no roots.
        return;
    };
    let error = client.post(&url(NAME, receiver.port), &[], Vec::new()).await.unwrap_err();
    assert_eq!(error, HttpsError::TlsFailed { host: NAME.to_owned(), reason: TlsFailure::UnknownIssuer });
}

#[tokio::test]
async fn extra_root_that_is_no_certificate_is_refused() {
    let settings = HttpsSettings { extra_roots: vec![b"root".to_vec()], ..HttpsSettings::default() };
    let error = crate::HttpsClient::new(settings, super::world::clock()).unwrap_err();
    assert_eq!(error, HttpsError::TlsSetup("an extra root is not a DER certificate"));
}

/// Starts a receiver that sends `greeting` without TLS and closes the connection.
async fn plain_receiver(greeting: &'static str) -> u16 {
    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(greeting.as_bytes()).await.unwrap();
            // Closed while bytes are unread, the connection would be reset before the greeting is read.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    port
}

#[tokio::test]
async fn plain_http_receiver_fails_tls() {
    let authority = Authority::new();
    let port = plain_receiver("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    let error = client(settings(&authority)).post(&url(NAME, port), &[], Vec::new()).await.unwrap_err();
    assert_eq!(error, HttpsError::TlsFailed { host: NAME.to_owned(), reason: TlsFailure::NoTls });
}

#[tokio::test]
async fn receiver_that_closes_before_tls_is_a_failed_connection() {
    let authority = Authority::new();
    let port = plain_receiver("").await;
    let error = client(settings(&authority)).post(&url(NAME, port), &[], Vec::new()).await.unwrap_err();
    assert!(matches!(error, HttpsError::ConnectionFailed { .. }), "{error:?}");
}

#[tokio::test]
async fn closed_port_is_a_failed_connection() {
    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = client(settings(&Authority::new())).post(&url(NAME, port), &[], Vec::new()).await.unwrap_err();
    let reason = io::ErrorKind::ConnectionRefused;
    assert_eq!(error, HttpsError::ConnectionFailed { host: NAME.to_owned(), reason });
    assert_eq!(error.to_string(), "cannot connect to `hooks.example.com`: connection refused");
}
