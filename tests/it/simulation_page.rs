//! The dashboard's pages of simulations: a responder starts one, and everybody who reads AGE's records sees its result.

use age_governance::run_simulation;
use age_model::SimulationId;
use age_store::Policies;
use serde_json::{Value, json};

use crate::dashboard::assert_safe;
use crate::policies::{default_with_engine, push};
use crate::policy_page::POLICY_PAGE;
use crate::world::browser::Browser;
use crate::world::test_credentials::{NIGHT_DESK, READER};
use crate::world::{ApiResponse, World};

/// Ends the simulations that were started with this result.
async fn run(world: &World, result: Result<String, String>) {
    let policies = Policies::new(&world.db(), "Policies");
    for message in world.sns.published("simulations") {
        let id: SimulationId = message.message.parse().unwrap();
        run_simulation(&policies, id, world.clock.as_ref(), async |_| result.clone()).await.unwrap();
    }
}

/// Starts a simulation on the page of a version. Returns the path of its page.
async fn start(world: &World, hash: &str, weeks: &str) -> ApiResponse {
    let page = format!("{POLICY_PAGE}/{hash}");
    let mut desk = Browser::signed_in(world, NIGHT_DESK).await;
    desk.submit(&page, &format!("{page}/simulations"), &[("weeks", weeks)]).await
}

async fn read(world: &World, path: &str) -> ApiResponse {
    let page = Browser::signed_in(world, READER).await.get(path).await;
    assert_eq!(page.status, 200, "{page:?}");
    assert_safe(&page);
    page
}

/// Decisions whose texts are hostile.
fn decisions() -> Value {
    let hostile = "<b>refund</b>\u{202e}";
    let decision = |after: &str| {
        json!({
            "id": "019a9e2c-5a00-7000-8000-000000000002", "decidedAt": "2026-11-16T10:00:00.000Z", "engine": "billing",
            "action": hostile, "resourceType": hostile, "resourceId": hostile, "policyHash": "a".repeat(64), "before": "needs_approval",
            "after": after, "rulesBefore": [hostile], "approval": "used", "unrecorded": [hostile],
            "followedBy": "019a9e2c-5a00-7000-8000-000000000003",
        })
    };
    json!({
        "total": 1204, "verdicts": [{ "before": "needs_approval", "after": "allow", "count": 1203 }],
        "changed": { "total": 1203, "items": [decision("allow")] }, "unknown": { "total": 1, "items": [decision("unknown")] },
        "selfCheck": {
            "reproduced": 1200, "notReproduced": 4, "reasons": [{ "reason": "request_not_recorded", "count": 4 }], "items": [],
        },
    })
}

fn result() -> Value {
    let at = "2026-11-16T10:00:00.000Z";
    let hostile = "<img src=x>\u{202e}";
    let about = json!({ "engine": "billing", "eventType": "invoice_<b>lost</b>", "at": at, "eventId": "019a9e2c-5a00-7000-8000-000000000001" });
    let with = |fields: Value| {
        let mut all = about.as_object().unwrap().clone();
        all.extend(fields.as_object().unwrap().clone());
        Value::from(all)
    };
    let action = json!({ "status": hostile, "at": at });
    json!({
        "schemaVersion": 1, "from": "2026-11-16T00:00:00Z", "to": "2026-11-23T00:00:00Z",
        "weeks": [{
            "from": "2026-11-16T00:00:00Z", "to": "2026-11-23T00:00:00Z",
            "active": { "riskScore": 20, "riskLevel": "LOW", "riskScores": { "billing_risk": 20 } },
            "draft": { "riskScore": 60, "riskLevel": "HIGH", "riskScores": { "billing_risk": 60 } },
            "flips": [{ "before": "LOW", "after": "HIGH" }, { "category": "billing_risk", "before": "LOW", "after": "HIGH" }],
        }],
        "difference": {
            "counts": [{ "kind": "action", "engine": "billing", "added": 0, "removed": 1, "changed": 0 }],
            "actions": { "total": 7, "items": [with(json!({ "change": "removed", "action": "notify_admin", "before": action, "real": action }))] },
            "approvals": { "total": 0, "items": [] }, "incidents": { "total": 0, "items": [] },
            "notifications": { "total": 0, "items": [] },
        },
        "decisions": decisions(),
        "selfCheck": { "reproduced": 5, "notReproduced": 2, "reasons": [{ "reason": "other_policy", "count": 2 }], "items": [] },
        "leftOut": { "events": 12, "unreadable": 0, "incidentsCut": 0, "incidentsAboutPermits": 2 },
    })
}

