//! The dashboard's pages of events, actions, reports and engines: what they hold, and what their forms do.

use crate::dashboard::assert_safe;
use crate::world::browser::{Browser, between, proof};
use crate::world::people::{ADMIN, BILLING, DAY_DESK, NIGHT_DESK, READER};
use crate::world::proxy::Fault;
use crate::world::{Answer, World, event};

/// The addresses of the events, actions or reports that a page links to.
fn links<'a>(page: &'a Answer, to: &str) -> Vec<&'a str> {
    let parts = page.body.split("href=\"").skip(1).filter_map(|part| part.split('"').next());
    parts.filter(|address| address.starts_with(to)).collect()
}

fn next_of(page: &Answer) -> Option<String> {
    let (_, rest) = page.body.split_once("class=\"more\" href=\"")?;
    Some(rest.split('"').next()?.replace("&#38;", "&"))
}

#[tokio::test]
async fn events_are_found_by_what_is_asked_for() {
    let world = World::new().await;
    let mut reader = Browser::of(&world, READER).await;
    let empty = reader.get("/dashboard/events").await;
    assert_safe(&empty);
    assert!(empty.body.contains("No engine has reported anything yet"), "{}", empty.body);
    world.at("2026-11-20T00:00:00Z");
    for number in 0..130 {
        world.clock.advance(600);
        let (engine, severity) = (age_model::Engine::ALL[number % 8].as_str(), ["LOW", "MEDIUM", "HIGH"][number % 3]);
        world.post(&event(engine, &format!("type_{}", number % 5), severity)).await;
    }
    world.clock.advance(1);
    world.post(&event("billing", "needle & thread", "CRITICAL")).await;

    let (mut seen, mut place) = (Vec::new(), Some("/dashboard/events".to_owned()));
    while let Some(address) = place {
        let page = reader.get(&address).await;
        assert_eq!(page.status, 200, "{page:?}");
        assert_safe(&page);
        seen.extend(links(&page, "/dashboard/events/").into_iter().map(str::to_owned));
        place = next_of(&page);
    }
    assert_eq!(seen.len(), 131, "each once, on all pages");
    assert_eq!(seen.iter().collect::<std::collections::BTreeSet<_>>().len(), 131);

    // As a browser sends a form of which little was filled in.
    let needle = reader.get("/dashboard/events?engine=&severity=CRITICAL&eventType=&from=&to=").await;
    let found = links(&needle, "/dashboard/events/");
    assert_eq!((found.len(), seen.first().map(String::as_str)), (1, found.first().copied()), "{}", needle.body);
    assert!(needle.body.contains("<option selected>CRITICAL</option>") && needle.body.contains("needle &#38; thread"));
    let count = async |reader: &mut Browser<'_>, query: &str| {
        links(&reader.get(&format!("/dashboard/events?{query}")).await, "/dashboard/events/").len()
    };
    assert_eq!(count(&mut reader, "eventType=needle+%26+thread&engine=billing").await, 1);
    assert_eq!(count(&mut reader, "eventType=type_1&severity=HIGH").await, 8);
    assert_eq!(count(&mut reader, "from=2026-11-20&to=2026-11-20&severity=LOW&engine=maos").await, 5);
    assert_eq!(count(&mut reader, "from=2026-11-21").await, 0, "nothing came after the 20th");
    assert_eq!(count(&mut reader, "to=2026-11-19").await, 0);

    for (bad, named) in [
        ("engine=x", "<p>engine "),
        ("from=1", "<p>from "),
        ("from=2026-11-21&to=2026-11-20", "<p>from "),
        ("x=1", "<p>x "),
    ] {
        let refused = reader.get(&format!("/dashboard/events?{bad}")).await;
        assert_eq!(refused.status, 422, "{bad}");
        assert!(refused.body.contains(named), "{named} in {}", refused.body);
    }
    let first = reader.get("/dashboard/events?severity=LOW").await;
    assert_eq!(next_of(&first), None, "44 fit on one page");
    let cursor = next_of(&reader.get("/dashboard/events").await).unwrap();
    let elsewhere = reader.get(&format!("{cursor}&severity=LOW")).await;
    assert_eq!(elsewhere.status, 400, "a cursor is for its list");
}

