//! The dashboard: access to its routes, signing in, forms, the overview, and the pages of incidents and engines.

use age_http::{Route, SessionKey};
use age_model::{Clock as _, DashboardSession, SealingKey};
use age_policy::Policy;
use serde_json::json;

use crate::decisions::{ask, operation};
use crate::world::browser::{Browser, SIGN_IN, between, csrf_token};
use crate::world::proxy::Fault;
use crate::world::test_credentials::{self, ADMIN, BILLING, DAY_DESK, EXPIRED, NIGHT_DESK, READER, REVOKED};
use crate::world::{ApiResponse, ENGINES, World, event};

async fn incident(world: &World, event_type: &str) -> String {
    world.post(&event("billing", event_type, "CRITICAL")).await;
    let listed = world.get("/api/governance/incidents").await;
    format!("/dashboard/incidents/{}", listed.text("/incidents/0/id"))
}

/// Asserts that a response of the dashboard loads nothing from other hosts, and no script or style but its two files.
pub(crate) fn assert_safe(answer: &ApiResponse) {
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    assert_eq!(answer.header("content-security-policy"), Some(policy), "{answer:?}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    let body = answer.body.replacen("<script src=\"/dashboard/script.js\" defer></script>", "", 1);
    let body = body.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for forbidden in ["<script", " style=", "<style", " onclick=", " onerror=", "http://", "https://", "javascript:"] {
        assert!(!body.contains(forbidden), "{forbidden} in {body}");
    }
    if answer.header("content-type").is_some_and(|it| it.starts_with("text/html")) {
        assert!(answer.body.starts_with("<!doctype html>") && answer.body.contains("<html lang=\"en\""));
        assert_eq!(answer.body.matches("<h1>").count(), 1, "{}", answer.body);
    }
}

/// The kinds of cookies that sign nobody in. A kid stands for a session of that credential.
const SIGNED_OUT: [&str; 11] = [
    "none",
    "garbage",
    "token",
    "forged session",
    "session of another key",
    "session that is too old",
    "idle session",
    "session that was ended",
    "session of a rotated secret",
    EXPIRED,
    REVOKED,
];

/// The credentials with live sessions.
const SIGNED_IN: [&str; 4] = [BILLING, READER, NIGHT_DESK, ADMIN];

