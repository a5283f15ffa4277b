//! Authorization of every route for every kind of caller, and the lifecycle of credentials.

use std::collections::BTreeSet;

use age_http::{RequestRate, Route};
use age_model::Clock;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::decisions;
use crate::policies::default_with_recommendation;
use crate::strangers::NOT_PROVEN;
use crate::world::proxy::{Call, Fault};
use crate::world::test_credentials::{
    self, ADMIN, ANOTHER_ENGINE, BILLING, EXPIRED, NIGHT_DESK, READER, REVOKED, TESTS,
};
use crate::world::{Api, ApiResponse, UNLIMITED, World, event};

const CREDENTIALS: &str = "/api/governance/credentials";
/// A well-formed token of a credential that does not exist.
const UNKNOWN_TOKEN: &str = "agov1.stranger.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

const STATS: &str = "/api/governance/stats";

/// The kinds of callers, in the order of the cells below. `engine` is the credential of the event's engine.
const CALLERS: [&str; 9] = ["none", "garbage", EXPIRED, REVOKED, "wrong engine", "engine", READER, "responder", ADMIN];

/// The status that each of [`CALLERS`] gets. A route without a row fails the test.
const MATRIX: [(&str, &str, [u16; 9]); 61] = [
    ("POST", "/api/governance/event", [401, 401, 401, 401, 403, 201, 403, 403, 201]),
    // The status of a batch is that of the request; each event has its own result.
    ("POST", "/api/governance/events", [401, 401, 401, 401, 200, 200, 403, 403, 200]),
    ("POST", "/api/governance/intake/cloudevents", [401, 401, 401, 401, 403, 201, 403, 403, 201]),
    ("POST", "/api/governance/intake/alertmanager", [401, 401, 401, 401, 403, 200, 403, 403, 200]),
    ("GET", "/api/governance/events", [401, 401, 401, 401, 403, 403, 200, 200, 200]),
    ("GET", "/api/governance/events/{id}", [401, 401, 401, 401, 403, 403, 200, 200, 200]),
    ("GET", "/api/governance/actions", [401, 401, 401, 401, 403, 403, 200, 200, 200]),
    ("POST", "/api/governance/events/{id}/actions/{action}/outcome", [401, 401, 401, 401, 403, 200, 403, 403, 200]),
    ("POST", "/api/governance/events/{id}/actions/{action}/approval", [401, 401, 401, 401, 403, 403, 403, 200, 200]),
    ("GET", "/api/governance/incidents", [401, 401, 401, 401, 403, 403, 200, 200, 200]),
    ("GET", "/api/governance/incidents/{id}", [401, 401, 401, 401, 403, 403, 200, 200, 200]),
    ("POST", "/api/governance/incidents/{id}/acknowledge", [401, 401, 401, 401, 403, 403, 403, 200, 200]),
    ("POST", "/api/governance/incidents/{id}/resolve", [401, 401, 401, 401, 403, 403, 403, 200, 200]),
    ("POST", "/api/governance/incidents/{id}/reopen", [401, 401, 401, 401, 403, 403, 403, 200, 200]),
    ("POST", "/api/governance/incidents/{id}/comments", [401, 401, 401, 401, 403, 403, 403, 200, 200]),
    ("POST", "/api/governance/incidents/acknowledge", [401, 401, 401, 401, 403, 403, 403, 200, 200]),
    ("POST", "/api/governance/incidents/resolve", [401, 401, 401, 401, 403, 403, 403, 200, 200]),
    ("GET", "/api/governance/holds", [401, 401, 401, 401, 403, 403, 200, 200, 200]),
    ("POST", "/api/governance/holds", [401, 401, 401, 401, 403, 403, 403, 201, 201]),
    ("GET", "/api/governance/holds/{id}", [401, 401, 401, 401, 403, 403, 200, 200, 200]),
    ("DELETE", "/api/governance/holds/{id}", [401, 401, 401, 401, 403, 403, 403, 200, 200]),
    ("GET", "/api/governance/whoami", [401, 401, 401, 401, 200, 200, 200, 200, 200]),
    ("GET", "/api/governance/health", [401, 401, 401, 401, 200, 200, 200, 200, 200]),
    ("POST", "/api/governance/report", [401, 401, 401, 401, 403, 403, 403, 201, 201]),
    ("GET", "/api/governance/reports", [401, 401, 401, 401, 403, 403, 200, 200, 200]),
    ("GET", "/api/governance/reports/{id}", [401, 401, 401, 401, 403, 403, 200, 200, 200]),
    ("GET", "/api/governance/stats", [401, 401, 401, 401, 403, 403, 200, 200, 200]),
    ("GET", "/api/governance/openapi.json", [200, 200, 200, 200, 200, 200, 200, 200, 200]),
    ("GET", "/api/governance/credentials", [401, 401, 401, 401, 403, 403, 403, 403, 200]),
    ("POST", "/api/governance/credentials", [401, 401, 401, 401, 403, 403, 403, 403, 201]),
    ("POST", "/api/governance/credentials/{kid}/rotate", [401, 401, 401, 401, 403, 403, 403, 403, 201]),
    ("DELETE", "/api/governance/credentials/{kid}", [401, 401, 401, 401, 403, 403, 403, 403, 200]),
    ("POST", "/access/v1/evaluation", [401, 401, 401, 401, 400, 200, 403, 403, 200]),
    ("POST", "/access/v1/evaluations", [401, 401, 401, 401, 400, 200, 403, 403, 200]),
    ("GET", "/.well-known/authzen-configuration", [200, 200, 200, 200, 200, 200, 200, 200, 200]),
    ("GET", "/api/governance/decisions", [401, 401, 401, 401, 403, 403, 200, 200, 200]),
    ("GET", "/api/governance/decisions/rules", [401, 401, 401, 401, 200, 200, 200, 200, 200]),
    ("GET", "/api/governance/decisions/{id}", [401, 401, 401, 401, 403, 200, 200, 200, 200]),
    ("POST", "/api/governance/decisions/{id}/approval", [401, 401, 401, 401, 403, 403, 403, 200, 200]),
    ("GET", "/api/governance/policies", [401, 401, 401, 401, 403, 403, 200, 200, 200]),
    ("POST", "/api/governance/policies", [401, 401, 401, 401, 403, 403, 403, 403, 201]),
    ("GET", "/api/governance/policies/active", [401, 401, 401, 401, 403, 403, 200, 200, 200]),
    ("GET", "/api/governance/policies/schema", [401, 401, 401, 401, 403, 403, 200, 200, 200]),
    ("GET", "/api/governance/policies/activations", [401, 401, 401, 401, 403, 403, 200, 200, 200]),
    ("GET", "/api/governance/policies/shadow", [401, 401, 401, 401, 403, 403, 200, 200, 200]),
    ("DELETE", "/api/governance/policies/shadow", [401, 401, 401, 401, 403, 403, 403, 403, 200]),
    ("GET", "/api/governance/policies/history", [401, 401, 401, 401, 403, 403, 403, 200, 200]),
    ("GET", "/api/governance/policies/{hash}", [401, 401, 401, 401, 403, 403, 200, 200, 200]),
    ("GET", "/api/governance/policies/{hash}/diff", [401, 401, 401, 401, 403, 403, 200, 200, 200]),
    ("POST", "/api/governance/policies/{hash}/activate", [401, 401, 401, 401, 403, 403, 403, 403, 200]),
    ("POST", "/api/governance/policies/{hash}/shadow", [401, 401, 401, 401, 403, 403, 403, 403, 200]),
    ("POST", "/api/governance/policies/{hash}/simulation", [401, 401, 401, 401, 403, 403, 403, 202, 202]),
    ("GET", "/api/governance/policies/{hash}/simulations/{id}", [401, 401, 401, 401, 403, 403, 200, 200, 200]),
    ("GET", "/api/governance/channels", [401, 401, 401, 401, 403, 403, 200, 200, 200]),
    ("POST", "/api/governance/channels", [401, 401, 401, 401, 403, 403, 403, 403, 201]),
    ("GET", "/api/governance/channels/{name}", [401, 401, 401, 401, 403, 403, 200, 200, 200]),
    ("DELETE", "/api/governance/channels/{name}", [401, 401, 401, 401, 403, 403, 403, 403, 200]),
    ("POST", "/api/governance/channels/{name}/pause", [401, 401, 401, 401, 403, 403, 403, 403, 200]),
    ("POST", "/api/governance/channels/{name}/resume", [401, 401, 401, 401, 403, 403, 403, 403, 200]),
    ("POST", "/api/governance/channels/{name}/rotate", [401, 401, 401, 401, 403, 403, 403, 403, 200]),
    ("POST", "/api/governance/channels/{name}/test", [401, 401, 401, 401, 403, 403, 403, 403, 202]),
];

