//! Lists of events: complete, without duplicates and newest first, with every filter and while events arrive.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::world::{World, event};

const ENGINES: [&str; 8] =
    ["compliance", "qa", "documentation", "image_engine", "voice_engine", "billing", "deep_agent", "maos"];
const SEVERITIES: [&str; 10] = ["LOW", "LOW", "LOW", "LOW", "LOW", "MEDIUM", "MEDIUM", "MEDIUM", "HIGH", "CRITICAL"];
const TYPES: [&str; 3] = ["started", "stalled", "stopped"];

/// Posts 1,200 events of the week before Monday, one every 504 seconds, by engines and severities in turn. Returns them newest
/// first.
async fn post_1200_events_of_a_week(world: &World) -> Vec<Value> {
    let start: age_model::Timestamp = "2026-11-16T00:00:00Z".parse().unwrap();
    let mut stored = Vec::new();
    for number in 0..1200_usize {
        world.clock.set(start.plus_seconds(i64::try_from(number).unwrap() * 504));
        let sent = event(ENGINES[number % 8], TYPES[number % 3], SEVERITIES[(number / 8) % 10]);
        let created = world.post(&sent).await;
        assert_eq!(created.status, 201);
        stored.push(created.json);
    }
    world.clock.set(crate::world::monday());
    stored.reverse();
    stored
}

/// A query, and a predicate for the events that it returns.
type Filter = (&'static str, Box<dyn Fn(&Value) -> bool>);

fn ids<'a>(events: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    events.into_iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn events_are_counted_and_listed_once_with_every_filter() {
    let world = World::new().await;
    let stored = post_1200_events_of_a_week(&world).await;

    let weekly = world.run_weekly_report().await.unwrap();
    let report = world.get(&format!("/api/governance/reports/{}", weekly.id)).await;
    assert_eq!(report.number("/summary/totalEvents"), 1200);
    assert_eq!(report.json["summary"]["bySeverity"], json!({"LOW": 600, "MEDIUM": 360, "HIGH": 120, "CRITICAL": 120}));
    for engine in ENGINES {
        assert_eq!(report.number(&format!("/summary/byEngine/{engine}")), 150);
    }
    assert_eq!(world.get("/api/governance/stats").await.number("/totalEvents"), 1200);

    let is = |name: &'static str, value: &'static str| move |event: &Value| event[name] == value;
    let within = |event: &Value| {
        ("2026-11-18T06:30:00.000Z".."2026-11-20T00:00:00.000Z").contains(&event["occurredAt"].as_str().unwrap())
    };
    let filters: Vec<Filter> = vec![
        ("", Box::new(|_| true)),
        ("&engine=billing", Box::new(is("engine", "billing"))),
        ("&severity=CRITICAL", Box::new(is("severity", "CRITICAL"))),
        ("&eventType=stalled", Box::new(is("eventType", "stalled"))),
        ("&engine=qa&severity=HIGH", Box::new(move |event| is("engine", "qa")(event) && is("severity", "HIGH")(event))),
        (
            "&engine=maos&eventType=started",
            Box::new(move |event| is("engine", "maos")(event) && is("eventType", "started")(event)),
        ),
        ("&from=2026-11-18T06:30:00Z&to=2026-11-20", Box::new(within)),
        ("&eventType=never", Box::new(|_| false)),
    ];
    for (query, matches) in filters {
        let expected = ids(stored.iter().filter(|event| matches(event)));
        for limit in [7, 50, 500] {
            let listed = world.list_events(&format!("/api/governance/events?limit={limit}{query}")).await;
            assert_eq!(ids(&listed), expected, "limit {limit} {query}");
        }
    }
}

#[tokio::test]
async fn pagination_is_complete_while_events_arrive() {
    let world = World::new().await;
    let stored = post_1200_events_of_a_week(&world).await;
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world.get(&format!("/api/governance/events?limit=50{cursor}")).await;
        seen.extend(ids(page.list("/events")));
        // Some events arrive in the hour that is being read, some in the next.
        world.clock.advance(300);
        world.post(&event("billing", "invoice_synced", "LOW")).await;
        match page.json.get("nextCursor").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ids(&stored), "each event once, newest first; later events belong before the first page");
    assert_eq!(world.list_events("/api/governance/events?limit=500").await.len(), 1224);
}

