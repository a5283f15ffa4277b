//! Rows of a later version: unknown words, unknown attributes and rows that cannot be read, in every table.

use std::collections::{BTreeMap, BTreeSet};

use age_governance::WeeklyError;
use age_model::{Clock, SystemAlertKind};
use age_store::SystemAlerts;
use serde_json::{Map, Value, json};

use crate::world::browser::Browser;
use crate::world::test_credentials::{ADMIN, BILLING, NIGHT_DESK, READER};
use crate::world::{Api, ApiResponse, RETENTION_DAYS, World, event};

const DAY: i64 = 86_400;

/// Every table, with the attributes of its key.
const TABLES: [(&str, &[&str]); 6] = [
    ("Events", &["id"]),
    ("Rollups", &["engine_shard", "day"]),
    ("Actions", &["event_id", "action"]),
    ("Incidents", &["fingerprint", "opened_at"]),
    ("Reports", &["id"]),
    ("Credentials", &["kind", "kid"]),
];

impl World {
    fn scan_rows(&self, table: &str) -> Vec<Value> {
        let scanned = self.dynamodb.call("Scan", &json!({ "TableName": table, "ConsistentRead": true }));
        assert_eq!(scanned.get("LastEvaluatedKey"), None);
        scanned["Items"].as_array().unwrap().clone()
    }

    fn put_row(&self, table: &str, row: &Value) {
        self.dynamodb.call("PutItem", &json!({ "TableName": table, "Item": row }));
    }

    /// Changes the rows of `table` that `change` accepts. Returns their number.
    pub(crate) fn change_rows(&self, table: &str, change: impl Fn(&mut Value) -> bool) -> usize {
        let mut changed = 0;
        for mut row in self.scan_rows(table) {
            if change(&mut row) {
                changed += 1;
                self.put_row(table, &row);
            }
        }
        changed
    }

    fn state_row(&self, fingerprint: &str) -> Value {
        self.row("Incidents", &[("fingerprint", fingerprint), ("opened_at", "state")])["Item"].clone()
    }

    async fn open_stored_incident(&self, engine: &str, event_type: &str) -> String {
        self.post(&event(engine, event_type, "CRITICAL")).await;
        let listed = self.get("/api/governance/incidents").await;
        let of = |it: &&Value| it["eventType"] == event_type;
        listed.list("/incidents").iter().find(of).unwrap()["id"].as_str().unwrap().to_owned()
    }

    async fn stored_system_alerts(&self) -> Vec<(SystemAlertKind, String)> {
        let shown = SystemAlerts::new(&self.db(), "Incidents").shown(self.clock.now()).await.unwrap();
        shown.into_iter().map(|alert| (alert.kind, alert.subject)).collect()
    }
}

fn key_of(table: &str, row: &Value) -> String {
    let (_, key) = TABLES.iter().find(|(name, _)| *name == table).unwrap();
    key.iter().map(|name| row[name]["S"].as_str().unwrap()).collect::<Vec<_>>().join("/")
}

/// Sets the string at `path` of a row to `word`, if it exists. A part of the path that is a number is an index of a list.
fn set_word(row: &mut Value, path: &str, word: &str) {
    let mut value = row;
    for (depth, name) in path.split('.').enumerate() {
        let next = match (depth, name.parse::<usize>()) {
            (0, _) => value.get_mut(name),
            (_, Ok(index)) => value.get_mut("L").and_then(|list| list.get_mut(index)),
            (_, Err(_)) => value.get_mut("M").and_then(|map| map.get_mut(name)),
        };
        let Some(next) = next else { return };
        value = next;
    }
    *value = json!({ "S": word });
}

/// Adds an attribute of a later version to every map of `value`, each with another text.
fn add_owners(value: &mut Value, number: &mut u32) {
    let add = |map: &mut Map<String, Value>, number: &mut u32| {
        for value in map.values_mut() {
            add_owners(value, number);
        }
        *number += 1;
        map.insert("owner".to_owned(), json!({ "S": format!("owner-{number}") }));
    };
    if let Some(map) = value.get_mut("M").and_then(Value::as_object_mut) {
        add(map, number);
    } else if let Some(list) = value.get_mut("L").and_then(Value::as_array_mut) {
        for value in list {
            add_owners(value, number);
        }
    }
}

/// Returns the texts of all attributes that [`add_owners`] has added, each with its path.
fn owners(path: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                match value.get("S").and_then(Value::as_str).filter(|_| name == "owner") {
                    Some(text) => {
                        found.insert(text.to_owned(), format!("{path}.owner"));
                    }
                    None => owners(&format!("{path}.{name}"), value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| owners(path, item, found)),
        _ => {}
    }
}

/// Gives every row of every table a later schema version and attributes of a later version at every level. Returns them.
fn rewrite_as_later_version(world: &World) -> BTreeMap<String, String> {
    let (mut number, mut added) = (0, BTreeMap::new());
    for (table, _) in TABLES {
        for mut row in world.scan_rows(table) {
            assert_eq!(row["v"], json!({ "N": "1" }), "{table}: {row}");
            let map = row.as_object_mut().unwrap();
            map.insert("v".to_owned(), json!({ "N": "9" }));
            if map.contains_key("credentials") {
                for credential in map["credentials"]["M"].as_object_mut().unwrap().values_mut() {
                    add_owners(credential, &mut number);
                }
            } else {
                map.values_mut().for_each(|value| add_owners(value, &mut number));
            }
            number += 1;
            map.insert("owner".to_owned(), json!({ "S": format!("owner-{number}") }));
            owners(&format!("{table} {}", key_of(table, &Value::Object(map.clone()))), &row, &mut added);
            world.put_row(table, &row);
        }
    }
    added
}

