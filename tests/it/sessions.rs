//! Sessions of the dashboard: what ends them, and where they are valid.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::world::browser::{Browser, SIGN_IN, csrf_token};
use crate::world::proxy::Fault;
use crate::world::test_credentials::{ADMIN, DAY_DESK, NIGHT_DESK, READER};
use crate::world::{ApiResponse, World, event};

const COOKIE: &str = "__Host-age";
const PAGE: &str = "/dashboard/incidents";
const STATS: &str = "/api/governance/stats";

/// The key of the row with the credentials.
const KEYRING: [(&str, &str); 2] = [("kind", "keyring"), ("kid", "*")];

/// The key of the row with the ended sessions.
const ENDED_SESSIONS: [(&str, &str); 2] = [("fingerprint", "age"), ("opened_at", "ended_sessions")];

/// Returns a browser with a copy of the cookies of `browser`.
fn copy<'a>(world: &'a World, browser: &Browser<'_>) -> Browser<'a> {
    let mut copied = Browser::new(world);
    copied.cookies = browser.cookies.clone();
    copied
}

async fn rotate(world: &World, kid: &str, overlap_seconds: u32) -> ApiResponse {
    let path = format!("/api/governance/credentials/{kid}/rotate");
    let rotated = world.post_json(&path, &json!({ "overlapSeconds": overlap_seconds })).await;
    assert_eq!(rotated.status, 201, "{rotated:?}");
    rotated
}

/// Replaces the key in the table of credentials.
fn change_key(world: &World, key: Option<&Value>) {
    let mut row = world.row("Credentials", &KEYRING)["Item"].clone();
    let attributes = row.as_object_mut().unwrap();
    match key {
        Some(key) => attributes.insert("key".to_owned(), key.clone()),
        None => attributes.remove("key"),
    };
    world.dynamodb.call("PutItem", &json!({ "TableName": "Credentials", "Item": row }));
}

#[tokio::test]
async fn session_is_good_for_the_dashboard_alone_and_a_token_for_the_api_alone() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, READER).await;
    let session = &browser.cookies[COOKIE];
    let secret = world.token(READER).rsplit('.').next().unwrap();
    assert!(!session.contains(secret), "the cookie has no secret");
    for text in [session.clone(), format!("agov1.{READER}.{session}")] {
        let refused = world.api().with_token(&text).get(STATS).await;
        assert_eq!(refused.status, 401, "a session is no bearer token: {refused:?}");
    }
    let mut with_token = Browser::new(&world);
    with_token.cookies.insert(COOKIE.to_owned(), world.token(READER).to_owned());
    assert_eq!(with_token.get(PAGE).await.status, 303, "a token is no session");
    assert_eq!(with_token.get(SIGN_IN).await.status, 200, "and does not count as signed in");
}

#[tokio::test]
async fn session_ends_8_hours_after_signing_in_however_active_it_is() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, READER).await;
    for _ in 0..15 {
        world.clock.advance(30 * 60);
        assert_eq!(browser.get(PAGE).await.status, 200);
    }
    world.clock.advance(30 * 60 - 1);
    let last = browser.get(PAGE).await;
    assert_eq!(last.status, 200);
    assert!(last.header("set-cookie").unwrap().ends_with("; Max-Age=1"), "{last:?}");
    world.clock.advance(1);
    assert_eq!(browser.get(PAGE).await.status, 303);
    assert_eq!(browser.get(SIGN_IN).await.status, 200);
}

#[tokio::test]
async fn session_ends_after_an_hour_without_a_request() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, READER).await;
    world.clock.advance(3599);
    let earlier = copy(&world, &browser).cookies;
    assert_eq!(browser.get(PAGE).await.status, 200);
    world.clock.advance(3599);
    assert_eq!(browser.get(PAGE).await.status, 200, "the request before it counts");
    world.clock.advance(3600);
    assert_eq!(browser.get(PAGE).await.status, 303);
    let mut other = Browser::new(&world);
    other.cookies = earlier;
    assert_eq!(other.get(PAGE).await.status, 303, "an earlier copy has ended before");
}

