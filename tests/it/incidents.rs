//! Incidents: every serious trouble reaches a person, once, until somebody takes it.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::world::proxy::Fault;
use crate::world::sns::Published;
use crate::world::test_credentials::{DAY_DESK, NIGHT_DESK};
use crate::world::{ApiResponse, World, event};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

impl World {
    /// The mails of the first line.
    pub(crate) fn emails(&self) -> Vec<Published> {
        self.sns.published("notifications")
    }

    fn subjects(&self) -> Vec<String> {
        self.emails().into_iter().map(|email| email.subject).collect()
    }

    pub(crate) async fn incidents(&self, query: &str) -> Vec<Value> {
        let response = self.get(&format!("/api/governance/incidents?limit=200{query}")).await;
        assert_eq!(response.status, 200, "{response:?}");
        response.list("/incidents").to_vec()
    }

    /// The only incident there is.
    async fn incident(&self) -> Value {
        let [incident] = self.incidents("").await.try_into().unwrap();
        incident
    }

    async fn story(&self, id: &Value) -> ApiResponse {
        self.get(&format!("/api/governance/incidents/{}", id.as_str().unwrap())).await
    }

    async fn take(&self, id: &Value, what: &str, by: &str) -> ApiResponse {
        let path = format!("/api/governance/incidents/{}/{what}", id.as_str().unwrap());
        self.as_caller(by).send("POST", &path, &[], b"").await
    }

    /// Sweeps every minute for so long.
    pub(crate) async fn sweep_every_minute(&self, minutes: i64) {
        for _ in 0..minutes {
            self.clock.advance(MINUTE);
            self.sweep().await;
        }
    }

    async fn critical(&self) -> ApiResponse {
        self.post(&event("billing", "invoice_sync_failed", "CRITICAL")).await
    }
}

/// How many events a mail says are new, of all incidents that it speaks of.
pub(crate) fn count_new_events(email: &Published) -> u64 {
    let lines = email.message.lines().filter_map(|line| line.strip_prefix("Events      "));
    lines.filter_map(|line| line.split_once(" new")?.0.parse::<u64>().ok()).sum()
}