/// Asserts that no write has erased any of `added` that is not of an object that has ended, whose path has one of `ended`.
fn assert_kept(world: &World, added: &BTreeMap<String, String>, ended: &[&str]) {
    let mut left = BTreeMap::new();
    for (table, _) in TABLES {
        for row in world.scan_rows(table) {
            owners(table, &row, &mut left);
        }
    }
    let erased = added.iter().filter(|(text, _)| !left.contains_key(*text));
    let erased: Vec<_> = erased.filter(|(_, path)| !ended.iter().any(|part| path.contains(part))).collect();
    assert!(erased.is_empty(), "{erased:?}");
}

/// Stores something in every table: events of all severities, actions at many statuses, incidents, reports and notifications.
async fn fill(world: &World) {
    world.sweep().await;
    for severity in ["LOW", "MEDIUM", "HIGH", "CRITICAL"] {
        world.post(&event("billing", &format!("sync_{severity}"), severity)).await;
    }
    world.post(&event("compliance", "permission_escalated", "HIGH")).await;
    world.post(&event("qa", "suite_failed", "CRITICAL")).await;
    let failing = world.post(&event("billing", "ledger_lost", "HIGH")).await;
    let outcome = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", failing.text("/id"));
    let reported =
        world.as_caller(BILLING).post_json(&outcome, &json!({ "outcome": "failed", "detail": "no disk" })).await;
    assert_eq!(reported.status, 200, "{reported:?}");
    assert_eq!(world.generate_report().await.status, 201);
    world.run_weekly_report().await.unwrap();
    let alert = age_model::SystemAlert::new(
        SystemAlertKind::RefusedEvent,
        "sender",
        "labels/engine",
        "x",
        1,
        world.clock.now(),
    );
    SystemAlerts::new(&world.db(), "Incidents").record(&alert).await.unwrap();
    world.clock.advance(60);
    world.sweep().await;
}

/// Asks every route that reads, of the API and of the dashboard. Returns the responses by path.
async fn ask_every_route(world: &World) -> BTreeMap<String, ApiResponse> {
    let api = world.new_environment().await;
    let mut paths: Vec<String> = [
        "events",
        "events?severity=HIGH",
        "actions",
        "actions?status=pending",
        "incidents",
        "incidents?status=open",
        "incidents?status=resolved",
        "health",
        "reports",
        "stats",
        "credentials",
    ]
    .map(|path| format!("/api/governance/{path}"))
    .to_vec();
    for row in world.scan_rows("Events") {
        paths.push(format!("/api/governance/events/{}", row["id"]["S"].as_str().unwrap()));
        paths.push(format!("/dashboard/events/{}", row["id"]["S"].as_str().unwrap()));
    }
    for row in world.scan_rows("Reports") {
        paths.push(format!("/api/governance/reports/{}", row["id"]["S"].as_str().unwrap()));
        paths.push(format!("/dashboard/reports/{}", row["id"]["S"].as_str().unwrap()));
    }
    for incident in api.get("/api/governance/incidents?limit=200").await.list("/incidents") {
        paths.push(format!("/api/governance/incidents/{}", incident["id"].as_str().unwrap()));
        paths.push(format!("/dashboard/incidents/{}", incident["id"].as_str().unwrap()));
    }
    paths.extend(
        [
            "",
            "/engines",
            "/events",
            "/actions?status=all",
            "/actions?status=in_progress",
            "/actions",
            "/incidents?status=all",
            "/incidents",
            "/reports",
            "/events.csv",
        ]
        .map(|path| format!("/dashboard{path}")),
    );
    let mut browser = Browser::signed_in(world, READER).await.in_new_environment().await;
    let mut responses = BTreeMap::new();
    for path in paths {
        let response = if path.starts_with("/dashboard") { browser.get(&path).await } else { api.get(&path).await };
        assert_eq!(response.status, 200, "{path}: {response:?}");
        responses.insert(path, response);
    }
    responses
}

