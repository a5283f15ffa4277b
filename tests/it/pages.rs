//! The dashboard's pages of events, actions, reports and engines: their texts and their forms.

use crate::dashboard::assert_safe;
use crate::world::browser::{Browser, between, csrf_token};
use crate::world::proxy::Fault;
use crate::world::test_credentials::{ADMIN, BILLING, DAY_DESK, NIGHT_DESK, READER};
use crate::world::{ApiResponse, ENGINES, World, event};

/// Returns the links of a page whose path begins with `prefix`.
fn links<'a>(page: &'a ApiResponse, prefix: &str) -> Vec<&'a str> {
    let parts = page.body.split("href=\"").skip(1).filter_map(|part| part.split('"').next());
    parts.filter(|path| path.starts_with(prefix)).collect()
}

/// Returns the path of the next page, if the page has a link to one.
fn next_page(page: &ApiResponse) -> Option<String> {
    let (_, rest) = page.body.split_once("class=\"more\" href=\"")?;
    Some(rest.split('"').next()?.replace("&#38;", "&"))
}

#[tokio::test]
async fn event_list_filters_and_pages() {
    let world = World::new().await;
    let mut reader = Browser::signed_in(&world, READER).await;
    let empty = reader.get("/dashboard/events").await;
    assert_safe(&empty);
    assert!(empty.body.contains("No events yet."), "{}", empty.body);
    world.set_time("2026-11-20T00:00:00Z");
    for number in 0..130 {
        world.clock.advance(600);
        let (engine, severity) = (ENGINES[number % 8].as_str(), ["LOW", "MEDIUM", "HIGH"][number % 3]);
        world.post(&event(engine, &format!("type_{}", number % 5), severity)).await;
    }
    world.clock.advance(1);
    world.post(&event("billing", "needle & thread", "CRITICAL")).await;
    reader = Browser::signed_in(&world, READER).await;

    let (mut seen, mut next) = (Vec::new(), Some("/dashboard/events".to_owned()));
    while let Some(path) = next {
        let page = reader.get(&path).await;
        assert_eq!(page.status, 200, "{page:?}");
        assert_safe(&page);
        seen.extend(links(&page, "/dashboard/events/").into_iter().map(str::to_owned));
        next = next_page(&page);
    }
    assert_eq!(seen.len(), 131, "the pages have each event once");
    assert_eq!(seen.iter().collect::<std::collections::BTreeSet<_>>().len(), 131);

    // A browser sends empty fields of a form.
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
    assert_eq!(count(&mut reader, "from=2026-11-21").await, 0, "no event is later than the 20th");
    assert_eq!(count(&mut reader, "to=2026-11-19").await, 0);

    for (query, error) in [
        ("engine=x", "<p>engine "),
        ("from=1", "<p>from "),
        ("from=2026-11-21&to=2026-11-20", "<p>from "),
        ("x=1", "<p>x "),
    ] {
        let refused = reader.get(&format!("/dashboard/events?{query}")).await;
        assert_eq!(refused.status, 422, "{query}");
        assert!(refused.body.contains(error), "{error} in {}", refused.body);
    }
    let first = reader.get("/dashboard/events?severity=LOW").await;
    assert_eq!(next_page(&first), None, "44 events fit on one page");
    let cursor = next_page(&reader.get("/dashboard/events").await).unwrap();
    let other_filter = reader.get(&format!("{cursor}&severity=LOW")).await;
    assert_eq!(other_filter.status, 400, "the cursor belongs to another filter");
}

