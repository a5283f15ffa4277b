use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::receiver::{NAME, read_request, send};
use super::world::{pair, pair_that_answers};
use crate::{HttpsError, HttpsResponse};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn request_has_target_headers_and_body() {
    let seen = Arc::new(Mutex::new(None));
    let record = seen.clone();
    let (receiver, url, client) = pair(Duration::from_secs(5), move |mut stream| {
        let record = record.clone();
        async move {
            *record.lock().await = read_request(&mut stream).await;
            send(&mut stream, OK).await;
        }
    })
    .await;
    let headers = [("webhook-id", "msg_1".to_owned()), ("user-agent", "another".to_owned())];
    let response = client.post(&url, &headers, b"{\"a\":1}".to_vec()).await.unwrap();
    assert_eq!(response, HttpsResponse { status: 200, retry_after: None });
    let request = seen.lock().await.clone().unwrap();
    assert!(request.starts_with("POST /services/T0SECRET?sig=S1SECRET HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\n{\"a\":1}"), "{request}");
    for header in [
        format!("host: {NAME}:{}", receiver.port),
        "content-type: application/json".to_owned(),
        "content-length: 7".to_owned(),
        format!("user-agent: AGE/{}", env!("CARGO_PKG_VERSION")),
        "webhook-id: msg_1".to_owned(),
    ] {
        assert_eq!(request.matches(&format!("\r\n{header}\r\n")).count(), 1, "{header} in {request}");
    }
    assert!(!request.contains("another"), "{request}");
}

#[tokio::test]
async fn response_has_status_and_retry_after() {
    for (head, status, seconds) in [
        ("204 No Content", 204, None),
        ("400 Bad Request", 400, None),
        ("429 Too Many Requests\r\nRetry-After: 30", 429, Some(30)),
        ("429 Too Many Requests\r\nretry-after: Mon, 23 Nov 2026 00:06:30 GMT", 429, Some(90)),
        ("429 Too Many Requests\r\nretry-after: soon", 429, None),
        ("500 Internal Server Error", 500, None),
        ("503 Service Unavailable\r\nretry-after: 9999999", 503, Some(86_400)),
    ] {
        let length = if status == 204 { "" } else { "\r\ncontent-length: 0" };
        let (_receiver, url, client) = pair_that_answers(&format!("HTTP/1.1 {head}{length}\r\n\r\n")).await;
        let response = client.post(&url, &[], Vec::new()).await.unwrap();
        assert_eq!(response, HttpsResponse { status, retry_after: seconds.map(Duration::from_secs) }, "{head}");
    }
}

#[tokio::test]
async fn redirect_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let head = format!("HTTP/1.1 {status} Elsewhere\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n");
        let requests = Arc::new(Mutex::new(0));
        let count = requests.clone();
        let (receiver, url, client) = pair(Duration::from_secs(5), move |mut stream| {
            let (count, head) = (count.clone(), head.clone());
            async move {
                while read_request(&mut stream).await.is_some() {
                    *count.lock().await += 1;
                    send(&mut stream, &head).await;
                }
            }
        })
        .await;
        assert_eq!(client.post(&url, &[], Vec::new()).await.unwrap().status, status);
        assert_eq!((*requests.lock().await, receiver.connections()), (1, 1));
    }
}

#[tokio::test]
async fn response_that_is_not_http_is_a_protocol_error() {
    let large = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(1_000_000));
    for response in ["SSH-2.0-OpenSSH_9.9\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", &large] {
        let (_receiver, url, client) = pair_that_answers(response).await;
        let error = client.post(&url, &[], Vec::new()).await.unwrap_err();
        assert_eq!(error, HttpsError::Protocol { host: NAME.to_owned() });
    }
}

#[tokio::test]
async fn receiver_that_closes_without_response_is_a_protocol_error() {
    let (_receiver, url, client) = pair(Duration::from_secs(5), |mut stream| async move {
        read_request(&mut stream).await;
    })
    .await;
    let error = client.post(&url, &[], Vec::new()).await.unwrap_err();
    assert_eq!(error, HttpsError::Protocol { host: NAME.to_owned() });

    let (_receiver, url, client) = pair(Duration::from_secs(5), |stream| async move { drop(stream) }).await;
    let error = client.post(&url, &[], Vec::new()).await.unwrap_err();
    assert_eq!(error, HttpsError::Protocol { host: NAME.to_owned() });
}

#[tokio::test]
async fn header_that_http_does_not_permit_is_not_sent() {
    let (receiver, url, client) = pair_that_answers(OK).await;
    for (name, value) in [("authorization", "a\r\nhost: other"), ("a b", "c"), ("", "c")] {
        let error = client.post(&url, &[(name, value.to_owned())], Vec::new()).await.unwrap_err();
        assert_eq!(error, HttpsError::InvalidHeader(name));
        assert!(!error.to_string().contains("other"));
    }
    assert_eq!(receiver.connections(), 0);
}