#[tokio::test]
async fn a_file_of_events_holds_no_formula() {
    let world = World::new().await;
    for event_type in ["=HYPERLINK(\"x\")", "+1", "-1", "@SUM", "fine, \"quoted\""] {
        assert_eq!(world.post(&event("qa", event_type, "LOW")).await.status, 201);
    }
    let file = Browser::of(&world, READER).await.get("/dashboard/events.csv?engine=qa").await;
    assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"age-events.csv\""));
    let mut lines: Vec<&str> = file.body.lines().map(|line| line.splitn(4, ',').nth(3).unwrap()).collect();
    lines.sort_unstable();
    let quoted = |cell: &str| format!("{cell},LOW,,tests,{{}}");
    let mut expected =
        ["\"'=HYPERLINK(\"\"x\"\")\"", "'+1", "'-1", "'@SUM", "\"fine, \"\"quoted\"\"\""].map(quoted).to_vec();
    expected.push("eventType,severity,sourceTime,reportedBy,details".to_owned());
    expected.sort_unstable();
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn an_event_shows_what_came_of_it() {
    let world = World::new().await;
    let mut reader = Browser::of(&world, READER).await;
    let sent = world
        .post(&serde_json::json!({ "engine": "billing", "eventType": "<i>ledger", "severity": "CRITICAL",
            "details": { "amount": 1.50, "note": "</pre><script>alert(1)</script>\u{202e}" }, "sourceTime": "2026-11-22T10:00:00Z" }))
        .await;
    let address = format!("/dashboard/events/{}", sent.text("/id"));
    let outcome = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", sent.text("/id"));
    world.clock.advance(60);
    world
        .as_kid(BILLING)
        .tell(&outcome, &serde_json::json!({ "outcome": "failed", "detail": "no <b>ledger</b>" }))
        .await;
    let page = reader.get(&address).await;
    assert_safe(&page);
    for said in [
        "Billing: <bdi>&#60;i&#62;ledger</bdi>",
        "&#34;amount&#34;: 1.5,",
        "[U+202E]",
        "✗ failed",
        "billing_sync_repair failed, says billing-engine",
        "no &#60;b&#62;ledger&#60;/b&#62;",
        "datetime=\"2026-11-22T10:00:00.000Z\"",
        ">Incident of this kind</a>",
    ] {
        assert!(page.body.contains(said), "{said} in {}", page.body);
    }
    let incident = links(&page, "/dashboard/incidents/")[0].to_owned();
    assert_eq!(reader.get(&incident).await.status, 200);
    let of_action =
        links(&page, "/dashboard/events/").into_iter().find(|it| it.ends_with("/billing_sync_repair")).unwrap();
    let of_action = reader.get(of_action).await;
    assert_safe(&of_action);
    assert!(of_action.body.contains("Billing repairs its synchronisation"), "{}", of_action.body);
    assert!(!of_action.body.contains("Approve</button>"), "it does not wait");

    let plain = world.post(&event("qa", "nothing_much", "LOW")).await;
    let plain = reader.get(&format!("/dashboard/events/{}", plain.text("/id"))).await;
    assert!(plain.body.contains("The engine gave none") && plain.body.contains("Nothing: it is counted"));
    assert!(!plain.body.contains("Incident of this kind"));
    for nothing in ["/dashboard/events/none", "/dashboard/events/00000000-0000-7000-8000-000000000000"] {
        assert_eq!(reader.get(nothing).await.status, 404);
        assert_eq!(reader.get(&format!("{nothing}/actions/notify_admin")).await.status, 404);
    }
}