#[tokio::test]
async fn responder_starts_a_simulation_and_its_page_shows_the_result() {
    let world = World::new().await;
    let search = push(&world, &default_with_engine("search")).await;
    let started = start(&world, &search, "2").await;
    assert_eq!(started.status, 303, "{started:?}");
    let path = started.header("location").unwrap().to_owned();
    assert!(path.starts_with(&format!("{POLICY_PAGE}/{search}/simulations/")), "{path}");
    world.clock.advance(60);
    let again = start(&world, &search, "2").await;
    assert_eq!(again.header("location"), Some(path.as_str()), "the same hour, the same simulation");

    let running = read(&world, &path).await;
    let period = "<time datetime=\"2026-11-09T00:00:00.000Z\">";
    for text in ["▶ running", "data-live", "AGE is still computing", period, &format!("by <bdi>{NIGHT_DESK}</bdi>")] {
        assert!(running.body.contains(text), "{text} in {}", running.body);
    }
    run(&world, Ok(result().to_string())).await;
    let done = read(&world, &path).await;
    for text in [
        "✓ succeeded",
        "1 of 1 weeks have another score, 1 another level.",
        "Billing risk: 20 → 60, LOW → HIGH",
        "<strong>(flip)</strong>",
        "href=\"/dashboard/events/019a9e2c-5a00-7000-8000-000000000001/actions/notify_admin\"",
        "href=\"/dashboard/events/019a9e2c-5a00-7000-8000-000000000001\"",
        "invoice_&#60;b&#62;lost&#60;/b&#62;",
        "Show 1 of 7, the first by time",
        "<strong>2</strong>: another policy version was active then",
        "<strong>12</strong> events were not read",
        "<tr><th scope=\"row\">needs approval</th><td>allow</td><td>1203</td></tr>",
        "<h3>Another verdict: 1203</h3>",
        "<h3>Unknown verdict: 1</h3>",
        "<dd><a href=\"/dashboard/events/019a9e2c-5a00-7000-8000-000000000003\">Event</a></dd>",
        "href=\"/dashboard/decisions/019a9e2c-5a00-7000-8000-000000000002\"",
        "<strong>4</strong>: the verdict depends on a field of the request, which was recorded as a digest",
    ] {
        assert!(done.body.contains(text), "{text} in {}", done.body);
    }
    for bad in ["data-live", "<img", "<b>", "\u{202e}"] {
        assert!(!done.body.contains(bad), "{bad} in {}", done.body);
    }
}

#[tokio::test]
async fn simulation_without_a_result_says_why() {
    let world = World::new().await;
    let search = push(&world, &default_with_engine("search")).await;
    for (result, reason) in [
        (Err("lost".to_owned()), "records of the period, or a version, cannot be read"),
        (Ok("{}".to_owned()), "this version of AGE cannot read the result"),
    ] {
        let path = start(&world, &search, "13").await.header("location").unwrap().to_owned();
        run(&world, result).await;
        let page = read(&world, &path).await;
        assert!(page.body.contains("▲ No result") && page.body.contains(reason), "{}", page.body);
        assert!(!page.body.contains("data-live"));
        world.clock.advance(3600);
    }
}

#[tokio::test]
async fn reader_cannot_start_a_simulation_and_its_period_is_bounded() {
    let world = World::new().await;
    let search = push(&world, &default_with_engine("search")).await;
    let page = format!("{POLICY_PAGE}/{search}");
    let (mut reader, form) = (Browser::signed_in(&world, READER).await, format!("{page}/simulations"));
    assert!(!reader.get(&page).await.body.contains(&form));
    assert_eq!(reader.submit(&page, &form, &[("weeks", "1")]).await.status, 403);
    for weeks in ["0", "14", "x"] {
        let refused = start(&world, &search, weeks).await;
        assert_eq!(refused.status, 422, "{refused:?}");
        assert_safe(&refused);
    }
    assert!(world.sns.published("simulations").is_empty());
    for path in ["/simulations/x", "/simulations/019a9e2c-5a00-7000-8000-000000000001"] {
        assert_eq!(reader.get(&format!("{page}{path}")).await.status, 404, "{path}");
    }
}
