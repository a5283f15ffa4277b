//! Holds: who sets and ends them, their list, and what of them outlasts them.

use age_model::{Clock, Engine, Hold, HoldEnd, HoldId, HoldOrigin, HoldStatus, StoreError, Timestamp};
use age_policy::{HoldRule, Policy};
use age_store::{FleetStateStore, SetHold};
use serde_json::{Value, json};

use crate::world::browser::Browser;
use crate::world::test_credentials::{DAY_DESK, NIGHT_DESK, READER};
use crate::world::{ApiResponse, World, event, monday};

const HOLDS: &str = "/api/governance/holds";
const BILLING: Engine = Engine::from_static("billing");

fn store(world: &World) -> FleetStateStore {
    FleetStateStore::new(&world.db(), "Incidents")
}

/// The body of a request that holds all operations of billing for an hour.
fn hold() -> Value {
    json!({ "engine": "billing", "reason": "Audit of the ledger", "until": monday().plus_seconds(3600).to_string() })
}

async fn set(world: &World, body: &Value) -> ApiResponse {
    world.as_caller(NIGHT_DESK).post_json(HOLDS, body).await
}

async fn end(world: &World, id: &str, query: &str) -> ApiResponse {
    world.as_caller(DAY_DESK).send("DELETE", &format!("{HOLDS}/{id}{query}"), &[], b"").await
}

/// Returns the engine, operation and status of each hold of a list.
async fn listed(world: &World, query: &str) -> Vec<(String, String, String)> {
    let page = world.as_caller(READER).get(&format!("{HOLDS}{query}")).await;
    assert_eq!(page.status, 200, "{page:?}");
    let text = |hold: &Value, name: &str| hold[name].as_str().unwrap_or("all").to_owned();
    page.list("/holds").iter().map(|it| (text(it, "engine"), text(it, "operation"), text(it, "status"))).collect()
}

#[tokio::test]
async fn hold_is_active_from_its_response_to_its_end() {
    let world = World::new().await;
    let created = set(&world, &hold()).await;
    assert_eq!(created.status, 201, "{created:?}");
    let path = format!("{HOLDS}/{}", created.text("/id"));
    assert_eq!(created.header("location"), Some(path.as_str()));
    let [active] = store(&world).get().await.unwrap().holds.try_into().unwrap();
    let Hold { engine, operation, reason, set_by, set_at, until, .. } = &active;
    assert_eq!((engine, operation, reason.as_str()), (&BILLING, &None, "Audit of the ledger"));
    assert_eq!((set_by, *set_at), (&HoldOrigin::Person(NIGHT_DESK.parse().unwrap()), monday()));
    assert_eq!(*until, monday().plus_seconds(3600));

    let same = set(&world, &hold()).await;
    assert_eq!((same.status, same.text("/id")), (200, created.text("/id")), "the same request again");
    let other = json!({ "operation": "refund", "engine": "billing", "reason": "Audit", "until": until.to_string() });
    assert_eq!(set(&world, &other).await.status, 201);

    world.clock.set(monday().plus_seconds(60));
    let ended = end(&world, created.text("/id"), "?reason=Nothing+was+found").await;
    let texts = ["/status", "/endedAt", "/endedBy", "/endReason"].map(|pointer| ended.text(pointer));
    assert_eq!(texts, ["ended", "2026-11-23T00:06:00.000Z", DAY_DESK, "Nothing was found"]);
    world.clock.advance(60);
    let again = world.as_caller(NIGHT_DESK).send("DELETE", &path, &[], b"").await;
    assert_eq!((again.status, &again.json), (200, &ended.json), "an ended hold stays as it ended");
    assert_eq!(world.get(&path).await.json, ended.json);
    let [rest] = store(&world).get().await.unwrap().holds.try_into().unwrap();
    assert_eq!(rest.operation.as_deref(), Some("refund"));
}

#[tokio::test]
async fn hold_ends_by_itself_and_its_record_stays() {
    let world = World::new().await;
    let created = set(&world, &hold()).await;
    world.clock.advance(3600);
    let shown = world.get(&format!("{HOLDS}/{}", created.text("/id"))).await;
    assert_eq!(shown.text("/status"), "ended");
    assert_eq!((shown.text("/endedAt"), shown.json.get("endedBy")), (shown.text("/until"), None));
    assert_eq!(end(&world, created.text("/id"), "").await.json, shown.json);
    let row = world.row("Incidents", &[("fingerprint", "holds"), ("opened_at", created.text("/id"))]);
    let expires_at = monday().plus_seconds(3600).plus_days(400).seconds();
    assert_eq!(row["Item"]["expires_at"]["N"], expires_at.to_string());
    // The next hold removes it from the state of the fleet.
    let later = json!({ "engine": "qa", "reason": "Audit", "until": world.clock.now().plus_days(30).to_string() });
    assert_eq!(set(&world, &later).await.status, 201);
    let holds = store(&world).get().await.unwrap().holds;
    assert_eq!(holds.iter().map(|hold| hold.engine.as_str()).collect::<Vec<_>>(), ["qa"]);
}

