//! What people do with incidents: comments, takeovers, reopening, and changes of many incidents at once.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::world::browser::{Browser, between};
use crate::world::proxy::Fault;
use crate::world::test_credentials::{ADMIN, DAY_DESK, NIGHT_DESK, READER};
use crate::world::{ApiResponse, World, event};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

impl World {
    /// Changes an incident with a note; an empty text is none.
    async fn change_with_note(&self, id: &str, change: &str, by: &str, note: &str) -> ApiResponse {
        let body = if note.is_empty() { json!({}) } else { json!({ "note": note }) };
        self.as_caller(by).post_json(&format!("/api/governance/incidents/{id}/{change}"), &body).await
    }

    async fn change_many(&self, change: &str, body: &Value) -> ApiResponse {
        self.as_caller(NIGHT_DESK).post_json(&format!("/api/governance/incidents/{change}"), body).await
    }

    /// Opens an incident of `engine` and returns its id.
    async fn open_incident(&self, engine: &str, event_type: &str) -> String {
        self.post(&event(engine, event_type, "CRITICAL")).await;
        let incidents = self.list_incidents("&status=open").await;
        let of_type = incidents.iter().find(|it| it["eventType"] == event_type).unwrap();
        of_type["id"].as_str().unwrap().to_owned()
    }

    /// Returns who changed an incident, how, and with which note, in order.
    async fn changes(&self, id: &str) -> Vec<(String, String, String)> {
        let incident = self.get(&format!("/api/governance/incidents/{id}")).await;
        assert_eq!(incident.status, 200, "{incident:?}");
        let kinds = ["acknowledged", "taken_over", "commented", "resolved", "reopened"];
        let entries = incident.list("/timeline").iter().filter(|it| kinds.contains(&it["type"].as_str().unwrap()));
        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or("").to_owned();
        entries.map(|entry| (text(entry, "type"), text(entry, "by"), text(entry, "note"))).collect()
    }

    async fn count_incidents(&self, status: &str) -> usize {
        let (mut count, mut cursor) = (0, String::new());
        loop {
            let page = self.get(&format!("/api/governance/incidents?limit=200&status={status}{cursor}")).await;
            count += page.list("/incidents").len();
            match page.json.get("nextCursor").and_then(Value::as_str) {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return count,
            }
        }
    }
}

fn owned(changes: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    changes.iter().map(|(kind, by, note)| ((*kind).to_owned(), (*by).to_owned(), (*note).to_owned())).collect()
}

#[tokio::test]
async fn acknowledging_twice_with_a_second_note_keeps_both_notes() {
    let world = World::new().await;
    let id = world.open_incident("qa", "suite_lost").await;
    let first = world.change_with_note(&id, "acknowledge", NIGHT_DESK, "on it").await;
    world.clock.advance(MINUTE);
    let second = world.change_with_note(&id, "acknowledge", NIGHT_DESK, "failing over").await;
    assert_eq!((second.status, &second.json), (200, &first.json), "the acknowledgement stands");
    let by_other = world.change_with_note(&id, "acknowledge", DAY_DESK, "my shift").await;
    assert_eq!((by_other.status, by_other.text("/acknowledged/by")), (200, DAY_DESK));
    assert_eq!(by_other.text("/acknowledged/note"), "my shift");
    assert_eq!(
        world.changes(&id).await,
        owned(&[
            ("acknowledged", NIGHT_DESK, "on it"),
            ("commented", NIGHT_DESK, "failing over"),
            ("taken_over", DAY_DESK, "my shift"),
        ])
    );
    assert_eq!(world.list_incidents("").await[0]["acknowledged"]["by"], DAY_DESK, "the latest has it");
}