#[tokio::test]
async fn an_action_is_approved_or_denied_as_it_was_seen() {
    let world = World::new().await;
    let mut reader = Browser::of(&world, READER).await;
    let mut desk = Browser::of(&world, NIGHT_DESK).await;
    let waiting = "/dashboard/actions";
    assert!(reader.get(waiting).await.body.contains("Nothing waits for approval"));
    for name in ["permission_drift", "permission_leak"] {
        world.post(&event("compliance", name, "HIGH")).await;
        world.clock.advance(1);
    }
    let list = reader.get(waiting).await;
    assert_safe(&list);
    let pages: Vec<String> = links(&list, "/dashboard/events/").into_iter().map(str::to_owned).collect();
    let [drift, leak] = pages.as_slice() else { panic!("two wait: {}", list.body) };
    assert!(list.body.contains("Compliance: <bdi>permission_drift</bdi>"), "{}", list.body);

    let seen = reader.get(drift).await;
    assert_safe(&seen);
    assert!(seen.body.contains("waits for a responder or an admin, 23 h 59 min more"), "{}", seen.body);
    assert!(!seen.body.contains("Approve</button>"), "a reader has no buttons");
    let seen = desk.get(drift).await;
    let digest = between(&seen.body, "name=\"digest\" value=\"", "\"").to_owned();
    let (approve, deny) = (format!("{drift}/approve"), format!("{drift}/deny"));
    assert_eq!(reader.submit(drift, &approve, &[("digest", &digest)]).await.status, 403);
    for wrong in ["", "0", &"0".repeat(64)] {
        let refused = desk.submit(drift, &approve, &[("digest", wrong)]).await;
        assert_eq!(refused.status, 409, "{wrong}");
        assert!(refused.body.contains("read the action again before you decide"), "{}", refused.body);
    }
    let approved = desk.submit(drift, &approve, &[("digest", &digest)]).await;
    assert_eq!((approved.status, approved.header("location")), (303, Some(drift.as_str())), "{approved:?}");
    let page = desk.get(drift).await;
    assert!(page.body.contains("permission_reset approved by night-desk"), "{}", page.body);
    assert!(page.body.contains("◌ to be handed over") && !page.body.contains("Approve</button>"));
    let late = Browser::of(&world, DAY_DESK).await.submit(drift, &deny, &[("digest", &digest)]).await;
    assert_eq!(late.status, 409);
    assert!(late.body.contains("this was decided already, by night-desk"), "{}", late.body);
    world.sweep().await;
    assert!(reader.get("/dashboard/actions?status=under_way").await.body.contains("→ handed over"));

    let digest = between(&desk.get(leak).await.body, "name=\"digest\" value=\"", "\"").to_owned();
    let denied = desk.submit(leak, &format!("{leak}/deny"), &[("digest", &digest)]).await;
    assert_eq!(denied.status, 303, "{denied:?}");
    let not_done = reader.get("/dashboard/actions?status=not_done").await;
    assert_safe(&not_done);
    assert!(not_done.body.contains("■ denied") && !not_done.body.contains("→ handed over"), "{}", not_done.body);
    assert_eq!(links(&reader.get("/dashboard/actions?status=all").await, "/dashboard/events/").len(), 2);
    for group in ["waiting", "bad_end", "helped"] {
        let page = reader.get(&format!("/dashboard/actions?status={group}")).await;
        assert_eq!(links(&page, "/dashboard/events/").len(), 0, "{group}");
    }
    assert_eq!(reader.get("/dashboard/actions?status=pending").await.status, 422);

    world.post(&event("compliance", "permission_late", "HIGH")).await;
    let late = links(&desk.get(waiting).await, "/dashboard/events/")[0].to_owned();
    let digest = between(&desk.get(&late).await.body, "name=\"digest\" value=\"", "\"").to_owned();
    world.clock.advance(86_400);
    assert_eq!(desk.submit(waiting, &format!("{late}/approve"), &[("digest", &digest)]).await.status, 409);
}

#[tokio::test]
async fn actions_are_looked_for_page_by_page() {
    let world = World::new().await;
    let mut reader = Browser::of(&world, READER).await;
    let first = world.post(&event("compliance", "permission_first", "HIGH")).await;
    for number in 0..230 {
        world.clock.advance(1);
        world.post(&event("qa", &format!("suite_{number}"), "HIGH")).await;
    }
    let (mut pages, mut place, mut seen) = (0, Some("/dashboard/actions?status=all".to_owned()), 0);
    while let Some(address) = place {
        let page = reader.get(&address).await;
        assert_safe(&page);
        (pages, seen, place) = (pages + 1, seen + links(&page, "/dashboard/events/").len(), next_of(&page));
    }
    assert_eq!((pages, seen), (5, 231));
    world.clock.advance(86_400);
    world.sweep().await;
    // Events are the directory: what is rare may be further down than one page looks.
    let none = reader.get("/dashboard/actions?status=not_done").await;
    assert!(none.body.contains("None among those looked through so far"), "{}", none.body);
    let further = reader.get(&next_of(&none).unwrap()).await;
    assert!(further.body.contains("■ not approved in time") && further.body.contains(first.text("/id")));
}