#[tokio::test]
async fn wrong_hold_is_refused_with_every_field_that_is_wrong() {
    let world = World::new().await;
    let past_30_days = monday().plus_days(30).plus_millis(1).to_string();
    let now = monday().to_string();
    for (change, pointers) in [
        (json!({ "engine": "search" }), vec!["/engine"]),
        (json!({ "engine": null, "reason": " ", "until": now }), vec!["/engine", "/reason", "/until"]),
        (json!({ "until": past_30_days, "operation": "" }), vec!["/operation", "/until"]),
        (json!({ "operation": "a\nb", "colour": "red" }), vec!["/colour", "/operation"]),
        (json!({ "operation": "é".repeat(201) }), vec!["/operation"]),
    ] {
        let mut body = hold();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let refused = set(&world, &body).await;
        assert_eq!(refused.status, 422, "{refused:?}");
        let mut named: Vec<_> = refused.list("/errors").iter().map(|it| it["pointer"].as_str().unwrap()).collect();
        named.sort_unstable();
        assert_eq!(named, pointers, "{change}");
    }
    let unknown = HoldId::fresh(world.clock.as_ref()).to_string();
    assert_eq!(end(&world, &unknown, "").await.status, 404);
    assert_eq!(end(&world, &unknown, "?reason=").await.status, 422);
    assert_eq!(world.get(&format!("{HOLDS}/{unknown}")).await.status, 404);
    assert_eq!(store(&world).get().await.unwrap().holds, []);
}

#[tokio::test]
async fn list_has_active_holds_first_and_of_each_status_the_latest() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for (number, engine) in ["billing", "qa", "maos", "billing", "qa", "maos"].into_iter().enumerate() {
        let body = json!({
            "engine": engine, "operation": number.to_string(), "reason": "Audit",
            "until": monday().plus_days(1).to_string(),
        });
        ids.push(set(&world, &body).await.text("/id").to_owned());
        world.clock.advance(60);
    }
    for id in [&ids[1], &ids[4], &ids[5]] {
        assert_eq!(end(&world, id, "").await.status, 200);
    }
    let all = listed(&world, "").await;
    let shown: Vec<_> = all.iter().map(|(_, number, status)| (number.as_str(), status.as_str())).collect();
    assert_eq!(
        shown,
        [("3", "active"), ("2", "active"), ("0", "active"), ("5", "ended"), ("4", "ended"), ("1", "ended")]
    );
    let numbers = async |query: &str| -> String {
        listed(&world, query).await.into_iter().map(|(_, number, _)| number).collect()
    };
    assert_eq!(numbers("?status=active").await, "320");
    assert_eq!(numbers("?status=ended").await, "541");
    assert_eq!(numbers("?engine=billing&engine=qa").await, "3041");
    assert_eq!(numbers("?from=2026-11-23T00:06:00Z&to=2026-11-23T00:10:00Z").await, "3241");
    assert_eq!(numbers("?from=2026-11-24").await, "");
    for limit in 1..=6 {
        let (mut paged, mut cursor) = (String::new(), String::new());
        loop {
            let page = world.get(&format!("{HOLDS}?limit={limit}{cursor}")).await;
            let holds = page.list("/holds");
            paged.extend(holds.iter().map(|hold| hold["operation"].as_str().unwrap()));
            match page.json.get("nextCursor").and_then(Value::as_str) {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
            assert_eq!(holds.len(), limit, "a page is full unless it is the last");
        }
        assert_eq!(paged, "320541", "{limit}");
    }
    // Their time is up.
    world.clock.advance(86_400);
    assert_eq!(numbers("?status=ended").await, "543210");
}