/// Replaces the words of every enum in the rows about `sync_CRITICAL`, and in one report, one credential and one system alert.
fn write_unknown_words(world: &World) {
    let is_critical = |row: &Value| row["event_type"]["S"] == "sync_CRITICAL";
    let id = world.scan_rows("Events").into_iter().find(is_critical).unwrap()["id"]["S"].as_str().unwrap().to_owned();
    let words = |row: &mut Value, paths: &[&str]| {
        for path in paths {
            set_word(row, path, &format!("later_{}", path.replace('.', "_")));
        }
    };
    let changed = world.change_rows("Events", |row| {
        words(row, &["engine", "severity"]);
        is_critical(row)
    });
    assert_eq!(changed, 1);
    let changed = world.change_rows("Actions", |row| {
        let is_of_event = row["event_id"]["S"] == id.as_str();
        words(row, &["engine", "status", "item.status", "item.engine", "item.severity"]);
        is_of_event
    });
    assert_eq!(changed, 2);
    let mut another = world.row("Actions", &[("event_id", &id), ("action", "billing_sync_repair")])["Item"].clone();
    words(&mut another, &["action", "item.action"]);
    world.put_row("Actions", &another);
    let changed = world.change_rows("Incidents", |row| {
        words(
            row,
            &[
                "status",
                "state.incident.status",
                "state.incident.cause",
                "state.incident.severity",
                "state.incident.notify_admin.status",
                "state.incident.last_failed_remediation.action",
                "state.incident.last_failed_remediation.status",
                "state.remediations.0.action",
                "notification.kind",
            ],
        );
        row["fingerprint"]["S"] == "billing#sync_CRITICAL"
    });
    assert!(changed >= 2, "the state and a notification");
    world.change_rows("Incidents", |row| {
        words(row, &["kind"]);
        row["fingerprint"]["S"] == "system_alerts"
    });
    let changed = world.change_rows("Reports", |row| {
        let mut report: Value = serde_json::from_str(row["report"]["S"].as_str().unwrap()).unwrap();
        (report["kind"], report["riskLevel"]) = ("quarterly".into(), "SEVERE".into());
        (report["summary"]["byEngine"]["quantum"], report["summary"]["bySeverity"]["DIRE"]) = (1.into(), 2.into());
        report["summary"]["actions"]["cancelled"] = 3.into();
        report["summary"]["actions"]["owners"] = json!({"ada": 3});
        report["summary"]["silentEngines"] = json!(["quantum"]);
        report["summary"]["contributions"]["billing_risk"]["quantum"] = 4.into();
        let is_weekly = row["kind"]["S"] == "weekly";
        row["report"] = json!({ "S": report.to_string() });
        is_weekly
    });
    assert_eq!(changed, 1);
    let is_delivery = |row: &Value| row["action"]["S"] == "automated_governance_summary";
    world.change_rows("Actions", |row| {
        set_word(row, "status", "later_delivery");
        is_delivery(row)
    });
}

#[tokio::test]
async fn rows_with_unknown_words_in_every_table_fail_no_route_and_are_shown_as_they_are() {
    let world = World::new().await;
    fill(&world).await;
    write_unknown_words(&world);
    let responses = ask_every_route(&world).await;
    let shown = |path: &str| &responses[&format!("/api/governance/{path}")];
    let words = |list: &ApiResponse, pointer: &str, field: &str| -> BTreeSet<String> {
        list.list(pointer).iter().map(|item| item[field].as_str().unwrap().to_owned()).collect()
    };
    for (path, pointer, field, word) in [
        ("events", "/events", "severity", "later_severity"),
        ("events", "/events", "engine", "later_engine"),
        ("actions", "/actions", "status", "later_item_status"),
        ("actions", "/actions", "action", "later_item_action"),
        ("incidents", "/incidents", "status", "later_state_incident_status"),
        ("incidents", "/incidents", "cause", "later_state_incident_cause"),
        ("incidents", "/incidents", "severity", "later_state_incident_severity"),
        ("reports", "/reports", "riskLevel", "SEVERE"),
        ("reports", "/reports", "kind", "quarterly"),
    ] {
        assert!(words(shown(path), pointer, field).contains(word), "{word} in {path}: {:?}", shown(path));
        assert!(words(shown(path), pointer, field).len() > 1, "the others are listed: {path}");
        assert_eq!(shown(path).json.get("unreadable"), None, "{path}");
    }
    let overview = &responses["/dashboard"].body;
    assert!(overview.contains("sync_CRITICAL"), "an incident with an unknown status needs attention");
    assert!(responses["/dashboard/incidents?status=all"].body.contains("? later state incident status"));
}

#[tokio::test]
async fn nothing_is_done_with_rows_whose_status_is_unknown() {
    let world = World::new().await;
    fill(&world).await;
    write_unknown_words(&world);
    let before = (world.state_row("billing#sync_CRITICAL"), world.scan_rows("Actions"));
    let emails = world.sns.published("notifications").len();
    for _ in 0..3 {
        // One after the other: the deadline of the outcome, of the approval, and of the second line.
        world.clock.advance(DAY);
        let swept = world.sweep().await;
        assert_eq!(swept.failed, 0, "{swept:?}");
        assert!(swept.oldest_due_seconds <= 2 * DAY, "{swept:?}");
    }
    assert!(world.sns.published("notifications").len() > emails, "others are notified");
    assert_eq!(world.state_row("billing#sync_CRITICAL"), before.0);
    let unknown = |rows: Vec<Value>| -> Vec<String> {
        let rows = rows.into_iter().filter(|row| row["item"]["M"]["status"]["S"] == "later_item_status");
        let mut rows: Vec<String> = rows.map(|row| row.to_string()).collect();
        rows.sort();
        rows
    };
    assert_eq!(unknown(world.scan_rows("Actions")), unknown(before.1));
    let path = world.scan_rows("Actions").iter().find(|row| row["status"]["S"] == "later_status").map(|row| {
        format!("/api/governance/events/{}/actions/billing_sync_repair/", row["event_id"]["S"].as_str().unwrap())
    });
    let outcome = world.post_json(&format!("{}outcome", path.unwrap()), &json!({ "outcome": "succeeded" })).await;
    assert_eq!(outcome.status, 409, "{outcome:?}");
}

