//! The headers that a call of DynamoDB sends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread;

use age_model::{DecisionId, ManualClock, Timestamp};
use age_store::{Consistency, Decisions, DynamoDb};

#[tokio::test]
async fn call_is_signed_and_names_age_in_one_header() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let headers: Vec<String> =
            reader.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
        let response = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: 2\r\n\r\n{}";
        stream.write_all(response).unwrap();
        (headers, stream)
    });
    let decisions = Decisions::new(&DynamoDb::new(&age_runtime::aws::local(&url)), "Decisions", 1);
    let id = DecisionId::fresh(&ManualClock::at(Timestamp::from_millis(0)));
    assert_eq!(decisions.get(id, Consistency::Strong).await, Ok(None));

    let (headers, _connection) = server.join().unwrap();
    let of = |name: &str| headers.iter().filter_map(|line| line.strip_prefix(name)).collect::<Vec<_>>();
    assert_eq!(of("user-agent: "), [concat!("age/", env!("CARGO_PKG_VERSION"), " aws-sdk-rust")]);
    assert_eq!(of("x-amz-user-agent: "), [""; 0]);
    assert!(of("authorization: ")[0].starts_with("AWS4-HMAC-SHA256 Credential=local/"), "{headers:?}");
}