#[tokio::test]
async fn concurrent_holds_do_not_exceed_the_bound_and_overwrite_nothing() {
    let world = World::new().await;
    let body = |number: usize| {
        let mut body = hold();
        body["operation"] = number.to_string().into();
        body
    };
    for number in 0..58 {
        assert_eq!(set(&world, &body(number)).await.status, 201);
    }
    let mut environments = Vec::new();
    for _ in 0..8 {
        environments.push(world.new_environment().await);
    }
    let requests = environments.iter().zip(58..).map(|(api, number)| {
        let (api, body) = (api.with_token(world.token(NIGHT_DESK)), body(number));
        async move { api.post_json(HOLDS, &body).await.status }
    });
    let sweep = async {
        world.sweep().await;
    };
    let (mut statuses, ()) = tokio::join!(futures_util::future::join_all(requests), sweep);
    statuses.sort_unstable();
    assert!(statuses.iter().all(|status| [201, 409, 503].contains(status)), "{statuses:?}");
    let created = statuses.iter().filter(|status| **status == 201).count();
    let state = store(&world).get().await.unwrap();
    assert_eq!(state.holds.len(), 58 + created);
    assert!(state.posture.is_some() && created <= 6);
    for number in 66..80 {
        let status = set(&world, &body(number)).await.status;
        let active = store(&world).get().await.unwrap().holds.len();
        assert!(active <= FleetStateStore::MAX_ACTIVE_HOLDS && (status == 201 || active == 64), "{status} {active}");
    }
    assert_eq!(set(&world, &body(99)).await.status, 409);
}

/// A person must not end what the policy demands: the sweep would set it again.
#[tokio::test]
async fn hold_by_the_policy_begins_and_ends_with_its_incidents_and_its_rule() {
    let mut policy = Policy::compiled().unwrap();
    policy.decisions.holds = vec![HoldRule {
        id: "critical".to_owned(),
        message: "a CRITICAL incident is unacknowledged".to_owned(),
        unacknowledged: age_model::Severity::Critical,
        operations: ["deploy".to_owned(), "refund".to_owned()].into(),
        for_seconds: 7200,
    }];
    policy.validate().unwrap();
    let world = World::with_policy(&policy).await;
    world.sweep().await;
    world.post(&event("billing", "ledger_lost", "CRITICAL")).await;
    world.post(&event("qa", "suite_failed", "HIGH")).await;
    assert_eq!(listed(&world, "").await, [], "before the next run");
    world.clock.advance(60);
    world.sweep().await;
    world.clock.advance(60);
    world.sweep().await;
    let held = |operation: &str, status: &str| ("billing".to_owned(), operation.to_owned(), status.to_owned());
    let mut active = listed(&world, "").await;
    // Both were set at the same time, so their order is that of their random ids.
    active.sort();
    assert_eq!(active, [held("deploy", "active"), held("refund", "active")]);
    let page = world.get(HOLDS).await;
    assert_eq!((page.text("/holds/0/rule"), page.json.pointer("/holds/0/setBy")), ("critical", None));
    assert_eq!(page.text("/holds/0/until"), monday().plus_seconds(7200).to_string());
    let refused = end(&world, page.text("/holds/0/id"), "").await;
    assert!(refused.status == 409 && refused.text("/detail").contains("rule critical"), "{refused:?}");

    // A later incident makes the hold last longer, without a gap.
    world.post(&event("billing", "ledger_stolen", "CRITICAL")).await;
    world.clock.advance(60);
    world.sweep().await;
    let active = store(&world).get().await.unwrap().holds;
    assert_eq!(active.iter().map(|hold| hold.until).collect::<Vec<_>>(), [monday().plus_seconds(7320); 2]);

    let incidents = world.get("/api/governance/incidents?engine=billing").await;
    for (number, change) in ["acknowledge", "resolve"].into_iter().enumerate() {
        let path = format!("/api/governance/incidents/{}/{change}", incidents.text(&format!("/incidents/{number}/id")));
        assert_eq!(world.as_caller(NIGHT_DESK).post_json(&path, &json!({})).await.status, 200);
    }
    world.clock.advance(60);
    world.sweep().await;
    assert_eq!(store(&world).get().await.unwrap().holds, []);
    let ended = world.get(&format!("{HOLDS}?status=ended&limit=1")).await;
    assert_eq!(ended.text("/holds/0/endReason"), "its rule does not demand it any more");
}