#[tokio::test]
async fn comments_are_possible_at_every_status_and_on_earlier_incidents() {
    let world = World::new().await;
    let id = world.open_incident("qa", "suite_lost").await;
    let comment = async |note: &str| world.change_with_note(&id, "comments", DAY_DESK, note).await;
    assert_eq!(comment("while open").await.text("/status"), "open");
    world.change_with_note(&id, "acknowledge", NIGHT_DESK, "").await;
    assert_eq!(comment("while acknowledged").await.text("/status"), "acknowledged");
    world.change_with_note(&id, "resolve", NIGHT_DESK, "").await;
    assert_eq!(comment("while resolved").await.text("/status"), "resolved");
    world.clock.advance(HOUR);
    let newer = world.open_incident("qa", "suite_lost").await;
    assert_ne!(newer, id);
    assert_eq!(comment("after the next one").await.text("/status"), "resolved");
    assert_eq!(comment("after the next one").await.status, 200, "a retry");
    assert_eq!(comment("and again").await.status, 200);
    assert_eq!(
        world.changes(&id).await,
        owned(&[
            ("commented", DAY_DESK, "while open"),
            ("acknowledged", NIGHT_DESK, ""),
            ("commented", DAY_DESK, "while acknowledged"),
            ("resolved", NIGHT_DESK, ""),
            ("commented", DAY_DESK, "while resolved"),
            ("commented", DAY_DESK, "after the next one"),
            ("commented", DAY_DESK, "and again"),
        ])
    );
    assert_eq!(world.changes(&newer).await, []);
    for (body, status) in [(json!({}), 422), (json!({ "note": " " }), 422), (json!({ "note": "x".repeat(1001) }), 422)]
    {
        let path = format!("/api/governance/incidents/{id}/comments");
        assert_eq!(world.post_json(&path, &body).await.status, status, "{body}");
    }
    assert_eq!(world.change_with_note("qa.1.none", "comments", DAY_DESK, "x").await.status, 404);
}