/// The status that all of [`SIGNED_OUT`] get, and each of [`SIGNED_IN`]. A route without a row fails the test.
const MATRIX: [(&str, &str, [u16; 5]); 49] = [
    ("GET", "/dashboard", [303, 403, 200, 200, 200]),
    ("GET", "/dashboard/incidents", [303, 403, 200, 200, 200]),
    ("GET", "/dashboard/incidents/{id}", [303, 403, 200, 200, 200]),
    ("POST", "/dashboard/incidents/{id}/acknowledge", [303, 403, 403, 403, 403]),
    ("POST", "/dashboard/incidents/{id}/resolve", [303, 403, 403, 403, 403]),
    ("POST", "/dashboard/incidents/{id}/reopen", [303, 403, 403, 403, 403]),
    ("POST", "/dashboard/incidents/{id}/comments", [303, 403, 403, 403, 403]),
    ("GET", "/dashboard/incidents/resolve", [303, 403, 403, 200, 200]),
    ("POST", "/dashboard/incidents/resolve", [303, 403, 403, 403, 403]),
    ("GET", "/dashboard/events", [303, 403, 200, 200, 200]),
    ("GET", "/dashboard/events.csv", [303, 403, 200, 200, 200]),
    ("GET", "/dashboard/events/{id}", [303, 403, 200, 200, 200]),
    ("GET", "/dashboard/events/{id}/actions/{action}", [303, 403, 200, 200, 200]),
    ("POST", "/dashboard/events/{id}/actions/{action}/approve", [303, 403, 403, 403, 403]),
    ("POST", "/dashboard/events/{id}/actions/{action}/deny", [303, 403, 403, 403, 403]),
    ("GET", "/dashboard/actions", [303, 403, 200, 200, 200]),
    ("GET", "/dashboard/decisions", [303, 403, 200, 200, 200]),
    ("GET", "/dashboard/decisions/{id}", [303, 403, 200, 200, 200]),
    ("POST", "/dashboard/decisions/{id}/approve", [303, 403, 403, 403, 403]),
    ("POST", "/dashboard/decisions/{id}/deny", [303, 403, 403, 403, 403]),
    ("GET", "/dashboard/reports", [303, 403, 200, 200, 200]),
    ("POST", "/dashboard/reports/new", [303, 403, 403, 403, 403]),
    ("GET", "/dashboard/reports/{id}", [303, 403, 200, 200, 200]),
    ("GET", "/dashboard/reports/{id}/csv", [303, 403, 200, 200, 200]),
    ("GET", "/dashboard/reports/{id}/json", [303, 403, 200, 200, 200]),
    ("GET", "/dashboard/engines", [303, 403, 200, 200, 200]),
    ("GET", "/dashboard/engines/hold", [303, 403, 403, 200, 200]),
    ("POST", "/dashboard/engines/hold", [303, 403, 403, 403, 403]),
    ("GET", "/dashboard/holds/{id}", [303, 403, 200, 200, 200]),
    ("POST", "/dashboard/holds/{id}/end", [303, 403, 403, 403, 403]),
    ("GET", "/dashboard/channels", [303, 403, 200, 200, 200]),
    ("GET", "/dashboard/channels/{name}", [303, 403, 200, 200, 200]),
    ("POST", "/dashboard/channels/{name}/test", [303, 403, 403, 403, 403]),
    ("POST", "/dashboard/channels/{name}/pause", [303, 403, 403, 403, 403]),
    ("POST", "/dashboard/channels/{name}/resume", [303, 403, 403, 403, 403]),
    ("GET", "/dashboard/channels/{name}/remove", [303, 403, 403, 403, 200]),
    ("POST", "/dashboard/channels/{name}/remove", [303, 403, 403, 403, 403]),
    ("GET", "/dashboard/policy", [303, 403, 200, 200, 200]),
    ("GET", "/dashboard/policy/versions", [303, 403, 200, 200, 200]),
    ("GET", "/dashboard/policy/activations", [303, 403, 200, 200, 200]),
    ("GET", "/dashboard/policy/{hash}", [303, 403, 200, 200, 200]),
    ("POST", "/dashboard/policy/{hash}/simulations", [303, 403, 403, 403, 403]),
    ("GET", "/dashboard/policy/{hash}/simulations/{id}", [303, 403, 404, 404, 404]),
    ("GET", "/dashboard/sign-in", [200, 200, 303, 303, 303]),
    ("POST", "/dashboard/sign-in", [403; 5]),
    ("POST", "/dashboard/sign-out", [303, 403, 403, 403, 403]),
    ("GET", "/dashboard/style.css", [200; 5]),
    ("GET", "/dashboard/script.js", [200; 5]),
    ("GET", "/dashboard/icon.svg", [200; 5]),
];