#[tokio::test]
async fn incident_with_unknown_status_counts_events_and_a_person_may_resolve_it() {
    let world = World::new().await;
    let id = world.open_stored_incident("billing", "sync_failed").await;
    world.change_rows("Incidents", |row| {
        for path in ["status", "state.incident.status", "state.incident.notify_admin.status"] {
            set_word(row, path, "snoozed");
        }
        row["opened_at"]["S"] == "state"
    });
    assert_eq!(world.post(&event("billing", "sync_failed", "CRITICAL")).await.status, 201);
    let path = format!("/api/governance/incidents/{id}");
    let shown = world.get(&path).await;
    assert_eq!((shown.text("/status"), shown.number("/eventCount")), ("snoozed", 2));
    let refused = world.post_json(&format!("{path}/acknowledge"), &json!({})).await;
    assert!(refused.status == 409 && refused.text("/detail").contains("snoozed"), "{refused:?}");
    let resolved = world.post_json(&format!("{path}/resolve"), &json!({})).await;
    assert_eq!((resolved.status, resolved.text("/status")), (200, "resolved"), "{resolved:?}");
}

#[tokio::test]
async fn incident_is_acknowledged_though_its_notification_action_is_unknown_or_has_expired() {
    for gone in [false, true] {
        let world = World::new().await;
        let id = world.open_stored_incident("qa", "suite_failed").await;
        world.change_rows("Actions", |row| {
            set_word(row, "item.status", "delegated");
            true
        });
        if gone {
            let row = world.scan_rows("Actions").remove(0);
            let key = json!({ "event_id": row["event_id"], "action": row["action"] });
            world.dynamodb.call("DeleteItem", &json!({ "TableName": "Actions", "Key": key }));
        }
        let changed = world.post_json(&format!("/api/governance/incidents/{id}/acknowledge"), &json!({})).await;
        assert_eq!((changed.status, changed.text("/status")), (200, "acknowledged"), "{changed:?}");
        let left: Vec<_> =
            world.scan_rows("Actions").iter().map(|row| row["item"]["M"]["status"]["S"].clone()).collect();
        assert_eq!(left, if gone { vec![] } else { vec![json!("delegated")] });
    }
}

#[tokio::test]
async fn incident_of_an_engine_of_a_later_version_is_listed_shown_and_acknowledged() {
    let world = World::new().await;
    let id = world.open_stored_incident("billing", "sync_failed").await;
    let text = world.state_row("billing#sync_failed").to_string().replace("billing#", "quantum#");
    world.put_row("Incidents", &serde_json::from_str(&text).unwrap());
    let listed = world.get("/api/governance/incidents").await;
    let engines: BTreeSet<&str> = listed.list("/incidents").iter().map(|it| it["engine"].as_str().unwrap()).collect();
    assert_eq!(engines, BTreeSet::from(["billing", "quantum"]));
    let path = format!("/api/governance/incidents/{}", id.replace("billing", "quantum"));
    assert_eq!(world.get(&path).await.text("/engine"), "quantum");
    let changed = world.post_json(&format!("{path}/acknowledge"), &json!({})).await;
    assert_eq!((changed.status, changed.text("/status")), (200, "acknowledged"), "{changed:?}");
    assert_eq!(world.get(&path.replace("quantum", "entangled")).await.status, 404);
}