#[tokio::test]
async fn comment_whose_response_was_lost_is_recorded_once() {
    for change in ["comments", "acknowledge", "resolve"] {
        let world = World::new().await;
        let id = world.open_incident("qa", "suite_lost").await;
        world.dynamodb.set_fault(|call| match (call.operation.as_str(), call.earlier) {
            ("TransactWriteItems", _) => Fault::DropResponse,
            _ => Fault::None,
        });
        assert_eq!(world.change_with_note(&id, change, DAY_DESK, "once").await.status, 503, "{change}");
        world.dynamodb.reset();
        assert_eq!(world.change_with_note(&id, change, DAY_DESK, "once").await.status, 200, "{change}");
        assert_eq!(world.changes(&id).await.len(), 1, "{change}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_comments_are_all_kept() {
    let world = World::new().await;
    let id = world.open_incident("qa", "suite_lost").await;
    world.dynamodb.conflict_on_overlap();
    let notes: Vec<String> = (0..8).map(|number| format!("note {number}")).collect();
    let comments = notes.iter().map(|note| world.change_with_note(&id, "comments", DAY_DESK, note));
    assert!(join_all(comments).await.iter().all(|response| response.status == 200));
    let mut kept: Vec<String> = world.changes(&id).await.into_iter().map(|(_, _, note)| note).collect();
    kept.sort_unstable();
    assert_eq!(kept, notes);
}

#[tokio::test]
async fn resolved_incident_can_be_reopened_within_24_hours() {
    let world = World::new().await;
    let created = world.post(&event("qa", "suite_lost", "CRITICAL")).await;
    let id = world.list_incidents("").await[0]["id"].as_str().unwrap().to_owned();
    world.change_with_note(&id, "acknowledge", NIGHT_DESK, "").await;
    world.change_with_note(&id, "resolve", NIGHT_DESK, "done").await;
    world.clock.advance(20 * HOUR);
    let reopened = world.change_with_note(&id, "reopen", DAY_DESK, "not done").await;
    assert_eq!((reopened.status, reopened.text("/status"), reopened.text("/reopened/by")), (200, "open", DAY_DESK));
    assert_eq!((reopened.json.get("resolved"), reopened.json.get("acknowledged")), (None, None));
    assert_eq!(world.change_with_note(&id, "reopen", DAY_DESK, "").await.status, 200, "a repeat");
    let other = world.change_with_note(&id, "reopen", NIGHT_DESK, "").await;
    assert_eq!((other.status, other.text("/detail")), (409, "the incident is open already"));

    // Counters, notifications and the action continue, and nothing is sent twice.
    world.post(&event("qa", "suite_lost", "CRITICAL")).await;
    let incident = world.list_incidents("&status=open").await.remove(0);
    assert_eq!((incident["id"].as_str(), &incident["eventCount"]), (Some(id.as_str()), &json!(2)));
    world.sweep_every_minute(30).await;
    assert_eq!(world.sns.published("second-line").len(), 1, "nobody has acknowledged it since it was reopened");
    assert_eq!(world.emails().iter().map(crate::incidents::count_new_events).sum::<u64>(), 2);
    let shown = world.get(&format!("/api/governance/events/{}", created.text("/id"))).await;
    assert_eq!(shown.actions(), [("notify_admin", "succeeded")]);
    world.change_with_note(&id, "acknowledge", DAY_DESK, "").await;

    world.change_with_note(&id, "resolve", DAY_DESK, "").await;
    world.clock.advance(24 * HOUR + 1);
    let late = world.change_with_note(&id, "reopen", DAY_DESK, "").await;
    assert!(late.status == 409 && late.text("/detail").contains("within 24 hours only"), "{late:?}");
    assert_eq!(
        world.changes(&id).await,
        owned(&[
            ("acknowledged", NIGHT_DESK, ""),
            ("resolved", NIGHT_DESK, "done"),
            ("reopened", DAY_DESK, "not done"),
            ("acknowledged", DAY_DESK, ""),
            ("resolved", DAY_DESK, ""),
        ])
    );
}

#[tokio::test]
async fn incident_that_resolved_itself_can_be_reopened() {
    let world = World::new().await;
    let id = world.open_incident("qa", "suite_lost").await;
    world.change_with_note(&id, "acknowledge", NIGHT_DESK, "").await;
    world.clock.advance(25 * HOUR);
    world.sweep().await;
    let resolved = &world.list_incidents("&status=resolved").await[0];
    assert_eq!((resolved["id"].as_str(), resolved["resolved"].get("by")), (Some(id.as_str()), None));
    assert_eq!(world.change_with_note(&id, "reopen", DAY_DESK, "").await.text("/status"), "open");
    let of_age = ("resolved".to_owned(), String::new(), String::new());
    assert_eq!(world.changes(&id).await[1], of_age, "what AGE did stays in the timeline");
}

#[tokio::test]
async fn incident_with_a_newer_one_of_its_key_is_not_reopened() {
    let world = World::new().await;
    let id = world.open_incident("qa", "suite_lost").await;
    world.change_with_note(&id, "resolve", NIGHT_DESK, "").await;
    world.clock.advance(MINUTE);
    let newer = world.open_incident("qa", "suite_lost").await;
    let refused = world.change_with_note(&id, "reopen", NIGHT_DESK, "").await;
    assert!(refused.status == 409 && refused.text("/detail").contains(&newer), "{refused:?}");
}

#[tokio::test]
async fn figures_of_a_report_count_a_reopened_incident_once() {
    let world = World::new().await;
    let id = world.open_incident("qa", "suite_lost").await;
    for (change, by, seconds) in [
        ("acknowledge", NIGHT_DESK, 100),
        ("acknowledge", DAY_DESK, 1000),
        ("resolve", DAY_DESK, 10),
        ("reopen", NIGHT_DESK, 10),
    ] {
        world.clock.advance(seconds);
        assert_eq!(world.change_with_note(&id, change, by, "").await.status, 200, "{change}");
    }
    let report = world.generate_report().await;
    assert_eq!(
        report.json["summary"]["incidents"],
        json!({ "opened": 1, "acknowledged": 1, "medianSecondsToAcknowledge": 100 })
    );
    assert_eq!(report.text("/nextSteps/0/text"), "Acknowledge 1 open incident");
}

#[tokio::test]
async fn report_says_what_to_do_first() {
    let world = World::new().await;
    let id = world.open_incident("billing", "ledger_lost").await;
    for _ in 0..3 {
        world.post(&event("billing", "ledger_lost", "CRITICAL")).await;
    }
    let sentence = "Address 4 critical events immediately";
    let steps = async || {
        let report = world.generate_report().await;
        let steps = report.list("/nextSteps").iter().map(|step| step["text"].as_str().unwrap().to_owned());
        (steps.collect::<Vec<_>>(), report)
    };
    let audit = "Audit billing sync and token enforcement";
    let (open, report) = steps().await;
    assert_eq!(open, ["Acknowledge 1 open incident", sentence, audit]);
    assert_eq!(report.json["recommendations"], json!([audit, sentence]), "as in the original sketch");
    world.change_with_note(&id, "resolve", NIGHT_DESK, "").await;
    let (resolved, report) = steps().await;
    assert_eq!(resolved, [audit, sentence]);
    assert!(report.text("/nextSteps/1/detail").ends_with("All their incidents are resolved"), "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_request_resolves_2000_incidents_of_an_engine() {
    const INCIDENTS: usize = 2000;
    let world = World::new().await;
    // An engine opens up to 500 incidents; the others are copies.
    let events: Vec<Value> =
        (0..399).map(|number| event("billing", &format!("order_{number}_failed"), "CRITICAL")).collect();
    for batch in events.chunks(100) {
        assert_eq!(world.post_json("/api/governance/events", &json!(batch)).await.status, 200);
    }
    let created = world.post(&event("billing", "order_failed", "HIGH")).await;
    let path = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", created.text("/id"));
    assert_eq!(world.post_json(&path, &json!({"outcome": "failed"})).await.status, 200);
    world.copy_incident("billing#order_failed", INCIDENTS - 400);
    world.post(&event("qa", "order_1_failed", "CRITICAL")).await;
    world.clock.advance(1);
    let request = |count: usize| json!({ "engine": "billing", "expectedCount": count, "note": "one cause" });
    let other_count = world.change_many("resolve", &request(INCIDENTS - 1)).await;
    assert_eq!((other_count.status, other_count.number("/actualCount")), (409, INCIDENTS as u64));
    assert_eq!(world.count_incidents("resolved").await, 0, "nothing was changed");

    let done = world.change_many("resolve", &request(INCIDENTS)).await;
    assert_eq!(done.status, 200, "{done:?}");
    assert!(done.body.len() < 30_000, "the size of the response is bounded: {}", done.body.len());
    // On a busy machine some writes are not answered in time. As the command does, the test continues with those.
    let mut left = done.number("/remainingCount") + done.number("/failedCount");
    assert_eq!(done.number("/changedCount") + left, INCIDENTS as u64);
    while left > 0 {
        let mut more = request(0);
        (more["expectedCount"], more["openedBefore"]) = (json!(left), done.json["asOf"].clone());
        let more = world.change_many("resolve", &more).await;
        if more.status == 409 {
            // The write whose answer was late has been carried out.
            left = more.number("/actualCount");
            continue;
        }
        assert!(more.number("/changedCount") > 0, "each request makes progress: {more:?}");
        left = more.number("/remainingCount") + more.number("/failedCount");
    }
    assert_eq!((world.count_incidents("resolved").await, world.count_incidents("open").await), (INCIDENTS, 1));
    let resolved = world.list_incidents("&engine=billing&status=resolved").await;
    for incident in [&resolved[0], &resolved[199]] {
        let changes = world.changes(incident["id"].as_str().unwrap()).await;
        assert_eq!(changes, owned(&[("resolved", NIGHT_DESK, "one cause")]));
    }

    // A repeat changes nothing, and finds what was opened since.
    assert_eq!(world.change_many("resolve", &request(0)).await.number("/changedCount"), 0);
    world.post(&event("billing", "order_7_failed", "CRITICAL")).await;
    assert_eq!(world.change_many("resolve", &request(0)).await.number("/actualCount"), 1);
    let mut earlier = request(0);
    earlier["openedBefore"] = done.json["asOf"].clone();
    assert_eq!(world.change_many("resolve", &earlier).await.status, 200);
    assert_eq!(world.list_incidents("&engine=billing&status=open").await.len(), 1, "it is not swept away");
}

#[tokio::test]
async fn bulk_change_that_runs_out_of_time_continues_with_the_next_request() {
    let world = World::new().await;
    for number in 0..100 {
        world.post(&event("qa", &format!("suite_{number}"), "CRITICAL")).await;
    }
    let clock = Arc::clone(&world.clock);
    world.dynamodb.set_fault(move |call| {
        if call.operation == "TransactWriteItems" {
            clock.advance(1);
        }
        Fault::None
    });
    let (mut left, mut requests) = (100, 0);
    while left > 0 {
        requests += 1;
        let done = world.change_many("acknowledge", &json!({ "engine": "qa", "expectedCount": left })).await;
        assert_eq!(done.status, 200, "{done:?}");
        assert!(done.number("/changedCount") > 0, "each request makes progress");
        assert_eq!(done.number("/changedCount") + done.number("/remainingCount"), left);
        left = done.number("/remainingCount");
    }
    assert!((2..10).contains(&requests), "{requests}");
    assert_eq!(world.count_incidents("acknowledged").await, 100);
}

#[tokio::test]
async fn event_during_a_bulk_change_opens_an_incident_that_stays_open() {
    let world = World::new().await;
    for number in 0..5 {
        world.post(&event("qa", &format!("suite_{number}"), "CRITICAL")).await;
    }
    world.clock.advance(1);
    let request = json!({ "engine": "qa", "expectedCount": 5 });
    let meanwhile = async {
        // The incident of this key is resolved, or counts the event before it is.
        for _ in 0..5 {
            world.post(&event("qa", "suite_0", "CRITICAL")).await;
        }
        world.post(&event("qa", "new", "CRITICAL")).await;
    };
    let (done, ()) = futures_util::join!(world.change_many("resolve", &request), meanwhile);
    assert_eq!((done.status, done.number("/changedCount")), (200, 5), "{done:?}");
    let open = world.list_incidents("&status=open").await;
    assert!(open.iter().any(|incident| incident["eventType"] == "new"), "{open:?}");
    let all = world.list_incidents("").await;
    let of_key = all.iter().filter(|incident| incident["eventType"] == "suite_0");
    assert_eq!(of_key.map(|incident| incident["eventCount"].as_u64().unwrap()).sum::<u64>(), 6, "no event is lost");
}

#[tokio::test]
async fn bulk_change_selects_by_every_field_of_the_filter() {
    let world = World::new().await;
    for (engine, event_type) in [("qa", "order_1"), ("qa", "order_2"), ("qa", "other"), ("billing", "order_1")] {
        world.open_incident(engine, event_type).await;
    }
    let failed = world.post(&event("maos", "order_3", "HIGH")).await;
    let path = format!("/api/governance/events/{}/actions/MAOS_auto_fix/outcome", failed.text("/id"));
    assert_eq!(world.post_json(&path, &json!({ "outcome": "failed" })).await.status, 200);
    let before = "2026-11-23T00:06:00Z";
    world.clock.advance(10 * MINUTE);
    let late = world.open_incident("qa", "order_4").await;
    let late_at = world.get(&format!("/api/governance/incidents/{late}")).await.text("/openedAt").to_owned();
    world.change_with_note(&late, "acknowledge", DAY_DESK, "").await;
    let actual = async |change: &str, filter: Value| {
        let mut body = filter;
        body["expectedCount"] = json!(999);
        world.change_many(change, &body).await.number("/actualCount")
    };
    assert_eq!(actual("resolve", json!({})).await, 6);
    assert_eq!(actual("acknowledge", json!({})).await, 5, "open ones only");
    assert_eq!(actual("resolve", json!({ "engine": "qa" })).await, 4);
    assert_eq!(actual("resolve", json!({ "engine": "qa", "eventTypePrefix": "order_" })).await, 3);
    assert_eq!(actual("resolve", json!({ "eventTypePrefix": "order_", "openedBefore": before })).await, 4);
    assert_eq!(actual("resolve", json!({ "openedFrom": before })).await, 1);
    assert_eq!(actual("resolve", json!({ "openedFrom": late_at, "openedBefore": late_at })).await, 0);
    assert_eq!(actual("resolve", json!({ "status": "acknowledged" })).await, 1);
    assert_eq!(actual("resolve", json!({ "severity": "HIGH" })).await, 1);

    // A filter of open incidents takes none over; one of acknowledged ones does.
    let open = world.change_many("acknowledge", &json!({ "engine": "qa", "expectedCount": 3 })).await;
    assert_eq!(open.number("/changedCount"), 3);
    let taken = json!({ "engine": "qa", "status": "acknowledged", "expectedCount": 4 });
    let taken = world.change_many("acknowledge", &taken).await;
    assert_eq!((taken.number("/changedCount"), taken.number("/unchangedCount")), (1, 3));
    assert_eq!(world.changes(&late).await[1], ("taken_over".to_owned(), NIGHT_DESK.to_owned(), String::new()));
}

#[tokio::test]
async fn bulk_change_by_ids_reports_each_failure() {
    let world = World::new().await;
    let (open, resolved) = (world.open_incident("qa", "a").await, world.open_incident("qa", "b").await);
    world.change_with_note(&resolved, "resolve", DAY_DESK, "").await;
    let missing = "qa.1.none";
    let ids = json!({ "ids": [open, open, resolved, missing] });
    let acknowledged = world.change_many("acknowledge", &ids).await;
    let counts = |response: &ApiResponse| {
        ["/changedCount", "/unchangedCount", "/failedCount", "/remainingCount"].map(|name| response.number(name))
    };
    assert_eq!(counts(&acknowledged), [1, 0, 2, 0], "{acknowledged:?}");
    let mut failures: Vec<_> = acknowledged.list("/failures").to_vec();
    failures.sort_by_key(|failure| failure["status"].as_u64());
    assert_eq!(
        failures,
        [
            json!({ "id": missing, "status": 404, "detail": "incident qa.1.none does not exist" }),
            json!({ "id": resolved, "status": 409, "detail": "the incident is resolved already, by day-desk" }),
        ]
    );
    let done = world.change_many("resolve", &json!({ "ids": [open, resolved] })).await;
    assert_eq!(counts(&done), [1, 1, 0, 0], "an incident that is resolved already is left as it is");

    let many: Vec<&str> = vec![missing; 501];
    for (body, field) in [
        (json!({}), "/expectedCount"),
        (json!({ "ids": [] }), "/ids"),
        (json!({ "ids": many }), "/ids"),
        (json!({ "ids": ["x"] }), "/ids/0"),
        (json!({ "ids": [missing], "engine": "qa" }), "/ids"),
        (json!({ "ids": [missing], "expectedCount": 1 }), "/expectedCount"),
        (json!({ "status": "resolved", "expectedCount": 1 }), "/status"),
        (json!({ "engine": "mail", "expectedCount": 1 }), "/engine"),
        (json!({ "engin": "qa", "expectedCount": 1 }), "/engin"),
    ] {
        let refused = world.change_many("resolve", &body).await;
        assert_eq!((refused.status, refused.text("/errors/0/pointer")), (422, field), "{body}");
    }
}

#[tokio::test]
async fn incident_is_commented_on_taken_over_and_reopened_on_its_page() {
    let world = World::new().await;
    let id = world.open_incident("qa", "suite_lost").await;
    let path = format!("/dashboard/incidents/{id}");
    let (mut night, mut day) =
        (Browser::signed_in(&world, NIGHT_DESK).await, Browser::signed_in(&world, DAY_DESK).await);
    let reader = Browser::signed_in(&world, READER).await.get(&path).await;
    assert!(!reader.body.contains("<form method=\"post\" action=\"/dashboard/incidents"), "{}", reader.body);
    for (is_night, change, note) in [
        (true, "acknowledge", "on <it>"),
        (false, "acknowledge", ""),
        (true, "comments", "ask the vendor"),
        (false, "resolve", ""),
        (true, "reopen", "not yet"),
    ] {
        let browser = if is_night { &mut night } else { &mut day };
        let button = match (change, note) {
            ("acknowledge", "") => "<button>Take over</button>",
            ("acknowledge", _) => "<button>Acknowledge</button>",
            ("comments", _) => "<button class=\"quiet\">Comment</button>",
            ("resolve", _) => "<button>Resolve</button>",
            _ => "<button>Reopen</button>",
        };
        let page = browser.get(&path).await;
        crate::dashboard::assert_safe(&page);
        assert!(page.body.contains(button), "{button} in {}", page.body);
        let changed = browser.submit(&path, &format!("{path}/{change}"), &[("note", note)]).await;
        assert_eq!((changed.status, changed.header("location")), (303, Some(path.as_str())), "{changed:?}");
    }
    let page = night.get(&path).await;
    for text in [
        "Acknowledged by night-desk",
        "on &#60;it&#62;",
        "Taken over by day-desk",
        "Comment by night-desk",
        "ask the vendor",
        "Resolved by day-desk",
        "Reopened by night-desk",
        "▲ open",
    ] {
        assert!(page.body.contains(text), "{text} in {}", page.body);
    }
    let blank = night.submit(&path, &format!("{path}/comments"), &[("note", " ")]).await;
    assert_eq!(blank.status, 422);
    night.submit(&path, &format!("{path}/acknowledge"), &[("note", "")]).await;
    assert!(!night.get(&path).await.body.contains("Take over"), "it is theirs");
    night.submit(&path, &format!("{path}/resolve"), &[("note", "")]).await;
    world.clock.advance(24 * HOUR + 1);
    night = Browser::signed_in(&world, NIGHT_DESK).await;
    assert!(!night.get(&path).await.body.contains("Reopen</button>"));
}

#[tokio::test]
async fn all_incidents_of_a_filter_are_resolved_in_the_dashboard() {
    let world = World::new().await;
    for number in 0..30 {
        world.clock.advance(1);
        world.post(&event("billing", &format!("order_{number:02}_failed"), "CRITICAL")).await;
    }
    world.open_incident("qa", "suite_lost").await;
    let mut desk = Browser::signed_in(&world, ADMIN).await;
    let list = desk.get("/dashboard/incidents?status=open&engine=billing").await;
    crate::dashboard::assert_safe(&list);
    assert!(list.body.contains(">Resolve all 30 shown by this filter</a>"), "{}", list.body);
    assert!(!list.body.contains("suite_lost") && list.body.contains("&#38;engine=billing"));
    let second = desk.get(&between(&list.body, "class=\"more\" href=\"", "\"").replace("&#38;", "&")).await;
    assert_eq!(second.body.matches("<li class=\"card\">").count(), 5);
    let reader = Browser::signed_in(&world, READER).await.get("/dashboard/incidents?engine=billing").await;
    assert!(!reader.body.contains("Resolve all"), "{}", reader.body);

    let confirmation = "/dashboard/incidents/resolve?status=open&engine=billing";
    assert!(list.body.contains(&confirmation.replace('&', "&#38;")), "{}", list.body);
    let page = desk.get(confirmation).await;
    crate::dashboard::assert_safe(&page);
    assert!(page.body.contains("<h1>Resolve 30 incidents</h1>") && page.body.contains("20 more"), "{}", page.body);
    let fields = ["expectedCount", "openedBefore"]
        .map(|name| (name, between(&page.body, &format!("name=\"{name}\" value=\""), "\"").to_owned()));
    let fields = |count: &str| {
        let mut given = vec![("status", "open".to_owned()), ("engine", "billing".to_owned())];
        given.extend([("expectedCount", count.to_owned()), fields[1].clone(), ("note", "one cause".to_owned())]);
        given
    };
    let mut submit = async |count: &str| {
        let fields = fields(count);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        desk.submit(confirmation, "/dashboard/incidents/resolve", &fields).await
    };
    let refused = submit("29").await;
    assert!(refused.status == 409 && refused.body.contains("matches 30 incidents, not 29"), "{}", refused.body);
    world.clock.advance(1);
    world.post(&event("billing", "order_new_failed", "CRITICAL")).await;
    let done = submit("30").await;
    assert_eq!(done.status, 200);
    crate::dashboard::assert_safe(&done);
    assert!(done.body.contains("<h1>Resolved 30 incidents</h1>"), "{}", done.body);
    let open = world.list_incidents("&status=open").await;
    let mut open: Vec<&str> = open.iter().map(|it| it["eventType"].as_str().unwrap()).collect();
    open.sort_unstable();
    assert_eq!(open, ["order_new_failed", "suite_lost"]);
}
