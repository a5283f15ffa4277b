//! Other formats of events: `CloudEvents`, and the webhook of Prometheus Alertmanager.

use serde_json::{Value, json};

use crate::world::{ApiResponse, World, event};

const STRUCTURED: (&str, &str) = ("Content-Type", "application/cloudevents+json; charset=utf-8");
const JSON: (&str, &str) = ("Content-Type", "application/json");
const CLOUD_EVENTS: &str = "/api/governance/intake/cloudevents";

fn cloud_event() -> Value {
    json!({
        "specversion": "1.0", "id": "4711", "source": "https://fleet.example/engines/billing",
        "type": "invoice_sync_failed", "time": "2026-11-23T01:04:58+01:00", "severity": "HIGH", "decisionid": "01936f2e-0000-7000-8000-00000000000d",
        "datacontenttype": "application/json", "subject": "tenant 7", "traceparent": "00-1",
        "data": {"invoices": 1204},
    })
}

impl World {
    async fn post_cloud_event(&self, event: &Value) -> ApiResponse {
        self.send("POST", CLOUD_EVENTS, &[STRUCTURED], event.to_string().as_bytes()).await
    }

    async fn post_binary(&self, headers: &[(&str, &str)], body: &str) -> ApiResponse {
        self.send("POST", CLOUD_EVENTS, headers, body.as_bytes()).await
    }

    async fn post_alerts(&self, alerts: &[Value]) -> ApiResponse {
        let body = json!({
            "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": "firing", "receiver": "age",
            "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://am.example", "alerts": alerts,
        });
        self.post_json("/api/governance/intake/alertmanager", &body).await
    }
}

fn alert(status: &str, labels: &Value) -> Value {
    json!({
        "status": status, "labels": labels, "annotations": {"summary": "slow"}, "startsAt": "2026-11-23T00:00:00.123456Z",
        "endsAt": if status == "firing" { "0001-01-01T00:00:00Z" } else { "2026-11-23T00:04:00Z" },
        "generatorURL": "http://prometheus.example/graph", "fingerprint": format!("f-{}", labels["alertname"].as_str().unwrap_or("")),
    })
}

