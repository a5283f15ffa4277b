//! Incidents: notifications, acknowledging and resolving, silent engines, and health.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::world::proxy::Fault;
use crate::world::sns::Published;
use crate::world::test_credentials::{DAY_DESK, NIGHT_DESK, TESTS};
use crate::world::{ApiResponse, ENGINES, World, event};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

impl World {
    /// Returns the e-mails to the first line.
    pub(crate) fn emails(&self) -> Vec<Published> {
        self.sns.published("notifications")
    }

    fn email_subjects(&self) -> Vec<String> {
        self.emails().into_iter().map(|email| email.subject).collect()
    }

    pub(crate) async fn list_incidents(&self, query: &str) -> Vec<Value> {
        let response = self.get(&format!("/api/governance/incidents?limit=200{query}")).await;
        assert_eq!(response.status, 200, "{response:?}");
        response.list("/incidents").to_vec()
    }

    /// Returns the only incident. Panics if the number of incidents is not one.
    async fn only_incident(&self) -> Value {
        let [incident] = self.list_incidents("").await.try_into().unwrap();
        incident
    }

    pub(crate) async fn timeline(&self, id: &Value) -> ApiResponse {
        self.get(&format!("/api/governance/incidents/{}", id.as_str().unwrap())).await
    }

    async fn change_incident(&self, id: &Value, change: &str, by: &str) -> ApiResponse {
        let path = format!("/api/governance/incidents/{}/{change}", id.as_str().unwrap());
        self.as_caller(by).send("POST", &path, &[], b"").await
    }

    /// Runs a sweep every minute, for `minutes` minutes.
    pub(crate) async fn sweep_every_minute(&self, minutes: i64) {
        for _ in 0..minutes {
            self.clock.advance(MINUTE);
            self.sweep().await;
        }
    }

    async fn post_critical_event(&self) -> ApiResponse {
        self.post(&event("billing", "invoice_sync_failed", "CRITICAL")).await
    }
}

/// Returns the sum of the numbers of new events in an e-mail, over all incidents in it.
pub(crate) fn count_new_events(email: &Published) -> u64 {
    let lines = email.message.lines().filter_map(|line| line.strip_prefix("Events      "));
    lines.filter_map(|line| line.split_once(" new")?.0.parse::<u64>().ok()).sum()
}

