//! Who may call, and what: every route for every kind of caller; and the life of credentials.

use std::collections::BTreeSet;

use age_http::{RequestRate, Route};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::world::proxy::{Call, Fault};
use crate::world::test_credentials::{ADMIN, ANOTHER_ENGINE, BILLING, EXPIRED, NIGHT_DESK, READER, REVOKED, TESTS};
use crate::world::{Api, ApiResponse, UNLIMITED, World, event};

const CREDENTIALS: &str = "/api/governance/credentials";
/// As good a token as any, that nobody was given.
const STRANGER: &str = "agov1.stranger.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

const STATS: &str = "/api/governance/stats";

/// The kinds of callers, in the order of the cells below. The engine is that of the event in question.
const CALLERS: [&str; 9] = ["none", "garbage", EXPIRED, REVOKED, "wrong engine", "engine", READER, "responder", ADMIN];

/// What each gets. A route that is not here fails the test.
const MATRIX: [(&str, &str, [u16; 9]); 22] = [
    ("POST", "/api/governance/event", [401, 401, 401, 401, 403, 201, 403, 403, 201]),
    // A batch is answered as a whole; each event has its verdict.
    ("POST", "/api/governance/events", [401, 401, 401, 401, 200, 200, 403, 403, 200]),
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
];

#[tokio::test]
async fn every_route_for_every_kind_of_caller() {
    let world = World::new().await;
    let known: Vec<(&str, &str)> = MATRIX.iter().map(|(method, path, _)| (*method, *path)).collect();
    // Pages have a matrix of their own: see `dashboard`.
    let routes: Vec<Route> = world.api().routes().into_iter().filter(|it| !it.path.starts_with("/dashboard")).collect();
    for Route { method, path, .. } in &routes {
        assert!(known.contains(&(*method, *path)), "{method} {path} has no row in the matrix");
    }
    assert_eq!(routes.len(), MATRIX.len(), "a row of the matrix has no route");
    for (method, route, cells) in MATRIX {
        for (caller, expected) in CALLERS.iter().zip(cells) {
            // Strangers are looked for in the table once a second.
            world.clock.advance(1);
            let (path, body) = request(&world, method, route).await;
            let response = ask(&world, caller, method, &path, &body).await;
            assert_eq!(response.status, expected, "{method} {route} as {caller}: {response:?}");
            if expected == 401 {
                assert_eq!(response.header("www-authenticate"), Some("Bearer"), "{response:?}");
            }
        }
    }
}

async fn ask(world: &World, caller: &str, method: &str, path: &str, body: &Value) -> ApiResponse {
    let token = match caller {
        "none" => None,
        "garbage" => Some(STRANGER.to_owned()),
        // Whoever is asked about in these requests is billing's, or compliance's where something waits for approval.
        "wrong engine" => Some(world.token(ANOTHER_ENGINE).to_owned()),
        "engine" => Some(world.token(BILLING).to_owned()),
        "responder" => Some(world.token(NIGHT_DESK).to_owned()),
        kid => Some(world.token(kid).to_owned()),
    };
    let authorization = token.map(|token| format!("Bearer {token}"));
    let mut headers: Vec<(&str, &str)> = authorization.iter().map(|value| ("Authorization", value.as_str())).collect();
    let text = if body.is_null() { String::new() } else { body.to_string() };
    headers.extend((!body.is_null()).then_some(("Content-Type", "application/json")));
    world.api().send_without_token(method, path, &headers, text.as_bytes()).await
}

