//! Request bodies as senders send them: with a byte order mark, compressed, in other encodings, with a key twice.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::world::{ApiResponse, World, event};

const JSON: (&str, &str) = ("Content-Type", "application/json");
const NDJSON: (&str, &str) = ("Content-Type", "application/x-ndjson");
const CLOUD_EVENT: (&str, &str) = ("Content-Type", "application/cloudevents+json");
const CLOUD_EVENTS: (&str, &str) = ("Content-Type", "application/cloudevents-batch+json");
const GZIP: (&str, &str) = ("Content-Encoding", "gzip");
const EVENT: &str = "/api/governance/event";
const EVENTS: &str = "/api/governance/events";
const CLOUD_INTAKE: &str = "/api/governance/intake/cloudevents";
const ALERTS: &str = "/api/governance/intake/alertmanager";

/// A valid request to each route and format that takes events.
fn requests() -> [(&'static str, (&'static str, &'static str), String); 6] {
    let cloud_event = |id: &str| json!({ "specversion": "1.0", "id": id, "source": "/engines/qa", "type": "t" });
    let labels = json!({ "engine": "qa", "alertname": "a" });
    let alert = json!({ "status": "firing", "labels": labels, "startsAt": "2026-11-23T00:00:00Z", "fingerprint": "f" });
    [
        (EVENT, JSON, event("qa", "single", "LOW").to_string()),
        (CLOUD_INTAKE, CLOUD_EVENT, cloud_event("1").to_string()),
        (EVENTS, JSON, json!([event("qa", "batched", "LOW")]).to_string()),
        (EVENTS, NDJSON, event("qa", "line", "LOW").to_string()),
        (CLOUD_INTAKE, CLOUD_EVENTS, json!([cloud_event("2")]).to_string()),
        (ALERTS, JSON, json!({ "version": "4", "alerts": [alert] }).to_string()),
    ]
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn pointers(response: &ApiResponse) -> Vec<&str> {
    response.list("/errors").iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn body_may_begin_with_a_byte_order_mark() {
    let world = World::new().await;
    for (path, media_type, body) in requests() {
        let response = world.send("POST", path, &[media_type], format!("\u{feff}{body}").as_bytes()).await;
        assert!(matches!(response.status, 200 | 201), "{path} {media_type:?}: {response:?}");
    }
    assert_eq!(world.get("/api/governance/stats").await.number("/totalEvents"), 6);
    let binary = [("ce-specversion", "1.0"), ("ce-id", "3"), ("ce-source", "qa"), ("ce-type", "t"), JSON];
    assert_eq!(world.send("POST", CLOUD_INTAKE, &binary, "\u{feff}{}".as_bytes()).await.status, 201);
    let created = world.post(&event("billing", "x", "CRITICAL")).await;
    let outcome = format!("{EVENTS}/{}/actions/billing_sync_repair/outcome", created.text("/id"));
    let outcome = world.send("POST", &outcome, &[JSON], "\u{feff}{\"outcome\":\"failed\"}".as_bytes()).await;
    assert_eq!(outcome.status, 200, "{outcome:?}");
    let credential = "\u{feff}{\"kid\":\"bom\",\"role\":\"reader\"}";
    assert_eq!(world.send("POST", "/api/governance/credentials", &[JSON], credential.as_bytes()).await.status, 201);
    assert_eq!(world.send("POST", "/api/governance/report", &[JSON], "\u{feff}{}".as_bytes()).await.status, 201);
}

#[tokio::test]
async fn body_in_utf16_is_refused_by_name() {
    let world = World::new().await;
    for (path, media_type, body) in requests() {
        for mark in ["\u{feff}", ""] {
            let units = format!("{mark}{body}").encode_utf16().collect::<Vec<_>>();
            let (little, big): (Vec<u8>, Vec<u8>) = (
                units.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
                units.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
            );
            for bytes in [little, big] {
                let refused = world.send("POST", path, &[media_type], &bytes).await;
                assert_eq!(
                    (refused.status, refused.text("/detail")),
                    (400, "the body must be UTF-8; got UTF-16"),
                    "{path} {media_type:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn gzipped_body_is_inflated() {
    let world = World::new().await;
    for (path, media_type, body) in requests() {
        for encoding in [GZIP, ("Content-Encoding", "X-GZIP"), ("Content-Encoding", "identity, gzip")] {
            let response = world.send("POST", path, &[media_type, encoding], &gzip(body.as_bytes())).await;
            assert!(matches!(response.status, 200 | 201), "{path} {media_type:?}: {response:?}");
        }
        let identity = [media_type, ("Content-Encoding", "identity")];
        let response = world.send("POST", path, &identity, body.as_bytes()).await;
        assert!(matches!(response.status, 200 | 201), "{path} {media_type:?}: {response:?}");
    }
    let marked = gzip(format!("\u{feff}{}", event("qa", "marked", "LOW")).as_bytes());
    assert_eq!(world.send("POST", EVENT, &[JSON, GZIP], &marked).await.status, 201);
}

#[tokio::test]
async fn gzip_that_is_broken_or_inflates_beyond_the_bound_is_refused() {
    let world = World::new().await;
    for (path, media_type, body) in requests() {
        let refuse = async |bytes: &[u8]| world.send("POST", path, &[media_type, GZIP], bytes).await.status;
        assert_eq!(refuse(&gzip(&vec![b' '; 100 * 1024 * 1024])).await, 413, "{path}");
        assert_eq!(refuse(body.as_bytes()).await, 400, "{path}: not gzip");
        let whole = gzip(body.as_bytes());
        assert_eq!(refuse(&whole[..whole.len() / 2]).await, 400, "{path}: half");
    }
    let body = event("qa", "x", "LOW").to_string();
    let padded = |bytes: usize| gzip((body.clone() + &" ".repeat(bytes - body.len())).as_bytes());
    assert_eq!(world.send("POST", EVENT, &[JSON, GZIP], &padded(256 * 1024)).await.status, 201);
    assert_eq!(world.send("POST", EVENT, &[JSON, GZIP], &padded(256 * 1024 + 1)).await.status, 413);
}

#[tokio::test]
async fn other_content_encoding_is_refused_by_name_with_those_that_are_accepted() {
    let world = World::new().await;
    for (path, media_type, body) in requests() {
        for encoding in ["br", "deflate", "gzip, gzip", "zstd"] {
            let refused =
                world.send("POST", path, &[media_type, ("Content-Encoding", encoding)], body.as_bytes()).await;
            assert_eq!((refused.status, refused.header("accept-encoding")), (415, Some("gzip")), "{path} {encoding}");
            assert!(refused.text("/detail").contains(encoding), "{refused:?}");
        }
    }
    let path = "/api/governance/credentials";
    let refused = world.send("POST", path, &[JSON, GZIP], &gzip(br#"{"kid":"z","role":"reader"}"#)).await;
    assert_eq!((refused.status, refused.header("accept-encoding")), (415, Some("identity")), "{refused:?}");
    assert!(refused.text("/detail").contains("gzip"), "{refused:?}");
}

#[tokio::test]
async fn key_given_twice_is_refused_with_its_pointer_in_every_format() {
    let world = World::new().await;
    let details = r#"{"user":"a","\u0075ser":"root"}"#;
    let cloud = |more: &str| format!(r#"{{"specversion":"1.0","id":"1","source":"qa","type":"t",{more}}}"#);
    for (path, media_type, body, pointer) in [
        (EVENT, JSON, format!(r#"{{"engine":"billing","eventType":"dup","details":{details}}}"#), "/details/user"),
        (EVENT, JSON, r#"{"engine":"qa","eventType":"a","eventType":"b"}"#.to_owned(), "/eventType"),
        (CLOUD_INTAKE, CLOUD_EVENT, cloud(&format!(r#""data":{details}"#)), "/data/user"),
        (CLOUD_INTAKE, CLOUD_EVENT, cloud(r#""id":"2""#), "/id"),
        (CLOUD_INTAKE, CLOUD_EVENT, cloud(r#""tenant":"a","tenant":"b""#), "/tenant"),
        (ALERTS, JSON, r#"{"version":"4","version":"4","alerts":[]}"#.to_owned(), "/version"),
        (ALERTS, JSON, r#"{"version":"4","alerts":[],"groupKey":"a","groupKey":"b"}"#.to_owned(), "/groupKey"),
        ("/api/governance/credentials", JSON, r#"{"kid":"twice","role":"reader","role":"admin"}"#.to_owned(), "/role"),
    ] {
        let refused = world.send("POST", path, &[media_type], body.as_bytes()).await;
        assert_eq!((refused.status, pointers(&refused)), (422, vec![pointer]), "{body}");
    }
    let binary = [("ce-specversion", "1.0"), ("ce-id", "3"), ("ce-source", "qa"), ("ce-type", "t"), JSON];
    assert_eq!(pointers(&world.send("POST", CLOUD_INTAKE, &binary, details.as_bytes()).await), ["/data/user"]);
    let alert = r#"{"status":"firing","labels":{"engine":"qa","alertname":"a","engine":"billing"},"startsAt":"2026-11-23T00:00:00Z","fingerprint":"f"}"#;
    let body = format!(r#"{{"version":"4","alerts":[{alert}]}}"#);
    let refused = world.send("POST", ALERTS, &[JSON], body.as_bytes()).await;
    assert_eq!((refused.status, pointers(&refused)), (422, vec!["/alerts/0/labels/engine"]));
    let twice = format!(r#"{{"engine":"qa","eventType":"a","details":{details}}}"#);
    for (media_type, body, pointer) in [
        (JSON, format!("[{twice}]"), "/details/user"),
        (NDJSON, twice, "/details/user"),
        (CLOUD_EVENTS, format!("[{}]", cloud(&format!(r#""data":{details}"#))), "/data/user"),
    ] {
        let path = if media_type == CLOUD_EVENTS { CLOUD_INTAKE } else { EVENTS };
        let response = world.send("POST", path, &[media_type], body.as_bytes()).await;
        let result = &response.list("/results")[0];
        assert_eq!((&result["status"], &result["errors"][0]["pointer"]), (&json!(422), &json!(pointer)), "{body}");
    }
    assert_eq!(world.get("/api/governance/stats").await.json["totalEvents"], Value::from(0));
}

#[tokio::test]
async fn name_that_nobody_can_see_is_refused_in_every_format() {
    let world = World::new().await;
    for name in
        ["\u{3164}", "\u{2800}", "\u{115f}\u{1160}", "a\u{fe0f}", "\u{e0041}", "\u{17b4}", "a\u{a0}b", "\u{301}"]
    {
        assert_eq!(pointers(&world.post(&event("qa", name, "CRITICAL")).await), ["/eventType"], "{name:?}");
        let cloud = json!({ "specversion": "1.0", "id": "1", "source": "qa", "type": name }).to_string();
        assert_eq!(pointers(&world.send("POST", CLOUD_INTAKE, &[CLOUD_EVENT], cloud.as_bytes()).await), ["/type"]);
        let labels = json!({ "engine": "qa", "alertname": name });
        let alert =
            json!({ "status": "firing", "labels": labels, "startsAt": "2026-11-23T00:00:00Z", "fingerprint": "f" });
        let refused = world.post_json(ALERTS, &json!({ "version": "4", "alerts": [alert] })).await;
        assert_eq!(pointers(&refused), ["/alerts/0/labels/alertname"]);
        let batch = world.post_json(EVENTS, &json!([event("qa", name, "LOW")])).await;
        assert_eq!(batch.text("/results/0/errors/0/pointer"), "/eventType");
    }
    for name in ["결제 실패", "échec", "🚀", "e\u{301}", "नमस्ते"] {
        assert_eq!(world.post(&event("qa", name, "LOW")).await.status, 201, "{name:?}");
    }
}