/// Returns the types of the entries of a timeline. Asserts that the entries are in the order of time.
fn timeline_types(timeline: &ApiResponse) -> Vec<&str> {
    let entries = timeline.list("/timeline");
    assert!(entries.is_sorted_by_key(|entry| entry["at"].as_str().unwrap().to_owned()), "{timeline:?}");
    entries.iter().map(|entry| entry["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn critical_event_notifies_people_at_once() {
    let world = World::new().await;
    let created = world.post_critical_event().await;
    assert_eq!(created.actions(), [("billing_sync_repair", "dispatched"), ("notify_admin", "dispatched")]);
    let [email] = world.emails().try_into().unwrap();
    assert_eq!((email.subject.as_str(), count_new_events(&email)), ("[AGE] CRITICAL Billing: invoice_sync_failed", 1));

    let incident = world.only_incident().await;
    assert_eq!(
        incident,
        json!({
            "id": "billing.1795392300000.invoice_sync_failed", "engine": "billing", "eventType": "invoice_sync_failed",
            "status": "open", "cause": "critical_event", "severity": "CRITICAL", "openedAt": "2026-11-23T00:05:00.000Z",
            "openedBy": TESTS, "policyHash": age_policy::Policy::HASH, "eventId": created.text("/id"), "eventCount": 1, "lastEventAt": "2026-11-23T00:05:00.000Z", "failedRemediationCount": 0,
            "notificationCount": 1, "lastNotificationAt": "2026-11-23T00:05:00.000Z",
        })
    );
    let timeline = world.timeline(&incident["id"]).await;
    assert_eq!(timeline_types(&timeline), ["event", "action", "action", "opened", "notification"]);
    let notification = timeline.list("/timeline").last().unwrap();
    assert_eq!(
        notification["notification"],
        json!({"number": 1, "kind": "initial", "at": "2026-11-23T00:05:00.000Z", "newEventCount": 1, "eventCount": 1, "incidentCount": 1})
    );
    assert!(email.message.contains(&format!("/dashboard/incidents/{}", incident["id"].as_str().unwrap())));
}

#[tokio::test]
async fn reads_write_nothing() {
    let world = World::new().await;
    world.post_critical_event().await;
    let id = world.only_incident().await["id"].clone();
    let key = [("fingerprint", "billing#invoice_sync_failed"), ("opened_at", "state")];
    let before = world.row("Incidents", &key);
    world.dynamodb.reset();
    for path in ["", "/acknowledge", "/resolve"] {
        world.get(&format!("/api/governance/incidents/{}{path}", id.as_str().unwrap())).await;
    }
    world.get("/api/governance/incidents?status=open").await;
    world.get("/api/governance/health").await;
    for writing in ["PutItem", "UpdateItem", "TransactWriteItems", "DeleteItem"] {
        assert_eq!(world.dynamodb.calls(writing), 0, "{writing}");
    }
    assert_eq!(world.row("Incidents", &key), before);
}

#[tokio::test]
async fn digests_count_new_events_every_five_minutes() {
    let world = World::new().await;
    let first = world.post_critical_event().await;
    for _ in 0..19 {
        world.sweep_every_minute(1).await;
        let more = world.post_critical_event().await;
        let suppressed = &more.list("/actions")[1];
        assert_eq!(
            (&suppressed["action"], &suppressed["status"], &suppressed["suppressedBy"]),
            (&json!("notify_admin"), &json!("suppressed"), &json!(first.text("/id")))
        );
    }
    world.post(&event("billing", "invoice_sync_failed", "HIGH")).await;
    world.post(&event("billing", "invoice_sync_failed", "MEDIUM")).await;
    world.sweep_every_minute(10).await;
    let numbers: Vec<u64> = world.emails().iter().map(count_new_events).collect();
    assert_eq!(numbers, [1, 4, 5, 5, 6], "20 CRITICAL and one HIGH");
    assert_eq!(world.only_incident().await["eventCount"], 21);
}

#[tokio::test]
async fn unacknowledged_incident_is_escalated_and_reminded() {
    let world = World::new().await;
    world.post(&event("qa", "suite_lost", "CRITICAL")).await;
    world.sweep_every_minute(29).await;
    assert_eq!((world.emails().len(), world.sns.published("second-line").len()), (1, 0));
    world.sweep_every_minute(1).await;
    let [second] = world.sns.published("second-line").try_into().unwrap();
    assert_eq!(second.subject, "[AGE] CRITICAL, escalated: QA: suite_lost");
    assert!(second.message.contains("nobody has acknowledged the incident for 30 min"), "{}", second.message);
    world.sweep_every_minute(8 * 60 - 30).await;
    assert_eq!(
        world.email_subjects(),
        [
            "[AGE] CRITICAL QA: suite_lost",
            "[AGE] CRITICAL, not acknowledged: QA: suite_lost",
            "[AGE] CRITICAL, not acknowledged: QA: suite_lost"
        ]
    );
    let second = world.sns.published("second-line");
    assert_eq!(second.len(), 2, "escalated after half an hour, and reminded four hours later");
    let id = world.only_incident().await["id"].clone();
    assert_eq!(world.change_incident(&id, "acknowledge", NIGHT_DESK).await.status, 200);
    world.sweep_every_minute(10 * 60).await;
    assert_eq!((world.emails().len(), world.sns.published("second-line").len()), (3, 2));
}

#[tokio::test]
async fn acknowledged_incident_without_new_events_is_resolved_after_a_day() {
    let world = World::new().await;
    let created = world.post(&event("qa", "suite_lost", "CRITICAL")).await;
    world.sweep_every_minute(1).await;
    let id = world.only_incident().await["id"].clone();
    let note = json!({ "note": "I am on it" });
    let path = format!("/api/governance/incidents/{}/acknowledge", id.as_str().unwrap());
    let night_desk = world.as_caller(NIGHT_DESK);
    let acknowledged = night_desk.post_json(&path, &note).await;
    assert_eq!(
        (acknowledged.status, acknowledged.text("/status"), acknowledged.text("/acknowledged/by")),
        (200, "acknowledged", NIGHT_DESK)
    );
    let event_path = format!("/api/governance/events/{}", created.text("/id"));
    assert_eq!(
        world.get(&event_path).await.actions(),
        [("notify_admin", "succeeded")],
        "an acknowledged incident has reached a person"
    );

    assert_eq!(night_desk.post_json(&path, &note).await.json, acknowledged.json, "a repeat changes nothing");
    for _ in 0..24 {
        world.clock.advance(HOUR);
        for engine in ENGINES {
            world.post(&event(engine.as_str(), "alive", "LOW")).await;
        }
        world.sweep().await;
    }
    let resolved = world.only_incident().await;
    assert_eq!((&resolved["status"], resolved["resolved"].get("by")), (&json!("resolved"), None));
    assert_eq!(world.email_subjects(), ["[AGE] CRITICAL QA: suite_lost", "[AGE] Resolved: QA: suite_lost"]);
    world.sweep_every_minute(30).await;
    assert_eq!(world.emails().len(), 2, "the resolution is sent once");
    let timeline = world.timeline(&id).await;
    assert_eq!(
        timeline_types(&timeline),
        ["event", "action", "opened", "notification", "outcome", "acknowledged", "notification", "resolved"]
    );
    assert_eq!(
        world.change_incident(&id, "acknowledge", DAY_DESK).await.text("/detail"),
        "the incident is resolved already"
    );

    // The problem recurs: a second incident opens, and the first can still be read.
    world.post(&event("qa", "suite_lost", "CRITICAL")).await;
    let both = world.list_incidents("").await;
    assert_eq!(both.iter().map(|it| it["status"].as_str().unwrap()).collect::<Vec<_>>(), ["open", "resolved"]);
    assert_eq!(both[1], resolved);
    assert_eq!(timeline_types(&world.timeline(&id).await), timeline_types(&timeline));
    let late = world.change_incident(&id, "resolve", DAY_DESK).await;
    assert_eq!((late.status, late.text("/detail")), (409, "the incident is resolved already"));
}

#[tokio::test]
async fn incident_resolved_by_a_person_sends_no_resolution_email() {
    let world = World::new().await;
    let created = world.post(&event("qa", "suite_lost", "CRITICAL")).await;
    let id = world.only_incident().await["id"].clone();
    let resolved = world.change_incident(&id, "resolve", NIGHT_DESK).await;
    assert_eq!((resolved.status, resolved.text("/resolved/by")), (200, NIGHT_DESK));
    assert_eq!(world.change_incident(&id, "resolve", NIGHT_DESK).await.json, resolved.json);
    let other = world.change_incident(&id, "resolve", DAY_DESK).await;
    assert_eq!((other.status, other.text("/detail")), (409, "the incident is resolved already, by night-desk"));
    world.sweep_every_minute(60).await;
    assert_eq!(world.emails().len(), 1);
    let shown = world.get(&format!("/api/governance/events/{}", created.text("/id"))).await;
    assert_eq!(shown.actions(), [("notify_admin", "succeeded")]);
    // A second incident at the same time has its own id.
    world.post(&event("qa", "suite_lost", "CRITICAL")).await;
    assert_eq!(world.list_incidents("").await.len(), 2);
}

#[tokio::test]
async fn failed_remediation_notifies_people_at_once() {
    let world = World::new().await;
    let created = world.post(&event("billing", "invoice_sync_failed", "HIGH")).await;
    assert!(
        world.emails().is_empty() && world.list_incidents("").await.is_empty(),
        "a HIGH event starts a remediation first"
    );
    let path = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", created.text("/id"));
    world.clock.advance(MINUTE);
    assert_eq!(world.post_json(&path, &json!({"outcome": "failed", "detail": "the ledger is gone"})).await.status, 200);
    let [email] = world.emails().try_into().unwrap();
    assert!(email.message.contains("1 remediation; the last: billing_sync_repair failed"), "{}", email.message);
    assert!(email.message.contains("in its own words:\n  > the ledger is gone\n"), "{}", email.message);
    let incident = world.only_incident().await;
    assert_eq!(
        (&incident["cause"], &incident["lastFailedRemediation"]["status"]),
        (&json!("failed_remediation"), &json!("failed"))
    );
    let timeline = world.timeline(&incident["id"]).await;
    assert_eq!(timeline_types(&timeline), ["event", "action", "outcome", "opened", "notification"]);
    assert_eq!(
        (count_new_events(&email), &incident["eventCount"]),
        (1, &json!(1)),
        "the event that started the remediation"
    );
    // The repeated outcome does not count again.
    world.post_json(&path, &json!({"outcome": "failed"})).await;
    assert_eq!(world.only_incident().await["failedRemediationCount"], 1);
}

#[tokio::test]
async fn timed_out_remediation_notifies_people_from_the_sweep() {
    let world = World::new().await;
    world.post(&event("billing", "invoice_sync_failed", "HIGH")).await;
    world.sweep_every_minute(30).await;
    let [email] = world.emails().try_into().unwrap();
    assert!(email.message.contains("timed out, its worker reported no outcome"), "{}", email.message);
}

#[tokio::test]
async fn ineffective_remediation_notifies_people_at_once() {
    let world = World::new().await;
    let created = world.post(&event("billing", "invoice_sync_failed", "HIGH")).await;
    let path = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", created.text("/id"));
    world.post_json(&path, &json!({"outcome": "succeeded"})).await;
    world.clock.advance(20 * MINUTE);
    world.post(&event("billing", "invoice_sync_failed", "HIGH")).await;
    let shown = world.get(&format!("/api/governance/events/{}", created.text("/id"))).await;
    assert_eq!(shown.actions(), [("billing_sync_repair", "ineffective")]);
    let [email] = world.emails().try_into().unwrap();
    assert!(
        email.message.contains("ineffective, the problem occurred again") && count_new_events(&email) == 2,
        "{}",
        email.message
    );
    let incident = world.only_incident().await;
    assert_eq!(
        (&incident["cause"], &incident["lastFailedRemediation"]["eventId"]),
        (&json!("failed_remediation"), &created.json["id"])
    );
    // The timeline has the reported outcome, and later its verification.
    let timeline = world.timeline(&incident["id"]).await;
    let outcomes = timeline.list("/timeline").iter().filter(|entry| entry["type"] == "outcome");
    let statuses: Vec<_> =
        outcomes.map(|entry| (entry["at"].as_str().unwrap(), entry["status"].as_str().unwrap())).collect();
    assert_eq!(statuses, [("2026-11-23T00:05:00.000Z", "succeeded"), ("2026-11-23T00:25:00.000Z", "ineffective")]);
}

#[tokio::test]
async fn undeliverable_remediation_notifies_people() {
    let world = World::new().await;
    world.sns.set_refusing(true);
    world.post(&event("billing", "invoice_sync_failed", "HIGH")).await;
    for _ in 0..200 {
        world.clock.advance(MINUTE);
        world.sweep().await;
    }
    world.sns.set_refusing(false);
    world.sweep_every_minute(2).await;
    let [email] = world.emails().try_into().unwrap();
    assert!(email.message.contains("billing_sync_repair undeliverable"), "{}", email.message);
}

#[tokio::test]
async fn event_after_three_ineffective_remediations_notifies_people() {
    let world = World::new().await;
    for _ in 0..3 {
        let created = world.post(&event("billing", "invoice_sync_failed", "HIGH")).await;
        let path = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", created.text("/id"));
        assert_eq!(world.post_json(&path, &json!({"outcome": "succeeded"})).await.status, 200);
        world.clock.advance(11 * MINUTE);
    }
    world.post(&event("billing", "invoice_sync_failed", "HIGH")).await;
    let id = world.only_incident().await["id"].clone();
    world.change_incident(&id, "resolve", NIGHT_DESK).await;
    world.clock.advance(MINUTE);
    let suppressed = world.post(&event("billing", "invoice_sync_failed", "HIGH")).await;
    assert_eq!(suppressed.actions(), [("billing_sync_repair", "suppressed")]);
    assert_eq!(world.list_incidents("&status=open").await[0]["cause"], "given_up");
    assert!(world.emails().last().unwrap().message.contains("its remediations have been ineffective"));
}

#[tokio::test]
async fn email_rate_is_limited_and_no_incident_is_dropped() {
    let world = World::new().await;
    for number in 0..12 {
        world.post(&event("qa", &format!("type_{number:02}"), "CRITICAL")).await;
    }
    assert_eq!(world.emails().len(), 3, "the burst, except for the part that is reserved for the sweep");
    world.sweep_every_minute(1).await;
    let emails = world.emails();
    assert_eq!((emails.len(), emails[3].subject.as_str()), (4, "[AGE] CRITICAL, 9 incidents: 9 new"));
    assert_eq!(emails.iter().map(count_new_events).sum::<u64>(), 12);
    let incidents: Vec<_> =
        emails[3].message.lines().filter_map(|line| line.strip_prefix("CRITICAL, new: QA: ")).collect();
    assert!(incidents.len() == 9 && incidents.is_sorted(), "the oldest first: {incidents:?}");
    assert!(world.list_incidents("").await.iter().all(|incident| incident["notificationCount"] == 1));
}

#[tokio::test]
async fn clock_that_was_ahead_does_not_block_notifications() {
    let world = World::new().await;
    world.set_time("2026-11-24T00:00:00Z");
    world.post(&event("qa", "from_the_future", "CRITICAL")).await;
    world.set_time("2026-11-23T00:00:00Z");
    for number in 0..3 {
        world.post(&event("qa", &format!("type_{number}"), "CRITICAL")).await;
    }
    assert_eq!(world.emails().len(), 2, "one e-mail at once, then the rate limit applies");
    world.sweep_every_minute(1).await;
    assert_eq!(world.emails().last().unwrap().subject, "[AGE] CRITICAL, 2 incidents: 2 new");
    world.sweep_every_minute(1).await;
    world.post(&event("qa", "later", "CRITICAL")).await;
    assert_eq!(world.emails().len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_sweeps_notify_once() {
    let world = World::new().await;
    world.sns.set_refusing(true);
    for number in 0..8 {
        world.post(&event("qa", &format!("type_{number}"), "CRITICAL")).await;
    }
    world.sns.set_refusing(false);
    world.clock.advance(2 * MINUTE);
    let sweepers: Vec<_> = (0..5).map(|_| world.sweeper()).collect();
    join_all(sweepers.iter().map(age_governance::Sweep::run))
        .await
        .into_iter()
        .for_each(|swept| drop(swept.into_result().unwrap()));
    assert_eq!(world.emails().iter().map(count_new_events).sum::<u64>(), 8, "{:?}", world.emails());
}

#[tokio::test]
async fn unrecorded_notification_is_sent_again_with_its_number() {
    let world = World::new().await;
    // The function ends after it has sent the notification, before it records it.
    world.dynamodb.set_fault(|call| {
        let records = call.body.to_string().contains("\"notification\"");
        if call.operation == "TransactWriteItems" && records { Fault::Refuse } else { Fault::None }
    });
    world.post(&event("qa", "suite_lost", "CRITICAL")).await;
    assert_eq!((world.emails().len(), &world.only_incident().await["notificationCount"]), (1, &json!(0)));
    world.dynamodb.reset();
    world.sweep_every_minute(1).await;
    assert_eq!(world.emails().len(), 2);
    let id = world.only_incident().await["id"].clone();
    let timeline = world.timeline(&id).await;
    let notifications: Vec<_> =
        timeline.list("/timeline").iter().filter(|entry| entry["type"] == "notification").collect();
    assert_eq!((notifications.len(), &notifications[0]["notification"]["number"]), (1, &json!(1)));
}

#[tokio::test]
async fn silent_engine_has_one_incident_until_its_next_event() {
    let world = World::new().await;
    world.sweep().await;
    for engine in ENGINES.iter().filter(|engine| **engine != age_model::Engine::from_static("qa")) {
        world.clock.advance(1);
        world.post(&event(engine.as_str(), "alive", "LOW")).await;
    }
    world.clock.advance(24 * HOUR - 8);
    world.sweep().await;
    assert!(world.list_incidents("").await.is_empty(), "a new system is not silent within the first expected interval");
    for engine in ENGINES.iter().filter(|engine| !["qa", "maos"].contains(&engine.as_str())) {
        world.post(&event(engine.as_str(), "alive", "LOW")).await;
    }
    world.sweep_every_minute(1).await;
    let silent: Vec<_> = world
        .list_incidents("")
        .await
        .iter()
        .map(|it| (it["engine"].clone(), it["eventType"].clone(), it["cause"].clone()))
        .collect();
    let silent_incident = |engine: &str| (json!(engine), json!("engine_silent"), json!("engine_silent"));
    assert_eq!(silent, [silent_incident("qa"), silent_incident("maos")], "QA never sent an event, MAOS has stopped");
    let [email] = world.emails().try_into().unwrap();
    assert!(email.message.contains("QA is silent") && email.message.contains("MAOS is silent"), "{}", email.message);
    assert!(world.sns.published("actions").is_empty(), "AGE's own events start no actions");
    world.sweep_every_minute(20).await;
    assert_eq!((world.list_incidents("").await.len(), world.emails().len()), (2, 1), "one incident each");

    // After a person has resolved the incident, it opens again only after another event and another silence.
    let incident_of_qa = world.list_incidents("").await[0]["id"].clone();
    assert_eq!(world.change_incident(&incident_of_qa, "resolve", NIGHT_DESK).await.status, 200);
    world.sweep_every_minute(10).await;
    assert_eq!(world.list_incidents("&status=open").await.len(), 1);
    world.post(&event("maos", "alive", "LOW")).await;
    world.sweep_every_minute(1).await;
    let statuses: Vec<_> = world.list_incidents("").await.iter().map(|it| it["status"].clone()).collect();
    assert_eq!(statuses, ["resolved", "resolved"]);
    assert_eq!(world.email_subjects().last().unwrap(), "[AGE] Resolved: MAOS is silent");
    world.sweep_every_minute(10).await;
    assert_eq!(world.email_subjects().iter().filter(|subject| subject.contains("MAOS is silent")).count(), 1);
    world.post(&event("qa", "alive", "LOW")).await;
    for _ in 0..24 {
        world.clock.advance(HOUR);
        for engine in ENGINES.iter().filter(|engine| **engine != age_model::Engine::from_static("qa")) {
            world.post(&event(engine.as_str(), "alive", "LOW")).await;
        }
    }
    world.sweep_every_minute(1).await;
    let silent = world.list_incidents("&status=open").await;
    assert_eq!((silent.len(), &silent[0]["engine"]), (1, &json!("qa")), "QA sent an event, and is silent again");
}

#[tokio::test]
async fn health_reports_whether_notifications_are_reachable() {
    let world = World::new().await;
    let health = world.get("/api/governance/health").await;
    assert_eq!(
        (health.status, &health.json["notificationsReachable"], &health.json["lastSweepAt"]),
        (200, &Value::Null, &Value::Null)
    );
    assert_eq!(world.sweep().await.notifications_reachable, Some(true));
    assert_eq!(world.get("/api/governance/health").await.json["notificationsReachable"], true);
    world.sns.set_subscribed("notifications", false);
    world.sweep_every_minute(1).await;
    let swept = world.sweep().await;
    assert_eq!(swept.notifications_reachable, Some(false));
    let health = world.get("/api/governance/health").await;
    assert_eq!(
        (&health.json["notificationsReachable"], health.text("/lastSweepAt")),
        (&json!(false), "2026-11-23T00:06:00.000Z")
    );
    world.clock.advance(6 * MINUTE);
    let stale = world.get("/api/governance/health").await;
    assert_eq!(stale.json["notificationsReachable"], Value::Null, "the last sweep is too old");
}

#[tokio::test]
async fn notification_waits_until_the_topic_has_a_subscriber() {
    let world = World::new().await;
    world.sns.set_subscribed("notifications", false);
    world.sweep().await;
    let created = world.post_critical_event().await;
    assert_eq!(created.actions()[1], ("notify_admin", "pending"));
    world.sweep_every_minute(3).await;
    assert!(world.emails().is_empty());
    world.sns.set_subscribed("notifications", true);
    world.sweep_every_minute(1).await;
    assert_eq!(world.emails().iter().map(count_new_events).collect::<Vec<_>>(), [1]);
}

#[tokio::test]
async fn missing_weekly_report_is_detected() {
    let world = World::new().await;
    world.set_time("2026-11-21T00:00:00Z");
    world.sweep().await;
    for (moment, missing) in
        [("2026-11-23T00:19:59Z", false), ("2026-11-23T00:20:00Z", true), ("2026-11-25T12:00:00Z", true)]
    {
        world.set_time(moment);
        assert_eq!(world.sweep().await.weekly_report_missing, missing, "{moment}");
    }
    let scheduled_at = "2026-11-23T00:05:00Z".parse().unwrap();
    world.weekly_reporter().run(Some(scheduled_at)).await.unwrap();
    assert!(!world.sweep().await.weekly_report_missing);
}

#[tokio::test]
async fn incident_list_is_newest_first_and_filtered_by_status() {
    let world = World::new().await;
    for number in 0..9 {
        world.post(&event("qa", &format!("type {number}/é"), "CRITICAL")).await;
        world.clock.advance(1);
    }
    let all = world.list_incidents("").await;
    let opened: Vec<_> = all.iter().map(|it| it["openedAt"].as_str().unwrap()).collect();
    assert!(opened.is_sorted_by(|newer, older| newer > older) && opened.len() == 9, "{opened:?}");
    for (place, change) in [(1, "acknowledge"), (4, "resolve"), (5, "acknowledge"), (7, "resolve")] {
        assert_eq!(world.change_incident(&all[place]["id"], change, NIGHT_DESK).await.status, 200);
    }
    let ids = |incidents: &[Value]| incidents.iter().map(|it| it["id"].clone()).collect::<Vec<_>>();
    for (status, places) in [("open", vec![0, 2, 3, 6, 8]), ("acknowledged", vec![1, 5]), ("resolved", vec![4, 7])] {
        let expected: Vec<_> = places.into_iter().map(|place: usize| all[place]["id"].clone()).collect();
        assert_eq!(ids(&world.list_incidents(&format!("&status={status}")).await), expected, "{status}");
    }
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.get(&format!("/api/governance/incidents?limit=2{cursor}")).await;
        paged.extend(ids(page.list("/incidents")));
        match page.json.get("nextCursor").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, ids(&all));
    for id in paged {
        assert_eq!(world.timeline(&id).await.status, 200, "{id}");
    }
}

#[tokio::test]
async fn invalid_incident_request_is_refused_with_its_fields() {
    let world = World::new().await;
    world.post_critical_event().await;
    let incident = world.only_incident().await;
    let path = |suffix: &str| format!("/api/governance/incidents/{}{suffix}", incident["id"].as_str().unwrap());
    for (method, path, body, status, fields) in [
        ("GET", "/api/governance/incidents?status=closed".to_owned(), Value::Null, 422, vec!["/status"]),
        (
            "GET",
            "/api/governance/incidents?limit=0&engine=mail".to_owned(),
            Value::Null,
            422,
            vec!["/limit", "/engine"],
        ),
        ("GET", "/api/governance/incidents?cursor=x".to_owned(), Value::Null, 400, vec![]),
        ("GET", "/api/governance/incidents/x".to_owned(), Value::Null, 404, vec![]),
        ("GET", "/api/governance/incidents/qa.1795392300000.x".to_owned(), Value::Null, 404, vec![]),
        ("GET", path("?x=1"), Value::Null, 422, vec!["/x"]),
        ("GET", path("/acknowledge"), Value::Null, 405, vec![]),
        ("POST", "/api/governance/incidents".to_owned(), json!({}), 405, vec![]),
        ("POST", "/api/governance/incidents/qa.1795392300000.x/resolve".to_owned(), json!({}), 404, vec![]),
        ("POST", path("/acknowledge"), json!({"note": " "}), 422, vec!["/note"]),
        // The caller is the one of the credential.
        ("POST", path("/acknowledge"), json!({"by": "me", "note": 1, "x": 1}), 422, vec!["/note", "/by", "/x"]),
        ("POST", path("/resolve"), json!([]), 422, vec![""]),
        ("POST", "/api/governance/health".to_owned(), json!({}), 405, vec![]),
        ("GET", "/api/governance/health?deep=1".to_owned(), Value::Null, 422, vec!["/deep"]),
    ] {
        let response = match method {
            "GET" => world.get(&path).await,
            _ => world.post_json(&path, &body).await,
        };
        assert_eq!(response.status, status, "{method} {path} {body}: {response:?}");
        let named: Vec<_> = match response.json.get("errors") {
            Some(_) => response.list("/errors").iter().map(|error| error["pointer"].as_str().unwrap()).collect(),
            None => vec![],
        };
        assert_eq!(named, fields, "{method} {path} {body}");
    }
    assert_eq!(world.only_incident().await, incident);
}

#[tokio::test]
async fn actions_and_notifications_follow_in_order_after_an_sns_outage() {
    let world = World::new().await;
    world.sweep().await;
    world.sns.set_refusing(true);
    let mut ids = Vec::new();
    for number in 0..20 {
        let created = world.post(&event("billing", &format!("problem_{number:02}"), "CRITICAL")).await;
        ids.push(created.text("/id").to_owned());
        world.clock.advance(MINUTE);
        world.sweep().await;
    }
    world.sns.set_refusing(false);
    world.sweep_every_minute(2).await;
    let requests: Vec<String> = world
        .sns
        .published("actions")
        .iter()
        .map(|request| serde_json::from_str::<Value>(&request.message).unwrap()["eventId"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(requests, ids, "every action request once, the oldest first");
    let notified: Vec<String> = world
        .emails()
        .iter()
        .flat_map(|email| email.message.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|line| Some(line.split_once(", new: Billing: ")?.1.to_owned()))
        .collect();
    let expected: Vec<String> = (0..20).map(|number| format!("problem_{number:02}")).collect();
    assert_eq!(notified, expected, "every incident once, the oldest first");
    assert_eq!(world.emails().iter().map(count_new_events).sum::<u64>(), 20);
    world.sweep_every_minute(20).await;
    assert_eq!((world.sns.published("actions").len(), world.emails().len()), (20, 1), "nothing is sent twice");
}

#[tokio::test]
async fn people_are_notified_before_what_an_outage_held_back_is_dispatched() {
    let world = World::new().await;
    world.sweep().await;
    world.sns.set_refusing(true);
    for number in 0..45 {
        let severity = if number % 15 == 0 { "CRITICAL" } else { "HIGH" };
        world.post(&event("billing", &format!("problem_{number:02}"), severity)).await;
    }
    world.sweep_every_minute(3).await;
    world.sns.set_refusing(false);
    world.clock.advance(10 * MINUTE);
    world.dynamodb.reset();
    world.sweep().await;
    let topics = world.sns.published_topics();
    assert_eq!(topics.iter().filter(|topic| *topic == "actions").count(), 45, "{topics:?}");
    let first_action = topics.iter().position(|topic| topic == "actions").unwrap();
    assert_eq!(topics.iter().rposition(|topic| topic == "notifications").map(|last| last < first_action), Some(true));
    let notified: Vec<String> = world.emails().iter().map(|email| email.message.clone()).collect();
    for number in [0, 15, 30] {
        assert!(notified.iter().any(|text| text.contains(&format!("problem_{number:02}"))), "{number}: {notified:?}");
    }
    // The first alone, and the others ten a request.
    assert_eq!(world.dynamodb.calls("PublishBatch"), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_sweep_dispatches_all_that_an_outage_held_back_of_all_engines_once() {
    const EACH: usize = 60;
    let world = World::new().await;
    world.sns.set_refusing(true);
    for engine in ENGINES {
        world.post(&event(engine.as_str(), "order_lost", "HIGH")).await;
        world.copy_action_and_event(engine.as_str(), EACH - 1);
    }
    world.sns.set_refusing(false);
    world.clock.advance(MINUTE);
    let swept = world.sweep().await;
    let published = world.sns.published("actions");
    let events: BTreeSet<String> = published.iter().map(|message| message.json["eventId"].to_string()).collect();
    assert_eq!((published.len(), events.len()), (EACH * ENGINES.len(), EACH * ENGINES.len()), "{swept:?}");
    for engine in ENGINES {
        let of_engine = published.iter().filter(|message| message.json["engine"] == engine.as_str()).count();
        assert_eq!(of_engine, EACH, "{engine}");
    }
}
