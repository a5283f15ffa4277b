use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::receiver::{NAME, read_request, send};
use super::world::pair;
use crate::HttpsError;

/// The time limit of the client in these tests.
const LIMIT: Duration = Duration::from_millis(400);
/// The time in which every request must end: the limit, and what a busy machine adds.
const PATIENCE: Duration = Duration::from_secs(4);

fn timed_out() -> HttpsError {
    HttpsError::TimedOut { host: NAME.to_owned(), limit: LIMIT }
}

#[tokio::test]
async fn receiver_that_answers_nothing_times_out() {
    let (_receiver, url, client) = pair(LIMIT, |mut stream| async move {
        read_request(&mut stream).await;
        sleep(PATIENCE * 2).await;
    })
    .await;
    let result = timeout(PATIENCE, client.post(&url, &[], Vec::new())).await.unwrap();
    assert_eq!(result, Err(timed_out()));
}

#[tokio::test]
async fn head_one_byte_at_a_time_times_out() {
    let (_receiver, url, client) = pair(LIMIT, |mut stream| async move {
        read_request(&mut stream).await;
        for letter in "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".chars() {
            send(&mut stream, &letter.to_string()).await;
            sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    let result = timeout(PATIENCE, client.post(&url, &[], Vec::new())).await.unwrap();
    assert_eq!(result, Err(timed_out()));
}

#[tokio::test]
async fn body_one_byte_at_a_time_does_not_delay_the_response() {
    for limit in [LIMIT, Duration::from_mins(1)] {
        let (receiver, url, client) = pair(limit, |mut stream| async move {
            read_request(&mut stream).await;
            send(&mut stream, "HTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-length: 1000\r\n\r\n").await;
            while send(&mut stream, "x").await {
                sleep(Duration::from_millis(100)).await;
            }
        })
        .await;
        for expected_connections in [1, 2] {
            let response = timeout(PATIENCE, client.post(&url, &[], Vec::new())).await.unwrap().unwrap();
            assert_eq!((response.status, response.retry_after), (503, Some(Duration::from_secs(7))));
            assert_eq!(receiver.connections(), expected_connections);
        }
    }
}

#[tokio::test]
async fn large_body_is_not_read() {
    const GIGABYTE: usize = 1_000_000_000;
    for framing in [format!("content-length: {GIGABYTE}"), "connection: close".to_owned()] {
        let sent = Arc::new(AtomicUsize::new(0));
        let count = sent.clone();
        let (_receiver, url, client) = pair(Duration::from_mins(1), move |mut stream| {
            let (count, framing) = (count.clone(), framing.clone());
            async move {
                read_request(&mut stream).await;
                send(&mut stream, &format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n")).await;
                let block = "x".repeat(10_000);
                while count.load(Ordering::SeqCst) < GIGABYTE && send(&mut stream, &block).await {
                    count.fetch_add(block.len(), Ordering::SeqCst);
                }
                count.fetch_add(GIGABYTE * 2, Ordering::SeqCst);
            }
        })
        .await;
        let response = timeout(PATIENCE, client.post(&url, &[], Vec::new())).await.unwrap().unwrap();
        assert_eq!(response.status, 200);
        let closed = async {
            while sent.load(Ordering::SeqCst) < GIGABYTE * 2 {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, closed).await.expect("the client closes the connection");
        // The buffers of the sockets take some megabytes.
        assert!(sent.load(Ordering::SeqCst) < GIGABYTE * 2 + 50_000_000);
    }
}