/// A request to a route that nothing is wrong with, about something that no request was about before.
async fn request(world: &World, method: &str, route: &str) -> (String, Value) {
    let made = world.dynamodb.call("Scan", &json!({ "TableName": "Events", "Select": "COUNT" })).await["Count"].clone();
    let fresh = format!("trouble_{made}");
    let told = |path: &str, response: &ApiResponse| path.replace("{id}", response.text("/id"));
    match (method, route) {
        ("POST", "/api/governance/event") => (route.to_owned(), event("billing", &fresh, "LOW")),
        ("POST", "/api/governance/events") => (route.to_owned(), json!([event("billing", &fresh, "LOW")])),
        (_, "/api/governance/intake/alertmanager") => {
            let labels = json!({ "engine": "billing", "alertname": fresh });
            let alert = json!({ "status": "firing", "labels": labels, "startsAt": "2026-11-23T00:00:00Z", "fingerprint": fresh });
            (route.to_owned(), json!({ "version": "4", "alerts": [alert] }))
        }
        (_, "/api/governance/events/{id}") => {
            (told(route, &world.post(&event("billing", &fresh, "LOW")).await), Value::Null)
        }
        (_, "/api/governance/events/{id}/actions/{action}/outcome") => {
            let path = told(route, &world.post(&event("billing", &fresh, "HIGH")).await);
            (path.replace("{action}", "billing_sync_repair"), json!({ "outcome": "succeeded" }))
        }
        (_, "/api/governance/events/{id}/actions/{action}/approval") => {
            let created = world.post(&event("compliance", &format!("permission_{fresh}"), "HIGH")).await;
            let body = json!({ "decision": "approve", "digest": created.text("/actions/0/digest") });
            (told(route, &created).replace("{action}", "permission_reset"), body)
        }
        (_, path) if path.starts_with("/api/governance/incidents/{id}") => {
            world.post(&event("billing", &fresh, "CRITICAL")).await;
            let listed = world.get("/api/governance/incidents").await;
            let of = |it: &&Value| it["eventType"] == fresh.as_str();
            let id = listed.list("/incidents").iter().find(of).unwrap()["id"].as_str().unwrap();
            (route.replace("{id}", id), Value::Null)
        }
        (_, "/api/governance/reports/{id}") => (told(route, &world.generate_report().await), Value::Null),
        ("POST", CREDENTIALS) => {
            world.post(&event("billing", &fresh, "LOW")).await;
            (route.to_owned(), json!({ "kid": format!("new-{made}"), "role": "reader" }))
        }
        (_, path) if path.contains("{kid}") => {
            world.post(&event("billing", &fresh, "LOW")).await;
            let kid = format!("made-{made}");
            let created = world.post_json(CREDENTIALS, &json!({ "kid": kid, "role": "reader" })).await;
            assert_eq!(created.status, 201, "{created:?}");
            (route.replace("{kid}", &kid), Value::Null)
        }
        _ => (route.to_owned(), Value::Null),
    }
}

#[tokio::test]
async fn what_is_refused_is_not_stored() {
    let world = World::new().await;
    let sent = event("billing", "invoice_sync_failed", "CRITICAL");
    for caller in CALLERS {
        ask(&world, caller, "POST", "/api/governance/event", &sent).await;
        ask(&world, caller, "POST", "/api/governance/events", &json!([sent, event("billing", "x", "LOW")])).await;
    }
    let stored = world.list_events("/api/governance/events?limit=10").await;
    let by: BTreeSet<&str> = stored.iter().map(|event| event["reportedBy"].as_str().unwrap()).collect();
    assert_eq!((stored.len(), by), (6, BTreeSet::from([ADMIN, BILLING])));
}

#[tokio::test]
async fn alerts_of_other_engines_are_refused_by_name() {
    let world = World::new().await;
    let alert = |engine: &str| json!({ "status": "firing", "labels": { "engine": engine, "alertname": "down" }, "startsAt": "2026-11-23T00:00:00Z", "fingerprint": engine });
    let body = json!({ "version": "4", "alerts": [alert("billing"), alert("qa"), alert("nobody")] });
    let response = world.as_caller(BILLING).post_json("/api/governance/intake/alertmanager", &body).await;
    let verdicts: Vec<_> = response.list("/alerts").iter().map(|alert| alert["status"].as_u64().unwrap()).collect();
    assert_eq!((response.status, verdicts), (200, vec![201, 403, 422]), "{response:?}");
    assert_eq!(response.text("/alerts/1/errors/0/pointer"), "/alerts/1/labels/engine");
}

