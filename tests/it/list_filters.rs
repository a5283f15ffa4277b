//! The filters of lists: by time and by several values of a column, with full pages and cursors that are bound to the filters.

use serde_json::{Value, json};

use crate::world::test_credentials::NIGHT_DESK;
use crate::world::{World, event};

const MINUTE: i64 = 60;

/// A query, and a predicate for the items that it lists.
type Filter = (&'static str, Box<dyn Fn(&Value) -> bool>);

/// Whether the field `name` of an item is one of `values`.
fn is_one_of(name: &'static str, values: &'static [&'static str]) -> impl Fn(&Value) -> bool {
    move |item| values.iter().any(|value| item[name] == *value)
}

/// Whether the time in the field `name` of an item is from `from` on and before `to`.
fn is_within(name: &'static str, from: &'static str, to: &'static str) -> impl Fn(&Value) -> bool {
    move |item| (from..to).contains(&item[name].as_str().unwrap())
}

fn both(a: impl Fn(&Value) -> bool + 'static, b: impl Fn(&Value) -> bool + 'static) -> Box<dyn Fn(&Value) -> bool> {
    Box::new(move |item| a(item) && b(item))
}

impl World {
    /// Reads all pages of `list`. Asserts that each page is full unless it is the last one.
    async fn list_full_pages(&self, list: &str, query: &str, limit: usize) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("/api/governance/{list}?limit={limit}{query}{cursor}")).await;
            assert_eq!(page.status, 200, "{list} {query}: {page:?}");
            let found = page.list(&format!("/{list}"));
            items.extend(found.to_vec());
            match page.json.get("nextCursor").and_then(Value::as_str) {
                Some(next) => {
                    assert_eq!(found.len(), limit, "a page of {list}{query} has a next one and is not full");
                    cursor = format!("&cursor={next}");
                }
                None => return items,
            }
        }
    }

    /// Asserts that each of `filters` lists those of all items that its predicate selects, in their order and with pages of each size.
    async fn assert_filters(&self, list: &str, filters: Vec<Filter>) {
        let all = self.list_full_pages(list, "", 100).await;
        for (query, matches) in filters {
            let expected: Vec<_> = all.iter().filter(|item| matches(item)).cloned().collect();
            assert!(
                !expected.is_empty() && expected.len() < all.len(),
                "{list}{query} shows nothing: {}",
                expected.len()
            );
            for limit in [1, 3, 100] {
                let listed = self.list_full_pages(list, query, limit).await;
                assert_eq!(listed, expected, "{list}, limit {limit}{query}");
            }
        }
    }

    async fn fail_remediation(&self, event: &str, action: &str) {
        let path = format!("/api/governance/events/{event}/actions/{action}/outcome");
        assert_eq!(self.post_json(&path, &json!({ "outcome": "failed" })).await.status, 200);
    }
}

/// Opens twelve incidents of three engines, one every ten minutes from five past midnight on: a third of them HIGH, by a failed
/// remediation. Acknowledges and resolves some.
async fn open_twelve_incidents(world: &World) {
    for number in 0..12 {
        let engine = ["qa", "billing", "maos"][number % 3];
        let event_type = format!("problem_{number}");
        if engine == "billing" {
            let created = world.post(&event(engine, &event_type, "HIGH")).await;
            world.fail_remediation(created.text("/id"), "billing_sync_repair").await;
        } else {
            world.post(&event(engine, &event_type, "CRITICAL")).await;
        }
        world.clock.advance(10 * MINUTE);
    }
    let incidents = world.list_incidents("").await;
    assert_eq!(incidents.len(), 12);
    for (place, change) in [(1, "acknowledge"), (2, "resolve"), (4, "acknowledge"), (7, "resolve"), (10, "resolve")] {
        let path = format!("/api/governance/incidents/{}/{change}", incidents[place]["id"].as_str().unwrap());
        assert_eq!(world.as_caller(NIGHT_DESK).post_json(&path, &json!({})).await.status, 200);
    }
}