#[tokio::test]
async fn hold_that_this_version_cannot_read_hides_nothing_of_the_records() {
    let world = World::new().await;
    let created = set(&world, &hold()).await;
    let id = created.text("/id");
    let unknown = json!({
        "TableName": "Incidents",
        "Key": { "fingerprint": { "S": "age" }, "opened_at": { "S": "fleet_state" } },
        "UpdateExpression": "SET #hold.set_by = :by, later = :later",
        "ExpressionAttributeNames": { "#hold": format!("hold#{id}") },
        "ExpressionAttributeValues": { ":by": { "M": { "robot": { "S": "r2" } } }, ":later": { "S": "kept" } },
    });
    world.dynamodb.call("UpdateItem", &unknown);
    assert!(matches!(store(&world).get().await, Err(StoreError::Corrupt { .. })), "a decision must not miss it");
    let report = Box::pin(world.sweeper().run()).await;
    assert!(report.into_result().is_err(), "the holds of the policy cannot be updated");
    assert_eq!(listed(&world, "?status=ended").await, []);
    assert_eq!(end(&world, id, "").await.status, 200, "a person can end it");
    assert_eq!(store(&world).get().await.unwrap().holds, []);
    world.clock.advance(60);
    world.sweep().await;
    let row = world.row("Incidents", &[("fingerprint", "age"), ("opened_at", "fleet_state")]);
    assert_eq!(row["Item"]["later"]["S"], "kept", "what a later version has written stays");
}

#[tokio::test]
async fn dashboard_shows_what_is_paused_until_when_by_whom_and_why() {
    let world = World::new().await;
    let mut reader = Browser::signed_in(&world, READER).await;
    for path in ["/dashboard", "/dashboard/engines"] {
        assert!(!reader.get(path).await.body.contains("paused until"), "{path}");
    }
    let mut refunds = hold();
    refunds["reason"] = "<b>Audit</b>\u{202e}".into();
    refunds["operation"] = "refund & more".into();
    set(&world, &refunds).await;
    let by = format!("</time> by <bdi>{NIGHT_DESK}</bdi> because: <bdi>&#60;b&#62;Audit&#60;/b&#62;[U+202E]</bdi>");
    for (path, target) in
        [("/dashboard", "<strong><bdi>Billing</bdi></strong>, operation"), ("/dashboard/engines", "Operation")]
    {
        let page = reader.get(path).await.body;
        assert!(page.contains(&format!("{target} <bdi>refund &#38; more</bdi>")), "{page}");
        assert!(
            page.contains("paused until <time datetime=\"2026-11-23T01:05:00.000Z\">") && page.contains(&by),
            "{page}"
        );
    }
    let unknown = json!({
        "TableName": "Incidents",
        "Key": { "fingerprint": { "S": "age" }, "opened_at": { "S": "fleet_state" } },
        "UpdateExpression": "SET #hold = :later",
        "ExpressionAttributeNames": { "#hold": "hold#x" },
        "ExpressionAttributeValues": { ":later": { "S": "kept" } },
    });
    world.dynamodb.call("UpdateItem", &unknown);
    for path in ["/dashboard", "/dashboard/engines"] {
        let page = reader.get(path).await;
        assert!(page.status == 200 && page.body.contains("The holds cannot be shown"), "{page:?}");
    }
}

#[tokio::test]
async fn hold_whose_response_was_lost_is_set_once() {
    let world = World::new().await;
    let clock = world.clock.as_ref();
    let hold = |until: Timestamp| Hold {
        id: HoldId::fresh(clock),
        engine: BILLING,
        operation: None,
        reason: "audit".to_owned(),
        set_by: HoldOrigin::Person(NIGHT_DESK.parse().unwrap()),
        set_at: clock.now(),
        until,
    };
    let first = hold(monday().plus_seconds(60));
    let store = store(&world);
    assert_eq!(store.set_hold(&first, clock).await.unwrap(), SetHold::Set);
    assert_eq!(store.set_hold(&first, clock).await.unwrap(), SetHold::Set, "a second attempt");
    let same = hold(monday().plus_seconds(60));
    assert_eq!(store.set_hold(&same, clock).await.unwrap(), SetHold::Exists(first.clone()));
    assert_eq!(store.set_hold(&hold(monday().plus_seconds(61)), clock).await.unwrap(), SetHold::Set);
    let end = HoldEnd { at: clock.now(), by: first.set_by.clone(), reason: None };
    let both = tokio::join!(store.end_hold(first.id, &end, clock), store.end_hold(first.id, &end, clock));
    for ended in [both.0, both.1] {
        assert_eq!(ended.unwrap().unwrap().status(clock.now()), HoldStatus::Ended);
    }
    assert_eq!(store.get().await.unwrap().holds.len(), 1);
}