#[tokio::test]
async fn every_change_says_who_made_it() {
    let world = World::new().await;
    let critical = world.as_caller(BILLING).post(&event("billing", "invoice_sync_failed", "CRITICAL"), None).await;
    assert_eq!(critical.text("/reportedBy"), BILLING);
    let id = critical.text("/id");
    let outcome = format!("/api/governance/events/{id}/actions/billing_sync_repair/outcome");
    let told =
        world.as_caller(BILLING).post_json(&outcome, &json!({ "outcome": "failed", "detail": "no ledger" })).await;
    assert_eq!(told.text("/completedBy"), BILLING);
    let listed = world.get("/api/governance/incidents").await;
    let incident = format!("/api/governance/incidents/{}", listed.text("/incidents/0/id"));
    let desk = world.as_caller(NIGHT_DESK);
    assert_eq!(
        desk.post_json(&format!("{incident}/acknowledge"), &json!({})).await.text("/acknowledged/by"),
        NIGHT_DESK
    );
    assert_eq!(desk.post_json(&format!("{incident}/resolve"), &json!({})).await.text("/resolved/by"), NIGHT_DESK);
    let story = desk.get(&incident).await;
    let of = |what: &str| story.list("/timeline").iter().find(|entry| entry["type"] == what).unwrap();
    assert_eq!((&of("event")["event"]["reportedBy"], &of("outcome")["by"]), (&json!(BILLING), &json!(BILLING)));
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
async fn a_credential_from_its_making_to_its_end() {
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
            "kid": "qa-worker", "role": "engine", "engines": ["qa", "maos"], "status": "live", "createdAt": now,
            "createdBy": TESTS, "expiresAt": "2026-12-01T00:00:00.000Z", "secrets": [{ "createdAt": now, "createdBy": TESTS }],
        })
    );
    let listed = world.get(CREDENTIALS).await;
    assert!(listed.list("/credentials").contains(&shown), "{listed:?}");
    assert!(!listed.json.to_string().contains("token") && !listed.json.to_string().contains("hash"));
    let key = json!({ "TableName": "Credentials", "Key": { "kid": { "S": "*" } } });
    let row = world.dynamodb.call("GetItem", &key).await.to_string();
    let secret = token.rsplit('.').next().unwrap();
    assert!(row.contains("qa-worker") && !row.contains(secret), "only the hash of a secret is stored");

    let worker = world.api().with_token(&token);
    assert_eq!(worker.post(&event("qa", "suite_failed", "LOW"), None).await.status, 201, "it is known at once");
    let again = world.post_json(CREDENTIALS, &wanted).await;
    assert_eq!((again.status, again.text("/detail").contains("qa-worker")), (409, true), "{again:?}");
    world.set_time("2026-12-01T00:00:00Z");
    let late = worker.post(&event("qa", "suite_failed", "LOW"), None).await;
    assert_eq!((late.status, late.text("/detail")), (401, "the credential has expired"));
    let rotated = world.post_json(&format!("{CREDENTIALS}/qa-worker/rotate"), &json!({})).await;
    assert_eq!((rotated.status, rotated.text("/detail")), (409, "the credential qa-worker is expired"));
    let ended = world.send("DELETE", &format!("{CREDENTIALS}/qa-worker"), &[], b"").await;
    assert_eq!((ended.status, ended.text("/status"), ended.list("/secrets").len()), (200, "revoked", 0));
    assert_eq!(world.send("DELETE", &format!("{CREDENTIALS}/qa-worker"), &[], b"").await.json, ended.json);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_about_credentials_is_named() {
    let world = World::new().await;
    let rotate = format!("{CREDENTIALS}/{READER}/rotate");
    let nobody = format!("{CREDENTIALS}/nobody/rotate");
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
        (&nobody, json!({}), 404, vec![]),
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
    assert_eq!((last.status, last.text("/detail")), (409, "tests is the last admin; create another admin first"));
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
    assert_eq!((response.status, response.text("/detail")), (401, "the credential was revoked"));
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
        // Half of a fleet has the new one at once, the other a little later.
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
        assert_eq!(api.with_token(&token).get(STATS).await.status, 401, "without an overlap the old one ends");
    }
}

fn is_registry(call: &Call) -> bool {
    call.body["TableName"] == "Credentials"
}