#[tokio::test]
async fn reports_are_made_shown_and_kept() {
    let world = World::new().await;
    let (mut reader, mut desk) = (Browser::of(&world, READER).await, Browser::of(&world, NIGHT_DESK).await);
    let empty = desk.get("/dashboard/reports").await;
    assert_safe(&empty);
    let due = "No report yet: the first one comes <time datetime=\"2026-11-30T00:05:00.000Z\">";
    assert!(empty.body.contains(due) && empty.body.contains("or make one now"), "{}", empty.body);
    let of_reader = reader.get("/dashboard/reports").await;
    assert!(of_reader.body.contains(due) && !of_reader.body.contains("Make a report now"));

    world.at("2026-11-18T10:00:00Z");
    for number in 0..3 {
        world.post(&event("billing", &format!("ledger_{number}"), "CRITICAL")).await;
    }
    world.post(&event("maos", "plan_failed", "HIGH")).await;
    world.at("2026-11-23T00:05:00Z");
    world.run_weekly().await.unwrap();
    assert_eq!(reader.submit("/dashboard/reports", "/dashboard/reports/new", &[]).await.status, 403);
    let made = desk.submit("/dashboard/reports", "/dashboard/reports/new", &[]).await;
    let address = made.header("location").unwrap().to_owned();
    assert_eq!(made.status, 303);
    let page = reader.get(&address).await;
    assert_safe(&page);
    for said in [
        "on demand",
        "<dt>Made</dt><dd><time datetime=\"2026-11-23T00:05:00.000Z\">",
        " for <bdi>night-desk</bdi></dd>",
        "4, 3 of them CRITICAL",
        "<strong>Audit billing sync and token enforcement</strong><br>Billing risk is 75, above 30. Points: Billing 75.",
        "<strong>Address 3 critical events immediately</strong><br>3 CRITICAL events of 4 in all.",
        "Billing risk <strong>(highest)</strong>",
        "3 opened, 0 acknowledged",
    ] {
        assert!(page.body.contains(said), "{said} in {}", page.body);
    }
    let stored = world.get(&address.replace("/dashboard/", "/api/governance/")).await;
    assert_eq!((stored.text("/requestedBy"), stored.text("/kind")), (NIGHT_DESK, "on_demand"));
    let json = reader.get(&format!("{address}/json")).await;
    assert_eq!(json.json, stored.json);
    assert_eq!(
        json.header("content-disposition"),
        Some("attachment; filename=\"age-report-2026-11-16_2026-11-23.json\"")
    );
    let csv = reader.get(&format!("{address}/csv")).await;
    assert_eq!(
        csv.header("content-disposition"),
        Some("attachment; filename=\"age-report-2026-11-16_2026-11-23.csv\"")
    );
    for row in [
        "section,name,value\r\n",
        "report,riskScore,21\r\n",
        "riskScores,billing_risk,75\r\n",
        "contributions,security_risk maos,15\r\n",
        "byEngine,voice_engine,0\r\n",
        "recommendations,2,Address 3 critical events immediately\r\n",
    ] {
        assert!(csv.body.contains(row), "{row} in {}", csv.body);
    }

    let list = reader.get("/dashboard/reports").await;
    assert_safe(&list);
    assert_eq!(links(&list, "/dashboard/reports/").len(), 2);
    assert!(!list.body.contains("<polyline"), "one week is no trend");
    world.at("2026-11-30T00:05:00Z");
    world.run_weekly().await.unwrap();
    let list = reader.get("/dashboard/reports").await;
    assert!(list.body.contains("the earliest week first: 21, 0"), "{}", list.body);
    for nothing in ["/dashboard/reports/none", "/dashboard/reports/00000000-0000-7000-8000-000000000000/csv"] {
        assert_eq!(reader.get(nothing).await.status, 404, "{nothing}");
    }
    let form = format!("csrf={}", proof(&desk.get("/dashboard/reports").await));
    world.dynamodb.fault(|call| if call.operation == "Query" { Fault::Throttle } else { Fault::None });
    assert_eq!(desk.send("POST", "/dashboard/reports/new", &form).await.status, 503);
    world.dynamodb.heal();
    assert_eq!(
        links(&reader.get("/dashboard/reports").await, "/dashboard/reports/").len(),
        3,
        "none that cannot be trusted"
    );
}

#[tokio::test]
async fn engines_are_shown_with_who_speaks_for_them() {
    let world = World::new().await;
    let mut reader = Browser::of(&world, READER).await;
    let fresh = reader.get("/dashboard/engines").await;
    assert_safe(&fresh);
    assert_eq!(fresh.body.matches("<dd>Never</dd>").count(), 8);
    let billing = |page: &Answer| between(&page.body, "<h2>Billing</h2>", "</li>\n").to_owned();
    assert!(billing(&fresh).contains("<code>billing-engine</code>"), "{}", billing(&fresh));
    assert!(!fresh.body.contains("night-desk"), "people are no engines");
    world.sweep().await;
    let sent = world.as_kid(BILLING).post(&event("billing", "ledger_lost", "HIGH"), None).await;
    world.clock.advance(1);
    let page = reader.get("/dashboard/engines").await;
    let said = format!(
        "<a href=\"/dashboard/events/{}\"><bdi>ledger_lost</bdi></a>, by <bdi>billing-engine</bdi>",
        sent.text("/id")
    );
    assert!(billing(&page).contains(&said) && billing(&page).contains("<dd>1 action</dd>"), "{}", billing(&page));
    assert!(billing(&page).contains("<dd>1 d</dd>"), "{}", billing(&page));
    world.clock.advance(2 * 86_400);
    world.sweep().await;
    assert!(billing(&reader.get("/dashboard/engines").await).contains(">Silent</a>"));
    world.send("DELETE", "/api/governance/credentials/billing-engine", &[], b"").await;
    world.clock.advance(60);
    let revoked = Browser::of(&world, ADMIN).await.get("/dashboard/engines").await;
    assert!(!billing(&revoked).contains("billing-engine</code>"), "{}", billing(&revoked));
}