/// The forms have no CSRF token here, so no caller may submit one.
#[tokio::test]
async fn each_route_permits_only_its_roles() {
    let world = World::new().await;
    let incident = incident(&world, "invoice_sync_failed").await;
    let pending = world.post(&event("compliance", "permission_drift", "HIGH")).await;
    let report = world.generate_report().await;
    let decision = ask(&world, &operation("refund", 20)).await;
    let hold = json!({ "engine": "qa", "reason": "audit", "until": "2026-11-25T00:00:00Z" });
    let hold = world.post_json("/api/governance/holds", &hold).await;
    let channel = json!({ "name": "chat", "kind": "slack", "url": "https://hooks.slack.com/services/1" });
    assert_eq!(world.post_json("/api/governance/channels", &channel).await.status, 201);
    let routes: Vec<Route> = dashboard::routes().list().collect();
    for Route { method, path, .. } in &routes {
        assert!(
            MATRIX.iter().any(|row| (row.0, row.1) == (*method, *path)),
            "{method} {path} has no row in the matrix"
        );
    }
    assert_eq!(routes.len(), MATRIX.len(), "a row of the matrix has no route");
    let ended = end_a_session(&world).await;
    rotate_day_desk(&world).await;
    for (method, route, cells) in MATRIX {
        let signed_out = SIGNED_OUT.map(|caller| (caller, cells[0]));
        for (caller, expected) in signed_out.into_iter().chain(SIGNED_IN.into_iter().zip(cells.into_iter().skip(1))) {
            // Unknown credentials are looked up in the table once a second.
            world.clock.advance(1);
            let mut browser = Browser::new(&world);
            let cookie = cookie_of(&world, caller, &ended).await;
            browser.cookies.extend(cookie.map(|cookie| ("__Host-age".to_owned(), cookie)));
            let path = route
                .replace("/dashboard/incidents/{id}", &incident)
                .replace("/events/{id}", &format!("/events/{}", pending.text("/id")))
                .replace("/reports/{id}", &format!("/reports/{}", report.text("/id")))
                .replace("/decisions/{id}", &format!("/decisions/{}", decision.text("/context/id")))
                .replace("/holds/{id}", &format!("/holds/{}", hold.text("/id")))
                .replace("/channels/{name}", "/channels/chat")
                .replace("/simulations/{id}", "/simulations/019a9e2c-5a00-7000-8000-000000000001")
                .replace("{hash}", &Policy::COMPILED_HASH.to_string())
                .replace("{action}", "permission_reset");
            let answer = browser.send(method, &path, "").await;
            assert_eq!(answer.status, expected, "{method} {route} as {caller}: {answer:?}");
            assert_safe(&answer);
            let is_json = answer.header("content-type").is_some_and(|it| it.contains("json"));
            assert_eq!(is_json, expected == 200 && route.ends_with("/json"), "{answer:?}");
            if expected == 303 && method == "GET" && route != SIGN_IN {
                let next: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
                assert_eq!(answer.header("location"), Some(format!("{SIGN_IN}?next={next}").as_str()));
            }
        }
    }
    let page = Browser::signed_in(&world, READER).await.get(&incident).await;
    assert!(page.body.contains("▲ open"), "no request has changed anything");
    let item = world.get(&format!("/api/governance/events/{}", pending.text("/id"))).await;
    assert_eq!(item.text("/actions/0/status"), "pending_approval");
}

/// Signs a reader in and out. Returns the cookie of the session.
async fn end_a_session(world: &World) -> String {
    let mut browser = Browser::signed_in(world, READER).await;
    let session = browser.cookies["__Host-age"].clone();
    browser.submit("/dashboard", "/dashboard/sign-out", &[]).await;
    session
}

/// Rotates the secret of a responder without overlap, and waits until every environment has read that.
async fn rotate_day_desk(world: &World) {
    let path = format!("/api/governance/credentials/{DAY_DESK}/rotate");
    assert_eq!(world.post_json(&path, &json!({ "overlapSeconds": 0 })).await.status, 201);
    world.clock.advance(60);
}

async fn cookie_of(world: &World, caller: &str, ended: &str) -> Option<String> {
    let now = world.clock.now();
    let session = match caller {
        "none" => return None,
        "garbage" => return Some("agov1.stranger".to_owned()),
        "token" => return Some(world.token(ADMIN).to_owned()),
        "session that was ended" => return Some(ended.to_owned()),
        "session of a rotated secret" => world.session(DAY_DESK),
        "session that is too old" => {
            DashboardSession { signed_in_at: now.plus_seconds(-8 * 3600), ..world.session(ADMIN) }
        }
        "idle session" => DashboardSession { active_at: now.plus_seconds(-3600), ..world.session(ADMIN) },
        "forged session" | "session of another key" => world.session(ADMIN),
        kid => world.session(kid),
    };
    let sealed = test_credentials::seal(&world.credentials(), &session).await;
    Some(match caller {
        // Another session, with the seal of this one.
        "forged session" => format!("{}{}", &sealed[..20], &ended[20..]),
        "session of another key" => {
            SessionKey::derive(&SealingKey::try_from([7; 32].as_slice()).unwrap()).seal(&session)
        }
        _ => sealed,
    })
}