fn pointers(response: &ApiResponse) -> Vec<&str> {
    response.list("/errors").iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn cloud_event_is_stored_as_an_event() {
    let world = World::new().await;
    let created = world.post_cloud_event(&cloud_event()).await;
    assert_eq!(created.status, 201, "{created:?}");
    let fields = (created.text("/engine"), created.text("/eventType"), created.text("/severity"));
    assert_eq!(fields, ("billing", "invoice_sync_failed", "HIGH"));
    assert_eq!(
        (created.text("/sourceTime"), &created.json["details"]),
        ("2026-11-23T00:04:58.000Z", &json!({"invoices": 1204}))
    );
    assert_eq!(created.text("/decisionId"), "01936f2e-0000-7000-8000-00000000000d");
    assert_eq!(created.actions(), [("billing_sync_repair", "dispatched")]);

    // Binary content mode is the same event.
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-id", "4711"),
        ("ce-source", "https://fleet.example/engines/billing"),
        ("ce-type", "invoice_sync_failed"),
        ("ce-time", "2026-11-23T00:04:58Z"),
        ("ce-severity", "HIGH"),
        ("ce-decisionid", "01936f2e-0000-7000-8000-00000000000d"),
        ("ce-tenant", "seven"),
        JSON,
    ];
    let replayed = world.post_binary(&headers, r#"{ "invoices": 1204 }"#).await;
    assert_eq!((replayed.status, replayed.header("idempotency-replayed")), (200, Some("true")), "{replayed:?}");
    assert_eq!(replayed.text("/id"), created.text("/id"));
    assert_eq!(world.count_events().await, 1);

    let mut other = cloud_event();
    other["severity"] = json!("CRITICAL");
    let refused = world.post_cloud_event(&other).await;
    assert_eq!((refused.status, pointers(&refused)), (422, vec!["/id"]));
    other["source"] = json!("urn:fleet:billing");
    assert_eq!(world.post_cloud_event(&other).await.status, 201, "an id is scoped to its source");
    assert_eq!(world.post_keyed(&event("billing", "x", "LOW"), "4711").await.status, 201);
}

#[tokio::test]
async fn cloud_event_with_required_attributes_is_accepted() {
    let world = World::new().await;
    let least = json!({"specversion": "1.0", "id": "é\n1", "source": "qa", "type": "suite_passed"});
    let created = world.post_cloud_event(&least).await;
    assert_eq!((created.status, created.text("/severity"), &created.json["details"]), (201, "LOW", &json!({})));
    let headers =
        [("ce-specversion", "1.0"), ("ce-id", "%C3%A9%0A1"), ("ce-source", "qa"), ("ce-type", "suite_passed")];
    let replayed = world.post_binary(&headers, "").await;
    assert_eq!((replayed.status, replayed.text("/id")), (200, created.text("/id")), "header values are decoded");
}

#[tokio::test]
async fn invalid_cloud_event_is_refused_with_its_attributes() {
    let world = World::new().await;
    let with = |field: &str, value: Value| {
        let mut event = cloud_event();
        event[field] = value;
        event
    };
    for (sent, status, fields) in [
        (json!({}), 422, vec!["/specversion", "/id", "/source", "/type"]),
        (with("specversion", json!("0.3")), 422, vec!["/specversion"]),
        (with("id", json!("")), 422, vec!["/id"]),
        (with("source", json!("/engines/mail")), 422, vec!["/source"]),
        (with("source", json!("billing/")), 422, vec!["/source"]),
        (with("type", json!(" x")), 422, vec!["/type"]),
        (with("type", json!("engine_silent")), 422, vec!["/type"]),
        (with("time", json!("yesterday")), 422, vec!["/time"]),
        (with("severity", json!("high")), 422, vec!["/severity"]),
        (with("datacontenttype", json!("text/xml")), 422, vec!["/datacontenttype"]),
        (with("data", json!("words")), 422, vec!["/data"]),
        (with("data", json!({"a": "x".repeat(20_000)})), 413, vec!["/data"]),
        (with("data_base64", json!("AAAA")), 422, vec!["/data_base64"]),
        (json!([cloud_event()]), 422, vec![""]),
    ] {
        let response = world.post_cloud_event(&sent).await;
        assert_eq!((response.status, pointers(&response)), (status, fields), "{sent}");
    }
    let headers = |more: &[(&'static str, &'static str)]| {
        let mut headers = vec![("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "qa"), ("ce-type", "x")];
        headers.extend_from_slice(more);
        headers
    };
    let refused = world.post_binary(&headers(&[JSON, ("ce-time", "now"), ("Idempotency-Key", "k")]), "{}").await;
    assert_eq!((refused.status, pointers(&refused)), (422, vec!["/Idempotency-Key", "/ce-time"]));
    let refused = world.post_binary(&headers(&[JSON]), "[]").await;
    assert_eq!((refused.status, pointers(&refused)), (422, vec!["/data"]));
    assert_eq!(world.post_binary(&headers(&[("Content-Type", "text/plain")]), "{}").await.status, 415);
    assert_eq!(world.post_binary(&[JSON], "{}").await.status, 415, "neither mode");
    assert_eq!(world.post_binary(&[STRUCTURED], "{").await.status, 400);
    assert_eq!(world.count_events().await, 0);
}

/// The examples of the HTTP binding and of the JSON event format, with a source that ends in an engine.
#[tokio::test]
async fn examples_of_the_specification_are_taken() {
    let world = World::new().await;
    let attributes = [
        ("ce-specversion", "1.0"),
        ("ce-type", "com.example.someevent"),
        ("ce-time", "2018-04-05T03:56:24Z"),
        ("ce-id", "1234-1234-1234"),
        ("ce-source", "/mycontext/billing"),
        ("ce-comexampleextension1", "value"),
        ("ce-decisionid", "01936f2e-0000-7000-8000-00000000000d"),
        ("ce-comexampleothervalue", "5"),
        ("Content-Type", "application/json; charset=utf-8"),
    ];
    let binary = world.post_binary(&attributes, r#"{"appinfoA": "abc", "appinfoB": 123, "appinfoC": true}"#).await;
    assert_eq!((binary.status, binary.text("/sourceTime")), (201, "2018-04-05T03:56:24.000Z"), "{binary:?}");
    assert_eq!(binary.text("/decisionId"), "01936f2e-0000-7000-8000-00000000000d");
    let structured = json!({
        "specversion": "1.0", "type": "com.example.someevent", "source": "/mycontext/billing", "subject": null,
        "id": "C234-1234-1234", "time": "2018-04-05T17:31:00Z", "comexampleextension1": "value",
        "comexampleothervalue": 5, "unsetextension": null, "datacontenttype": "application/json",
        "data": {"appinfoA": "abc", "appinfoB": 123, "appinfoC": true},
    });
    for media_type in ["application/cloudevents+json; charset=UTF-8", "Application/CloudEvents+JSON"] {
        let body = structured.to_string();
        let sent = world.send("POST", CLOUD_EVENTS, &[("Content-Type", media_type)], body.as_bytes()).await;
        assert!(matches!(sent.status, 200 | 201), "{sent:?}");
        assert_eq!(sent.json["details"], structured["data"]);
    }
    let batch = json!([structured, {"specversion": "1.0", "type": "t", "source": "/billing", "id": "2", "data": null}]);
    let headers = [("Content-Type", "application/cloudevents-batch+json; charset=UTF-8")];
    let batch = world.send("POST", CLOUD_EVENTS, &headers, batch.to_string().as_bytes()).await;
    let statuses: Vec<_> = batch.list("/results").iter().map(|result| result["status"].clone()).collect();
    assert_eq!(statuses, [200, 201]);
}

#[tokio::test]
async fn quoted_and_encoded_header_values_of_a_binary_cloud_event_are_decoded() {
    let world = World::new().await;
    let with = |source: &'static str, kind: &'static str| {
        [("CE-SpecVersion", "\"1.0\""), ("ce-id", "\"1\""), ("Ce-Source", source), ("ce-type", kind), JSON]
    };
    let quoted = world.post_binary(&with("\"/engines/billing\"", "\"sync \\\"late\\\"\""), "{}").await;
    assert_eq!((quoted.status, quoted.text("/eventType")), (201, "sync \"late\""), "{quoted:?}");
    let encoded = world.post_binary(&with("/engines/billing", "sync%20%22late%22"), "{}").await;
    assert_eq!((encoded.status, encoded.text("/id")), (200, quoted.text("/id")), "the same event without the quotes");
    let overlong = world.post_binary(&with("/engines/billing", "a%C0%A0b"), "{}").await;
    assert_eq!((overlong.status, pointers(&overlong)), (422, vec!["/ce-type"]), "not UTF-8");
    let extension = [&with("/engines/billing", "x")[..], &[("ce-tenant", "%ff")]].concat();
    assert_eq!(pointers(&world.post_binary(&extension, "{}").await), ["/ce-tenant"]);
    let twice = [&with("/engines/billing", "x")[..], &[("ce-source", "/engines/qa")]].concat();
    assert_eq!(pointers(&world.post_binary(&twice, "{}").await), ["/ce-source"]);
    let two_types = [&with("/engines/billing", "x")[..], &[("ce-datacontenttype", "application/json")]].concat();
    assert_eq!(pointers(&world.post_binary(&two_types, "{}").await), ["/ce-datacontenttype"]);
}

#[tokio::test]
async fn data_of_a_cloud_event_may_have_any_json_type() {
    let world = World::new().await;
    let headers = |media_type| {
        [
            ("ce-specversion", "1.0"),
            ("ce-id", media_type),
            ("ce-source", "qa"),
            ("ce-type", "x"),
            ("Content-Type", media_type),
        ]
    };
    for media_type in ["application/vnd.x+json", "text/json", "application/problem+json; charset=utf-8"] {
        let created = world.post_binary(&headers(media_type), r#"{"a":1}"#).await;
        assert_eq!((created.status, &created.json["details"]), (201, &json!({"a": 1})), "{media_type}: {created:?}");
    }
    for media_type in ["application/xml", "application/jsonp", "application/cloudevents+xml"] {
        assert_eq!(world.post_binary(&headers(media_type), "{}").await.status, 415, "{media_type}");
    }
    let batch = world.post_binary(&headers("application/cloudevents-batch+json"), "{}").await;
    assert_eq!((batch.status, pointers(&batch)), (422, vec![""]), "the body is a batch, whatever the headers are");
}

#[tokio::test]
async fn cloud_event_on_another_route_is_refused_with_the_right_one() {
    let world = World::new().await;
    let text = cloud_event().to_string();
    let batch = format!("[{text}]");
    let binary = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "qa"), ("ce-type", "x"), JSON];
    let batched = [("Content-Type", "application/cloudevents-batch+json")];
    for (path, headers, body) in [
        ("/api/governance/event", &[STRUCTURED][..], text.as_str()),
        ("/api/governance/event", &binary, r#"{"engine":"qa","eventType":"a"}"#),
        ("/api/governance/events", &batched, batch.as_str()),
        ("/api/governance/events", &binary, "[]"),
    ] {
        let refused = world.send("POST", path, headers, body.as_bytes()).await;
        assert_eq!(refused.status, 415, "{path} {headers:?}");
        assert!(refused.text("/detail").contains(CLOUD_EVENTS), "{refused:?}");
    }
    assert_eq!(world.count_events().await, 0);
}

#[tokio::test]
async fn batch_of_cloud_events_has_no_idempotency_key() {
    let world = World::new().await;
    let headers = [("Content-Type", "application/cloudevents-batch+json"), ("Idempotency-Key", "k")];
    let refused = world.post_binary(&headers, "[]").await;
    assert_eq!((refused.status, pointers(&refused)), (422, vec!["/Idempotency-Key"]));
}

#[tokio::test]
async fn null_attribute_of_a_cloud_event_is_unset() {
    let world = World::new().await;
    let mut event = cloud_event();
    for unset in ["data_base64", "subject", "time", "severity", "datacontenttype", "traceparent"] {
        event[unset] = Value::Null;
    }
    let created = world.post_cloud_event(&event).await;
    assert_eq!((created.status, created.text("/severity"), &created.json["details"]), (201, "LOW", &event["data"]));
    event["specversion"] = Value::Null;
    assert_eq!(pointers(&world.post_cloud_event(&event).await), ["/specversion"]);
}

#[tokio::test]
async fn binary_data_of_a_structured_cloud_event_is_decoded_if_it_is_json() {
    let world = World::new().await;
    let with = |data: Value, base64: &str, media_type: Value| {
        let mut event = cloud_event();
        (event["data"], event["data_base64"], event["datacontenttype"]) = (data, json!(base64), media_type);
        event
    };
    let json_type = || json!("application/vnd.x+json");
    // {"invoices":1204}
    let created = world.post_cloud_event(&with(Value::Null, "eyJpbnZvaWNlcyI6MTIwNH0=", json_type())).await;
    assert_eq!((created.status, &created.json["details"]), (201, &json!({"invoices": 1204})), "{created:?}");
    for (event, field) in [
        (with(json!({}), "e30=", json_type()), "/data_base64"),
        (with(Value::Null, "e30=", Value::Null), "/data_base64"),
        (with(Value::Null, "?", json_type()), "/data_base64"),
        (with(Value::Null, "AAAA", json_type()), "/data"),
        (with(Value::Null, "W10=", json_type()), "/data"),
        // {"a":1,"a":2}
        (with(Value::Null, "eyJhIjoxLCJhIjoyfQ==", json_type()), "/data/a"),
    ] {
        let refused = world.post_cloud_event(&event).await;
        assert_eq!((refused.status, pointers(&refused)), (422, vec![field]), "{event}");
    }
}

#[tokio::test]
async fn firing_and_resolved_alerts_are_stored_once() {
    let world = World::new().await;
    let labels =
        |name: &str, severity: &str| json!({"alertname": name, "engine": "voice_engine", "severity": severity});
    let firing = [alert("firing", &labels("Slow", "warning")), alert("firing", &labels("Down", "critical"))];
    let accepted = world.post_alerts(&firing).await;
    assert_eq!(accepted.status, 200, "{accepted:?}");
    let statuses: Vec<_> = accepted.list("/alerts").iter().map(|result| result["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 201]);
    let down = world.get(&format!("/api/governance/events/{}", accepted.text("/alerts/1/id"))).await;
    assert_eq!(
        (down.text("/engine"), down.text("/eventType"), down.text("/severity"), down.text("/sourceTime")),
        ("voice_engine", "Down", "CRITICAL", "2026-11-23T00:00:00.123Z")
    );
    assert_eq!(down.json["details"]["annotations"]["summary"], "slow");
    assert_eq!(world.emails().len(), 1, "a critical alert notifies people");

    // Alertmanager repeats the alert, then sends it with another annotation, then resolves it.
    let again = world.post_alerts(&firing).await;
    assert!(again.list("/alerts").iter().all(|result| result["status"] == 200), "{again:?}");
    let mut changed = firing[1].clone();
    changed["annotations"]["summary"] = json!("slower");
    assert_eq!(world.post_alerts(&[changed]).await.list("/alerts")[0]["status"], 200);
    let resolved = world.post_alerts(&[alert("resolved", &labels("Down", "critical"))]).await;
    let resolution = world.get(&format!("/api/governance/events/{}", resolved.text("/alerts/0/id"))).await;
    assert_eq!((resolution.text("/severity"), resolution.text("/sourceTime")), ("LOW", "2026-11-23T00:04:00.000Z"));
    assert_eq!(world.count_events().await, 3);
}

#[tokio::test]
async fn alert_without_known_engine_is_refused_and_the_others_are_stored() {
    let world = World::new().await;
    let mixed = [
        alert("firing", &json!({"alertname": "NoEngine"})),
        alert("firing", &json!({"alertname": "Fine", "engine": "qa"})),
        alert("firing", &json!({"alertname": "OtherEngine", "engine": "mail"})),
        alert("firing", &json!({"engine": "qa"})),
    ];
    let response = world.post_alerts(&mixed).await;
    let results: Vec<_> = response
        .list("/alerts")
        .iter()
        .map(|result| (result["status"].as_u64().unwrap(), result.pointer("/errors/0/pointer").cloned()))
        .collect();
    assert_eq!(
        results,
        [
            (422, Some(json!("/alerts/0/labels/engine"))),
            (201, None),
            (422, Some(json!("/alerts/2/labels/engine"))),
            (422, Some(json!("/alerts/3/labels/alertname"))),
        ]
    );
    assert_eq!(response.status, 200);
    assert_eq!(world.count_events().await, 1);
    let none = world.post_alerts(&mixed[..1]).await;
    assert_eq!(
        (none.status, pointers(&none)),
        (422, vec!["/alerts/0/labels/engine"]),
        "a request without any valid alert is refused"
    );
    let long = json!({"alertname": "Long", "engine": "qa", "severity": "has_no_subscribers of"});
    let mut long = alert("firing", &long);
    long["annotations"]["summary"] = json!("x".repeat(20_000));
    let accepted = world.post_alerts(&[long]).await;
    let event = world.get(&format!("/api/governance/events/{}", accepted.text("/alerts/0/id"))).await;
    assert_eq!(event.text("/severity"), "MEDIUM");
    let summary = format!("{}… (20000 characters)", "x".repeat(1000));
    assert_eq!(event.text("/details/annotations/summary"), summary);
    assert!(event.text("/details/shortened").contains("1 values are cut"), "{event:?}");
}

#[tokio::test]
async fn body_that_is_not_an_alertmanager_webhook_is_refused() {
    let world = World::new().await;
    let path = "/api/governance/intake/alertmanager";
    for (body, status) in [
        (json!({}), 422),
        (json!([]), 422),
        (json!({"version": "3", "alerts": []}), 422),
        (json!({"version": 4, "alerts": []}), 422),
        (json!({"version": "4", "alerts": {}}), 422),
        (json!({"version": "4", "alerts": [{"status": "firing"}]}), 422),
        (json!({"version": "4", "alerts": []}), 200),
    ] {
        assert_eq!(world.post_json(path, &body).await.status, status, "{body}");
    }
    assert_eq!(world.send("POST", path, &[JSON], b"{").await.status, 400);
    assert_eq!(world.send("POST", path, &[], b"{}").await.status, 415);
    assert_eq!(world.get(path).await.status, 405);
}

#[tokio::test]
async fn alerts_that_cannot_be_stored_are_a_503() {
    let world = World::new().await;
    // A transaction has up to 20 of them.
    let firing: Vec<Value> = (0..80)
        .map(|number| alert("firing", &json!({"alertname": format!("a{number}"), "engine": "qa", "severity": "error"})))
        .collect();
    world.dynamodb.set_fault(|call| match (call.operation.as_str(), call.earlier) {
        ("TransactWriteItems", 2..) => crate::world::proxy::Fault::Refuse,
        _ => crate::world::proxy::Fault::None,
    });
    let failed = world.post_alerts(&firing).await;
    assert_eq!((failed.status, failed.header("retry-after")), (503, Some("2")));
    world.dynamodb.reset();
    let statuses: Vec<_> = world
        .post_alerts(&firing)
        .await
        .list("/alerts")
        .iter()
        .map(|result| result["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [[200; 40], [201; 40]].concat());
    assert_eq!(world.count_events().await, 80);
}