#[tokio::test]
async fn no_write_erases_what_a_later_version_has_stored() {
    let world = World::new().await;
    fill(&world).await;
    let resolved = world.open_stored_incident("maos", "task_lost").await;
    world.post_json(&format!("/api/governance/incidents/{resolved}/resolve"), &json!({ "note": "done" })).await;
    let succeeding = world.post(&event("billing", "invoice_lost", "HIGH")).await;
    let worked = world.post(&event("deep_agent", "route_lost", "HIGH")).await;
    let rotated = world.post_json("/api/governance/credentials/night-desk/rotate", &json!({})).await;
    assert_eq!(rotated.status, 201, "{rotated:?}");
    let added = rewrite_as_later_version(&world);
    assert!(added.len() > 60, "{added:?}");
    ask_every_route(&world).await;

    // Incidents: acknowledged, resolved, counted, notified, and replaced by another of the same key.
    let incidents = world.get("/api/governance/incidents?status=open").await;
    let ids: Vec<&str> = incidents.list("/incidents").iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert!(ids.len() >= 3, "{ids:?}");
    for id in &ids {
        let path = format!("/api/governance/incidents/{id}");
        assert_eq!(world.post_json(&format!("{path}/acknowledge"), &json!({ "note": "mine" })).await.status, 200);
        assert_kept(&world, &added, &[]);
    }
    assert_eq!(world.post_json(&format!("/api/governance/incidents/{}/resolve", ids[0]), &json!({})).await.status, 200);
    for event_type in ["task_lost", "sync_CRITICAL", "suite_failed"] {
        let engine = ["maos", "billing", "qa"]
            .into_iter()
            .find(|engine| added.values().any(|path| path.contains(&format!("{engine}#{event_type}"))));
        assert_eq!(world.post(&event(engine.unwrap(), event_type, "CRITICAL")).await.status, 201);
        assert_kept(&world, &added, &[]);
    }
    // Actions: an outcome that succeeds, one that fails, and an approval.
    for (sent, action, outcome) in
        [(&succeeding, "billing_sync_repair", "succeeded"), (&worked, "DeepAgent_policy_update", "failed")]
    {
        let path = format!("/api/governance/events/{}/actions/{action}/outcome", sent.text("/id"));
        assert_eq!(world.post_json(&path, &json!({ "outcome": outcome })).await.status, 200);
    }
    let pending = world.get("/api/governance/actions?status=pending_approval").await;
    let (id, digest) = (pending.text("/actions/0/eventId"), pending.text("/actions/0/digest"));
    let path = format!("/api/governance/events/{id}/actions/permission_reset/approval");
    let approved = world.post_json(&path, &json!({ "decision": "approve", "digest": digest })).await;
    assert_eq!(approved.status, 200, "{approved:?}");
    assert_kept(&world, &added, &["remediations"]);

    // Credentials: one created, one rotated twice, one revoked.
    let created = json!({ "kid": "new-worker", "role": "engine", "engines": ["qa"] });
    assert_eq!(world.post_json("/api/governance/credentials", &created).await.status, 201);
    let path = "/api/governance/credentials/night-desk/rotate";
    world.clock.advance(DAY);
    assert_eq!(world.post_json(path, &json!({ "overlapSeconds": 60 })).await.status, 201);
    assert_kept(&world, &added, &["remediations", "night-desk.M.s", "night-desk.credential.M.s"]);
    let row = world.row("Credentials", &[("kind", "keyring"), ("kid", "*")]);
    let secrets = row["Item"]["credentials"]["M"]["night-desk"]["M"]["s"]["L"].as_array().unwrap();
    let owners = secrets.iter().filter(|secret| secret["M"].get("owner").is_some()).count();
    assert_eq!((secrets.len(), owners), (2, 1), "the older secret stays as it was: {secrets:?}");
    let deleted = world.send("DELETE", "/api/governance/credentials/day-desk", &[], b"").await;
    assert_eq!(deleted.status, 200, "{deleted:?}");

    // Sweeps until all is notified and verified, and a weekly report.
    for _ in 0..8 {
        world.clock.advance(DAY / 2);
        assert_eq!(world.sweep().await.failed, 0);
    }
    world.set_time("2026-11-30T00:05:00Z");
    world.run_weekly_report().await.unwrap();
    let ended = [
        "remediations",
        "night-desk.M.s",
        "night-desk.credential.M.s",
        // The credential left the keyring when it was revoked. Its record stays.
        "credentials.M.day-desk",
        "day-desk.credential.M.s",
    ];
    assert_kept(&world, &added, &ended);
    ask_every_route(&world).await;
    for (table, _) in TABLES {
        for row in world.scan_rows(table) {
            let is_of_later_version = row.get("owner").is_some();
            assert_eq!(row["v"]["N"], if is_of_later_version { "9" } else { "1" }, "{table}: {row}");
        }
    }
}

#[tokio::test]
async fn remediations_that_remain_keep_what_a_later_version_has_stored_with_them() {
    let world = World::new().await;
    let first = world.post(&event("billing", "sync_failed", "HIGH")).await;
    // After the time in which the first one suppresses another.
    world.clock.advance(2 * 3600);
    world.post(&event("billing", "sync_failed", "HIGH")).await;
    world.change_rows("Incidents", |row| {
        let mut number = 0;
        add_owners(&mut row["state"], &mut number);
        row["fingerprint"]["S"] == "billing#sync_failed"
    });
    let remediations = async || world.state_row("billing#sync_failed")["state"]["M"]["remediations"]["L"].clone();
    let before = remediations().await;
    assert_eq!(before.as_array().map(Vec::len), Some(2), "{before}");
    let path = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", first.text("/id"));
    assert_eq!(world.post_json(&path, &json!({ "outcome": "failed" })).await.status, 200);
    assert_eq!(remediations().await, json!([before[1]]));
}

/// Changes the credential `kid` in the table.
fn change_credential(world: &World, kid: &str, change: impl Fn(&mut Map<String, Value>)) {
    let changed = world.change_rows("Credentials", |row| {
        let credential = row.get_mut("credentials").and_then(|credentials| credentials["M"][kid]["M"].as_object_mut());
        credential.map(&change).is_some()
    });
    assert_eq!(changed, 1);
}

async fn status_of(api: &Api, token: &str, path: &str) -> u16 {
    api.with_token(token).get(path).await.status
}