#[tokio::test]
async fn sign_in_sets_and_sign_out_clears_the_session_cookie() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let redirected = browser.get("/dashboard/incidents?status=all").await;
    let sign_in_page = redirected.header("location").unwrap().to_owned();
    assert_eq!(
        (redirected.status, sign_in_page.as_str()),
        (303, "/dashboard/sign-in?next=%2Fdashboard%2Fincidents%3Fstatus%3Dall")
    );
    let form = browser.get(&sign_in_page).await;
    assert!(form.body.contains("name=\"next\" value=\"/dashboard/incidents?status=all\""), "{}", form.body);

    let signed_in = browser.sign_in(&format!(" {} ", world.token(READER)), "/dashboard/incidents?status=all").await;
    assert_eq!((signed_in.status, signed_in.header("location")), (303, Some("/dashboard/incidents?status=all")));
    let flags = "; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=28800";
    let cookie = format!("__Host-age={}{flags}", browser.cookies["__Host-age"]);
    assert_eq!(signed_in.header("set-cookie"), Some(cookie.as_str()));
    assert!(!cookie.contains(world.token(READER).rsplit('.').next().unwrap()), "{cookie}");
    assert_eq!(signed_in.header("cache-control"), Some("no-store"));
    let page = browser.get("/dashboard/incidents").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("reader") && !page.body.contains(world.token(READER)), "{}", page.body);

    let signed_out = browser.submit("/dashboard/incidents", "/dashboard/sign-out", &[]).await;
    assert_eq!((signed_out.status, signed_out.header("location")), (303, Some(SIGN_IN)));
    let cleared = "__Host-age=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0";
    assert_eq!(signed_out.header("set-cookie"), Some(cleared));
    assert_eq!(browser.get("/dashboard/incidents").await.status, 303);
}

#[tokio::test]
async fn sign_in_with_an_invalid_credential_is_refused_with_its_reason() {
    let world = World::new().await;
    for (token, status, reason) in [
        ("", 401, "the input must be a token"),
        ("<b>&", 401, "the input must be a token"),
        (world.token(EXPIRED), 401, "the credential has expired"),
        (world.token(REVOKED), 401, "the token is not valid"),
        (
            world.token(BILLING),
            403,
            "the role engine of credential billing-engine may not use this route; allowed roles: reader, responder, admin",
        ),
    ] {
        world.clock.advance(1);
        let mut browser = Browser::new(&world);
        let answer = browser.sign_in(token, "/dashboard").await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.body.contains("Not signed in") && answer.body.contains(reason), "{}", answer.body);
        assert!(!browser.cookies.contains_key("__Host-age") && !answer.body.contains("<b>"));
        assert_safe(&answer);
    }
    for next in ["//evil.example", "https://evil.example/", "/api/governance/events", "/dashboard/../api", "x\r\ny: z"]
    {
        let answer = Browser::new(&world).sign_in(world.token(READER), next).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some("/dashboard")), "{next}");
    }
    world.dynamodb.set_fault(|_| Fault::Refuse);
    let api = world.environment_with_proxied_credentials(crate::world::UNLIMITED).await;
    let cookie = format!("__Host-age={}", test_credentials::seal(&world.credentials(), &world.session(READER)).await);
    let down = api.send_without_token("GET", "/dashboard/incidents", &[("Cookie", &cookie)], b"").await;
    assert_eq!((down.status, down.header("retry-after")), (503, Some("2")), "{down:?}");
    assert!(down.body.contains("<h1>Service unavailable, retry later</h1>"));
    assert_safe(&down);
}

