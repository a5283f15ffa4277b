//! A fake AWS for the functions: the DynamoDB in this process, and an SNS that accepts every call.

use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

const PUBLISHED: &str = "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult>\
    <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></PublishResponse>";

const SUBSCRIBED: &str = "<GetTopicAttributesResponse><GetTopicAttributesResult><Attributes><entry>\
    <key>SubscriptionsConfirmed</key><value>1</value></entry></Attributes></GetTopicAttributesResult>\
    <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetTopicAttributesResponse>";

/// Starts a server before the DynamoDB at `dynamodb`. Returns its address.
pub(crate) async fn start(dynamodb: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let upstream = Arc::new((reqwest::Client::new(), dynamodb));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            let upstream = Arc::clone(&upstream);
            let serve = service_fn(move |request| {
                let upstream = Arc::clone(&upstream);
                async move { answer(&upstream.0, &upstream.1, request).await }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), serve));
        }
    });
    address
}

async fn answer(
    http: &reqwest::Client,
    dynamodb: &str,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let (mut parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    if !parts.headers.contains_key("x-amz-target") {
        let is_query = body.windows(9).any(|window| window == b"Action=Ge");
        let answer = if is_query { SUBSCRIBED } else { PUBLISHED };
        return Ok(Response::builder().header("content-type", "text/xml").body(Full::from(answer))?);
    }
    parts.headers.remove("host");
    let answer = http.post(dynamodb).headers(parts.headers).body(body).send().await?;
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers().iter().filter(|(name, _)| *name != "transfer-encoding") {
        response = response.header(name, value);
    }
    Ok(response.body(Full::new(answer.bytes().await?))?)
}