#[tokio::test]
async fn activity_is_stored_every_5_minutes_and_refreshes_of_a_page_are_none() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, READER).await;
    let renewals = async |browser: &mut Browser<'_>, seconds: i64| {
        let mut renewals = 0;
        for _ in 0..seconds / 20 {
            world.clock.advance(20);
            let page = browser.get(PAGE).await;
            assert_eq!(page.status, 200);
            renewals += usize::from(page.header("set-cookie").is_some());
        }
        renewals
    };
    assert_eq!(renewals(&mut browser, 1200).await, 4);
    // What scripts fetch has this destination, see "Fetch Metadata Request Headers".
    let mut status = 200;
    for _ in 0..180 {
        world.clock.advance(20);
        let cookie = format!("{COOKIE}={}", browser.cookies[COOKIE]);
        let headers = [("Cookie", cookie.as_str()), ("Sec-Fetch-Dest", "empty")];
        let page = world.api().send_without_token("GET", PAGE, &headers, b"").await;
        assert_eq!((status, page.header("set-cookie")), (200, None), "{page:?}");
        status = page.status;
    }
    assert_eq!(status, 303, "nobody has used the page for an hour");
}

#[tokio::test]
async fn changed_or_forged_session_signs_nobody_in() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world, ADMIN).await;
    let session = browser.cookies[COOKIE].clone();
    let changed = (0..session.len()).step_by(7).map(|at| {
        let mut bytes = session.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    });
    let cut =
        [String::new(), session[1..].to_owned(), session[..session.len() - 4].to_owned(), format!("{session}AAAA")];
    for forged in changed.chain(cut) {
        let mut other = Browser::new(&world);
        other.cookies.insert(COOKIE.to_owned(), forged.clone());
        assert_eq!(other.get(PAGE).await.status, 303, "{forged}");
    }
    // What AGE seals for another purpose with a key derived from the same one.
    for number in 0..26 {
        world.clock.advance(1);
        world.post(&event("qa", &format!("suite_{number:02}_lost"), "CRITICAL")).await;
    }
    let cursor = world.get("/api/governance/incidents?limit=1").await.text("/nextCursor").to_owned();
    let csrf = csrf_token(&copy(&world, &browser).get(PAGE).await);
    for sealed in [cursor, csrf] {
        let mut other = Browser::new(&world);
        other.cookies.insert(COOKIE.to_owned(), sealed);
        assert_eq!(other.get(PAGE).await.status, 303);
    }
}