#[tokio::test]
async fn form_without_a_valid_csrf_token_is_refused() {
    let world = World::new().await;
    let incident = incident(&world, "invoice_sync_failed").await;
    let acknowledge = format!("{incident}/acknowledge");
    let mut desk = Browser::signed_in(&world, NIGHT_DESK).await;
    let mut other = Browser::signed_in(&world, DAY_DESK).await;
    let others = format!("csrf={}", csrf_token(&other.get(&incident).await));
    let of_sign_in = format!("csrf={}", csrf_token(&Browser::new(&world).get(SIGN_IN).await));
    for forged in ["", "csrf=", "csrf=AAAA", "note=x", others.as_str(), of_sign_in.as_str()] {
        let answer = desk.send("POST", &acknowledge, forged).await;
        assert_eq!(answer.status, 403, "{forged}: {answer:?}");
        assert!(answer.body.contains(&format!("href=\"{incident}\"")), "a link back: {}", answer.body);
        assert_eq!(
            Browser::signed_in(&world, NIGHT_DESK).await.send("POST", "/dashboard/sign-out", forged).await.status,
            403
        );
    }
    let mut stranger = Browser::new(&world);
    stranger.get(SIGN_IN).await;
    let token = world.token(READER);
    let forged = format!("{of_sign_in}&token={token}&next=/dashboard");
    assert_eq!(stranger.send("POST", SIGN_IN, &forged).await.status, 403, "the form of another browser");
    let cookie = format!("__Host-age={}", desk.cookies["__Host-age"]);
    let json = [("Cookie", cookie.as_str()), ("Content-Type", "application/json")];
    assert_eq!(world.api().send_without_token("POST", &acknowledge, &json, b"{}").await.status, 415);
    let bearer = format!("Bearer {}", world.token(ADMIN));
    let answer = world.api().send_without_token("POST", &acknowledge, &[("Authorization", &bearer)], b"").await;
    assert_eq!(answer.status, 303, "the Authorization header signs nobody in");
    assert!(desk.get(&incident).await.body.contains("▲ open"));
}

#[tokio::test]
async fn acknowledged_incident_records_caller_and_note() {
    let world = World::new().await;
    let incident = incident(&world, "invoice_sync_failed").await;
    let api = incident.replace("/dashboard/", "/api/governance/");
    let (acknowledge, resolve) = (format!("{incident}/acknowledge"), format!("{incident}/resolve"));
    let mut reader = Browser::signed_in(&world, READER).await;
    let read = reader.get(&incident).await;
    assert!(!read.body.contains(&acknowledge) && !read.body.contains(&resolve), "a reader has no buttons");
    let refused = reader.submit(&incident, &acknowledge, &[]).await;
    assert_eq!(refused.status, 403);
    assert!(
        refused
            .body
            .contains("the role reader of credential reader may not use this route; allowed roles: responder, admin"),
        "{}",
        refused.body
    );

    let mut desk = Browser::signed_in(&world, NIGHT_DESK).await;
    let noted = desk.submit(&incident, &acknowledge, &[("note", "first line\r\nsecond line")]).await;
    assert_eq!((noted.status, noted.header("location")), (303, Some(incident.as_str())), "{noted:?}");
    let stored = world.get(&api).await;
    assert_eq!(
        (stored.text("/acknowledged/by"), stored.text("/acknowledged/note")),
        (NIGHT_DESK, "first line\nsecond line")
    );
    let page = desk.get(&incident).await;
    assert!(page.body.contains("Acknowledged by night-desk") && page.body.contains("● acknowledged"));
    assert!(!page.body.contains(&acknowledge) && page.body.contains(&resolve), "{}", page.body);
    let again = desk.submit(&incident, &acknowledge, &[("note", "")]).await;
    assert_eq!(again.status, 303, "a repeat succeeds: {again:?}");
    let mut day_desk = Browser::signed_in(&world, DAY_DESK).await;
    assert_eq!(day_desk.submit(&incident, &acknowledge, &[]).await.status, 303, "day-desk takes the incident over");
    assert!(day_desk.get(&incident).await.body.contains("Taken over by day-desk"));

    let long = "x".repeat(1001);
    let too_long = desk.submit(&incident, &resolve, &[("note", &long)]).await;
    assert_eq!(too_long.status, 422, "{too_long:?}");
    assert_safe(&too_long);
    assert_eq!(desk.submit(&incident, &resolve, &[("colour", "red")]).await.status, 422);
    let resolved = Browser::signed_in(&world, ADMIN).await.submit(&incident, &resolve, &[("note", " ")]).await;
    assert_eq!(resolved.status, 303, "{resolved:?}");
    let stored = world.get(&api).await;
    assert_eq!((stored.text("/resolved/by"), stored.json["resolved"].get("note")), (ADMIN, None));
    let page = desk.get(&incident).await;
    assert!(!page.body.contains(&acknowledge) && !page.body.contains(&resolve), "{}", page.body);
    let late = desk.submit(&incident, &acknowledge, &[]).await;
    assert!(late.status == 409 && late.body.contains("the incident is resolved already, by admin"), "{}", late.body);
}