#[tokio::test]
async fn incidents_are_filtered_by_every_column() {
    let world = World::new().await;
    open_twelve_incidents(&world).await;
    let within = || is_within("openedAt", "2026-11-23T00:25:00.000Z", "2026-11-23T01:25:00.000Z");
    world
        .assert_filters(
            "incidents",
            vec![
                ("&status=open", Box::new(is_one_of("status", &["open"]))),
                ("&status=resolved&status=acknowledged", Box::new(is_one_of("status", &["acknowledged", "resolved"]))),
                ("&status=open&status=acknowledged", Box::new(is_one_of("status", &["open", "acknowledged"]))),
                ("&severity=HIGH", Box::new(is_one_of("severity", &["HIGH"]))),
                ("&engine=qa&engine=billing&engine=qa", Box::new(is_one_of("engine", &["qa", "billing"]))),
                ("&from=2026-11-23T00:25:00Z&to=2026-11-23T01:25:00Z", Box::new(within())),
                ("&from=2026-11-23T01:25:00Z", Box::new(is_within("openedAt", "2026-11-23T01:25:00.000Z", "3"))),
                ("&to=2026-11-23T00:15:00Z", Box::new(is_within("openedAt", "2", "2026-11-23T00:15:00.000Z"))),
                (
                    "&from=2026-11-23T00:25:00Z&to=2026-11-23T01:25:00Z&severity=HIGH",
                    both(within(), is_one_of("severity", &["HIGH"])),
                ),
                (
                    "&engine=maos&engine=qa&status=resolved&severity=HIGH&severity=CRITICAL",
                    both(is_one_of("engine", &["maos", "qa"]), is_one_of("status", &["resolved"])),
                ),
            ],
        )
        .await;
    for empty in ["&from=2026-11-24", "&to=2026-11-23", "&from=2026-11-23T00:25:00Z&to=2026-11-23T00:25:00Z"] {
        assert!(world.list_full_pages("incidents", empty, 3).await.is_empty(), "{empty}");
    }
}

#[tokio::test]
async fn incident_is_listed_with_its_highest_severity() {
    let world = World::new().await;
    let created = world.post(&event("billing", "sync_failed", "HIGH")).await;
    world.fail_remediation(created.text("/id"), "billing_sync_repair").await;
    assert_eq!(world.list_incidents("&severity=HIGH").await.len(), 1);
    world.clock.advance(1);
    world.post(&event("billing", "sync_failed", "CRITICAL")).await;
    let [high, critical] = ["HIGH", "CRITICAL"].map(|severity| format!("&severity={severity}"));
    assert_eq!((world.list_incidents(&high).await.len(), world.list_incidents(&critical).await.len()), (0, 1));
}

#[tokio::test]
async fn sparse_filter_of_incidents_reads_only_the_incidents_of_the_page() {
    let world = World::new().await;
    for number in 0..60 {
        let (engine, severity) = if number % 20 == 0 { ("billing", "HIGH") } else { ("qa", "CRITICAL") };
        let created = world.post(&event(engine, &format!("problem_{number}"), severity)).await;
        if severity == "HIGH" {
            world.fail_remediation(created.text("/id"), "billing_sync_repair").await;
        }
        world.clock.advance(1);
    }
    for query in ["severity=HIGH&limit=2", "engine=billing&severity=HIGH&severity=LOW&limit=2"] {
        world.dynamodb.reset();
        let page = world.get(&format!("/api/governance/incidents?{query}")).await;
        assert_eq!((page.list("/incidents").len(), page.json.get("nextCursor").is_some()), (2, true), "{query}");
        assert_eq!((world.dynamodb.calls("Query"), world.dynamodb.calls("GetItem")), (2, 2), "{query}");
    }
}

#[tokio::test]
async fn actions_are_filtered_by_every_column() {
    let world = World::new().await;
    for number in 0..12 {
        let engine = ["billing", "maos", "compliance", "qa"][number % 4];
        let severity = if number % 3 == 0 { "CRITICAL" } else { "HIGH" };
        let created = world.post(&event(engine, &format!("permission_{number}"), severity)).await;
        if engine == "billing" {
            world.fail_remediation(created.text("/id"), "billing_sync_repair").await;
        }
        world.clock.advance(10 * MINUTE);
    }
    let within = || is_within("createdAt", "2026-11-23T00:25:00.000Z", "2026-11-23T01:25:00.000Z");
    world
        .assert_filters(
            "actions",
            vec![
                ("&status=failed", Box::new(is_one_of("status", &["failed"]))),
                (
                    "&status=pending_approval&status=failed",
                    Box::new(is_one_of("status", &["failed", "pending_approval"])),
                ),
                ("&action=notify_admin", Box::new(is_one_of("action", &["notify_admin"]))),
                (
                    "&action=notify_admin&action=permission_reset",
                    Box::new(is_one_of("action", &["notify_admin", "permission_reset"])),
                ),
                ("&engine=maos&engine=billing", Box::new(is_one_of("engine", &["maos", "billing"]))),
                ("&from=2026-11-23T00:25:00Z&to=2026-11-23T01:25:00Z", Box::new(within())),
                (
                    "&from=2026-11-23T00:25:00Z&to=2026-11-23T01:25:00Z&status=dispatched&engine=qa&engine=maos",
                    both(within(), both(is_one_of("status", &["dispatched"]), is_one_of("engine", &["qa", "maos"]))),
                ),
            ],
        )
        .await;
}