#[tokio::test]
async fn grant_with_an_unknown_role_permits_nothing_and_all_others_work() {
    for (field, value) in [("r", json!({ "S": "auditor" }))] {
        let world = World::new().await;
        change_credential(&world, BILLING, |credential| {
            credential.insert(field.to_owned(), value.clone());
        });
        let api = world.new_environment().await;
        let as_unknown = api.with_token(world.token(BILLING));
        let sent = as_unknown.post(&event("billing", "sync_failed", "HIGH"), None).await;
        assert_eq!(sent.status, 403, "{sent:?}");
        assert!(sent.text("/detail").contains("that this version of AGE does not know"), "{sent:?}");
        for path in ["/api/governance/stats", "/api/governance/health", "/api/governance/credentials"] {
            assert_eq!(as_unknown.get(path).await.status, 403, "{path}");
        }
        assert_eq!(status_of(&api, world.token(READER), "/api/governance/stats").await, 200);
        let listed = api.get("/api/governance/credentials").await;
        let shown = listed.list("/credentials").iter().find(|it| it["kid"] == BILLING).unwrap();
        assert_eq!(shown["role"], "auditor", "{shown}");

        let created = json!({ "kid": "new-worker", "role": "engine", "engines": ["qa"] });
        assert_eq!(api.post_json("/api/governance/credentials", &created).await.status, 201);
        let path = format!("/api/governance/credentials/{BILLING}");
        let rotated = api.post_json(&format!("{path}/rotate"), &json!({ "overlapSeconds": 0 })).await;
        assert_eq!(rotated.status, 201, "{rotated:?}");
        let row = world.row("Credentials", &[("kind", "keyring"), ("kid", "*")]);
        assert_eq!(row["Item"]["credentials"]["M"][BILLING]["M"][field], value, "the grant stays as it was");
        let revoked = api.send("DELETE", &path, &[], b"").await;
        assert_eq!((revoked.status, revoked.text("/status")), (200, "revoked"), "{revoked:?}");
        let (kid, live) = ("operator".parse().unwrap(), ["tests", "admin"].map(|kid| kid.parse().unwrap()).into());
        age_governance::create_first_admin(&world.credentials(), kid, &live, world.clock.as_ref()).await.unwrap();
    }
}

#[tokio::test]
async fn malformed_credential_is_listed_as_unreadable_and_all_others_work() {
    let world = World::new().await;
    change_credential(&world, NIGHT_DESK, |credential| {
        credential.insert("c".to_owned(), json!({ "S": "5" }));
    });
    let stored = async || {
        world.row("Credentials", &[("kind", "keyring"), ("kid", "*")])["Item"]["credentials"]["M"][NIGHT_DESK].clone()
    };
    let before = stored().await;
    let api = world.new_environment().await;
    assert_eq!(status_of(&api, world.token(NIGHT_DESK), "/api/governance/stats").await, 401);
    assert_eq!(status_of(&api, world.token(READER), "/api/governance/stats").await, 200);
    let listed = api.get("/api/governance/credentials").await;
    assert_eq!(listed.json["unreadable"], json!([{ "id": NIGHT_DESK }]), "{listed:?}");
    assert_eq!(listed.list("/credentials").len(), 8);
    for (method, path, status) in
        [("POST", "night-desk/rotate", 409), ("DELETE", "night-desk", 409), ("DELETE", "day-desk", 200)]
    {
        let response = api.send(method, &format!("/api/governance/credentials/{path}"), &[], b"").await;
        assert_eq!(response.status, status, "{method} {path}: {response:?}");
    }
    let taken = api.post_json("/api/governance/credentials", &json!({ "kid": NIGHT_DESK, "role": "reader" })).await;
    assert_eq!(taken.status, 409, "{taken:?}");
    assert_eq!(stored().await, before);
}

/// Makes the attribute `name` of a row one that cannot be read.
fn damage(row: &mut Value, name: &str) {
    row[name] = json!({ "BOOL": true });
}