#[tokio::test]
async fn hostile_text_is_escaped_on_every_page() {
    let world = World::new().await;
    let hostile = "<script>alert(1)</script>\" onerror='x' &amp; \u{202e}gnp.exe\u{2066}";
    let hostile_type = "<img src=x onerror=alert(1)> ' \" &";
    let mut sent = event("billing", hostile_type, "CRITICAL");
    sent["details"] = json!({ "text": hostile });
    let created = world.post(&sent).await;
    let outcome = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", created.text("/id"));
    world.as_caller(BILLING).post_json(&outcome, &json!({ "outcome": "failed", "detail": hostile })).await;
    let listed = world.get("/api/governance/incidents").await;
    let incident = format!("/dashboard/incidents/{}", listed.text("/incidents/0/id"));
    let mut desk = Browser::signed_in(&world, NIGHT_DESK).await;
    let noted = desk.submit(&incident, &format!("{incident}/acknowledge"), &[("note", hostile)]).await;
    assert_eq!(noted.status, 303, "{noted:?}");
    for path in ["/dashboard/incidents?status=all", incident.as_str()] {
        let page = desk.get(path).await;
        assert_eq!(page.status, 200);
        assert!(page.body.contains("&#60;img src=x onerror=alert(1)&#62;"), "{}", page.body);
        for bad in ["<img", "<script>", "\u{202e}", "\u{2066}", "onerror='x'"] {
            assert!(!page.body.contains(bad), "{bad:?} in {}", page.body);
        }
    }
    let page = desk.get(&incident).await;
    assert_eq!(page.body.matches("[U+202E]gnp.exe[U+2066]").count(), 3, "in details, outcome and note: {}", page.body);
    for path in ["/dashboard/incidents/%3Cscript%3E", "/dashboard/%3Cscript%3E", "/dashboard/incidents?%3Cscript%3E=1"]
    {
        let answer = desk.get(path).await;
        assert!([404, 422].contains(&answer.status), "{answer:?}");
        assert_safe(&answer);
    }
}

#[tokio::test]
async fn incidents_are_listed_in_pages() {
    let world = World::new().await;
    let mut reader = Browser::signed_in(&world, READER).await;
    let empty = reader.get("/dashboard/incidents").await;
    assert!(empty.body.contains("No open incidents."), "{}", empty.body);
    for number in 0..30 {
        world.clock.advance(1);
        world.post(&event("qa", &format!("suite_{number:02}_lost"), "CRITICAL")).await;
    }
    let first = reader.get("/dashboard/incidents").await;
    assert_safe(&first);
    let count = |page: &ApiResponse| page.body.matches("<li class=\"card\">").count();
    assert_eq!(count(&first), 25);
    assert!(first.body.contains("suite_29_lost") && first.body.contains("suite_05_lost"));
    let (_, rest) = first.body.split_once("<a class=\"more\" href=\"").unwrap();
    let next = rest.split('"').next().unwrap().replace("&#38;", "&");
    let second = reader.get(&next).await;
    assert_eq!((second.status, count(&second)), (200, 5), "{}", second.body);
    assert!(second.body.contains("suite_04_lost") && !second.body.contains("Older incidents"));
    let other_filter = reader.get(&next.replace("status=open", "status=all")).await;
    assert_eq!(other_filter.status, 400, "the cursor belongs to another filter");
    assert_eq!(reader.get("/dashboard/incidents?status=lost").await.status, 422);
    for (status, number) in [("acknowledged", 0), ("resolved", 0), ("all", 25)] {
        assert_eq!(count(&reader.get(&format!("/dashboard/incidents?status={status}")).await), number, "{status}");
    }
}

