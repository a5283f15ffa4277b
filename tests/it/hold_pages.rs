//! The dashboard's pages of holds: a responder sets one, everybody sees it, and a responder ends it.

use serde_json::json;

use crate::dashboard::assert_safe;
use crate::decisions::{ask, operation, world};
use crate::world::browser::{Browser, between};
use crate::world::test_credentials::{ADMIN, DAY_DESK, NIGHT_DESK, READER};
use crate::world::{ApiResponse, World};

const ENGINES_PAGE: &str = "/dashboard/engines";
const FORM: &str = "/dashboard/engines/hold";

fn fields<'a>(operation: &'a str, reason: &'a str, until: &'a str) -> [(&'static str, &'a str); 4] {
    [("engine", "billing"), ("operation", operation), ("reason", reason), ("until", until)]
}

/// Returns the path of the first hold on the page of the engines.
fn hold_on(page: &ApiResponse) -> String {
    format!("/dashboard/holds/{}", between(&page.body, "href=\"/dashboard/holds/", "\""))
}

#[tokio::test]
async fn responder_sets_a_hold_and_ends_it() {
    let world = world().await;
    let mut desk = Browser::signed_in(&world, NIGHT_DESK).await;
    let engines = desk.get(ENGINES_PAGE).await;
    assert_safe(&engines);
    let link = format!("<a href=\"{FORM}?engine=billing\">Set a hold</a>");
    assert!(engines.body.contains(&link), "{}", engines.body);
    let form = desk.get(&format!("{FORM}?engine=billing")).await;
    assert_safe(&form);
    for text in [
        "<option value=\"billing\" selected>Billing</option>",
        "value=\"2026-11-23T04:05\" max=\"2026-12-23T00:05\"",
        "Now: Mon 23 Nov 2026, 00:05:00 UTC.",
    ] {
        assert!(form.body.contains(text), "{text} in {}", form.body);
    }
    let wanted = fields("refund", "Audit of\r\nthe ledger", "2026-11-23T06:30");
    let set = desk.submit(FORM, FORM, &wanted).await;
    let location = "/dashboard/engines#engine-billing";
    assert_eq!((set.status, set.header("location")), (303, Some(location)), "{set:?}");
    let again = desk.submit(FORM, FORM, &wanted).await;
    assert_eq!(again.status, 303, "the same form again has no effect");
    let holds = world.get("/api/governance/holds?status=active").await;
    assert_eq!(holds.list("/holds").len(), 1, "{holds:?}");
    let texts = ["/operation", "/reason", "/setBy", "/until"].map(|name| holds.text(&format!("/holds/0{name}")));
    assert_eq!(texts, ["refund", "Audit of\nthe ledger", NIGHT_DESK, "2026-11-23T06:30:00.000Z"]);
    assert_eq!(ask(&world, &operation("refund", 20)).await.text("/context/reasons/0/code"), "held");

    let mut reader = Browser::signed_in(&world, READER).await;
    let seen = reader.get(ENGINES_PAGE).await;
    assert!(
        seen.body.contains("id=\"engine-billing\"") && seen.body.contains("Operation <bdi>refund</bdi>"),
        "{}",
        seen.body
    );
    assert!(seen.body.contains("by <bdi>night-desk</bdi> because: <bdi>Audit of\nthe ledger</bdi>"), "{}", seen.body);
    assert!(seen.body.contains(">Show hold</a>") && !seen.body.contains("Set a hold"), "{}", seen.body);
    let path = hold_on(&seen);
    let shown = reader.get(&path).await;
    assert_safe(&shown);
    assert!(shown.body.contains("‖ active") && shown.body.contains("A responder or an admin can end this hold."));
    assert!(!shown.body.contains("End hold</button>"), "{}", shown.body);
    assert_eq!(reader.submit(&path, &format!("{path}/end"), &[]).await.status, 403);

    let mut day = Browser::signed_in(&world, DAY_DESK).await;
    let end = format!("{path}/end");
    let refused = day.submit(&path, &end, &[("note", "a\u{0}")]).await;
    assert_eq!(refused.status, 422, "{refused:?}");
    world.clock.advance(60);
    let ended = day.submit(&path, &end, &[("note", "nothing found")]).await;
    assert_eq!((ended.status, ended.header("location")), (303, Some(path.as_str())), "{ended:?}");
    let shown = reader.get(&path).await;
    assert_safe(&shown);
    for text in ["■ ended", "<dt>Ended before</dt><dd>by <bdi>day-desk</bdi>", "nothing found"] {
        assert!(shown.body.contains(text), "{text} in {}", shown.body);
    }
    assert_eq!(desk.submit(&path, &end, &[]).await.status, 303, "ending it again has no effect");
    assert!(!reader.get(ENGINES_PAGE).await.body.contains("‖"));
    assert_eq!(ask(&world, &operation("refund", 30)).await.text("/context/verdict"), "allow");
}