#[tokio::test]
async fn csv_of_events_escapes_formulas() {
    let world = World::new().await;
    for event_type in ["=HYPERLINK(\"x\")", "+1", "-1", "@SUM", "fine, \"quoted\""] {
        assert_eq!(world.post(&event("qa", event_type, "LOW")).await.status, 201);
    }
    let file = Browser::signed_in(&world, READER).await.get("/dashboard/events.csv?engine=qa").await;
    assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"age-events.csv\""));
    let text = file.body.strip_prefix('\u{feff}').expect("a byte order mark");
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "lines end with CR LF");
    let mut lines: Vec<&str> = text.lines().map(|line| line.splitn(4, ',').nth(3).unwrap()).collect();
    lines.sort_unstable();
    let quoted = |cell: &str| format!("{cell},LOW,,tests,,{{}}");
    let mut expected =
        ["\"'=HYPERLINK(\"\"x\"\")\"", "'+1", "'-1", "'@SUM", "\"fine, \"\"quoted\"\"\""].map(quoted).to_vec();
    expected.push("eventType,severity,sourceTime,reportedBy,decisionId,details".to_owned());
    expected.sort_unstable();
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn event_page_shows_details_and_actions() {
    let world = World::new().await;
    let mut reader = Browser::signed_in(&world, READER).await;
    let sent = world
        .post(&serde_json::json!({ "engine": "billing", "eventType": "<i>ledger", "severity": "CRITICAL",
            "details": { "amount": 1.50, "note": "</pre><script>alert(1)</script>\u{202e}" }, "sourceTime": "2026-11-22T10:00:00Z",
            "decisionId": "01936f2e-0000-7000-8000-00000000000d" }))
        .await;
    let address = format!("/dashboard/events/{}", sent.text("/id"));
    let outcome = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", sent.text("/id"));
    world.clock.advance(60);
    world
        .as_caller(BILLING)
        .post_json(&outcome, &serde_json::json!({ "outcome": "failed", "detail": "no <b>ledger</b>" }))
        .await;
    let page = reader.get(&address).await;
    assert_safe(&page);
    for text in [
        "<bdi>Billing</bdi>: <bdi>&#60;i&#62;ledger</bdi>",
        "&#34;amount&#34;: 1.5,",
        "[U+202E]",
        "✗ failed",
        "billing_sync_repair failed, reported by billing-engine",
        "no &#60;b&#62;ledger&#60;/b&#62;",
        "datetime=\"2026-11-22T10:00:00.000Z\"",
        ">Show incident</a>",
        "href=\"/dashboard/decisions/01936f2e-0000-7000-8000-00000000000d\"",
    ] {
        assert!(page.body.contains(text), "{text} in {}", page.body);
    }
    let incident = links(&page, "/dashboard/incidents/")[0].to_owned();
    assert_eq!(reader.get(&incident).await.status, 200);
    let action_path =
        links(&page, "/dashboard/events/").into_iter().find(|it| it.ends_with("/billing_sync_repair")).unwrap();
    let action_page = reader.get(action_path).await;
    assert_safe(&action_page);
    assert!(action_page.body.contains("Billing repairs its synchronisation"), "{}", action_page.body);
    assert!(!action_page.body.contains("Approve</button>"), "the action is not pending approval");

    let plain = world.post(&event("qa", "suite_slow", "LOW")).await;
    let plain = reader.get(&format!("/dashboard/events/{}", plain.text("/id"))).await;
    assert!(
        plain.body.contains("The event has no details.") && plain.body.contains("No actions: AGE counts the event.")
    );
    assert!(!plain.body.contains("Show incident"));
    for missing in ["/dashboard/events/none", "/dashboard/events/00000000-0000-7000-8000-000000000000"] {
        assert_eq!(reader.get(missing).await.status, 404);
        assert_eq!(reader.get(&format!("{missing}/actions/notify_admin")).await.status, 404);
    }
}

#[tokio::test]
async fn approval_requires_the_digest_of_the_page() {
    let world = World::new().await;
    let mut reader = Browser::signed_in(&world, READER).await;
    let mut desk = Browser::signed_in(&world, NIGHT_DESK).await;
    let list_path = "/dashboard/actions";
    assert!(reader.get(list_path).await.body.contains("No pending approvals."));
    for name in ["permission_drift", "permission_leak"] {
        world.post(&event("compliance", name, "HIGH")).await;
        world.clock.advance(1);
    }
    let list = reader.get(list_path).await;
    assert_safe(&list);
    let pages: Vec<String> = links(&list, "/dashboard/events/").into_iter().map(str::to_owned).collect();
    let [drift, leak] = pages.as_slice() else { panic!("not two pending approvals: {}", list.body) };
    assert!(list.body.contains("<bdi>Compliance</bdi>: <bdi>permission_drift</bdi>"), "{}", list.body);

    let page = reader.get(drift).await;
    assert_safe(&page);
    assert!(
        page.body.contains("A responder or an admin must approve this action. It expires in 23 h 59 min:"),
        "{}",
        page.body
    );
    assert!(!page.body.contains("Approve</button>"), "a reader has no buttons");
    let page = desk.get(drift).await;
    let digest = between(&page.body, "name=\"digest\" value=\"", "\"").to_owned();
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
    assert!(page.body.contains("◌ pending</span>") && !page.body.contains("Approve</button>"));
    let late = Browser::signed_in(&world, DAY_DESK).await.submit(drift, &deny, &[("digest", &digest)]).await;
    assert_eq!(late.status, 409);
    assert!(late.body.contains("already decided by night-desk: the action is pending"), "{}", late.body);
    world.sweep().await;
    assert!(reader.get("/dashboard/actions?status=in_progress").await.body.contains("→ dispatched"));

    let digest = between(&desk.get(leak).await.body, "name=\"digest\" value=\"", "\"").to_owned();
    let denied = desk.submit(leak, &format!("{leak}/deny"), &[("digest", &digest)]).await;
    assert_eq!(denied.status, 303, "{denied:?}");
    let not_carried_out = reader.get("/dashboard/actions?status=not_carried_out").await;
    assert_safe(&not_carried_out);
    assert!(
        not_carried_out.body.contains("■ denied") && !not_carried_out.body.contains("→ dispatched"),
        "{}",
        not_carried_out.body
    );
    assert_eq!(links(&reader.get("/dashboard/actions?status=all").await, "/dashboard/events/").len(), 2);
    for filter in ["pending_approval", "failed", "verified"] {
        let page = reader.get(&format!("/dashboard/actions?status={filter}")).await;
        assert_eq!(links(&page, "/dashboard/events/").len(), 0, "{filter}");
    }
    assert_eq!(reader.get("/dashboard/actions?status=pending").await.status, 422);

    world.post(&event("compliance", "permission_late", "HIGH")).await;
    let late = links(&desk.get(list_path).await, "/dashboard/events/")[0].to_owned();
    let digest = between(&desk.get(&late).await.body, "name=\"digest\" value=\"", "\"").to_owned();
    world.clock.advance(86_400);
    desk = Browser::signed_in(&world, NIGHT_DESK).await;
    assert_eq!(desk.submit(list_path, &format!("{late}/approve"), &[("digest", &digest)]).await.status, 409);
}