#[tokio::test]
async fn page_of_a_sparse_filter_of_actions_is_full() {
    let world = World::new().await;
    let mut expected = Vec::new();
    for number in 0..260 {
        let engine = if number % 40 == 0 { "compliance" } else { "qa" };
        let created = world.post(&event(engine, &format!("permission_{number}"), "HIGH")).await;
        if engine == "compliance" {
            expected.push(created.text("/id").to_owned());
        }
        world.clock.advance(1);
    }
    expected.reverse();
    for limit in [2, 7, 200] {
        let listed = world.list_full_pages("actions", "&status=pending_approval", limit).await;
        let ids: Vec<_> = listed.iter().map(|item| item["eventId"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "limit {limit}");
    }
}

/// The bound of the reads of one page: 200 actions, and then ten times 500.
#[tokio::test]
async fn page_of_actions_reads_few_more_than_5000_actions() {
    let world = World::new().await;
    let first = world.post(&event("compliance", "permission_first", "HIGH")).await;
    world.clock.advance(10 * MINUTE);
    world.post(&event("qa", "suite_lost", "HIGH")).await;
    world.copy_action_and_event("qa", 5_999);
    world.dynamodb.reset();
    let path = "/api/governance/actions?status=pending_approval&limit=200";
    let page = world.get(path).await;
    assert!(page.list("/actions").is_empty(), "{page:?}");
    assert_eq!(world.dynamodb.calls("BatchGetItem"), 2 + 10 * 5);
    let next = world.get(&format!("{path}&cursor={}", page.text("/nextCursor"))).await;
    assert_eq!((next.text("/actions/0/eventId"), next.json.get("nextCursor")), (first.text("/id"), None));
}

#[tokio::test]
async fn reports_are_filtered_by_kind_and_time() {
    let world = World::new().await;
    for number in 0..12 {
        world.clock.advance(10 * MINUTE);
        if number == 5 {
            world.run_weekly_report().await.unwrap();
        } else {
            world.generate_report().await;
        }
    }
    let within = || is_within("generatedAt", "2026-11-23T00:25:00.000Z", "2026-11-23T01:25:00.000Z");
    world
        .assert_filters(
            "reports",
            vec![
                ("&kind=weekly", Box::new(is_one_of("kind", &["weekly"]))),
                ("&kind=on_demand&kind=on_demand", Box::new(is_one_of("kind", &["on_demand"]))),
                ("&from=2026-11-23T00:25:00Z&to=2026-11-23T01:25:00Z&kind=weekly&kind=on_demand", Box::new(within())),
                ("&from=2026-11-23T01:25:00Z", Box::new(is_within("generatedAt", "2026-11-23T01:25:00.000Z", "3"))),
                (
                    "&from=2026-11-23T00:25:00Z&to=2026-11-23T01:25:00Z&kind=on_demand",
                    both(within(), is_one_of("kind", &["on_demand"])),
                ),
            ],
        )
        .await;
    for empty in ["&from=2026-11-24", "&to=2026-11-23"] {
        assert!(world.list_full_pages("reports", empty, 3).await.is_empty(), "{empty}");
    }
}

#[tokio::test]
async fn events_are_filtered_by_several_values_of_a_column() {
    let world = World::new().await;
    for number in 0..36 {
        let engine = ["qa", "billing", "maos"][number % 3];
        let severity = ["LOW", "MEDIUM", "HIGH", "CRITICAL"][number % 4];
        world.post(&event(engine, ["started", "stalled", "stopped"][number / 12], severity)).await;
        world.clock.advance(10 * MINUTE);
    }
    let severities = || is_one_of("severity", &["LOW", "CRITICAL"]);
    world
        .assert_filters(
            "events",
            vec![
                ("&engine=qa&engine=maos", Box::new(is_one_of("engine", &["qa", "maos"]))),
                ("&severity=LOW&severity=CRITICAL", Box::new(severities())),
                ("&eventType=stopped&eventType=started", Box::new(is_one_of("eventType", &["started", "stopped"]))),
                (
                    "&severity=LOW&severity=CRITICAL&engine=billing&engine=qa&eventType=started&eventType=never",
                    both(
                        severities(),
                        both(is_one_of("engine", &["qa", "billing"]), is_one_of("eventType", &["started"])),
                    ),
                ),
            ],
        )
        .await;
}

#[tokio::test]
async fn cursor_is_valid_for_its_filters_only_in_any_order() {
    let world = World::new().await;
    open_twelve_incidents(&world).await;
    world.generate_report().await;
    world.generate_report().await;
    for (list, given, same, others) in [
        (
            "events",
            "severity=HIGH&severity=CRITICAL",
            "severity=CRITICAL&severity=HIGH&severity=HIGH",
            ["severity=CRITICAL", "severity=HIGH&severity=CRITICAL&to=2027-01-01", ""],
        ),
        (
            "incidents",
            "severity=HIGH&severity=CRITICAL&from=2026-11-23",
            "from=2026-11-23&severity=CRITICAL&severity=HIGH",
            ["severity=CRITICAL&from=2026-11-23", "severity=HIGH&severity=CRITICAL&from=2026-11-22", "status=open"],
        ),
        (
            "actions",
            "action=notify_admin&action=billing_sync_repair",
            "action=billing_sync_repair&action=notify_admin",
            ["action=notify_admin", "action=notify_admin&action=billing_sync_repair&engine=qa", "from=2026-11-23"],
        ),
        (
            "reports",
            "kind=weekly&kind=on_demand",
            "kind=on_demand&kind=weekly",
            ["kind=on_demand", "to=2027-01-01", ""],
        ),
    ] {
        let path = |query: &str| format!("/api/governance/{list}?limit=1&{query}");
        let cursor = world.get(&path(given)).await.text("/nextCursor").to_owned();
        let with_cursor = async |query: &str| world.get(&format!("{}&cursor={cursor}", path(query))).await.status;
        assert_eq!(with_cursor(same).await, 200, "{list}?{same}");
        for other in others {
            assert_eq!(with_cursor(other).await, 400, "{list}?{other}");
        }
    }
}

#[tokio::test]
async fn wrong_value_of_a_filter_is_named_with_what_is_allowed() {
    let world = World::new().await;
    let too_many = format!("incidents?{}", "status=open&".repeat(33));
    for (query, field, allowed) in [
        (
            "incidents?status=open&status=closed",
            "/status",
            "must be one of open, acknowledged, resolved; got \"closed\"",
        ),
        ("incidents?severity=high", "/severity", "must be one of LOW, MEDIUM, HIGH, CRITICAL; got \"high\""),
        ("incidents?engine=qa&engine=mail", "/engine", "must be an engine of the active policy: age, billing,"),
        ("incidents?from=yesterday", "/from", "must be a day such as 2026-11-23 or an RFC 3339 time"),
        ("incidents?from=2026-11-24&to=2026-11-23", "/from", "must not be after to"),
        (&too_many, "/status", "must be given at most 32 times; got 33 values"),
        ("incidents?from=2026-11-23&from=2026-11-24", "/from", "must be given once"),
        ("actions?action=reboot", "/action", "must be one of MAOS_auto_fix,"),
        ("actions?to=tomorrow", "/to", "must be a day such as 2026-11-23 or an RFC 3339 time"),
        ("actions?status=failed&status=done", "/status", "must be one of pending, pending_approval,"),
        ("reports?kind=daily", "/kind", "must be one of weekly, on_demand; got \"daily\""),
        ("reports?from=x", "/from", "must be a day such as 2026-11-23 or an RFC 3339 time"),
        ("events?eventType=a&eventType=", "/eventType", "must be 1 to 128 characters long"),
        ("events?severity=LOW&severity=low", "/severity", "must be one of LOW, MEDIUM, HIGH, CRITICAL; got \"low\""),
        ("reports?limit=1&limit=2", "/limit", "must be given once"),
    ] {
        let refused = world.get(&format!("/api/governance/{query}")).await;
        assert_eq!((refused.status, refused.text("/errors/0/pointer")), (422, field), "{query}");
        let detail = refused.text("/errors/0/detail");
        assert!(detail.starts_with(allowed), "{query}: {detail}");
    }
    for list in ["events", "incidents", "actions", "reports"] {
        let refused = world.get(&format!("/api/governance/{list}?colour=red&colour=blue")).await;
        assert_eq!((refused.status, refused.text("/errors/0/pointer")), (422, "/colour"), "{list}");
    }
}
