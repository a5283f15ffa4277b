//! The filter forms of the dashboard's lists of incidents and reports.

use serde_json::json;

use crate::dashboard::assert_safe;
use crate::world::browser::{Browser, between};
use crate::world::test_credentials::{ADMIN, READER};
use crate::world::{ApiResponse, World, event};

const DAY: i64 = 86_400;

fn count(page: &ApiResponse) -> usize {
    assert_safe(page);
    page.body.matches("<li class=\"card\">").count()
}

#[tokio::test]
async fn incidents_are_filtered_by_severity_and_day_and_resolved_by_the_same_filter() {
    let world = World::new().await;
    for day in 0..3 {
        for number in 0..2 {
            let event_type = format!("sync_{day}_{number}_failed");
            let created = world.post(&event("billing", &event_type, "HIGH")).await;
            let path = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", created.text("/id"));
            assert_eq!(world.post_json(&path, &json!({ "outcome": "failed" })).await.status, 200);
            world.post(&event("qa", &format!("suite_{day}_{number}_lost"), "CRITICAL")).await;
        }
        world.clock.advance(DAY);
    }
    let mut desk = Browser::signed_in(&world, ADMIN).await;
    for (query, number) in [
        ("", 12),
        ("severity=HIGH", 6),
        ("from=2026-11-24&to=2026-11-24", 4),
        ("from=2026-11-24&severity=CRITICAL&engine=qa", 4),
        ("to=2026-11-23&severity=LOW&engine=&from=", 0),
        ("from=2026-11-26", 0),
    ] {
        assert_eq!(count(&desk.get(&format!("/dashboard/incidents?{query}")).await), number, "{query}");
    }
    let none = desk.get("/dashboard/incidents?status=all&from=2026-11-26").await;
    assert!(none.body.contains("No incidents match. Clear some filters to find more."), "{}", none.body);
    for (query, error) in [("severity=high", "<p>severity "), ("from=2026-11-25&to=2026-11-24", "<p>from ")] {
        let refused = desk.get(&format!("/dashboard/incidents?{query}")).await;
        assert!(refused.status == 422 && refused.body.contains(error), "{query}: {}", refused.body);
    }

    let query = "status=open&severity=HIGH&from=2026-11-24&to=2026-11-25";
    let list = desk.get(&format!("/dashboard/incidents?{query}")).await;
    assert!(list.body.contains(">Resolve all 4 shown by this filter</a>"), "{}", list.body);
    assert!(list.body.contains("<option selected>HIGH</option>") && list.body.contains("value=\"2026-11-24\""));
    let confirmation = format!("/dashboard/incidents/resolve?{query}");
    assert!(list.body.contains(&confirmation.replace('&', "&#38;")), "{}", list.body);
    let page = desk.get(&confirmation).await;
    assert_safe(&page);
    assert!(page.body.contains("<h1>Resolve 4 incidents</h1>") && page.body.contains("all open HIGH incidents of all"));
    let field = |name: &str| between(&page.body, &format!("name=\"{name}\" value=\""), "\"").to_owned();
    let names = ["status", "severity", "from", "to", "expectedCount", "openedBefore"];
    let fields = names.map(|name| (name, field(name)));
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let done = desk.submit(&confirmation, "/dashboard/incidents/resolve", &fields).await;
    assert!(done.body.contains("<h1>Resolved 4 incidents</h1>"), "{}", done.body);
    let left = world.list_incidents("&status=open").await;
    assert_eq!(left.len(), 8);
    assert_eq!(left.iter().filter(|incident| incident["severity"] == "HIGH").count(), 2);
}

#[tokio::test]
async fn reports_are_filtered_by_kind_and_day() {
    let world = World::new().await;
    world.run_weekly_report().await.unwrap();
    for _ in 0..30 {
        world.generate_report().await;
        world.clock.advance(DAY / 10);
    }
    let mut reader = Browser::signed_in(&world, READER).await;
    for (query, number) in
        [("kind=weekly", 1), ("from=2026-11-24&to=2026-11-24&kind=on_demand", 10), ("to=2026-11-22", 0), ("kind=", 26)]
    {
        assert_eq!(count(&reader.get(&format!("/dashboard/reports?{query}")).await), number, "{query}");
    }
    let none = reader.get("/dashboard/reports?to=2026-11-22").await;
    assert!(none.body.contains("No reports match. Clear some filters to find more."), "{}", none.body);
    let first = reader.get("/dashboard/reports?kind=on_demand").await;
    let next = between(&first.body, "class=\"more\" href=\"", "\"").replace("&#38;", "&");
    assert!(next.starts_with("/dashboard/reports?kind=on_demand&cursor="), "{next}");
    assert_eq!(count(&reader.get(&next).await), 4);
    assert_eq!(
        reader.get(&next.replace("on_demand", "weekly")).await.status,
        400,
        "the cursor belongs to another filter"
    );
    assert_eq!(reader.get("/dashboard/reports?kind=daily").await.status, 422);
}
