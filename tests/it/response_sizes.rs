//! Responses: none to a POST is larger than twice its request and 64 KB, whatever is sent. `world::Api` asserts it of every request
//! of all tests; these send what has the largest responses.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::world::World;

const JSON: (&str, &str) = ("Content-Type", "application/json");

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn compressed_batch_with_many_actions_has_short_results_that_name_every_event() {
    let world = World::new().await;
    let events = json!(vec![json!({ "engine": "billing", "eventType": "x", "severity": "HIGH" }); 500]).to_string();
    let headers = [JSON, ("Content-Encoding", "gzip")];
    let response = world.send("POST", "/api/governance/events", &headers, &gzip(&events)).await;
    assert_eq!(response.status, 200);
    let results = response.list("/results");
    assert!(results.len() == 500 && results.iter().all(|result| result["status"] == 201 && result["id"].is_string()));
    let shortened = results.iter().filter(|result| result.get("actions").is_none()).count();
    assert_eq!(response.json["shortenedCount"], shortened);
    assert!((1..500).contains(&shortened), "{shortened}");
}

#[tokio::test]
async fn batch_of_events_with_many_wrong_fields_has_the_status_of_each() {
    let world = World::new().await;
    let wrong = format!("{{{}}}", (0..60).map(|field| format!(r#""f{field}":0"#)).collect::<Vec<_>>().join(","));
    let events = format!("[{}]", vec![wrong; 500].join(","));
    for (headers, body) in
        [(vec![JSON], events.clone().into_bytes()), (vec![JSON, ("Content-Encoding", "gzip")], gzip(&events))]
    {
        let response = world.send("POST", "/api/governance/events", &headers, &body).await;
        assert_eq!(response.status, 200);
        assert!(response.list("/results").iter().all(|result| result["status"] == 422));
    }
}

#[tokio::test]
async fn one_request_with_many_or_long_wrong_fields_has_a_short_list_of_errors() {
    let world = World::new().await;
    let many: Vec<String> = (0..20_000).map(|field| format!(r#""{field}":0"#)).collect();
    let long = format!(r#"{{"{}":0}}"#, "x".repeat(200_000));
    for body in [format!("{{{}}}", many.join(",")), long] {
        for (headers, body) in
            [(vec![JSON], body.clone().into_bytes()), (vec![JSON, ("Content-Encoding", "gzip")], gzip(&body))]
        {
            let response = world.send("POST", "/api/governance/event", &headers, &body).await;
            assert_eq!(response.status, 422);
            assert!(!response.list("/errors").is_empty() && response.body.len() < 40_000, "{}", response.body.len());
        }
    }
}

#[tokio::test]
async fn webhook_with_long_fingerprints_has_short_results() {
    let world = World::new().await;
    // Each character of the fingerprint has six bytes in JSON.
    let alert = |index: usize| {
        json!({
            "status": "firing", "fingerprint": format!("{index}{}", "\u{1}".repeat(100)),
            "startsAt": "2026-11-22T00:00:00Z", "labels": { "engine": "qa", "alertname": "x", "severity": "none" },
        })
    };
    let body = json!({ "version": "4", "alerts": (0..500).map(alert).collect::<Vec<_>>() }).to_string();
    let headers = [JSON, ("Content-Encoding", "gzip")];
    let response = world.send("POST", "/api/governance/intake/alertmanager", &headers, &gzip(&body)).await;
    let alerts = response.list("/alerts");
    assert!(alerts.len() == 500 && alerts.iter().all(|alert| alert["status"] == 201 && alert["id"].is_string()));
    assert!(alerts[0]["fingerprint"].is_string() && alerts[499].get("fingerprint").is_none());
}

#[tokio::test]
async fn incidents_that_do_not_exist_are_named_as_far_as_they_fit() {
    let world = World::new().await;
    let id = |number: usize| format!("qa.{}.{}", 1_795_000_000_000 + number, "x".repeat(128));
    let ids: Vec<String> = (0..500).map(id).collect();
    let response = world.post_json("/api/governance/incidents/resolve", &json!({ "ids": ids })).await;
    assert_eq!((response.status, &response.json["failedCount"]), (200, &json!(500)), "{}", response.body);
}