#[tokio::test]
async fn each_route_permits_only_its_roles() {
    let world = World::with_policy(&decisions::policy()).await;
    let known: Vec<(&str, &str)> = MATRIX.iter().map(|(method, path, _)| (*method, *path)).collect();
    // The dashboard has its own matrix in `dashboard`.
    let routes: Vec<Route> = world.api().routes().into_iter().filter(|it| !it.path.starts_with("/dashboard")).collect();
    for Route { method, path, .. } in &routes {
        assert!(known.contains(&(*method, *path)), "{method} {path} has no row in the matrix");
    }
    assert_eq!(routes.len(), MATRIX.len(), "a row of the matrix has no route");
    for (method, route, cells) in MATRIX {
        // A session of the dashboard is no bearer token.
        let callers = CALLERS.into_iter().zip(cells).chain([("session", cells[0])]);
        for (caller, expected) in callers {
            // Unknown credentials are looked up in the table once a second.
            world.clock.advance(1);
            let (path, body) = valid_request(&world, method, route).await;
            let response = send_as(&world, caller, method, &path, &body).await;
            assert_eq!(response.status, expected, "{method} {route} as {caller}: {response:?}");
            if expected == 401 {
                let challenge = if caller == "none" { "Bearer" } else { r#"Bearer error="invalid_token""# };
                assert_eq!(response.header("www-authenticate"), Some(challenge), "{response:?}");
            }
        }
    }
}

async fn send_as(world: &World, caller: &str, method: &str, path: &str, body: &Value) -> ApiResponse {
    let token = match caller {
        "none" => None,
        "session" => Some(test_credentials::seal(&world.credentials(), &world.session(ADMIN)).await),
        "garbage" => Some(UNKNOWN_TOKEN.to_owned()),
        // The requests are about billing, or about compliance if they are about an approval.
        "wrong engine" => Some(world.token(ANOTHER_ENGINE).to_owned()),
        "engine" => Some(world.token(BILLING).to_owned()),
        "responder" => Some(world.token(NIGHT_DESK).to_owned()),
        kid => Some(world.token(kid).to_owned()),
    };
    let authorization = token.map(|token| format!("Bearer {token}"));
    let mut headers: Vec<(&str, &str)> = authorization.iter().map(|value| ("Authorization", value.as_str())).collect();
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let media_type = if path.ends_with("/cloudevents") { "application/cloudevents+json" } else { "application/json" };
    headers.extend((!body.is_null()).then_some(("Content-Type", media_type)));
    world.api().send_without_token(method, path, &headers, text.as_bytes()).await
}

/// Returns path and body of a valid request to a route, about an event type or credential that no request has used.
async fn valid_request(world: &World, method: &str, route: &str) -> (String, Value) {
    let count = world.dynamodb.call("Scan", &json!({ "TableName": "Events", "Select": "COUNT" }))["Count"].clone();
    let fresh = format!("problem_{count}");
    let with_id = |path: &str, response: &ApiResponse| path.replace("{id}", response.text("/id"));
    match (method, route) {
        ("POST", "/api/governance/event") => (route.to_owned(), event("billing", &fresh, "LOW")),
        ("POST", "/api/governance/events") => (route.to_owned(), json!([event("billing", &fresh, "LOW")])),
        (_, "/api/governance/intake/cloudevents") => {
            let source = "/engines/billing";
            (route.to_owned(), json!({ "specversion": "1.0", "id": fresh, "source": source, "type": fresh }))
        }
        (_, "/api/governance/intake/alertmanager") => {
            let labels = json!({ "engine": "billing", "alertname": fresh });
            let alert = json!({ "status": "firing", "labels": labels, "startsAt": "2026-11-23T00:00:00Z", "fingerprint": fresh });
            (route.to_owned(), json!({ "version": "4", "alerts": [alert] }))
        }
        (_, "/api/governance/events/{id}") => {
            (with_id(route, &world.post(&event("billing", &fresh, "LOW")).await), Value::Null)
        }
        (_, "/api/governance/events/{id}/actions/{action}/outcome") => {
            let path = with_id(route, &world.post(&event("billing", &fresh, "HIGH")).await);
            (path.replace("{action}", "billing_sync_repair"), json!({ "outcome": "succeeded" }))
        }
        (_, "/api/governance/events/{id}/actions/{action}/approval") => {
            let created = world.post(&event("compliance", &format!("permission_{fresh}"), "HIGH")).await;
            let body = json!({ "decision": "approve", "digest": created.text("/actions/0/digest") });
            (with_id(route, &created).replace("{action}", "permission_reset"), body)
        }
        (_, path) if path.starts_with("/api/governance/incidents/{id}") => {
            world.post(&event("billing", &fresh, "CRITICAL")).await;
            let listed = world.get("/api/governance/incidents").await;
            let of = |it: &&Value| it["eventType"] == fresh.as_str();
            let id = listed.list("/incidents").iter().find(of).unwrap()["id"].as_str().unwrap();
            let path = route.replace("{id}", id);
            if path.ends_with("/reopen") {
                let resolve = path.replace("/reopen", "/resolve");
                assert_eq!(world.post_json(&resolve, &json!({})).await.status, 200);
            }
            (path, if route.ends_with("/comments") { json!({ "note": "seen" }) } else { Value::Null })
        }
        ("POST", "/api/governance/incidents/acknowledge" | "/api/governance/incidents/resolve") => {
            (route.to_owned(), json!({ "ids": ["billing.1795392300000.none"] }))
        }
        (_, "/access/v1/evaluation" | "/access/v1/evaluations") => (route.to_owned(), transfer_of_billing()),
        (_, path) if path.starts_with("/api/governance/decisions/{id}") => {
            let asked = world.post_json("/access/v1/evaluation", &transfer_of_billing()).await;
            let body = if path.ends_with("/approval") {
                json!({ "decision": "approve", "digest": asked.text("/context/approval/digest") })
            } else {
                Value::Null
            };
            (route.replace("{id}", asked.text("/context/id")), body)
        }
        (_, "/api/governance/holds" | "/api/governance/holds/{id}") => {
            let until = world.clock.now().plus_days(1).to_string();
            let hold = json!({ "engine": "qa", "reason": "audit", "until": until });
            if !route.ends_with("/{id}") {
                return (route.to_owned(), if method == "POST" { hold } else { Value::Null });
            }
            (with_id(route, &world.post_json("/api/governance/holds", &hold).await), Value::Null)
        }
        (_, "/api/governance/reports/{id}") => (with_id(route, &world.generate_report().await), Value::Null),
        ("POST", CREDENTIALS) => {
            world.post(&event("billing", &fresh, "LOW")).await;
            (route.to_owned(), json!({ "kid": format!("new-{count}"), "role": "reader" }))
        }
        (_, path) if path.contains("{kid}") => {
            world.post(&event("billing", &fresh, "LOW")).await;
            let kid = format!("made-{count}");
            let created = world.post_json(CREDENTIALS, &json!({ "kid": kid, "role": "reader" })).await;
            assert_eq!(created.status, 201, "{created:?}");
            (route.replace("{kid}", &kid), Value::Null)
        }
        ("POST", "/api/governance/policies") => {
            (route.to_owned(), default_with_recommendation(&fresh_text(world).await))
        }
        (_, path) if path.starts_with("/api/governance/channels") => valid_channel_request(world, method, route).await,
        (_, path) if path.starts_with("/api/governance/policies/") => valid_policy_request(world, route).await,
        _ => (route.to_owned(), Value::Null),
    }
}

/// Returns path and body of a valid request to a route of the channels.
async fn valid_channel_request(world: &World, method: &str, route: &str) -> (String, Value) {
    let url = "https://hooks.example.com/services/1";
    let channel = |name: &str| json!({ "name": name, "kind": "slack", "url": url });
    if route == "/api/governance/channels" {
        let body = if method == "POST" { channel("new-chat") } else { Value::Null };
        return (route.to_owned(), body);
    }
    let made = world.post_json("/api/governance/channels", &channel("chat")).await;
    assert!([201, 409].contains(&made.status), "{made:?}");
    (route.replace("{name}", "chat"), if route.ends_with("/rotate") { json!({ "url": url }) } else { Value::Null })
}

/// Returns path and body of a valid request to a route of the policy versions.
async fn valid_policy_request(world: &World, route: &str) -> (String, Value) {
    match route {
        "/api/governance/policies/shadow" => {
            let stored = stored_version(world).await;
            let path = format!("/api/governance/policies/{stored}/shadow");
            assert_eq!(world.post_json(&path, &json!({})).await.status, 200);
            (route.to_owned(), Value::Null)
        }
        "/api/governance/policies/{hash}/shadow" => {
            (route.replace("{hash}", &stored_version(world).await), json!({ "reason": "a test" }))
        }
        path if path.contains("{hash}") => {
            let active = world.get("/api/governance/policies/active").await.text("/hash").to_owned();
            let period = json!({ "from": "2026-11-16T00:00:00Z", "to": "2026-11-23T00:00:00Z" });
            if path.ends_with("/simulation") {
                return (route.replace("{hash}", &active), period);
            }
            if path.ends_with("/simulations/{id}") {
                let path = format!("/api/governance/policies/{active}/simulation");
                let started = world.post_json(&path, &period).await;
                return (started.header("location").unwrap().to_owned(), Value::Null);
            }
            if !path.ends_with("/activate") {
                return (route.replace("{hash}", &active), Value::Null);
            }
            let body = json!({ "expectedActive": active, "reason": "a test" });
            (route.replace("{hash}", &stored_version(world).await), body)
        }
        _ => (route.to_owned(), Value::Null),
    }
}

/// Returns a request for a decision about a transfer, which needs approval.
fn transfer_of_billing() -> Value {
    json!({
        "subject": { "type": "user", "id": "a" }, "action": { "name": "transfer" },
        "resource": { "type": "invoice", "id": "1" }, "context": { "engine": "billing" },
    })
}

/// Stores a policy version, and returns its hash.
async fn stored_version(world: &World) -> String {
    let document = default_with_recommendation(&fresh_text(world).await);
    let stored = world.post_json("/api/governance/policies", &document).await;
    assert_eq!(stored.status, 201, "{stored:?}");
    stored.text("/hash").to_owned()
}

/// Returns a text that no policy version has.
async fn fresh_text(world: &World) -> String {
    let versions = world.get("/api/governance/policies?limit=500").await;
    format!("{{count}} of {}", versions.list("/policies").len())
}

#[tokio::test]
async fn refused_event_is_not_stored() {
    let world = World::new().await;
    let sent = event("billing", "invoice_sync_failed", "CRITICAL");
    for caller in CALLERS {
        send_as(&world, caller, "POST", "/api/governance/event", &sent).await;
        send_as(&world, caller, "POST", "/api/governance/events", &json!([sent, event("billing", "x", "LOW")])).await;
    }
    let stored = world.list_events("/api/governance/events?limit=10").await;
    let by: BTreeSet<&str> = stored.iter().map(|event| event["reportedBy"].as_str().unwrap()).collect();
    assert_eq!((stored.len(), by), (6, BTreeSet::from([ADMIN, BILLING])));
}

#[tokio::test]
async fn alert_of_another_engine_is_refused_with_its_field() {
    let world = World::new().await;
    let alert = |engine: &str| json!({ "status": "firing", "labels": { "engine": engine, "alertname": "down" }, "startsAt": "2026-11-23T00:00:00Z", "fingerprint": engine });
    let body = json!({ "version": "4", "alerts": [alert("billing"), alert("qa"), alert("unknown")] });
    let response = world.as_caller(BILLING).post_json("/api/governance/intake/alertmanager", &body).await;
    let results: Vec<_> = response.list("/alerts").iter().map(|alert| alert["status"].as_u64().unwrap()).collect();
    assert_eq!((response.status, results), (200, vec![201, 403, 422]), "{response:?}");
    assert_eq!(response.text("/alerts/1/errors/0/pointer"), "/alerts/1/labels/engine");
}

#[tokio::test]
async fn every_change_records_its_caller() {
    let world = World::new().await;
    let critical = world.as_caller(BILLING).post(&event("billing", "invoice_sync_failed", "CRITICAL"), None).await;
    assert_eq!(critical.text("/reportedBy"), BILLING);
    let id = critical.text("/id");
    let outcome = format!("/api/governance/events/{id}/actions/billing_sync_repair/outcome");
    let completed =
        world.as_caller(BILLING).post_json(&outcome, &json!({ "outcome": "failed", "detail": "no ledger" })).await;
    assert_eq!(completed.text("/completedBy"), BILLING);
    let listed = world.get("/api/governance/incidents").await;
    let incident = format!("/api/governance/incidents/{}", listed.text("/incidents/0/id"));
    let desk = world.as_caller(NIGHT_DESK);
    assert_eq!(
        desk.post_json(&format!("{incident}/acknowledge"), &json!({})).await.text("/acknowledged/by"),
        NIGHT_DESK
    );
    assert_eq!(desk.post_json(&format!("{incident}/resolve"), &json!({})).await.text("/resolved/by"), NIGHT_DESK);
    let timeline = desk.get(&incident).await;
    let entry = |entry_type: &str| timeline.list("/timeline").iter().find(|entry| entry["type"] == entry_type).unwrap();
    assert_eq!((&entry("event")["event"]["reportedBy"], &entry("outcome")["by"]), (&json!(BILLING), &json!(BILLING)));
    let reported = desk.send("POST", "/api/governance/report", &[], b"").await;
    assert_eq!(reported.text("/requestedBy"), NIGHT_DESK);
    let read = desk.get(&format!("/api/governance/reports/{}", reported.text("/id"))).await;
    assert_eq!(read.json, reported.json);
    let made = world.as_caller(ADMIN).post_json(CREDENTIALS, &json!({ "kid": "new-desk", "role": "reader" })).await;
    assert_eq!((made.text("/createdBy"), made.text("/secrets/0/createdBy")), (ADMIN, ADMIN));
    let rotated = world.post_json(&format!("{CREDENTIALS}/new-desk/rotate"), &json!({})).await;
    assert_eq!((rotated.text("/createdBy"), rotated.text("/secrets/0/createdBy")), (ADMIN, TESTS));
    let revoked = world.send("DELETE", &format!("{CREDENTIALS}/new-desk"), &[], b"").await;
    assert_eq!((revoked.text("/revokedBy"), revoked.text("/status")), (TESTS, "revoked"));
}

#[tokio::test]
async fn credential_lifecycle_from_creation_to_revocation() {
    let world = World::new().await;
    let wanted =
        json!({ "kid": "qa-worker", "role": "engine", "engines": ["qa", "maos"], "expiresAt": "2026-12-01T00:00:00Z" });
    let made = world.post_json(CREDENTIALS, &wanted).await;
    assert_eq!(made.status, 201, "{made:?}");
    let token = made.text("/token").to_owned();
    let mut shown = made.json.clone();
    shown.as_object_mut().unwrap().remove("token");
    let now = "2026-11-23T00:05:00.000Z";
    assert_eq!(
        shown,
        json!({
            "kid": "qa-worker", "role": "engine", "engines": ["maos", "qa"], "status": "live", "createdAt": now,
            "createdBy": TESTS, "expiresAt": "2026-12-01T00:00:00.000Z", "secrets": [{ "createdAt": now, "createdBy": TESTS }],
        })
    );
    let listed = world.get(CREDENTIALS).await;
    assert!(listed.list("/credentials").contains(&shown), "{listed:?}");
    assert!(!listed.json.to_string().contains("token") && !listed.json.to_string().contains("hash"));
    let rows = world.dynamodb.call("Scan", &json!({ "TableName": "Credentials" })).to_string();
    let secret = token.rsplit('.').next().unwrap();
    assert!(rows.contains("qa-worker") && !rows.contains(secret), "only the hash of a secret is stored");

    let worker = world.api().with_token(&token);
    assert_eq!(
        worker.post(&event("qa", "suite_failed", "LOW"), None).await.status,
        201,
        "a new credential is valid at once"
    );
    let again = world.post_json(CREDENTIALS, &wanted).await;
    assert_eq!((again.status, again.text("/detail").contains("qa-worker")), (409, true), "{again:?}");
    world.set_time("2026-12-01T00:00:00Z");
    let late = worker.post(&event("qa", "suite_failed", "LOW"), None).await;
    assert_eq!((late.status, late.text("/detail")), (401, "the credential has expired"));
    let rotated = world.post_json(&format!("{CREDENTIALS}/qa-worker/rotate"), &json!({})).await;
    let advice = "the credential qa-worker has expired; rotate it with a new expiresAt to renew it";
    assert_eq!((rotated.status, rotated.text("/detail")), (409, advice));
    let ended = world.send("DELETE", &format!("{CREDENTIALS}/qa-worker"), &[], b"").await;
    assert_eq!((ended.status, ended.text("/status"), ended.list("/secrets").len()), (200, "revoked", 0));
    assert_eq!(world.send("DELETE", &format!("{CREDENTIALS}/qa-worker"), &[], b"").await.json, ended.json);
}

#[tokio::test]
async fn invalid_credential_request_is_refused_with_its_fields() {
    let world = World::new().await;
    let rotate = format!("{CREDENTIALS}/{READER}/rotate");
    let unknown = format!("{CREDENTIALS}/unknown/rotate");
    for (path, body, status, fields) in [
        (CREDENTIALS, json!({}), 422, vec!["/kid", "/role"]),
        (CREDENTIALS, json!({ "kid": "A", "role": "root", "engines": "qa" }), 422, vec!["/kid", "/role", "/engines"]),
        (CREDENTIALS, json!({ "kid": "aa", "role": "engine" }), 422, vec!["/engines"]),
        (CREDENTIALS, json!({ "kid": "aa", "role": "reader", "engines": ["qa"] }), 422, vec!["/engines"]),
        (CREDENTIALS, json!({ "kid": "aa", "role": "engine", "engines": ["qa", "x"] }), 422, vec!["/engines/1"]),
        (
            CREDENTIALS,
            json!({ "kid": "aa", "role": "reader", "expiresAt": "2026-11-23T00:05:00Z" }),
            422,
            vec!["/expiresAt"],
        ),
        (CREDENTIALS, json!({ "kid": "aa", "role": "reader", "secret": "mine" }), 422, vec!["/secret"]),
        (CREDENTIALS, json!({ "kid": READER, "role": "reader" }), 409, vec![]),
        (&rotate, json!({ "overlapSeconds": -1 }), 422, vec!["/overlapSeconds"]),
        (&rotate, json!({ "overlapSeconds": 2_592_001 }), 422, vec!["/overlapSeconds"]),
        (&rotate, json!({ "overlapSeconds": "60" }), 422, vec!["/overlapSeconds"]),
        (&rotate, json!({ "expiresAt": "2026-11-23T00:05:00Z" }), 422, vec!["/expiresAt"]),
        (&unknown, json!({}), 404, vec![]),
    ] {
        let response = world.post_json(path, &body).await;
        let named: Vec<&str> =
            response.json.get("errors").and_then(Value::as_array).map_or_else(Vec::new, |errors| {
                errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect()
            });
        assert_eq!((response.status, named), (status, fields), "{body}: {response:?}");
    }
    assert_eq!(world.send("DELETE", &format!("{CREDENTIALS}/nobody"), &[], b"").await.status, 404);
    let typed = world.send("POST", CREDENTIALS, &[("Content-Type", "text/plain")], b"{}").await;
    assert_eq!(typed.status, 415);
}

#[tokio::test]
async fn the_last_admin_cannot_be_revoked() {
    let world = World::new().await;
    let revoke = async |kid: &str| world.send("DELETE", &format!("{CREDENTIALS}/{kid}"), &[], b"").await;
    assert_eq!(revoke(ADMIN).await.status, 200);
    let last = revoke(TESTS).await;
    let advice =
        "no admin that does not expire would remain without tests; create another admin without expiresAt first";
    assert_eq!((last.status, last.text("/detail")), (409, advice));
}

/// Two execution environments that have read the credentials: one gets a request every second, the other none.
#[tokio::test]
async fn what_is_revoked_is_refused_within_a_minute() {
    let world = World::new().await;
    let busy = world.environment_with_proxied_credentials(UNLIMITED).await.with_token(world.token(READER));
    let idle = world.environment_with_proxied_credentials(UNLIMITED).await.with_token(world.token(READER));
    assert_eq!(world.send("DELETE", &format!("{CREDENTIALS}/{READER}"), &[], b"").await.status, 200);
    let mut refused_after = None;
    for second in 0..60 {
        match busy.get(STATS).await.status {
            200 => assert_eq!(refused_after, None, "refused, and let in again"),
            401 => _ = refused_after.get_or_insert(second),
            other => panic!("{other}"),
        }
        world.clock.advance(1);
    }
    assert!(refused_after.is_some_and(|second| (1..=21).contains(&second)), "{refused_after:?}");
    let response = idle.get(STATS).await;
    assert_eq!((response.status, response.text("/detail")), (401, NOT_PROVEN));
}

#[tokio::test]
async fn a_clock_that_is_set_back_keeps_nobody_in() {
    let world = World::new().await;
    let environment = world.environment_with_proxied_credentials(UNLIMITED).await.with_token(world.token(READER));
    world.send("DELETE", &format!("{CREDENTIALS}/{READER}"), &[], b"").await;
    world.clock.advance(-3600);
    assert_eq!(environment.get(STATS).await.status, 401);
}

#[tokio::test]
async fn rotation_refuses_no_request() {
    let world = World::new().await;
    let environments = [
        world.environment_with_proxied_credentials(UNLIMITED).await,
        world.environment_with_proxied_credentials(UNLIMITED).await,
    ];
    let served = async |token: &str| {
        let responses = environments.iter().map(async |api| api.with_token(token).get(STATS).await.status);
        assert_eq!(join_all(responses).await, [200, 200]);
    };
    let rotate = format!("{CREDENTIALS}/{READER}/rotate");
    let mut token = world.token(READER).to_owned();
    for _ in 0..5 {
        served(&token).await;
        let rotated = world.post_json(&rotate, &json!({ "overlapSeconds": 30 })).await;
        assert_eq!((rotated.status, rotated.list("/secrets").len()), (201, 2), "{rotated:?}");
        let third = world.post_json(&rotate, &json!({ "overlapSeconds": 30 })).await;
        assert_eq!(third.status, 409, "two secrets at most: {third:?}");
        // During the overlap, some workers use the new secret and others the old one.
        let next = rotated.text("/token").to_owned();
        for _ in 0..29 {
            served(&next).await;
            served(&token).await;
            world.clock.advance(1);
        }
        token = next;
        world.clock.advance(1);
    }
    let lost = world.post_json(&rotate, &json!({ "overlapSeconds": 0 })).await;
    served(lost.text("/token")).await;
    world.clock.advance(60);
    for api in &environments {
        assert_eq!(api.with_token(&token).get(STATS).await.status, 401, "without an overlap the old secret is invalid");
    }
}

fn is_registry(call: &Call) -> bool {
    call.body["TableName"] == "Credentials" || !call.body["RequestItems"]["Credentials"].is_null()
}

#[tokio::test]
async fn request_is_refused_while_credentials_cannot_be_read() {
    let world = World::new().await;
    world.dynamodb.set_fault(|call| if is_registry(call) { Fault::Refuse } else { Fault::None });
    let environment = world.environment_with_proxied_credentials(UNLIMITED).await;
    let response = environment.get(STATS).await;
    assert_eq!((response.status, response.header("retry-after")), (503, Some("2")), "{response:?}");
    let posted = environment.post(&event("qa", "suite_failed", "LOW"), None).await;
    assert_eq!(posted.status, 503);
    world.dynamodb.reset();
    assert_eq!(environment.get(STATS).await.status, 200);

    world.dynamodb.set_fault(|call| if is_registry(call) { Fault::Refuse } else { Fault::None });
    world.clock.advance(34);
    assert_eq!(environment.get(STATS).await.status, 200, "cached credentials are valid for 35 seconds");
    world.clock.advance(1);
    assert_eq!(environment.get(STATS).await.status, 503);
    world.dynamodb.reset();
    assert_eq!(environment.get(STATS).await.status, 200);
    assert_eq!(world.get(STATS).await.number("/totalEvents"), 0);
}

#[tokio::test]
async fn credentials_are_refreshed_in_the_background() {
    let world = World::new().await;
    let environment = world.environment_with_proxied_credentials(UNLIMITED).await;
    let read = || world.dynamodb.calls("BatchGetItem");
    world.dynamodb.reset();
    for _ in 0..10 {
        assert_eq!(environment.get("/api/governance/reports").await.status, 200);
    }
    assert_eq!(read(), 0, "an environment reads them when it starts");
    world.clock.advance(20);
    for _ in 0..10 {
        environment.get("/api/governance/reports").await;
    }
    assert_eq!(read(), 1);
}

#[tokio::test]
async fn unknown_tokens_are_limited_and_do_not_affect_other_callers() {
    let world = World::new().await;
    let environment = world.environment_with_proxied_credentials(UNLIMITED).await;
    world.dynamodb.reset();
    let guesses = [UNKNOWN_TOKEN.to_owned(), world.token(READER).replace("agov1.reader.", "agov1.stranger2.")];
    let mut statuses = BTreeSet::new();
    for stranger in guesses.iter().cycle().take(200) {
        statuses.insert(environment.with_token(stranger).get(STATS).await.status);
    }
    assert_eq!((statuses, world.dynamodb.calls("BatchGetItem")), (BTreeSet::from([401]), 2));
    assert_eq!(environment.with_token(world.token(NIGHT_DESK)).get("/api/governance/reports").await.status, 200);
    // The new secret of a known credential is accepted nonetheless.
    let rotated = world.post_json(&format!("{CREDENTIALS}/{READER}/rotate"), &json!({})).await;
    assert_eq!(environment.with_token(rotated.text("/token")).get(STATS).await.status, 200);
}

/// A worker that still has an old secret does not use up the searches for new tokens.
#[tokio::test]
async fn worker_with_an_old_secret_does_not_make_a_new_one_fail() {
    let world = World::new().await;
    let environment = world.environment_with_proxied_credentials(UNLIMITED).await;
    let rotate = format!("{CREDENTIALS}/{READER}/rotate");
    let outdated = environment.with_token(world.token(READER));
    world.post_json(&rotate, &json!({ "overlapSeconds": 0 })).await;
    world.clock.advance(60);
    for _ in 0..50 {
        assert_eq!(outdated.get(STATS).await.status, 401);
    }
    let rotated = world.post_json(&rotate, &json!({ "overlapSeconds": 60 })).await;
    let renewed = environment.with_token(rotated.text("/token"));
    assert_eq!(renewed.get(STATS).await.status, 200);
}

#[tokio::test]
async fn revoked_admin_cannot_create_credentials() {
    let world = World::new().await;
    let environment = world.environment_with_proxied_credentials(UNLIMITED).await;
    let revoked = environment.with_token(world.token(ADMIN));
    assert_eq!(revoked.get(STATS).await.status, 200);
    assert_eq!(world.send("DELETE", &format!("{CREDENTIALS}/{ADMIN}"), &[], b"").await.status, 200);
    assert_eq!(revoked.get(STATS).await.status, 200, "other environments accept it for up to a minute");
    let made = revoked.post_json(CREDENTIALS, &json!({ "kid": "back-door", "role": "admin" })).await;
    assert_eq!((made.status, made.text("/detail")), (401, NOT_PROVEN));
    world.dynamodb.set_fault(|call| if is_registry(call) { Fault::Refuse } else { Fault::None });
    assert_eq!(environment.get(CREDENTIALS).await.status, 503, "changes of credentials need a fresh read");
}

#[tokio::test]
async fn unknown_token_is_a_503_while_credentials_cannot_be_read() {
    let world = World::new().await;
    let environment = world.environment_with_proxied_credentials(UNLIMITED).await;
    let rotated = world.post_json(&format!("{CREDENTIALS}/{READER}/rotate"), &json!({})).await;
    world.dynamodb.set_fault(|call| if is_registry(call) { Fault::Refuse } else { Fault::None });
    assert_eq!(environment.with_token(rotated.text("/token")).get(STATS).await.status, 503);
    world.dynamodb.reset();
    assert_eq!(environment.with_token(rotated.text("/token")).get(STATS).await.status, 200);
}

#[tokio::test]
async fn request_rate_is_limited_per_credential() {
    let world = World::new().await;
    let environment = world.environment_with_proxied_credentials(RequestRate::new(50, 100)).await;
    let statuses = async |api: &Api, number: usize| {
        let mut served = 0;
        for _ in 0..number {
            let response = api.get("/api/governance/reports").await;
            match response.status {
                200 => served += 1,
                _ => assert_eq!((response.status, response.header("retry-after")), (429, Some("1")), "{response:?}"),
            }
        }
        served
    };
    let reader = environment.with_token(world.token(READER));
    assert_eq!(statuses(&reader, 150).await, 100);
    assert_eq!(statuses(&environment, 1).await, 1, "other credentials are not affected");
    world.clock.advance(1);
    assert_eq!(statuses(&reader, 60).await, 50);
}

#[tokio::test]
async fn concurrent_credential_creations_are_all_stored() {
    let world = World::new().await;
    let environments = join_all((0..8).map(|_| world.new_environment())).await;
    let create = |(number, api): (usize, &Api)| {
        let (api, body) = (api.clone(), json!({ "kid": format!("worker-{number}"), "role": "reader" }));
        async move { api.post_json(CREDENTIALS, &body).await }
    };
    let made = join_all(environments.iter().enumerate().map(create)).await;
    let tokens: Vec<&str> = made.iter().map(|it| it.text("/token")).collect();
    for token in &tokens {
        assert_eq!(world.api().with_token(token).get(STATS).await.status, 200);
    }
    let listed = world.get(CREDENTIALS).await;
    let named = |it: &&Value| it["kid"].as_str().unwrap().starts_with("worker-");
    assert_eq!(listed.list("/credentials").iter().filter(named).count(), tokens.len());
}

/// The responses to all attempts of the SDK are lost.
#[tokio::test]
async fn lost_response_is_resolved_by_reading_the_table() {
    let world = World::new().await;
    let lose_responses = || {
        world.dynamodb.set_fault(|call| match call.operation.as_str() {
            "TransactWriteItems" if call.earlier < 3 => Fault::DropResponse,
            _ => Fault::None,
        });
    };
    lose_responses();
    let made = world.post_json(CREDENTIALS, &json!({ "kid": "worker", "role": "reader" })).await;
    assert_eq!(made.status, 201, "{made:?}");
    lose_responses();
    let rotated = world.post_json(&format!("{CREDENTIALS}/worker/rotate"), &json!({})).await;
    assert_eq!((rotated.status, rotated.list("/secrets").len()), (201, 2), "{rotated:?}");
    lose_responses();
    assert_eq!(world.send("DELETE", &format!("{CREDENTIALS}/worker"), &[], b"").await.text("/status"), "revoked");
    world.dynamodb.reset();
    world.clock.advance(60);
    for response in [made, rotated] {
        let revoked = world.api().with_token(response.text("/token")).get(STATS).await;
        assert_eq!(revoked.text("/detail"), NOT_PROVEN);
    }
}

#[tokio::test]
async fn unknown_write_outcome_is_a_503() {
    let world = World::new().await;
    world.dynamodb.set_fault(|call| match call.operation.as_str() {
        "TransactWriteItems" => Fault::DropResponse,
        // The change itself reads the keyring and the record first.
        _ if call.earlier >= 2 => Fault::Refuse,
        _ => Fault::None,
    });
    let made = world.post_json(CREDENTIALS, &json!({ "kid": "worker", "role": "reader" })).await;
    assert_eq!((made.status, made.text("/detail").contains("write outcome unknown")), (503, true), "{made:?}");
    world.dynamodb.reset();
    let again = world.post_json(CREDENTIALS, &json!({ "kid": "worker", "role": "reader" })).await;
    assert_eq!(again.status, 409);
}