#[tokio::test]
async fn action_list_has_pages() {
    let world = World::new().await;
    let mut reader = Browser::signed_in(&world, READER).await;
    let first = world.post(&event("compliance", "permission_first", "HIGH")).await;
    for number in 0..230 {
        world.clock.advance(1);
        world.post(&event("qa", &format!("suite_{number}"), "HIGH")).await;
    }
    let (mut pages, mut next, mut actions) = (0, Some("/dashboard/actions?status=all".to_owned()), 0);
    while let Some(path) = next {
        let page = reader.get(&path).await;
        assert_safe(&page);
        (pages, actions, next) = (pages + 1, actions + links(&page, "/dashboard/events/").len(), next_page(&page));
    }
    assert_eq!((pages, actions), (5, 231));
    world.clock.advance(86_400);
    world.sweep().await;
    reader = Browser::signed_in(&world, READER).await;
    let is_first = |page: &ApiResponse| page.body.contains("■ expired") && page.body.contains(first.text("/id"));
    let found = reader.get("/dashboard/actions?status=not_carried_out").await;
    assert!(is_first(&found) && next_page(&found).is_none(), "{}", found.body);
    // A page searches few more than 5,000 actions.
    world.copy_action_and_event("qa", 6_000);
    let none = reader.get("/dashboard/actions?status=not_carried_out").await;
    assert!(none.body.contains("No match among the actions searched so far"), "{}", none.body);
    let second_page = reader.get(&next_page(&none).unwrap()).await;
    assert!(is_first(&second_page), "{}", second_page.body);
}