#[tokio::test]
async fn unreadable_rows_are_named_and_hide_no_others() {
    let world = World::new().await;
    fill(&world).await;
    let is_critical = |row: &Value| row["event_type"]["S"] == "sync_CRITICAL";
    let event_id =
        world.scan_rows("Events").into_iter().find(is_critical).unwrap()["id"]["S"].as_str().unwrap().to_owned();
    let before = ask_every_route(&world).await;
    let incident =
        before["/api/governance/incidents"].list("/incidents").iter().find(|it| it["eventType"] == "sync_CRITICAL");
    let incident_id = incident.unwrap()["id"].as_str().unwrap().to_owned();
    let report_id = before["/api/governance/reports"].text("/reports/0/id").to_owned();
    world.change_rows("Events", |row| {
        damage(row, "details");
        is_critical(row)
    });
    world.change_rows("Actions", |row| {
        damage(row, "item");
        row["event_id"]["S"] == event_id.as_str() && row["action"]["S"] == "notify_admin"
    });
    world.change_rows("Incidents", |row| {
        damage(row, "state");
        row["fingerprint"]["S"] == "billing#sync_CRITICAL" && row["opened_at"]["S"] == "state"
    });
    world.change_rows("Incidents", |row| {
        damage(row, "notification");
        row.get("notification").is_some() && row["fingerprint"]["S"] == "qa#suite_failed"
    });
    world.change_rows("Reports", |row| {
        damage(row, "report");
        row["id"]["S"] == report_id.as_str()
    });
    world.change_rows("Incidents", |row| {
        damage(row, "count");
        row["fingerprint"]["S"] == "system_alerts"
    });

    let api = world.new_environment().await;
    for (path, list, id) in [
        ("events", "events", event_id.clone()),
        ("incidents", "incidents", incident_id.clone()),
        ("reports", "reports", report_id.clone()),
    ] {
        let listed = api.get(&format!("/api/governance/{path}")).await;
        assert_eq!((listed.status, &listed.json["unreadable"]), (200, &json!([{ "id": id }])), "{listed:?}");
        let number = before[&format!("/api/governance/{path}")].list(&format!("/{list}")).len();
        assert_eq!(listed.list(&format!("/{list}")).len(), number - 1, "{path}");
    }
    let actions = api.get("/api/governance/actions").await;
    assert_eq!(actions.json["unreadable"], json!([{ "id": format!("{event_id}/notify_admin") }]), "{actions:?}");
    for (path, status) in [("health", 200), ("stats", 200), ("credentials", 200)] {
        assert_eq!(api.get(&format!("/api/governance/{path}")).await.status, status, "{path}");
    }
    let others = api.get("/api/governance/incidents").await;
    let qa = others.list("/incidents").iter().find(|it| it["eventType"] == "suite_failed").unwrap();
    let shown = api.get(&format!("/api/governance/incidents/{}", qa["id"].as_str().unwrap())).await;
    assert_eq!((shown.status, shown.list("/unreadable").len()), (200, 1), "{shown:?}");
    assert_eq!(api.get(&format!("/api/governance/events/{event_id}")).await.status, 500);
    assert_eq!(api.get(&format!("/api/governance/incidents/{incident_id}")).await.status, 500);

    let mut browser = Browser::signed_in(&world, NIGHT_DESK).await.in_new_environment().await;
    for path in [
        "/dashboard",
        "/dashboard/engines",
        "/dashboard/events",
        "/dashboard/actions?status=all",
        "/dashboard/incidents?status=all",
        "/dashboard/reports",
        "/dashboard/events.csv",
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, 200, "{path}: {page:?}");
        let is_list = !matches!(path, "/dashboard" | "/dashboard/engines" | "/dashboard/events.csv");
        assert_eq!(page.body.contains("cannot be read by this version of AGE"), is_list, "{path}: {}", page.body);
    }
    world.clock.advance(DAY);
    let swept = world.sweep().await;
    assert!(swept.failed > 0 && swept.errors.is_empty(), "{swept:?}");
    let alerts = world.stored_system_alerts().await;
    assert!(alerts.contains(&(SystemAlertKind::UnreadableRow, "billing#sync_CRITICAL/state".to_owned())), "{alerts:?}");
    // An incident that is stored is counted, whether or not it can be read.
    assert_eq!(world.generate_report().await.status, 201);
}

#[tokio::test]
async fn event_whose_incident_state_cannot_be_read_is_stored_without_a_plan() {
    let world = World::new().await;
    let first = world.post(&event("billing", "sync_failed", "HIGH")).await;
    world.change_rows("Incidents", |row| {
        damage(row, "state");
        true
    });
    let dispatched = world.sns.published("actions").len();
    let stored = world.post(&event("billing", "sync_failed", "CRITICAL")).await;
    assert_eq!((stored.status, stored.actions().len()), (201, 0), "{stored:?}");
    assert_eq!(world.get("/api/governance/stats").await.number("/totalEvents"), 2);
    assert_eq!(world.sns.published("actions").len(), dispatched, "no remediation is started");
    let alert = (SystemAlertKind::UnreadableRow, "billing#sync_failed/state".to_owned());
    assert_eq!(world.stored_system_alerts().await, [alert]);
    let shown =
        Browser::signed_in(&world, READER).await.get(&format!("/dashboard/events/{}", stored.text("/id"))).await;
    assert_eq!(shown.status, 200, "{shown:?}");
    // An outcome is recorded, though the state does not learn of it.
    let path = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", first.text("/id"));
    let reported = world.post_json(&path, &json!({ "outcome": "failed" })).await;
    assert_eq!((reported.status, reported.text("/status")), (200, "failed"), "{reported:?}");
    assert_eq!(world.state_row("billing#sync_failed")["state"], json!({ "BOOL": true }), "the row is preserved");
}

#[tokio::test]
async fn unreadable_state_does_not_hide_earlier_incidents_of_its_key() {
    let world = World::new().await;
    let earlier = world.open_stored_incident("qa", "suite_failed").await;
    world.post_json(&format!("/api/governance/incidents/{earlier}/resolve"), &json!({})).await;
    world.clock.advance(60);
    world.post(&event("qa", "suite_failed", "CRITICAL")).await;
    world.change_rows("Incidents", |row| {
        damage(row, "state");
        row["opened_at"]["S"] == "state"
    });
    let shown = world.get(&format!("/api/governance/incidents/{earlier}")).await;
    assert_eq!((shown.status, shown.text("/status")), (200, "resolved"), "{shown:?}");
}

