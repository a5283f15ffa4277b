//! Lists: everything, each once, newest first, however it is filtered and whatever arrives meanwhile.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::world::{World, event};

const ENGINES: [&str; 8] =
    ["compliance", "qa", "documentation", "image_engine", "voice_engine", "billing", "deep_agent", "maos"];
const SEVERITIES: [&str; 10] = ["LOW", "LOW", "LOW", "LOW", "LOW", "MEDIUM", "MEDIUM", "MEDIUM", "HIGH", "CRITICAL"];
const TYPES: [&str; 3] = ["started", "stalled", "stopped"];

/// 1,200 events, one every eight and a half minutes of the week before Monday, by engines and severities in turn.
async fn a_week_of_1200(world: &World) -> Vec<Value> {
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

/// A query, and what it lets through.
type Filter = (&'static str, Box<dyn Fn(&Value) -> bool>);

fn ids<'a>(events: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    events.into_iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn all_1200_are_counted_and_listed_once_under_every_filter() {
    let world = World::new().await;
    let stored = a_week_of_1200(&world).await;

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
    for (query, lets_through) in filters {
        let expected = ids(stored.iter().filter(|event| lets_through(event)));
        for limit in [7, 50, 500] {
            let listed = world.list_events(&format!("/api/governance/events?limit={limit}{query}")).await;
            assert_eq!(ids(&listed), expected, "limit {limit} {query}");
        }
    }
}

#[tokio::test]
async fn a_reader_of_1200_misses_nothing_while_new_events_arrive() {
    let world = World::new().await;
    let stored = a_week_of_1200(&world).await;
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world.get(&format!("/api/governance/events?limit=50{cursor}")).await;
        seen.extend(ids(page.list("/events")));
        // Some in the hour that is being read, some in the next.
        world.clock.advance(300);
        world.post(&event("billing", "invoice_synced", "LOW")).await;
        match page.json.get("nextCursor").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ids(&stored), "each once, newest first; what came later stands before the first page");
    assert_eq!(world.list_events("/api/governance/events?limit=500").await.len(), 1224);
}

#[tokio::test]
async fn pages_end_where_the_list_ends() {
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
async fn a_page_of_large_details_stays_within_lambdas_answer() {
    let world = World::new().await;
    // Every character is escaped once in the body and once more in Lambda's answer.
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
        let lambda_answer = Value::from(page.json.to_string()).to_string();
        assert!(lambda_answer.len() < 6 * 1024 * 1024, "{}", lambda_answer.len());
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
async fn critical_events_are_found_without_reading_the_others() {
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
    // Rollups of eight engines in growing windows over the retention, and the one timeline range that holds it.
    let windows = 17;
    assert_eq!(world.dynamodb.calls("Query"), 8 * windows + 1);
}

#[tokio::test]
async fn a_rare_event_is_found_among_the_many_of_its_hour() {
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
async fn a_row_that_cannot_be_read_is_an_error_and_not_skipped() {
    let world = World::new().await;
    let created = world.post(&event("qa", "suite_passed", "LOW")).await;
    world.post(&event("qa", "suite_passed", "LOW")).await;
    let key = json!({ "id": { "S": created.text("/id") } });
    let damage = json!({
        "TableName": "Events", "Key": key, "UpdateExpression": "SET severity = :odd",
        "ExpressionAttributeValues": { ":odd": { "S": "ODD" } },
    });
    world.dynamodb.call("UpdateItem", &damage).await;
    let listed = world.get("/api/governance/events").await;
    assert_eq!(listed.status, 500, "{listed:?}");
    assert_eq!(world.get(&format!("/api/governance/events/{}", created.text("/id"))).await.status, 500);
}