#[tokio::test]
async fn nobody_is_let_in_unproven() {
    let world = World::new().await;
    world.dynamodb.set_fault(|call| if is_registry(call) { Fault::Refuse } else { Fault::None });
    let blind = world.environment_with_proxied_credentials(UNLIMITED).await;
    let response = blind.get(STATS).await;
    assert_eq!((response.status, response.header("retry-after")), (503, Some("2")), "{response:?}");
    let posted = blind.post(&event("qa", "suite_failed", "LOW"), None).await;
    assert_eq!(posted.status, 503);
    world.dynamodb.reset();
    assert_eq!(blind.get(STATS).await.status, 200);

    world.dynamodb.set_fault(|call| if is_registry(call) { Fault::Refuse } else { Fault::None });
    world.clock.advance(59);
    assert_eq!(blind.get(STATS).await.status, 200, "what was read is good for a minute");
    world.clock.advance(1);
    assert_eq!(blind.get(STATS).await.status, 503);
    world.dynamodb.reset();
    assert_eq!(blind.get(STATS).await.status, 200);
    assert_eq!(world.get(STATS).await.number("/totalEvents"), 0);
}

#[tokio::test]
async fn credentials_are_read_again_beside_a_request_and_not_for_each() {
    let world = World::new().await;
    let environment = world.environment_with_proxied_credentials(UNLIMITED).await;
    let read = || world.dynamodb.calls("GetItem");
    world.dynamodb.reset();
    for _ in 0..10 {
        assert_eq!(environment.get("/api/governance/reports").await.status, 200);
    }
    assert_eq!(read(), 0, "they were read before the first request");
    world.clock.advance(20);
    for _ in 0..10 {
        environment.get("/api/governance/reports").await;
    }
    assert_eq!(read(), 1);
}

#[tokio::test]
async fn strangers_cannot_make_the_table_busy_nor_keep_others_out() {
    let world = World::new().await;
    let environment = world.environment_with_proxied_credentials(UNLIMITED).await;
    world.dynamodb.reset();
    let guesses = [STRANGER.to_owned(), world.token(READER).replace("agov1.reader.", "agov1.stranger2.")];
    let mut statuses = BTreeSet::new();
    for stranger in guesses.iter().cycle().take(200) {
        statuses.insert(environment.with_token(stranger).get(STATS).await.status);
    }
    assert_eq!((statuses, world.dynamodb.calls("GetItem")), (BTreeSet::from([401, 429]), 10));
    assert_eq!(environment.with_token(world.token(NIGHT_DESK)).get("/api/governance/reports").await.status, 200);
    // A credential that is known gets its new secret taken all the same.
    let rotated = world.post_json(&format!("{CREDENTIALS}/{READER}/rotate"), &json!({})).await;
    assert_eq!(environment.with_token(rotated.text("/token")).get(STATS).await.status, 200);
}

/// Somebody was forgotten when the secrets were renewed, and goes on trying with one that is long over.
#[tokio::test]
async fn a_forgotten_worker_makes_nobody_lose_heart() {
    let world = World::new().await;
    let environment = world.environment_with_proxied_credentials(UNLIMITED).await;
    let rotate = format!("{CREDENTIALS}/{READER}/rotate");
    let forgotten = environment.with_token(world.token(READER));
    world.post_json(&rotate, &json!({ "overlapSeconds": 0 })).await;
    world.clock.advance(60);
    for _ in 0..50 {
        assert!(matches!(forgotten.get(STATS).await.status, 401 | 429));
    }
    let rotated = world.post_json(&rotate, &json!({ "overlapSeconds": 60 })).await;
    let renewed = environment.with_token(rotated.text("/token"));
    let hurried = renewed.get(STATS).await;
    assert_eq!((hurried.status, hurried.header("retry-after")), (429, Some("1")), "never a 401: {hurried:?}");
    world.clock.advance(1);
    assert_eq!(renewed.get(STATS).await.status, 200);
}