#[tokio::test]
async fn session_sealed_with_another_key_signs_nobody_in() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, READER).await;
    let key = world.row("Credentials", &KEYRING)["Item"]["key"].clone();
    assert_eq!(key["B"].as_str().map(str::len), Some(44), "32 bytes in Base64: {key}");
    change_key(&world, Some(&json!({ "B": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" })));
    browser = browser.in_new_environment().await;
    assert_eq!(browser.get(PAGE).await.status, 303);
    change_key(&world, Some(&key));
    browser = browser.in_new_environment().await;
    assert_eq!(browser.get(PAGE).await.status, 200);
}

#[tokio::test]
async fn nothing_is_sealed_without_a_key_and_the_next_change_of_credentials_makes_one() {
    let world = World::new().await;
    change_key(&world, None);
    let environment = world.new_environment().await;
    let list = environment.get("/api/governance/reports").await;
    assert_eq!((list.status, list.header("retry-after").is_some()), (503, true), "{list:?}");
    assert!(list.text("/detail").contains("key"), "{list:?}");
    assert_eq!(environment.get(STATS).await.status, 200, "what seals nothing needs no key");
    let page = environment.send_without_token("GET", SIGN_IN, &[], b"").await;
    assert_eq!(page.status, 503, "{page:?}");

    rotate(&world, NIGHT_DESK, 60).await;
    world.clock.advance(20);
    assert_eq!(environment.get("/api/governance/reports").await.status, 503, "this request reads the key beside it");
    assert_eq!(environment.get("/api/governance/reports").await.status, 200);
    assert_eq!(environment.send_without_token("GET", SIGN_IN, &[], b"").await.status, 200);
    let key = async || world.row("Credentials", &KEYRING)["Item"]["key"].clone();
    let made = key().await;
    assert_eq!(made["B"].as_str().map(str::len), Some(44), "32 bytes in Base64");
    rotate(&world, READER, 60).await;
    assert_eq!(key().await, made, "it is made once");
    let listed = world.get("/api/governance/credentials").await;
    assert!(!listed.body.contains(made["B"].as_str().unwrap()) && !listed.body.contains("key"), "{listed:?}");
}

#[tokio::test]
async fn sign_out_ends_the_session_in_this_environment_at_once_and_in_others_within_a_minute() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, READER).await;
    let mut stolen = copy(&world, &browser);
    let mut elsewhere = copy(&world, &browser).in_new_environment().await;
    let mut colleague = Browser::signed_in(&world, READER).await;
    assert_eq!((stolen.get(PAGE).await.status, elsewhere.get(PAGE).await.status), (200, 200));
    let signed_out = browser.submit(PAGE, "/dashboard/sign-out", &[]).await;
    assert_eq!((signed_out.status, signed_out.header("location")), (303, Some(SIGN_IN)));
    assert_eq!(stolen.get(PAGE).await.status, 303);
    world.clock.advance(60);
    assert_eq!(elsewhere.get(PAGE).await.status, 303);
    assert_eq!(elsewhere.get(SIGN_IN).await.status, 200);
    assert_eq!(colleague.get(PAGE).await.status, 200, "another session of the same credential goes on");
    let again = Browser::signed_in(&world, READER).await.get(PAGE).await;
    assert_eq!(again.status, 200, "and the next one begins");
}

#[tokio::test]
async fn many_ended_sessions_of_a_credential_end_all_of_its_earlier_ones_and_no_others() {
    let world = World::new().await;
    let mut earlier = Browser::signed_in(&world, READER).await;
    let mut desk = Browser::signed_in(&world, NIGHT_DESK).await;
    for _ in 0..40 {
        world.clock.advance(1);
        let mut browser = Browser::signed_in(&world, READER).await;
        let mut stolen = copy(&world, &browser);
        assert_eq!(browser.submit(PAGE, "/dashboard/sign-out", &[]).await.status, 303);
        assert_eq!(stolen.get(PAGE).await.status, 303);
    }
    assert_eq!(earlier.get(PAGE).await.status, 303);
    assert_eq!(desk.get(PAGE).await.status, 200);
    let row = world.row("Incidents", &ENDED_SESSIONS);
    assert!(row.to_string().len() < 2500, "{row}");
    world.clock.advance(8 * 3600);
    let mut browser = Browser::signed_in(&world, NIGHT_DESK).await;
    browser.submit(PAGE, "/dashboard/sign-out", &[]).await;
    let row = world.row("Incidents", &ENDED_SESSIONS);
    assert!(!row.to_string().contains(READER), "what has expired anyway is removed: {row}");
}

#[tokio::test]
async fn revocation_ends_every_session_within_a_minute() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, READER).await;
    let mut elsewhere = copy(&world, &browser).in_new_environment().await;
    assert_eq!(world.send("DELETE", "/api/governance/credentials/reader", &[], b"").await.status, 200);
    world.clock.advance(60);
    assert_eq!((browser.get(PAGE).await.status, elsewhere.get(PAGE).await.status), (303, 303));
}

#[tokio::test]
async fn rotation_ends_a_session_when_its_secret_ends() {
    let world = World::new().await;
    let mut reader = Browser::signed_in(&world, READER).await;
    let mut desk = Browser::signed_in(&world, NIGHT_DESK).await;
    rotate(&world, READER, 0).await;
    rotate(&world, NIGHT_DESK, 600).await;
    world.clock.advance(60);
    assert_eq!(reader.get(PAGE).await.status, 303, "without overlap, the secret has ended");
    assert_eq!(desk.get(PAGE).await.status, 200, "the old secret is live for ten minutes");
    world.clock.advance(539);
    assert_eq!(desk.get(PAGE).await.status, 200);
    world.clock.advance(1);
    assert_eq!(desk.get(PAGE).await.status, 303);
}

