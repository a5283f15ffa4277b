use std::sync::Arc;

use super::receiver::{Authority, NAME, Receiver, answer_all, read_request, send};
use super::world::{ListedAnswers, clock, settings, url};
use crate::{HttpsClient, HttpsSettings};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn connection_is_reused_for_the_same_host_only() {
    let authority = Authority::new();
    let acceptor = authority.acceptor(&[NAME, "other.example.com"], 2999);
    let receiver = Receiver::start(acceptor, |stream| answer_all(stream, OK.to_owned())).await;
    let client = HttpsClient::new(settings(&authority), clock()).unwrap();
    for (host, connections) in [(NAME, 1), (NAME, 1), ("other.example.com", 2), (NAME, 2), ("other.example.com", 2)] {
        client.post(&url(host, receiver.port), &[], b"{}".to_vec()).await.unwrap();
        assert_eq!(receiver.connections(), connections);
    }
}

#[tokio::test]
async fn connection_idle_for_too_long_is_replaced() {
    let authority = Authority::new();
    let receiver = Receiver::start(authority.acceptor(&[NAME], 2999), |stream| answer_all(stream, OK.to_owned())).await;
    let clock = clock();
    let client = HttpsClient::new(settings(&authority), clock.clone()).unwrap();
    for (seconds, connections) in [(0, 1), (3, 1), (4, 2), (-10, 3), (0, 3)] {
        clock.advance(seconds);
        client.post(&url(NAME, receiver.port), &[], Vec::new()).await.unwrap();
        assert_eq!(receiver.connections(), connections, "after {seconds} seconds");
    }
}

#[tokio::test]
async fn connection_that_the_receiver_closed_is_replaced() {
    let authority = Authority::new();
    let acceptor = authority.acceptor(&[NAME], 2999);
    let receiver = Receiver::start(acceptor, |mut stream| async move {
        read_request(&mut stream).await;
        send(&mut stream, OK).await;
    })
    .await;
    let client = HttpsClient::new(settings(&authority), clock()).unwrap();
    for connections in 1..=3 {
        let response = client.post(&url(NAME, receiver.port), &[], Vec::new()).await.unwrap();
        assert_eq!((response.status, receiver.connections()), (200, connections));
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn idle_connections_are_at_most_64() {
    let authority = Authority::new();
    let names: Vec<String> = (0..65).map(|number| format!("h{number}.example.com")).collect();
    let hosts: Vec<&str> = names.iter().map(String::as_str).collect();
    let receiver = Receiver::start(authority.acceptor(&hosts, 2999), |stream| answer_all(stream, OK.to_owned())).await;
    let client = HttpsClient::new(settings(&authority), clock()).unwrap();
    for host in &hosts {
        client.post(&url(host, receiver.port), &[], Vec::new()).await.unwrap();
    }
    for (host, connections) in [("h64.example.com", 65), ("h1.example.com", 65), ("h0.example.com", 66)] {
        client.post(&url(host, receiver.port), &[], Vec::new()).await.unwrap();
        assert_eq!(receiver.connections(), connections, "{host}");
    }
}

#[tokio::test]
async fn concurrent_requests_have_connections_of_their_own() {
    let authority = Authority::new();
    let receiver = Receiver::start(authority.acceptor(&[NAME], 2999), |stream| answer_all(stream, OK.to_owned())).await;
    let client = Arc::new(HttpsClient::new(settings(&authority), clock()).unwrap());
    let url = url(NAME, receiver.port);
    let (first, second) = tokio::join!(client.post(&url, &[], Vec::new()), client.post(&url, &[], Vec::new()));
    assert_eq!((first.unwrap().status, second.unwrap().status), (200, 200));
    assert_eq!(receiver.connections(), 2);
}

#[tokio::test]
async fn next_address_is_tried_if_one_refuses() {
    let authority = Authority::new();
    let receiver = Receiver::start(authority.acceptor(&[NAME], 2999), |stream| answer_all(stream, OK.to_owned())).await;
    // No test listens on 127.0.0.2.
    let client = HttpsClient::new(
        HttpsSettings {
            address_rule: crate::AddressRule::PublicOr(["127.0.0.1", "127.0.0.2"].map(|ip| ip.parse().unwrap()).into()),
            resolver: ListedAnswers::new(&[&["127.0.0.2", "127.0.0.1"]]),
            ..settings(&authority)
        },
        clock(),
    )
    .unwrap();
    assert_eq!(client.post(&url(NAME, receiver.port), &[], Vec::new()).await.unwrap().status, 200);
}