#[tokio::test]
async fn report_that_would_count_what_it_cannot_understand_fails_and_names_the_row() {
    for (day, name) in [("2026-11-23", "aX"), ("2026-11-23#outcomes", "cancelled")] {
        let world = World::new().await;
        world.post(&event("billing", "sync_failed", "CRITICAL")).await;
        let sent = world.post(&event("billing", "ledger_lost", "HIGH")).await;
        let path = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", sent.text("/id"));
        world.post_json(&path, &json!({ "outcome": "failed" })).await;
        let changed = world.change_rows("Rollups", |row| {
            row[name] = json!({ "N": "3" });
            row["day"]["S"] == day
        });
        assert_eq!(changed, 1, "{day}");
        assert_eq!(world.generate_report().await.status, 500, "{name}");
        let mut browser = Browser::signed_in(&world, READER).await.in_new_environment().await;
        let overview = browser.get("/dashboard").await;
        assert!(overview.status == 200 && overview.body.contains("The figures cannot be shown"), "{overview:?}");
        assert!(overview.body.contains("sync_failed"), "what needs attention is shown");
        // Lists need no counts.
        let api = world.new_environment().await;
        for (path, list) in [("events", "events"), ("actions", "actions"), ("incidents", "incidents")] {
            let listed = api.get(&format!("/api/governance/{path}")).await;
            assert!(listed.status == 200 && listed.list(&format!("/{list}")).len() >= 2, "{listed:?}");
        }
        assert_eq!(api.get("/api/governance/events?severity=HIGH").await.list("/events").len(), 1);
        world.set_time("2026-11-30T00:05:00Z");
        let error = world.run_weekly_report().await.unwrap_err();
        assert!(
            matches!(&error, WeeklyError::Store(_)) && error.to_string().contains(&format!("billing#0/{day}")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn event_of_an_uncounted_hour_is_listed_and_its_engine_is_not_silent() {
    let world = World::new().await;
    world.post(&event("billing", "sync_failed", "LOW")).await;
    // A later version has counted the event under a severity of its own.
    world.change_rows("Rollups", |row| {
        let counters = row.as_object_mut().unwrap();
        let low = counters.remove("aL");
        counters.insert("aD".to_owned(), low.unwrap_or_else(|| json!({ "N": "0" })));
        true
    });
    world.change_rows("Events", |row| {
        set_word(row, "severity", "DIRE");
        true
    });
    let listed = world.new_environment().await.get("/api/governance/events?engine=billing").await;
    assert_eq!((listed.status, listed.text("/events/0/severity")), (200, "DIRE"), "{listed:?}");
    let of_low = world.new_environment().await.get("/api/governance/events?severity=LOW").await;
    assert!(of_low.list("/events").is_empty());
}

#[tokio::test]
async fn resolved_incidents_actions_and_notifications_expire_with_the_retention() {
    let world = World::new().await;
    let start = world.clock.now();
    let after = |days: i64| json!({ "N": start.plus_days(days + RETENTION_DAYS).seconds().to_string() });
    let id = world.open_stored_incident("qa", "suite_failed").await;
    let expiry = async || world.state_row("qa#suite_failed")["expires_at"].clone();
    assert_eq!(expiry().await, Value::Null, "an open incident does not expire");
    for row in world.scan_rows("Actions") {
        assert_eq!(row["expires_at"], after(0), "{row}");
    }
    let notified = world.scan_rows("Incidents").into_iter().find(|row| row.get("notification").is_some()).unwrap();
    assert_eq!(notified["expires_at"], after(0));

    world.clock.advance(3 * DAY);
    world.post_json(&format!("/api/governance/incidents/{id}/resolve"), &json!({})).await;
    assert_eq!(expiry().await, after(3), "a resolved one expires from its resolution");
    world.clock.advance(DAY);
    world.post(&event("qa", "suite_failed", "CRITICAL")).await;
    assert_eq!(expiry().await, Value::Null, "a later event renews the row of the key");
    let opened_at = world.scan_rows("Incidents").into_iter().filter(|row| row["fingerprint"]["S"] == "qa#suite_failed");
    let archived = opened_at.into_iter().find(|row| row.get("incident").is_some()).unwrap();
    assert_eq!(archived["expires_at"], after(3));

    // DynamoDB deletes expired rows within days. Until then they are not listed.
    world.clock.set(start.plus_days(RETENTION_DAYS + 3));
    let listed = world.get("/api/governance/incidents").await;
    let ids: Vec<_> = listed.list("/incidents").iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect();
    assert!(ids.len() == 1 && !ids.contains(&id), "{ids:?}");
    for table in ["Reports", "Rollups", "Credentials"] {
        assert!(world.scan_rows(table).iter().all(|row| row.get("expires_at").is_none()), "{table} is kept");
    }
}

#[tokio::test]
async fn state_with_a_remediation_in_progress_does_not_expire_until_it_ends() {
    let world = World::new().await;
    let start = world.clock.now();
    let sent = world.post(&event("billing", "sync_failed", "HIGH")).await;
    let expiry = async || world.state_row("billing#sync_failed")["expires_at"].clone();
    assert_eq!(expiry().await, Value::Null);
    let path = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", sent.text("/id"));
    world.as_caller(ADMIN).post_json(&path, &json!({ "outcome": "succeeded" })).await;
    world.sweep().await;
    world.clock.advance(3700);
    world.sweep().await;
    world.clock.advance(60);
    world.sweep().await;
    let ended = world.state_row("billing#sync_failed");
    assert_eq!(ended["state"]["M"]["remediations"], json!({ "L": [] }), "{ended}");
    let expires_at: i64 = ended["expires_at"]["N"].as_str().unwrap().parse().unwrap();
    assert!(expires_at >= start.plus_days(RETENTION_DAYS).seconds(), "not before the event");
}