#[tokio::test]
async fn session_of_a_new_secret_is_accepted_by_an_environment_that_has_not_read_it_yet() {
    let world = World::new().await;
    let environment = Browser::new(&world).in_new_environment().await;
    let rotated = rotate(&world, READER, 0).await;
    let mut browser = Browser::new(&world);
    assert_eq!(browser.sign_in(rotated.text("/token"), "/dashboard").await.status, 303);
    let mut elsewhere = environment;
    elsewhere.cookies = browser.cookies.clone();
    assert_eq!(elsewhere.get(PAGE).await.status, 200);
}

#[tokio::test]
async fn csrf_token_is_good_for_its_session_alone() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, NIGHT_DESK).await;
    let mut other = Browser::signed_in(&world, NIGHT_DESK).await;
    let csrf = csrf_token(&other.get(PAGE).await);
    assert_ne!(csrf, csrf_token(&browser.get(PAGE).await));
    let refused = browser.send("POST", "/dashboard/reports/new", &format!("csrf={csrf}")).await;
    assert_eq!(refused.status, 403, "it is another session of the same credential: {refused:?}");
    world.clock.advance(400);
    let renewed = other.get(PAGE).await;
    assert!(renewed.header("set-cookie").is_some());
    let accepted = other.send("POST", "/dashboard/reports/new", &format!("csrf={csrf}")).await;
    assert_eq!(accepted.status, 303, "the form was open while the cookie was renewed: {accepted:?}");
}

#[tokio::test]
async fn sign_out_that_cannot_be_stored_is_a_503_and_can_be_repeated() {
    let world = World::new().await;
    let mut browser = Browser::signed_in(&world, READER).await;
    let form = format!("csrf={}", csrf_token(&browser.get(PAGE).await));
    world.dynamodb.set_fault(|call| if call.operation == "PutItem" { Fault::Refuse } else { Fault::None });
    let refused = browser.send("POST", "/dashboard/sign-out", &form).await;
    assert_eq!((refused.status, refused.header("set-cookie")), (503, None), "{refused:?}");
    world.dynamodb.reset();
    assert_eq!(browser.get(PAGE).await.status, 200);
    // The responses to all attempts of the SDK are lost.
    let mut stolen = copy(&world, &browser);
    world.dynamodb.set_fault(|call| {
        if call.operation == "PutItem" && call.earlier < 2 { Fault::DropResponse } else { Fault::None }
    });
    assert_eq!(browser.send("POST", "/dashboard/sign-out", &form).await.status, 303);
    assert_eq!(stolen.get(PAGE).await.status, 303);
    world.dynamodb.reset();
    assert_eq!(stolen.send("POST", "/dashboard/sign-out", "").await.status, 303, "nothing is left to end");
    assert_eq!(world.dynamodb.calls("PutItem"), 0);
}

#[tokio::test]
async fn concurrent_sign_outs_are_all_stored_and_keep_what_a_later_version_has_added() {
    let world = World::new().await;
    Browser::signed_in(&world, ADMIN).await.submit(PAGE, "/dashboard/sign-out", &[]).await;
    let mut row = world.row("Incidents", &ENDED_SESSIONS)["Item"].clone();
    row["reason"] = json!({ "S": "of a later version" });
    world.dynamodb.call("PutItem", &json!({ "TableName": "Incidents", "Item": row }));
    let mut browsers = Vec::new();
    for kid in [READER, NIGHT_DESK, DAY_DESK, ADMIN, READER, READER] {
        browsers.push(Browser::signed_in(&world, kid).await);
    }
    let mut stolen: Vec<Browser<'_>> = browsers.iter().map(|browser| copy(&world, browser)).collect();
    let signed_out = browsers.iter_mut().map(|browser| browser.submit(PAGE, "/dashboard/sign-out", &[]));
    assert!(join_all(signed_out).await.iter().all(|response| response.status == 303));
    for browser in &mut stolen {
        assert_eq!(browser.get(PAGE).await.status, 303);
    }
    assert_eq!(world.row("Incidents", &ENDED_SESSIONS)["Item"]["reason"], json!({ "S": "of a later version" }));
}