#[tokio::test]
async fn hold_that_is_not_valid_is_shown_again_as_it_was_typed() {
    let world = World::new().await;
    let mut desk = Browser::signed_in(&world, ADMIN).await;
    let long = "x".repeat(201);
    for (fields, errors) in [
        (
            [("engine", ""), ("operation", ""), ("reason", " "), ("until", "")],
            &["Engine must", "Reason must", "Until must"][..],
        ),
        (
            [("engine", "lost"), ("operation", "a"), ("reason", "b"), ("until", "2026-11-24T00:00")],
            &["Engine must be an engine of the active policy"],
        ),
        (fields("refund", "<b>&\"why", "2026-11-23T00:05"), &["Until must be in the future and at most 30 days ahead"]),
        (fields("refund", "why", "2026-12-23T00:06"), &["Until must be in the future and at most 30 days ahead"]),
        (fields("refund", "why", "tomorrow"), &["Until must be a time in UTC such as 2026-11-23T04:05"]),
        (
            fields(&long, "why", "2026-11-24T00:00"),
            &["Operation must be 1 to 200 characters without control characters"],
        ),
    ] {
        let refused = desk.submit(FORM, FORM, &fields).await;
        assert_eq!(refused.status, 422, "{fields:?}: {refused:?}");
        assert_safe(&refused);
        assert!(refused.body.contains("role=\"alert\"") && !refused.body.contains("<b>"), "{}", refused.body);
        for error in errors {
            assert!(refused.body.contains(&format!("<li>{error}")), "{error} in {}", refused.body);
        }
        assert_eq!(refused.body.matches("\n<li>").count(), errors.len(), "{}", refused.body);
        let [_, (_, operation), (_, reason), (_, until)] = fields;
        assert!(refused.body.contains(&format!("name=\"operation\" value=\"{operation}\"")), "{}", refused.body);
        assert!(refused.body.contains(&format!("type=\"datetime-local\" value=\"{until}\"")), "{}", refused.body);
        let reason = reason.replace('&', "&#38;").replace('<', "&#60;").replace('>', "&#62;").replace('"', "&#34;");
        assert!(refused.body.contains(&format!(">{reason}</textarea>")), "{reason} in {}", refused.body);
    }
    assert_eq!(world.get("/api/governance/holds").await.list("/holds").len(), 0);
    assert_eq!(desk.get(&format!("{FORM}?engine=Billing")).await.status, 422);
    assert_eq!(desk.get("/dashboard/holds/01936f2e-0000-7000-8000-00000000000a").await.status, 404);
    assert_eq!(desk.get("/dashboard/holds/none").await.status, 404);
}

#[tokio::test]
async fn hold_that_is_one_too_many_is_shown_again_with_the_reason() {
    let world = World::new().await;
    for number in 0..64 {
        let hold = json!({ "engine": "billing", "operation": format!("o{number}"), "reason": "audit", "until": "2026-11-24T00:00:00Z" });
        assert_eq!(world.post_json("/api/governance/holds", &hold).await.status, 201);
    }
    let mut desk = Browser::signed_in(&world, NIGHT_DESK).await;
    let refused = desk.submit(FORM, FORM, &fields("refund", "why", "2026-11-23T12:00")).await;
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(
        refused.body.contains("64 holds are active") && refused.body.contains(">why</textarea>"),
        "{}",
        refused.body
    );
    let page = desk.get(ENGINES_PAGE).await;
    assert!(page.body.len() < 128 * 1024, "{} bytes", page.body.len());
}