#[tokio::test]
async fn reports_are_generated_listed_and_downloaded() {
    let world = World::new().await;
    let (mut reader, mut desk) =
        (Browser::signed_in(&world, READER).await, Browser::signed_in(&world, NIGHT_DESK).await);
    let empty = desk.get("/dashboard/reports").await;
    assert_safe(&empty);
    let due = "No reports yet. The first weekly report is due <time datetime=\"2026-11-30T00:05:00.000Z\">";
    assert!(empty.body.contains(due) && empty.body.contains("<button>Generate report</button>"), "{}", empty.body);
    let of_reader = reader.get("/dashboard/reports").await;
    assert!(of_reader.body.contains(due) && !of_reader.body.contains("Generate report"));

    world.set_time("2026-11-18T10:00:00Z");
    for number in 0..3 {
        world.post(&event("billing", &format!("ledger_{number}"), "CRITICAL")).await;
    }
    world.post(&event("maos", "plan_failed", "HIGH")).await;
    world.set_time("2026-11-23T00:05:00Z");
    world.run_weekly_report().await.unwrap();
    assert_eq!(reader.submit("/dashboard/reports", "/dashboard/reports/new", &[]).await.status, 403);
    let made = desk.submit("/dashboard/reports", "/dashboard/reports/new", &[]).await;
    let address = made.header("location").unwrap().to_owned();
    assert_eq!(made.status, 303);
    let page = reader.get(&address).await;
    assert_safe(&page);
    for text in [
        "on demand",
        "<dt>Generated</dt><dd><time datetime=\"2026-11-23T00:05:00.000Z\">",
        " for <bdi>night-desk</bdi></dd>",
        "4, 3 of them CRITICAL",
        "<strong>Audit billing sync and token enforcement</strong></a><br>Billing risk is 75, above the threshold of 30. Points by engine: Billing 75.",
        "<strong>Address 3 critical events immediately</strong></a><br>3 CRITICAL events of 4 in all.",
        "Billing risk <strong>(highest)</strong>",
        "3 opened, 0 acknowledged",
    ] {
        assert!(page.body.contains(text), "{text} in {}", page.body);
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
        "nextSteps,1,Acknowledge 3 open incidents. Nobody had acknowledged them when the report was generated\r\n",
        "unresolvedIncidents,open,3\r\n",
    ] {
        assert!(csv.body.contains(row), "{row} in {}", csv.body);
    }
    assert!(csv.body.starts_with("\u{feff}section,"), "spreadsheets recognize UTF-8 by the byte order mark");

    let list = reader.get("/dashboard/reports").await;
    assert_safe(&list);
    assert_eq!(links(&list, "/dashboard/reports/").len(), 2);
    assert!(!list.body.contains("<polyline"), "a trend needs two weeks");
    world.set_time("2026-11-30T00:05:00Z");
    world.run_weekly_report().await.unwrap();
    (reader, desk) = (Browser::signed_in(&world, READER).await, Browser::signed_in(&world, NIGHT_DESK).await);
    let list = reader.get("/dashboard/reports").await;
    assert!(list.body.contains("the earliest week first: 21, 0"), "{}", list.body);
    for missing in ["/dashboard/reports/none", "/dashboard/reports/00000000-0000-7000-8000-000000000000/csv"] {
        assert_eq!(reader.get(missing).await.status, 404, "{missing}");
    }
    let form = format!("csrf={}", csrf_token(&desk.get("/dashboard/reports").await));
    world.dynamodb.set_fault(|call| if call.operation == "Query" { Fault::Throttle } else { Fault::None });
    assert_eq!(desk.send("POST", "/dashboard/reports/new", &form).await.status, 503);
    world.dynamodb.reset();
    assert_eq!(
        links(&reader.get("/dashboard/reports").await, "/dashboard/reports/").len(),
        3,
        "a report that cannot be read in full is not stored"
    );
}

#[tokio::test]
async fn engines_page_shows_last_event_and_credentials() {
    let world = World::new().await;
    let mut reader = Browser::signed_in(&world, READER).await;
    let fresh = reader.get("/dashboard/engines").await;
    assert_safe(&fresh);
    assert_eq!(fresh.body.matches("<dd>None</dd>").count(), 8);
    let not_expected = "Not expected yet: the engine was never heard and has no credential of its own.";
    assert_eq!(fresh.body.matches(not_expected).count(), 5, "billing, QA and MAOS have credentials");
    let billing = |page: &ApiResponse| between(&page.body, "<h2><bdi>Billing</bdi></h2>", "</li>\n").to_owned();
    assert!(billing(&fresh).contains("<code>billing-engine</code>"), "{}", billing(&fresh));
    assert!(!fresh.body.contains("night-desk"), "credentials of people are not listed");
    world.sweep().await;
    let sent = world.as_caller(BILLING).post(&event("billing", "ledger_lost", "HIGH"), None).await;
    world.clock.advance(1);
    let page = reader.get("/dashboard/engines").await;
    let last_event = format!(
        "<a href=\"/dashboard/events/{}\"><bdi>ledger_lost</bdi></a>, by <bdi>billing-engine</bdi>",
        sent.text("/id")
    );
    assert!(billing(&page).contains(&last_event) && billing(&page).contains("<dd>1 action</dd>"), "{}", billing(&page));
    assert!(billing(&page).contains("<dd>1 d</dd>"), "{}", billing(&page));
    world.clock.advance(2 * 86_400);
    world.sweep().await;
    reader = Browser::signed_in(&world, READER).await;
    assert!(billing(&reader.get("/dashboard/engines").await).contains(">Silent</a>"));
    world.send("DELETE", "/api/governance/credentials/billing-engine", &[], b"").await;
    world.clock.advance(60);
    let revoked = Browser::signed_in(&world, ADMIN).await.get("/dashboard/engines").await;
    assert!(!billing(&revoked).contains("billing-engine</code>"), "{}", billing(&revoked));
}