#[tokio::test]
async fn who_is_revoked_makes_no_credential_any_more() {
    let world = World::new().await;
    let environment = world.environment_with_proxied_credentials(UNLIMITED).await;
    let thief = environment.with_token(world.token(ADMIN));
    assert_eq!(thief.get(STATS).await.status, 200);
    assert_eq!(world.send("DELETE", &format!("{CREDENTIALS}/{ADMIN}"), &[], b"").await.status, 200);
    assert_eq!(thief.get(STATS).await.status, 200, "for a minute it is let in elsewhere");
    let made = thief.post_json(CREDENTIALS, &json!({ "kid": "back-door", "role": "admin" })).await;
    assert_eq!((made.status, made.text("/detail")), (401, "the credential was revoked"));
    world.dynamodb.set_fault(|call| if is_registry(call) { Fault::Refuse } else { Fault::None });
    assert_eq!(environment.get(CREDENTIALS).await.status, 503, "what cannot be looked up is not allowed");
}

#[tokio::test]
async fn a_token_that_cannot_be_looked_for_is_not_called_wrong() {
    let world = World::new().await;
    let environment = world.environment_with_proxied_credentials(UNLIMITED).await;
    let rotated = world.post_json(&format!("{CREDENTIALS}/{READER}/rotate"), &json!({})).await;
    world.dynamodb.set_fault(|call| if is_registry(call) { Fault::Refuse } else { Fault::None });
    assert_eq!(environment.with_token(rotated.text("/token")).get(STATS).await.status, 503);
    world.dynamodb.reset();
    assert_eq!(environment.with_token(rotated.text("/token")).get(STATS).await.status, 200);
}

#[tokio::test]
async fn each_credential_has_its_own_rate() {
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
    assert_eq!(statuses(&environment, 1).await, 1, "others are not held up");
    world.clock.advance(1);
    assert_eq!(statuses(&reader, 60).await, 50);
}

#[tokio::test]
async fn admins_in_each_others_way_lose_nothing() {
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

/// Every answer to a write is lost, for as long as the SDK tries.
#[tokio::test]
async fn a_lost_answer_is_looked_up() {
    let world = World::new().await;
    let lose = || {
        world.dynamodb.set_fault(|call| match call.operation.as_str() {
            "PutItem" if call.earlier < 3 => Fault::DropResponse,
            _ => Fault::None,
        });
    };
    lose();
    let made = world.post_json(CREDENTIALS, &json!({ "kid": "worker", "role": "reader" })).await;
    assert_eq!(made.status, 201, "{made:?}");
    lose();
    let rotated = world.post_json(&format!("{CREDENTIALS}/worker/rotate"), &json!({})).await;
    assert_eq!((rotated.status, rotated.list("/secrets").len()), (201, 2), "{rotated:?}");
    lose();
    assert_eq!(world.send("DELETE", &format!("{CREDENTIALS}/worker"), &[], b"").await.text("/status"), "revoked");
    world.dynamodb.reset();
    world.clock.advance(60);
    for response in [made, rotated] {
        let revoked = world.api().with_token(response.text("/token")).get(STATS).await;
        assert_eq!(revoked.text("/detail"), "the credential was revoked");
    }
}

#[tokio::test]
async fn what_nobody_can_tell_is_said() {
    let world = World::new().await;
    world.dynamodb.set_fault(|call| match call.operation.as_str() {
        "PutItem" => Fault::DropResponse,
        // The gate's reading and the change's own come first.
        _ if call.earlier >= 1 => Fault::Refuse,
        _ => Fault::None,
    });
    let made = world.post_json(CREDENTIALS, &json!({ "kid": "worker", "role": "reader" })).await;
    assert_eq!((made.status, made.text("/detail").contains("write outcome unknown")), (503, true), "{made:?}");
    world.dynamodb.reset();
    let again = world.post_json(CREDENTIALS, &json!({ "kid": "worker", "role": "reader" })).await;
    assert_eq!(again.status, 409);
}

#[tokio::test]
async fn an_operator_makes_the_first_admin() {
    let world = World::new().await;
    let (credentials, clock) = (world.credentials(), world.clock.as_ref());
    let create = || age_governance::create_first_admin(&credentials, "first".parse().unwrap(), clock);
    let first = world.api().with_token(&create().await.unwrap().token.reveal());
    let listed = first.get(CREDENTIALS).await;
    let it = listed.list("/credentials").iter().find(|it| it["kid"] == "first").unwrap();
    assert_eq!((&it["role"], it.get("createdBy")), (&json!("admin"), None));
    let again = create().await;
    assert!(again.is_err_and(|error| error.to_string().contains("first")));
}