#[tokio::test]
async fn unknown_path_and_wrong_method_are_error_pages() {
    let world = World::new().await;
    let mut reader = Browser::signed_in(&world, READER).await;
    for (method, path, status, title) in [
        ("GET", "/dashboard/nothing", 404, "Not found"),
        ("GET", "/dashboard/incidents/billing.1.none", 404, "Not found"),
        ("POST", "/dashboard/incidents", 405, "Method not allowed"),
    ] {
        let answer = reader.send(method, path, "").await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.body.contains(&format!("<h1>{title}</h1>")), "{}", answer.body);
        assert_safe(&answer);
    }
    let style = reader.get("/dashboard/style.css").await;
    assert_eq!((style.status, style.header("content-type")), (200, Some("text/css; charset=utf-8")));
    assert!(!style.body.contains("url(") && !style.body.contains("@import"));
}

/// Returns how many queries, gets and batches of gets the overview makes.
async fn reads(world: &World, browser: &mut Browser<'_>) -> [usize; 3] {
    world.dynamodb.reset();
    let page = browser.get("/dashboard").await;
    assert_eq!(page.status, 200, "{page:?}");
    for other in ["Scan", "TransactGetItems", "PutItem", "UpdateItem", "TransactWriteItems"] {
        assert_eq!(world.dynamodb.calls(other), 0, "{other}");
    }
    ["Query", "GetItem", "BatchGetItem"].map(|operation| world.dynamodb.calls(operation))
}

#[tokio::test]
async fn overview_reads_do_not_grow_with_the_events() {
    let world = World::new().await;
    let mut reader = Browser::signed_in(&world, READER).await;
    // Whether the five engines without an event and a credential were ever heard takes a query each.
    assert_eq!(reads(&world, &mut reader).await, [15 + 5, 2, 0]);
    for number in 0..120 {
        world.clock.advance(3600);
        let engine = ENGINES[number % 8].as_str();
        let severity = ["LOW", "HIGH", "CRITICAL"][number % 3];
        world.post(&event(engine, &format!("problem_{number}"), severity)).await;
        world.post(&event("compliance", &format!("permission_{number}"), "HIGH")).await;
    }
    let mut reader = Browser::signed_in(&world, READER).await;
    // The batch has the 8 pending approvals that the page lists, with their deadlines.
    assert_eq!(reads(&world, &mut reader).await, [15, 2, 1]);
}

#[tokio::test]
async fn overview_of_a_new_system_has_empty_states() {
    let world = World::new().await;
    let mut reader = Browser::signed_in(&world, READER).await;
    let before_sweep = reader.get("/dashboard").await;
    assert!(before_sweep.body.contains("no sweep has run yet"), "{}", before_sweep.body);
    world.sweep().await;
    let page = reader.get("/dashboard").await;
    assert_safe(&page);
    for text in [
        "✓ Nothing needs attention",
        "Not above the threshold of 30",
        "Change from last week: none",
        "No remediation was planned",
        "No events in the last 30 days",
        "No event in the last 30 days",
    ] {
        assert!(page.body.contains(text), "{text} in {}", page.body);
    }
    world.clock.advance(301);
    assert!(reader.get("/dashboard").await.body.contains("The last one ran"));
}