#[tokio::test]
async fn last_page_has_no_cursor() {
    let world = World::new().await;
    for _ in 0..4 {
        world.post(&event("qa", "suite_passed", "LOW")).await;
    }
    let page = world.get("/api/governance/events?limit=4").await;
    assert_eq!((page.list("/events").len(), page.json.get("nextCursor")), (4, None));
    let page = world.get("/api/governance/events?limit=3").await;
    assert_eq!(page.list("/events").len(), 3);
    assert!(page.json.get("nextCursor").is_some());
    assert_eq!(world.get("/api/governance/events").await.list("/events").len(), 4);
}

#[tokio::test]
async fn page_of_large_details_fits_the_response_limit_of_lambda() {
    let world = World::new().await;
    // Every character is escaped once in the body and once more in Lambda's response.
    let details = json!({ "text": "\"".repeat(8000) });
    for _ in 0..300 {
        world.post(&json!({"engine": "qa", "eventType": "log", "details": details})).await;
        world.clock.advance(1);
    }
    let mut pages = 0;
    let mut cursor = String::new();
    let mut seen = BTreeSet::new();
    loop {
        let page = world.get(&format!("/api/governance/events?limit=500{cursor}")).await;
        let lambda_response = Value::from(page.json.to_string()).to_string();
        assert!(lambda_response.len() < 6 * 1024 * 1024, "{}", lambda_response.len());
        seen.extend(ids(page.list("/events")));
        pages += 1;
        match page.json.get("nextCursor").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert!(pages > 1 && seen.len() == 300, "{pages} pages, {} events", seen.len());
}

#[tokio::test]
async fn filter_by_severity_reads_only_matching_hours() {
    let world = World::new().await;
    world.set_time("2026-11-01T10:15:00Z");
    let critical = world.post(&event("voice_engine", "model_lost", "CRITICAL")).await;
    for day in 2..22 {
        world.set_time(&format!("2026-11-{day:02}T10:15:00Z"));
        for _ in 0..10 {
            world.post(&event("voice_engine", "call_answered", "LOW")).await;
        }
    }
    world.dynamodb.reset();
    let found = world.get("/api/governance/events?severity=CRITICAL").await;
    assert_eq!(ids(found.list("/events")), [critical.text("/id")]);
    // The rollups of the default policy's eight engines and of `age` in growing windows over the retention, and the index range with
    // the event.
    let (engines, windows) = (9, 17);
    assert_eq!(world.dynamodb.calls("Query"), engines * windows + 1);
}

#[tokio::test]
async fn rare_event_is_found_in_a_busy_hour() {
    let world = World::new().await;
    let rare = world.post(&event("voice_engine", "model_lost", "CRITICAL")).await;
    for _ in 0..300 {
        world.clock.advance(1);
        world.post(&event("voice_engine", "call_answered", "LOW")).await;
    }
    for query in ["severity=CRITICAL&limit=1", "eventType=model_lost&limit=1", "engine=voice_engine&severity=CRITICAL"]
    {
        let found = world.get(&format!("/api/governance/events?{query}")).await;
        assert_eq!(ids(found.list("/events")), [rare.text("/id")], "{query}");
    }
}

#[tokio::test]
async fn unreadable_row_is_named_beside_the_list_and_is_an_error_by_itself() {
    let world = World::new().await;
    let created = world.post(&event("qa", "suite_passed", "LOW")).await;
    let other = world.post(&event("qa", "suite_passed", "LOW")).await;
    let key = json!({ "id": { "S": created.text("/id") } });
    let damage = json!({
        "TableName": "Events", "Key": key, "UpdateExpression": "SET severity = :odd",
        "ExpressionAttributeValues": { ":odd": { "N": "1" } },
    });
    world.dynamodb.call("UpdateItem", &damage);
    let listed = world.get("/api/governance/events").await;
    assert_eq!((listed.status, ids(listed.list("/events"))), (200, vec![other.text("/id").to_owned()]), "{listed:?}");
    assert_eq!(listed.list("/unreadable"), [json!({ "id": created.text("/id") })]);
    assert_eq!(world.get(&format!("/api/governance/events/{}", created.text("/id"))).await.status, 500);
}