/// What happened, in the order in which it is told.
fn told(story: &ApiResponse) -> Vec<&str> {
    let entries = story.list("/timeline");
    assert!(entries.is_sorted_by_key(|entry| entry["at"].as_str().unwrap().to_owned()), "{story:?}");
    entries.iter().map(|entry| entry["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_critical_event_reaches_a_person_at_once() {
    let world = World::new().await;
    let created = world.critical().await;
    assert_eq!(created.actions(), [("billing_sync_repair", "dispatched"), ("notify_admin", "dispatched")]);
    let [email] = world.emails().try_into().unwrap();
    assert_eq!((email.subject.as_str(), count_new_events(&email)), ("[AGE] CRITICAL Billing: invoice_sync_failed", 1));

    let incident = world.incident().await;
    assert_eq!(
        incident,
        json!({
            "id": "billing.1795392300000.invoice_sync_failed", "engine": "billing", "eventType": "invoice_sync_failed",
            "status": "open", "cause": "critical_event", "severity": "CRITICAL", "openedAt": "2026-11-23T00:05:00.000Z",
            "eventId": created.text("/id"), "eventCount": 1, "lastEventAt": "2026-11-23T00:05:00.000Z", "failedRemediationCount": 0,
            "notificationCount": 1, "lastNotificationAt": "2026-11-23T00:05:00.000Z",
        })
    );
    let story = world.story(&incident["id"]).await;
    assert_eq!(told(&story), ["event", "action", "action", "opened", "notification"]);
    let notice = story.list("/timeline").last().unwrap();
    assert_eq!(
        notice["notification"],
        json!({"number": 1, "kind": "initial", "at": "2026-11-23T00:05:00.000Z", "newEventCount": 1, "eventCount": 1, "incidentCount": 1})
    );
    assert!(email.message.contains(&format!("/dashboard/incidents/{}", incident["id"].as_str().unwrap())));
}

#[tokio::test]
async fn reading_changes_nothing() {
    let world = World::new().await;
    world.critical().await;
    let id = world.incident().await["id"].clone();
    let key = [("fingerprint", "billing#invoice_sync_failed"), ("opened_at", "state")];
    let before = world.row("Incidents", &key).await;
    world.dynamodb.reset();
    for path in ["", "/acknowledge", "/resolve"] {
        world.get(&format!("/api/governance/incidents/{}{path}", id.as_str().unwrap())).await;
    }
    world.get("/api/governance/incidents?status=open").await;
    world.get("/api/governance/health").await;
    for writing in ["PutItem", "UpdateItem", "TransactWriteItems", "DeleteItem"] {
        assert_eq!(world.dynamodb.calls(writing), 0, "{writing}");
    }
    assert_eq!(world.row("Incidents", &key).await, before);
}

#[tokio::test]
async fn while_more_comes_one_digest_every_five_minutes_says_how_many() {
    let world = World::new().await;
    let first = world.critical().await;
    for _ in 0..19 {
        world.sweep_every_minute(1).await;
        let more = world.critical().await;
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
    assert_eq!(world.incident().await["eventCount"], 21);
}

#[tokio::test]
async fn it_is_reminded_of_until_it_is_taken() {
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
        world.subjects(),
        [
            "[AGE] CRITICAL QA: suite_lost",
            "[AGE] CRITICAL, not acknowledged: QA: suite_lost",
            "[AGE] CRITICAL, not acknowledged: QA: suite_lost"
        ]
    );
    let second = world.sns.published("second-line");
    assert_eq!(second.len(), 2, "told after half an hour, and reminded four hours later");
    let id = world.incident().await["id"].clone();
    assert_eq!(world.take(&id, "acknowledge", NIGHT_DESK).await.status, 200);
    world.sweep_every_minute(10 * 60).await;
    assert_eq!((world.emails().len(), world.sns.published("second-line").len()), (3, 2));
}

#[tokio::test]
async fn taken_quiet_and_over() {
    let world = World::new().await;
    let created = world.post(&event("qa", "suite_lost", "CRITICAL")).await;
    world.sweep_every_minute(1).await;
    let id = world.incident().await["id"].clone();
    let note = json!({ "note": "I am on it" });
    let path = format!("/api/governance/incidents/{}/acknowledge", id.as_str().unwrap());
    let night_desk = world.as_caller(NIGHT_DESK);
    let taken = night_desk.post_json(&path, &note).await;
    assert_eq!(
        (taken.status, taken.text("/status"), taken.text("/acknowledged/by")),
        (200, "acknowledged", NIGHT_DESK)
    );
    let event_path = format!("/api/governance/events/{}", created.text("/id"));
    assert_eq!(world.get(&event_path).await.actions(), [("notify_admin", "succeeded")], "somebody has been reached");

    assert_eq!(night_desk.post_json(&path, &note).await.json, taken.json, "a repeat changes nothing");
    let other = world.take(&id, "acknowledge", DAY_DESK).await;
    assert_eq!((other.status, other.text("/detail")), (409, "the incident is acknowledged already, by night-desk"));

    for _ in 0..24 {
        world.clock.advance(HOUR);
        for engine in age_model::Engine::ALL {
            world.post(&event(engine.as_str(), "alive", "LOW")).await;
        }
        world.sweep().await;
    }
    let over = world.incident().await;
    assert_eq!((&over["status"], over["resolved"].get("by")), (&json!("resolved"), None));
    assert_eq!(world.subjects(), ["[AGE] CRITICAL QA: suite_lost", "[AGE] Resolved: QA: suite_lost"]);
    world.sweep_every_minute(30).await;
    assert_eq!(world.emails().len(), 2, "it says so once");
    let story = world.story(&id).await;
    assert_eq!(
        told(&story),
        ["event", "action", "opened", "notification", "outcome", "acknowledged", "notification", "resolved"]
    );
    assert_eq!(world.take(&id, "acknowledge", DAY_DESK).await.text("/detail"), "the incident is resolved already");

    // It comes again: another incident, and the first can still be read.
    world.post(&event("qa", "suite_lost", "CRITICAL")).await;
    let both = world.incidents("").await;
    assert_eq!(both.iter().map(|it| it["status"].as_str().unwrap()).collect::<Vec<_>>(), ["open", "resolved"]);
    assert_eq!(both[1], over);
    assert_eq!(told(&world.story(&id).await), told(&story));
    let late = world.take(&id, "resolve", DAY_DESK).await;
    assert_eq!((late.status, late.text("/detail")), (409, "the incident is resolved already"));
}

#[tokio::test]
async fn resolved_by_a_person_it_is_over_without_a_word() {
    let world = World::new().await;
    let created = world.post(&event("qa", "suite_lost", "CRITICAL")).await;
    let id = world.incident().await["id"].clone();
    let resolved = world.take(&id, "resolve", NIGHT_DESK).await;
    assert_eq!((resolved.status, resolved.text("/resolved/by")), (200, NIGHT_DESK));
    assert_eq!(world.take(&id, "resolve", NIGHT_DESK).await.json, resolved.json);
    let other = world.take(&id, "resolve", DAY_DESK).await;
    assert_eq!((other.status, other.text("/detail")), (409, "the incident is resolved already, by night-desk"));
    world.sweep_every_minute(60).await;
    assert_eq!(world.emails().len(), 1);
    let shown = world.get(&format!("/api/governance/events/{}", created.text("/id"))).await;
    assert_eq!(shown.actions(), [("notify_admin", "succeeded")]);
    // The same moment's next one has a name of its own.
    world.post(&event("qa", "suite_lost", "CRITICAL")).await;
    assert_eq!(world.incidents("").await.len(), 2);
}

#[tokio::test]
async fn a_remedy_that_fails_is_told_at_once() {
    let world = World::new().await;
    let created = world.post(&event("billing", "invoice_sync_failed", "HIGH")).await;
    assert!(world.emails().is_empty() && world.incidents("").await.is_empty(), "a HIGH event has its remedy");
    let path = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", created.text("/id"));
    world.clock.advance(MINUTE);
    assert_eq!(world.post_json(&path, &json!({"outcome": "failed", "detail": "the ledger is gone"})).await.status, 200);
    let [email] = world.emails().try_into().unwrap();
    assert!(email.message.contains("1 remediation; the last: billing_sync_repair failed"), "{}", email.message);
    let incident = world.incident().await;
    assert_eq!(
        (&incident["cause"], &incident["lastFailedRemediation"]["status"]),
        (&json!("failed_remediation"), &json!("failed"))
    );
    let story = world.story(&incident["id"]).await;
    assert_eq!(told(&story), ["event", "action", "outcome", "opened", "notification"]);
    assert_eq!((count_new_events(&email), &incident["eventCount"]), (1, &json!(1)), "the event that it began with");
    // Said again, it is no other alarm.
    world.post_json(&path, &json!({"outcome": "failed"})).await;
    assert_eq!(world.incident().await["failedRemediationCount"], 1);
}

#[tokio::test]
async fn a_remedy_that_nobody_answers_is_told_by_the_sweep() {
    let world = World::new().await;
    world.post(&event("billing", "invoice_sync_failed", "HIGH")).await;
    world.sweep_every_minute(30).await;
    let [email] = world.emails().try_into().unwrap();
    assert!(email.message.contains("timed out, its worker reported no outcome"), "{}", email.message);
}

#[tokio::test]
async fn a_worker_that_says_done_while_the_trouble_recurs_is_told_at_once() {
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
    let incident = world.incident().await;
    assert_eq!(
        (&incident["cause"], &incident["lastFailedRemediation"]["eventId"]),
        (&json!("failed_remediation"), &created.json["id"])
    );
    // The story tells what was said, and later what was true.
    let story = world.story(&incident["id"]).await;
    let outcomes = story.list("/timeline").iter().filter(|entry| entry["type"] == "outcome");
    let said: Vec<_> =
        outcomes.map(|entry| (entry["at"].as_str().unwrap(), entry["status"].as_str().unwrap())).collect();
    assert_eq!(said, [("2026-11-23T00:05:00.000Z", "succeeded"), ("2026-11-23T00:25:00.000Z", "ineffective")]);
}

#[tokio::test]
async fn a_remedy_that_cannot_be_handed_over_is_told_when_it_is_given_up() {
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
async fn where_remedies_have_been_of_no_use_a_person_is_told_instead() {
    let world = World::new().await;
    for _ in 0..3 {
        let created = world.post(&event("billing", "invoice_sync_failed", "HIGH")).await;
        let path = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", created.text("/id"));
        assert_eq!(world.post_json(&path, &json!({"outcome": "succeeded"})).await.status, 200);
        world.clock.advance(11 * MINUTE);
    }
    world.post(&event("billing", "invoice_sync_failed", "HIGH")).await;
    let id = world.incident().await["id"].clone();
    world.take(&id, "resolve", NIGHT_DESK).await;
    world.clock.advance(MINUTE);
    let suppressed = world.post(&event("billing", "invoice_sync_failed", "HIGH")).await;
    assert_eq!(suppressed.actions(), [("billing_sync_repair", "suppressed")]);
    assert_eq!(world.incidents("&status=open").await[0]["cause"], "given_up");
    assert!(world.emails().last().unwrap().message.contains("its remediations have been ineffective"));
}

#[tokio::test]
async fn all_mails_together_are_few_and_nothing_is_dropped() {
    let world = World::new().await;
    for number in 0..12 {
        world.post(&event("qa", &format!("kind_{number:02}"), "CRITICAL")).await;
    }
    assert_eq!(world.emails().len(), 3, "a burst, but for what the sweep needs");
    world.sweep_every_minute(1).await;
    let emails = world.emails();
    assert_eq!((emails.len(), emails[3].subject.as_str()), (4, "[AGE] CRITICAL, 9 incidents: 9 new"));
    assert_eq!(emails.iter().map(count_new_events).sum::<u64>(), 12);
    let order: Vec<_> = emails[3].message.lines().filter_map(|line| line.strip_prefix("QA: ")).collect();
    assert!(order.len() == 9 && order.is_sorted(), "the oldest first: {order:?}");
    assert!(world.incidents("").await.iter().all(|incident| incident["notificationCount"] == 1));
}

#[tokio::test]
async fn a_clock_that_was_ahead_does_not_silence_age() {
    let world = World::new().await;
    world.set_time("2026-11-24T00:00:00Z");
    world.post(&event("qa", "from_the_future", "CRITICAL")).await;
    world.set_time("2026-11-23T00:00:00Z");
    for number in 0..3 {
        world.post(&event("qa", &format!("kind_{number}"), "CRITICAL")).await;
    }
    assert_eq!(world.emails().len(), 2, "one at once, and then the bucket is empty");
    world.sweep_every_minute(1).await;
    assert_eq!(world.emails().last().unwrap().subject, "[AGE] CRITICAL, 2 incidents: 2 new");
    world.sweep_every_minute(1).await;
    world.post(&event("qa", "later", "CRITICAL")).await;
    assert_eq!(world.emails().len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_sweeps_at_once_write_once() {
    let world = World::new().await;
    world.sns.set_refusing(true);
    for number in 0..8 {
        world.post(&event("qa", &format!("kind_{number}"), "CRITICAL")).await;
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
async fn a_notice_that_could_not_be_recorded_comes_again_under_its_number() {
    let world = World::new().await;
    // Claimed and sent; the function ends before that is on record.
    world.dynamodb.set_fault(|call| {
        let records = call.body.to_string().contains("\"notification\"");
        if call.operation == "TransactWriteItems" && records { Fault::Refuse } else { Fault::None }
    });
    world.post(&event("qa", "suite_lost", "CRITICAL")).await;
    assert_eq!((world.emails().len(), &world.incident().await["notificationCount"]), (1, &json!(0)));
    world.dynamodb.reset();
    world.sweep_every_minute(1).await;
    assert_eq!(world.emails().len(), 2);
    let id = world.incident().await["id"].clone();
    let story = world.story(&id).await;
    let notices: Vec<_> = story.list("/timeline").iter().filter(|entry| entry["type"] == "notification").collect();
    assert_eq!((notices.len(), &notices[0]["notification"]["number"]), (1, &json!(1)));
}

#[tokio::test]
async fn an_engine_that_says_nothing_is_an_incident_once_until_it_speaks() {
    let world = World::new().await;
    world.sweep().await;
    for engine in age_model::Engine::ALL.iter().filter(|engine| **engine != age_model::Engine::Qa) {
        world.clock.advance(1);
        world.post(&event(engine.as_str(), "alive", "LOW")).await;
    }
    world.clock.advance(24 * HOUR - 8);
    world.sweep().await;
    assert!(world.incidents("").await.is_empty(), "a fresh install is not silent until a first cadence is over");
    for engine in age_model::Engine::ALL.iter().filter(|engine| !["qa", "maos"].contains(&engine.as_str())) {
        world.post(&event(engine.as_str(), "alive", "LOW")).await;
    }
    world.sweep_every_minute(1).await;
    let silent: Vec<_> = world
        .incidents("")
        .await
        .iter()
        .map(|it| (it["engine"].clone(), it["eventType"].clone(), it["cause"].clone()))
        .collect();
    let silence = |engine: &str| (json!(engine), json!("engine_silent"), json!("engine_silent"));
    assert_eq!(silent, [silence("qa"), silence("maos")], "one never spoke, one has stopped");
    let [email] = world.emails().try_into().unwrap();
    assert!(email.message.contains("QA is silent") && email.message.contains("MAOS is silent"), "{}", email.message);
    assert!(world.sns.published("actions").is_empty(), "what AGE itself finds out leads to no action");
    world.sweep_every_minute(20).await;
    assert_eq!((world.incidents("").await.len(), world.emails().len()), (2, 1), "once");

    // Who ends a silence knows of it: it is no news that it goes on, but that it comes again.
    let of_qa = world.incidents("").await[0]["id"].clone();
    assert_eq!(world.take(&of_qa, "resolve", NIGHT_DESK).await.status, 200);
    world.sweep_every_minute(10).await;
    assert_eq!(world.incidents("&status=open").await.len(), 1);
    world.post(&event("maos", "alive", "LOW")).await;
    world.sweep_every_minute(1).await;
    let statuses: Vec<_> = world.incidents("").await.iter().map(|it| it["status"].clone()).collect();
    assert_eq!(statuses, ["resolved", "resolved"]);
    assert_eq!(world.subjects().last().unwrap(), "[AGE] Resolved: MAOS is silent");
    world.sweep_every_minute(10).await;
    assert_eq!(world.subjects().iter().filter(|subject| subject.contains("MAOS is silent")).count(), 1);
    world.post(&event("qa", "alive", "LOW")).await;
    for _ in 0..24 {
        world.clock.advance(HOUR);
        for engine in age_model::Engine::ALL.iter().filter(|engine| **engine != age_model::Engine::Qa) {
            world.post(&event(engine.as_str(), "alive", "LOW")).await;
        }
    }
    world.sweep_every_minute(1).await;
    let silent = world.incidents("&status=open").await;
    assert_eq!((silent.len(), &silent[0]["engine"]), (1, &json!("qa")), "it spoke, and is silent again");
}

#[tokio::test]
async fn health_says_whether_an_escalation_would_reach_anybody() {
    let world = World::new().await;
    let health = world.get("/api/governance/health").await;
    assert_eq!(
        (health.status, &health.json["notificationsReachable"], &health.json["lastSweepAt"]),
        (200, &Value::Null, &Value::Null)
    );
    assert_eq!(world.sweep().await.notifications_reachable, Some(true));
    assert_eq!(world.get("/api/governance/health").await.json["notificationsReachable"], true);
    world.sns.set_subscribed(false);
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
    assert_eq!(stale.json["notificationsReachable"], Value::Null, "no sweep has looked lately");
}

#[tokio::test]
async fn what_nobody_would_get_is_not_told_until_somebody_does() {
    let world = World::new().await;
    world.sns.set_subscribed(false);
    world.sweep().await;
    let created = world.critical().await;
    assert_eq!(created.actions()[1], ("notify_admin", "pending"));
    world.sweep_every_minute(3).await;
    assert!(world.emails().is_empty());
    world.sns.set_subscribed(true);
    world.sweep_every_minute(1).await;
    assert_eq!(world.emails().iter().map(count_new_events).collect::<Vec<_>>(), [1]);
}

#[tokio::test]
async fn a_week_without_its_report_is_noticed() {
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
async fn incidents_are_listed_newest_first_and_by_status() {
    let world = World::new().await;
    for number in 0..9 {
        world.post(&event("qa", &format!("kind {number}/é"), "CRITICAL")).await;
        world.clock.advance(1);
    }
    let all = world.incidents("").await;
    let opened: Vec<_> = all.iter().map(|it| it["openedAt"].as_str().unwrap()).collect();
    assert!(opened.is_sorted_by(|newer, older| newer > older) && opened.len() == 9, "{opened:?}");
    for (place, what) in [(1, "acknowledge"), (4, "resolve"), (5, "acknowledge"), (7, "resolve")] {
        assert_eq!(world.take(&all[place]["id"], what, NIGHT_DESK).await.status, 200);
    }
    let ids = |incidents: &[Value]| incidents.iter().map(|it| it["id"].clone()).collect::<Vec<_>>();
    for (status, places) in [("open", vec![0, 2, 3, 6, 8]), ("acknowledged", vec![1, 5]), ("resolved", vec![4, 7])] {
        let expected: Vec<_> = places.into_iter().map(|place: usize| all[place]["id"].clone()).collect();
        assert_eq!(ids(&world.incidents(&format!("&status={status}")).await), expected, "{status}");
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
        assert_eq!(world.story(&id).await.status, 200, "{id}");
    }
}

#[tokio::test]
async fn bad_requests_about_incidents_are_refused_by_name() {
    let world = World::new().await;
    world.critical().await;
    let incident = world.incident().await;
    let of = |what: &str| format!("/api/governance/incidents/{}{what}", incident["id"].as_str().unwrap());
    for (method, path, body, status, fields) in [
        ("GET", "/api/governance/incidents?status=closed".to_owned(), Value::Null, 422, vec!["/status"]),
        ("GET", "/api/governance/incidents?limit=0&engine=qa".to_owned(), Value::Null, 422, vec!["/limit", "/engine"]),
        ("GET", "/api/governance/incidents?cursor=x".to_owned(), Value::Null, 400, vec![]),
        ("GET", "/api/governance/incidents/x".to_owned(), Value::Null, 404, vec![]),
        ("GET", "/api/governance/incidents/qa.1795392300000.x".to_owned(), Value::Null, 404, vec![]),
        ("GET", of("?x=1"), Value::Null, 422, vec!["/x"]),
        ("GET", of("/acknowledge"), Value::Null, 405, vec![]),
        ("POST", "/api/governance/incidents".to_owned(), json!({}), 405, vec![]),
        ("POST", "/api/governance/incidents/qa.1795392300000.x/resolve".to_owned(), json!({}), 404, vec![]),
        ("POST", of("/acknowledge"), json!({"note": " "}), 422, vec!["/note"]),
        // Who it is, the credential says.
        ("POST", of("/acknowledge"), json!({"by": "me", "note": 1, "x": 1}), 422, vec!["/note", "/by", "/x"]),
        ("POST", of("/resolve"), json!([]), 422, vec![""]),
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
    assert_eq!(world.incident().await, incident);
}

/// Ten thousand CRITICAL events of forty kinds within a minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_drowns_nobody_and_loses_no_number() {
    const EVENTS: usize = 10_000;
    const KINDS: usize = 40;
    const ENGINES: [&str; 8] =
        ["compliance", "qa", "documentation", "image_engine", "voice_engine", "billing", "deep_agent", "maos"];
    let world = World::new().await;
    let began = age_model::Clock::now(world.clock.as_ref());
    // Several environments at once, an engine each: they meet on the mails' bucket, and on nothing else.
    let environments = join_all(ENGINES.iter().map(|_| world.new_environment())).await;
    let mut posted = 0;
    for second in 0..60 {
        let until = EVENTS * (second + 1) / 60;
        let numbers: Vec<usize> = (posted..until).collect();
        let of_engine = environments.iter().enumerate().map(async |(place, api)| {
            for number in numbers.iter().filter(|number| **number % ENGINES.len() == place) {
                let kind = format!("kind_{}", number % KINDS);
                let response = api.post(&event(ENGINES[place], &kind, "CRITICAL"), None).await;
                assert_eq!(response.status, 201, "{response:?}");
            }
        });
        join_all(of_engine).await;
        posted = until;
        world.clock.advance(1);
    }
    world.sweep().await;
    world.sweep_every_minute(15).await;

    let incidents = world.incidents("").await;
    let (mut moments, mut sum, mut by_mail) = (Vec::new(), 0, std::collections::BTreeMap::new());
    for incident in &incidents {
        assert_eq!(incident["eventCount"], (EVENTS / KINDS) as u64);
        let story = world.story(&incident["id"]).await;
        assert_eq!(story.json["hasEarlierEvents"], true);
        let notices: Vec<&Value> =
            story.list("/timeline").iter().filter(|entry| entry["type"] == "notification").collect();
        let at = |entry: &Value| entry["at"].as_str().unwrap().parse::<age_model::Timestamp>().unwrap();
        let soon = notices.iter().filter(|notice| at(notice) <= began.plus_seconds(600)).count();
        assert!((1..=12).contains(&soon), "{soon} mails speak of {}", incident["id"]);
        for notice in notices {
            sum += notice["notification"]["newEventCount"].as_u64().unwrap();
            moments.push(at(notice));
            *by_mail.entry(at(notice)).or_insert(0_u64) += 1;
        }
    }
    assert_eq!((incidents.len(), sum), (KINDS, EVENTS as u64), "the numbers in all notices");
    assert_eq!(world.emails().iter().map(count_new_events).sum::<u64>(), EVENTS as u64, "the numbers in all mails");
    assert_eq!(moments.iter().min(), Some(&began), "the first at once");

    let sent = world.emails().iter().map(|email| email.at).collect::<Vec<_>>();
    let within = |from: age_model::Timestamp, seconds: i64| {
        sent.iter().filter(|at| from <= **at && **at < from.plus_seconds(seconds)).count()
    };
    for at in &sent {
        assert!(within(*at, 1) <= 5 && within(*at, 60) <= 11, "{sent:?}");
    }
}

#[tokio::test]
async fn with_sns_away_for_twenty_minutes_everything_is_told_after_it_in_order_of_age() {
    let world = World::new().await;
    world.sweep().await;
    world.sns.set_refusing(true);
    let mut ids = Vec::new();
    for number in 0..20 {
        let created = world.post(&event("billing", &format!("trouble_{number:02}"), "CRITICAL")).await;
        ids.push(created.text("/id").to_owned());
        world.clock.advance(MINUTE);
        world.sweep().await;
    }
    world.sns.set_refusing(false);
    world.sweep_every_minute(2).await;
    let orders: Vec<String> = world
        .sns
        .published("actions")
        .iter()
        .map(|order| serde_json::from_str::<Value>(&order.message).unwrap()["eventId"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(orders, ids, "every action once, the oldest first");
    let told: Vec<String> = world
        .emails()
        .iter()
        .flat_map(|email| email.message.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|line| Some(line.strip_prefix("Billing: ")?.split(' ').next()?.to_owned()))
        .collect();
    let expected: Vec<String> = (0..20).map(|number| format!("trouble_{number:02}")).collect();
    assert_eq!(told, expected, "every incident once, the oldest first");
    assert_eq!(world.emails().iter().map(count_new_events).sum::<u64>(), 20);
    world.sweep_every_minute(20).await;
    assert_eq!((world.sns.published("actions").len(), world.emails().len()), (20, 1), "nothing twice");
}