#[tokio::test]
async fn overview_shows_what_needs_attention_and_why() {
    let world = World::new().await;
    world.set_time("2026-11-20T10:20:00Z");
    let incident = incident(&world, "invoice_sync_failed").await;
    let sent = world.post(&event("billing", "<b>ledger</b>", "CRITICAL")).await;
    let outcome = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", sent.text("/id"));
    world.as_caller(BILLING).post_json(&outcome, &json!({ "outcome": "failed" })).await;
    let pending = world.post(&event("compliance", "permission_drift", "HIGH")).await;
    world.set_time("2026-11-20T11:30:00Z");
    world.sweep().await;
    let mut reader = Browser::signed_in(&world, READER).await;
    let page = reader.get("/dashboard").await;
    assert_safe(&page);
    for text in [
        "▲ Needs attention",
        "<h3>Open incidents</h3>",
        "<h3>Pending approvals</h3>",
        &format!(
            "<a href=\"{incident}\"><bdi>Billing</bdi>: <bdi>invoice_sync_failed</bdi></a>, since <time datetime=\"2026-11-20T10:20:00.000Z\">"
        ),
        "&#60;b&#62;ledger&#60;/b&#62;",
        &format!(
            "<a href=\"/dashboard/events/{}/actions/permission_reset\">permission_reset for <bdi>Compliance</bdi></a>",
            pending.text("/id")
        ),
        "<span class=\"score\">50</span> of 100 <span class=\"badge HIGH\">HIGH</span>",
        "<strong>Above the threshold of 30</strong> since <time datetime=\"2026-11-20T10:00:00.000Z\">",
        "Audit billing sync and token enforcement",
        "Change from last week: ▲\u{a0}50 (from 0)",
        "<strong>1</strong> failed <span class=\"hint\">(the worker could not carry it out)</span>",
        "3 events, 2 of them CRITICAL; 3 on the busiest day",
        "Last event in the hour from <time datetime=\"2026-11-20T10:00:00.000Z\">",
        "2 events in 30 days, 2 in the last 168 hours",
    ] {
        assert!(page.body.contains(text), "{text} in {}", page.body);
    }
    assert_eq!(page.body.matches("<tr><th scope=\"row\"><time").count(), 30, "the table has the days of the chart");
    world.set_time("2026-11-22T12:00:00Z");
    world.sweep().await;
    reader = Browser::signed_in(&world, READER).await;
    let silent = reader.get("/dashboard").await;
    assert!(silent.body.contains("<h3>Silent engines</h3>") && silent.body.contains(">Silent</a>"), "{}", silent.body);
    let not_expected = "Never heard. Not expected to report: it has no credential of its own.";
    assert_eq!(silent.body.matches(not_expected).count(), 4, "all but billing, compliance, QA and MAOS");
    world.dynamodb.set_fault(|call| if call.operation == "Query" { Fault::Throttle } else { Fault::None });
    let down = reader.get("/dashboard").await;
    assert_eq!(down.status, 503, "no page with missing figures is shown");
}

#[tokio::test]
async fn engines_page_counts_actions_in_progress() {
    let world = World::new().await;
    let engines_with = async |number: &str| {
        let page = Browser::signed_in(&world, READER).await.get("/dashboard/engines").await;
        page.body.matches(&format!("<dd>{number}</dd>")).count()
    };
    // A pending approval is not in progress.
    world.post(&event("compliance", "permission_widened", "HIGH")).await;
    let first = world.post(&event("billing", "ledger_lost", "HIGH")).await;
    assert_eq!((engines_with("1 action").await, engines_with("0 actions").await), (1, 7));
    world.post(&event("billing", "invoice_lost", "HIGH")).await;
    let path = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", first.text("/id"));
    assert_eq!(world.as_caller(BILLING).post_json(&path, &json!({ "outcome": "succeeded" })).await.status, 200);
    assert_eq!((engines_with("2 actions").await, engines_with("0 actions").await), (1, 7));
    world.clock.advance(3700);
    world.sweep().await;
    assert_eq!(engines_with("0 actions").await, 8);
}

#[tokio::test]
async fn overview_lists_credentials_that_expire_within_a_week_for_admins() {
    let world = World::new().await;
    for (kid, expires_at) in
        [("in-7-days", "2026-11-30T00:05:00Z"), ("later", "2026-11-30T00:05:01Z"), ("soon", "2026-11-23T00:06:00Z")]
    {
        let body = json!({ "kid": kid, "role": "reader", "expiresAt": expires_at });
        assert_eq!(world.post_json("/api/governance/credentials", &body).await.status, 201);
    }
    let page = Browser::signed_in(&world, ADMIN).await.in_new_environment().await.get("/dashboard").await;
    assert_safe(&page);
    let listed = between(&page.body, "<h3>Expiring credentials</h3>", "</ul>").to_owned();
    let (soon, in_7_days) = (listed.find("<code>soon</code>"), listed.find("<code>in-7-days</code>, expires"));
    assert!(soon.is_some() && soon < in_7_days && !listed.contains("later"), "{listed}");
    assert!(listed.contains("agectl credential rotate soon --expires-in 90d"), "{listed}");
    let page = Browser::signed_in(&world, READER).await.in_new_environment().await.get("/dashboard").await;
    assert!(!page.body.contains("Expiring credentials"));
}
