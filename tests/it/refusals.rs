//! Invalid requests: each with its exact status and the fields that the response names. None stores anything.

use serde_json::{Value, json};

use crate::world::World;

const EVENT: &str = "/api/governance/event";
const EVENTS: &str = "/api/governance/events";
const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A request that the API must refuse.
struct InvalidRequest {
    what: String,
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    status: u16,
    /// The fields that the response names. Empty if the problem has no fields.
    fields: Vec<&'static str>,
}

fn request(what: &str, method: &'static str, path: &str, status: u16, fields: &[&'static str]) -> InvalidRequest {
    InvalidRequest {
        what: what.to_owned(),
        method,
        path: path.to_owned(),
        headers: vec![],
        body: vec![],
        status,
        fields: fields.to_vec(),
    }
}

/// A request to report an event with the body `body`.
fn body(what: &str, body: impl AsRef<[u8]>, status: u16, fields: &[&'static str]) -> InvalidRequest {
    let headers = vec![(JSON.0, JSON.1.to_owned())];
    InvalidRequest { headers, body: body.as_ref().to_vec(), ..request(what, "POST", EVENT, status, fields) }
}

fn batch(what: &str, media_type: &str, body: impl AsRef<[u8]>, status: u16, fields: &[&'static str]) -> InvalidRequest {
    let headers = vec![("Content-Type", media_type.to_owned())];
    InvalidRequest { headers, body: body.as_ref().to_vec(), ..request(what, "POST", EVENTS, status, fields) }
}

/// A valid event except for `field`, which is `value`.
fn field(field: &'static str, value: Value, status: u16) -> InvalidRequest {
    let mut event = json!({ "engine": "qa", "eventType": "suite_failed" });
    let what = format!("{field} = {}", value.to_string().chars().take(60).collect::<String>());
    event[field] = value;
    let pointer: &'static str = Box::leak(format!("/{field}").into_boxed_str());
    body(&what, event.to_string(), status, &[pointer])
}

fn query(query: &str, status: u16, fields: &[&'static str]) -> InvalidRequest {
    request(query, "GET", &format!("{EVENTS}?{query}"), status, fields)
}

fn header(name: &'static str, value: &str, status: u16, fields: &[&'static str]) -> InvalidRequest {
    let mut request = body(&format!("{name}: {value}"), r#"{"engine":"qa","eventType":"x"}"#, status, fields);
    request.headers.retain(|(other, _)| *other != name);
    request.headers.push((name, value.to_owned()));
    request
}

#[rustfmt::skip]
fn invalid_batches() -> Vec<InvalidRequest> {
    vec![
        batch("half a batch", "application/json", "[{}", 400, &[]),
        batch("plain text as a batch", "application/json", "hello", 400, &[]),
        batch("an event as a batch", "application/json", r#"{"engine":"qa","eventType":"x"}"#, 422, &[""]),
        batch("a batch of 501", "application/json", format!("[{}1]", "1,".repeat(500)), 413, &[]),
        batch("501 lines", "application/x-ndjson", "{}\n".repeat(501), 413, &[]),
        InvalidRequest { path: "/api/governance/intake/cloudevents".to_owned(),
                  ..batch("501 cloud events", "application/cloudevents-batch+json", format!("[{}1]", "1,".repeat(500)), 413, &[]) },
        batch("a batch over 1 MB", "application/x-ndjson", " ".repeat(1024 * 1024 + 1), 413, &[]),
        batch("a batch of text", "text/plain", "[]", 415, &[]),
        batch("a batch of one cloud event", "application/cloudevents+json", "{}", 415, &[]),
        request("a batch without content type", "POST", EVENTS, 415, &[]),
        request("a batch with a parameter", "POST", "/api/governance/events?limit=1", 422, &["/limit"]),
        InvalidRequest { headers: vec![(JSON.0, JSON.1.to_owned()), ("Idempotency-Key", "k".to_owned())],
                  ..batch("a batch with an idempotency key header", "application/json", "[]", 422, &["/Idempotency-Key"]) },
    ]
}

#[rustfmt::skip]
fn invalid_requests() -> Vec<InvalidRequest> {
    let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    let deep_object = |levels: usize| format!(r#"{{"engine":"qa","eventType":"x","details":{}}}"#, r#"{"a":"#.repeat(levels) + "1" + &"}".repeat(levels));
    let key = "k".repeat(256);
    let mut all = vec![
        // Not JSON.
        body("an empty body", "", 400, &[]),
        body("plain text", "hello", 400, &[]),
        body("half an object", r#"{"engine":"qa""#, 400, &[]),
        body("a trailing comma", r#"{"engine":"qa","eventType":"x",}"#, 400, &[]),
        body("single quotes", "{'engine':'qa'}", 400, &[]),
        body("two objects", r#"{"engine":"qa","eventType":"x"}{}"#, 400, &[]),
        body("a comment", r#"{"engine":"qa"/* no */,"eventType":"x"}"#, 400, &[]),
        body("NaN", r#"{"engine":"qa","eventType":"x","details":{"a":NaN}}"#, 400, &[]),
        body("not UTF-8", b"{\"engine\":\"qa\",\"eventType\":\"\xff\"}", 400, &[]),
        body("two byte order marks", "\u{feff}\u{feff}{\"engine\":\"qa\",\"eventType\":\"x\"}", 400, &[]),
        body("a bare control character", "{\"engine\":\"qa\",\"eventType\":\"a\nb\"}", 400, &[]),
        body("a form", "engine=qa&eventType=x", 400, &[]),
        body("deep arrays, unclosed", "[".repeat(100_000), 400, &[]),
        // JSON, but not an event.
        body("an array", "[]", 422, &[""]),
        body("a string", "\"event\"", 422, &[""]),
        body("a number", "1e400", 422, &[""]),
        body("null", "null", 422, &[""]),
        body("an empty object", "{}", 422, &["/engine", "/eventType"]),
        body("everything wrong", r#"{"engine":1,"eventType":2,"severity":3,"details":4,"sourceTime":5,"decisionId":7,"extra":6}"#, 422,
             &["/engine", "/eventType", "/severity", "/details", "/sourceTime", "/decisionId", "/extra"]),
        body("an event type of AGE", r#"{"engine":"qa","eventType":"engine_silent","severity":"CRITICAL"}"#, 422, &["/eventType"]),
        body("one that reads as such", r#"{"engine":"qa","eventType":"Engine-Silent","severity":"CRITICAL"}"#, 422, &["/eventType"]),
        body("another of AGE", r#"{"engine":"qa","eventType":"many_event_types","severity":"CRITICAL"}"#, 422, &["/eventType"]),
        body("a misspelled field", r#"{"engine":"qa","eventType":"x","severty":"CRITICAL"}"#, 422, &["/severty"]),
        body("a field twice", r#"{"engine":"qa","eventType":"x","severity":"LOW","severity":"HIGH"}"#, 422, &["/severity"]),
        body("a field twice, once with escapes", r#"{"engine":"qa","eventType":"x","\u0065ngine":"maos"}"#, 422, &["/engine"]),
        body("a key of details twice", r#"{"engine":"billing","eventType":"dup","details":{"user":"a","user":"root"}}"#, 422, &["/details/user"]),
        body("a key deep in details twice", r#"{"engine":"qa","eventType":"x","details":{"a":[{"b~/c":1,"b~/c":1}]}}"#, 422, &["/details/a/0/b~0~1c"]),
        body("both names of the type", r#"{"engine":"qa","eventType":"x","event_type":"x"}"#, 422, &["/event_type"]),
        body("fields that the server sets", r#"{"engine":"qa","eventType":"x","id":"1","occurredAt":"2026-01-01T00:00:00Z"}"#, 422, &["/id", "/occurredAt"]),
        body("a field name to escape", r#"{"engine":"qa","eventType":"x","a/b~c":1}"#, 422, &["/a~1b~0c"]),
        body("a deeply nested engine", format!(r#"{{"engine":{},"eventType":"x"}}"#, deep(50_000)), 422, &["/engine"]),
        // Engine, type, severity.
        field("engine", json!("mail"), 422), field("engine", json!("QA"), 422), field("engine", json!(""), 422),
        field("engine", json!(null), 422), field("engine", json!(["qa"]), 422), field("engine", json!("qa\u{0}"), 422),
        field("eventType", json!(""), 422), field("eventType", json!(" x"), 422), field("eventType", json!("a\nb"), 422),
        field("eventType", json!("a\u{0}b"), 422), field("eventType", json!("x".repeat(129)), 422), field("eventType", json!({}), 422),
        field("eventType", json!("\u{202e}desrever"), 422), field("eventType", json!("zero\u{200b}width"), 422),
        field("eventType", json!("\u{3164}"), 422), field("eventType", json!("\u{2800}"), 422), field("eventType", json!("\u{301}"), 422),
        field("eventType", json!("line\u{2028}separator"), 422), field("eventType", json!("tag\u{e0041}"), 422),
        body("half a surrogate pair", r#"{"engine":"qa","eventType":"\ud800"}"#, 422, &["/eventType"]),
        field("severity", json!("low"), 422), field("severity", json!("FATAL"), 422), field("severity", json!(3), 422), field("severity", json!("CRITICAL "), 422),
        // Details.
        field("details", json!([]), 422), field("details", json!("{}"), 422), field("details", json!(true), 422),
        field("details", json!({ "a": "x".repeat(16 * 1024) }), 413),
        body("details nested too deep", deep_object(17), 422, &["/details"]),
        body("details nested very deep", deep_object(20_000), 413, &["/details"]),
        body("half a surrogate pair in details", r#"{"engine":"qa","eventType":"x","details":{"a":"\udc00"}}"#, 422, &["/details"]),
        body("a body over the limit", format!(r#"{{"engine":"qa","eventType":"x","details":{{}}{}}}"#, " ".repeat(256 * 1024)), 413, &[]),
        // Times.
        field("decisionId", json!("d-1"), 422), field("decisionId", json!("01936F2E-0000-7000-8000-00000000000D"), 422),
        field("sourceTime", json!("yesterday"), 422), field("sourceTime", json!("2026-11-23"), 422), field("sourceTime", json!("2026-02-30T00:00:00Z"), 422),
        field("sourceTime", json!("2026-11-23T25:00:00Z"), 422), field("sourceTime", json!("2026-11-23T00:00:00"), 422), field("sourceTime", json!(1_700_000_000), 422),
        field("sourceTime", json!("0000-01-01T00:00:00Z"), 422), field("sourceTime", json!("+12026-11-23T00:00:00Z"), 422),
        // Headers.
        header("Idempotency-Key", "", 422, &["/Idempotency-Key"]),
        header("Idempotency-Key", "é", 422, &["/Idempotency-Key"]),
        header("Idempotency-Key", &key, 422, &["/Idempotency-Key"]),
        header("Idempotency-Key", "a\tb", 422, &["/Idempotency-Key"]),
        header("Content-Type", "text/plain", 415, &[]),
        header("Content-Type", "application/x-www-form-urlencoded", 415, &[]),
        header("Content-Type", "application/jsonp", 415, &[]),
        header("Content-Type", "", 415, &[]),
        request("no content type", "POST", EVENT, 415, &[]),
        // Methods and paths.
        request("get the path that reports events", "GET", EVENT, 405, &[]), request("put an event", "PUT", EVENT, 405, &[]),
        request("delete all events", "DELETE", EVENTS, 405, &[]), request("put a list", "PUT", EVENTS, 405, &[]),
        request("get the path that creates reports", "GET", "/api/governance/report", 405, &[]),
        request("post to stats", "POST", "/api/governance/stats", 405, &[]),
        request("delete a report", "DELETE", "/api/governance/reports/x", 405, &[]),
        request("patch an event", "PATCH", "/api/governance/events/x", 405, &[]),
        request("an unknown path", "GET", "/api/governance/secrets", 404, &[]), request("the root", "GET", "/", 404, &[]),
        request("an unknown event", "GET", "/api/governance/events/01936f2e-0000-7000-8000-00000000000a", 404, &[]),
        request("an invalid id", "GET", "/api/governance/events/1", 404, &[]),
        request("an id that is not UTF-8", "GET", "/api/governance/events/%ff%00", 404, &[]),
        request("an unknown report", "GET", "/api/governance/reports/01936f2e-0000-7000-8000-00000000000a", 404, &[]),
        request("an invalid report id", "GET", "/api/governance/reports/..%2f..", 404, &[]),
        request("an unknown parameter of stats", "GET", "/api/governance/stats?days=7", 422, &["/days"]),
        request("an unknown parameter of a report", "POST", "/api/governance/report?week=1", 422, &["/week"]),
        request("a parameter that is a field", "POST", "/api/governance/event?severity=CRITICAL", 422, &["/severity"]),
        request("an unknown parameter of an event", "GET", "/api/governance/events/01936f2e-0000-7000-8000-00000000000a?x=1", 422, &["/x"]),
        InvalidRequest { body: b"{\"hours\":24}".to_vec(), ..request("a report with unknown hours", "POST", "/api/governance/report", 422, &["/hours"]) },
        InvalidRequest { body: vec![b' '; 3 * 1024 * 1024], ..request("a report request of 3 MB", "POST", "/api/governance/report", 413, &[]) },
        InvalidRequest { body: b"[]".to_vec(), ..request("an array as a report request", "POST", "/api/governance/report", 422, &[""]) },
        InvalidRequest { body: b"hours".to_vec(), ..request("plain text as a report request", "POST", "/api/governance/report", 400, &[]) },
        request("a limit of reports over 100", "GET", "/api/governance/reports?limit=101", 422, &["/limit"]),
        request("a bad cursor of reports", "GET", "/api/governance/reports?cursor=AAAA", 400, &[]),
        // Parameters of the list.
        query("limit=0", 422, &["/limit"]), query("limit=501", 422, &["/limit"]), query("limit=-1", 422, &["/limit"]),
        query("limit=ten", 422, &["/limit"]), query("limit=", 422, &["/limit"]), query("limit=99999999999999999999", 422, &["/limit"]),
        query("limit=1&limit=2", 422, &["/limit"]), query("engine=mail", 422, &["/engine"]), query("engine=", 422, &["/engine"]),
        query("severity=high", 422, &["/severity"]), query("eventType=", 422, &["/eventType"]), query("eventType=%00", 422, &["/eventType"]),
        query("from=yesterday", 422, &["/from"]), query("to=2026-13-01", 422, &["/to"]), query("from=2026-11-23T00:00:00+01:00", 422, &["/from"]),
        query("from=2026-11-24&to=2026-11-23", 422, &["/from"]), query("colour=red", 422, &["/colour"]),
        query("engine=mail&severity=high&limit=0", 422, &["/engine", "/severity", "/limit"]),
        query("cursor=", 400, &[]), query("cursor=AAAA", 400, &[]), query("cursor=not%20base64", 400, &[]), query("cursor=%F0%9F%92%A9", 400, &[]),
        query(&format!("cursor={}", "A".repeat(4000)), 400, &[]),
    ];
    let tampered = "AAAAAAAAAAAAAAAAAAAAADIwMjYtMTEtMjNUMDA6MDU6MDAuMDAwWg";
    all.push(query(&format!("cursor={tampered}"), 400, &[]));
    all.extend(invalid_batches());
    all
}

#[tokio::test]
async fn invalid_request_is_refused_with_its_fields_and_stores_nothing() {
    let world = World::new().await;
    let requests = invalid_requests();
    assert!(requests.len() >= 60, "{}", requests.len());
    for request in requests {
        let headers: Vec<_> = request.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let response = world.send(request.method, &request.path, &headers, &request.body).await;
        let what = &request.what;
        assert_eq!(response.status, request.status, "{what}: {response:?}");
        assert_eq!(response.header("content-type"), Some("application/problem+json"), "{what}");
        assert_eq!(response.number("/status"), u64::from(request.status), "{what}");
        assert!(!response.text("/title").is_empty() && !response.text("/detail").is_empty(), "{what}: {response:?}");
        let named: Vec<&str> = match response.json.get("errors") {
            Some(_) => response.list("/errors").iter().map(|error| error["pointer"].as_str().unwrap()).collect(),
            None => Vec::new(),
        };
        let sorted = |mut fields: Vec<&str>| {
            fields.sort_unstable();
            fields.join(" ")
        };
        assert_eq!(sorted(named), sorted(request.fields), "{what}: {response:?}");
        assert_eq!(response.header("allow").is_some(), request.status == 405, "{what}: {response:?}");
    }
    assert_eq!(
        world.send("PUT", EVENTS, &[], b"").await.header("allow"),
        Some("GET,HEAD,POST"),
        "the methods of both functions"
    );
    let writes = ["TransactWriteItems", "PutItem", "UpdateItem"].map(|operation| world.dynamodb.calls(operation));
    assert_eq!(writes, [0; 3], "a refused request writes nothing");
    assert_eq!(world.get("/api/governance/stats").await.number("/totalEvents"), 0);
}

#[tokio::test]
async fn cursor_is_valid_only_for_its_own_list() {
    let world = World::new().await;
    for _ in 0..3 {
        world.post(&crate::world::event("qa", "suite_passed", "LOW")).await;
    }
    let page = world.get("/api/governance/events?limit=1&engine=qa").await;
    let cursor = page.text("/nextCursor");
    let with = |filters: &str| format!("/api/governance/events?limit=1{filters}&cursor={cursor}");
    assert_eq!(world.get(&with("&engine=qa")).await.status, 200);
    for filters in ["", "&engine=maos", "&engine=qa&severity=LOW", "&engine=qa&from=2026-11-23"] {
        assert_eq!(world.get(&with(filters)).await.status, 400, "{filters}");
    }
    assert_eq!(world.get(&format!("/api/governance/reports?cursor={cursor}")).await.status, 400);
}
