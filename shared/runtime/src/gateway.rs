//! Requests from API Gateway, made safe for `lambda_http`, which panics on some requests that the gateway forwards; and
//! responses to the gateway.

use std::pin::Pin;

use age_model::RequestId;
use axum::body::{Bytes, to_bytes};
use axum::http::StatusCode;
use axum::response::Response;
use lambda_http::http::HeaderValue;
use lambda_http::http::header::{HOST, HeaderName};
use lambda_http::request::LambdaRequest;
use lambda_http::{Body, IntoResponse, Request, RequestExt};
use lambda_runtime::LambdaEvent;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// Characters that a URI cannot have in its query.
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// Characters that would end the path.
const PATH: &AsciiSet = &CONTROLS.add(b'#').add(b'?');

/// Percent-encodes the characters of a request's address that a URI cannot have, keeps its path as the caller wrote it, and replaces
/// the caller's `Host` header by the gateway's own domain, from which links in messages are made.
pub(crate) fn sanitize(mut event: LambdaEvent<LambdaRequest>) -> LambdaEvent<LambdaRequest> {
    if let LambdaRequest::ApiGatewayV2(request) = &mut event.payload {
        request.raw_query_string = request.raw_query_string.as_deref().map(|query| encoded(query, QUERY));
        request.raw_path = request.raw_path.as_deref().map(|path| encoded(path, PATH));
        // `lambda_http` puts a stage that the path does not begin with before it, also below the mapping key of a custom domain.
        request.request_context.stage = None;
        request.headers.remove(HOST);
        let domain = request.request_context.domain_name.as_deref();
        if let Some(domain) = domain.and_then(|domain| HeaderValue::from_str(domain).ok()) {
            request.headers.insert(HOST, domain);
        }
        request.headers.remove(HeaderName::from_static("x-forwarded-proto"));
    }
    event
}

/// Adds the id of the invocation, by which its log lines are found.
pub(crate) fn name(mut request: Request) -> Request {
    let id = request.lambda_context_ref().map(|context| RequestId::new(&context.request_id));
    if let Some(id) = id {
        request.extensions_mut().insert(id);
    }
    request
}

/// A response to API Gateway, which expects text as it is and other bytes in Base64. All text is UTF-8, so the tables of every other
/// encoding, 100 KB of a zip, are not linked.
pub(crate) struct GatewayResponse(pub(crate) Response);

impl IntoResponse for GatewayResponse {
    fn into_response(self) -> Pin<Box<dyn Future<Output = lambda_http::Response<Body>> + Send>> {
        Box::pin(async move {
            let (mut parts, body) = self.0.into_parts();
            let bytes = to_bytes(body, usize::MAX).await.unwrap_or_else(|error| {
                tracing::error!(%error, "cannot read the response body: {error}");
                parts.status = StatusCode::INTERNAL_SERVER_ERROR;
                Bytes::new()
            });
            let body = match String::from_utf8(bytes.into()) {
                Ok(text) if text.is_empty() => Body::Empty,
                Ok(text) => Body::Text(text),
                Err(bytes) => Body::Binary(bytes.into_bytes()),
            };
            lambda_http::Response::from_parts(parts, body)
        })
    }
}

fn encoded(text: &str, set: &'static AsciiSet) -> String {
    utf8_percent_encode(text, set).to_string()
}

#[cfg(test)]
mod tests {
    use lambda_runtime::Context;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn request(path: &str, query: &str, host: &str, proto: &str) -> Request {
        request_of_stage("$default", path, query, host, proto)
    }

    fn request_of_stage(stage: &str, path: &str, query: &str, host: &str, proto: &str) -> Request {
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
            "headers": { "host": host, "x-forwarded-proto": proto }, "isBase64Encoded": false,
            "requestContext": {
                "domainName": "age.example", "stage": stage, "timeEpoch": 0, "requestId": "r", "accountId": "a", "apiId": "i",
                "http": { "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "u" },
            },
        });
        let payload: LambdaRequest = serde_json::from_value(event).unwrap();
        sanitize(LambdaEvent::new(payload, Context::default())).payload.into()
    }

    #[test]
    fn invalid_characters_are_encoded_and_encoded_ones_stay() {
        let uri = request("/events#x", "eventType=<b>&a=%3Cb%3E&c=d e", "a b", "https,http").uri().clone();
        assert_eq!(uri.path(), "/events%23x");
        assert_eq!(uri.query(), Some("eventType=%3Cb%3E&a=%3Cb%3E&c=d%20e"));
        assert_eq!(uri.host(), Some("age.example"), "not the caller's Host header");
    }

    #[test]
    fn path_is_the_callers_below_a_stage_or_a_mapping_key() {
        for path in ["/v1/api/governance/events", "/prod/api/governance/events/", "/api/governance/events"] {
            for stage in ["prod", "$default"] {
                assert_eq!(request_of_stage(stage, path, "", "h", "https").uri().path(), path, "{stage}");
            }
        }
    }

    #[tokio::test]
    async fn text_body_stays_text_and_binary_body_stays_binary() {
        let respond = async |body: &'static [u8]| {
            let response = Response::builder().status(201).header("set-cookie", "a=b").body(body.into()).unwrap();
            let response = GatewayResponse(response).into_response().await;
            assert_eq!((response.status().as_u16(), response.headers().len()), (201, 1));
            response.into_body()
        };
        assert_eq!(respond(b"").await, Body::Empty);
        assert_eq!(respond("{\"a\":\"\u{e9}\"}".as_bytes()).await, Body::Text("{\"a\":\"\u{e9}\"}".to_owned()));
        assert_eq!(respond(&[0x1f, 0x8b]).await, Body::Binary(vec![0x1f, 0x8b]));
    }

    proptest! {
        #[test]
        fn no_request_panics(path in "/.{0,30}", query in any::<String>(), host in "[ -~]{0,20}", proto in "[ -~]{0,10}") {
            request(&path, &query, &host, &proto);
        }
    }
}
