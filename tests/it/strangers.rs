//! Callers without a valid token, and callers that may not do what they try: what they learn, and what they cost.

use std::collections::BTreeSet;

use age_http::RequestRate;
use serde_json::json;

use crate::world::proxy::{Call, Fault};
use crate::world::test_credentials::{ADMIN, BILLING, EXPIRED, NIGHT_DESK, READER, REVOKED, TESTS};
use crate::world::{Api, ApiResponse, UNLIMITED, World};

const CREDENTIALS: &str = "/api/governance/credentials";
/// Its handler makes no `BatchGetItem`.
const REPORTS: &str = "/api/governance/reports";
const ALERTS: &str = "/api/governance/intake/alertmanager";

/// The text for every token that is not proven.
pub(crate) const NOT_PROVEN: &str = "the token is not valid: it is malformed, wrong or revoked, or it is new; a new token is valid everywhere within 60 seconds";

/// Returns the token of `name` with the secret `number`, which is none of AGE's.
fn wrong_token(name: &str, number: usize) -> String {
    format!("agov1.{name}.{number:A>42}A")
}

fn is_read_of_credentials(call: &Call) -> bool {
    !call.body["RequestItems"]["Credentials"].is_null()
}

async fn rotate(world: &World, kid: &str) -> String {
    let rotated = world.post_json(&format!("{CREDENTIALS}/{kid}/rotate"), &json!({})).await;
    assert_eq!(rotated.status, 201, "{rotated:?}");
    rotated.text("/token").to_owned()
}

/// Everything that a stranger can tell from a response, except for its id.
fn seen(response: &ApiResponse) -> (u16, String, BTreeSet<(String, String)>) {
    let headers = response.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let headers = headers.filter(|(name, _)| name != "x-request-id").collect();
    let mut json = response.json.clone();
    json.as_object_mut().unwrap().remove("requestId");
    (response.status, json.to_string(), headers)
}

#[tokio::test]
async fn all_tokens_that_are_not_proven_get_one_response() {
    let world = World::new().await;
    let api = world.environment_with_proxied_credentials(UNLIMITED).await;
    let old = world.token(READER).to_owned();
    let path = format!("{CREDENTIALS}/{READER}/rotate");
    assert_eq!(world.post_json(&path, &json!({ "overlapSeconds": 0 })).await.status, 201);
    world.clock.advance(60);
    let tokens = [
        "malformed".to_owned(),
        format!("agov1.A.{}", "A".repeat(43)),
        wrong_token(TESTS, 1),
        wrong_token(BILLING, 2),
        wrong_token("stranger", 3),
        wrong_token(REVOKED, 4),
        wrong_token(EXPIRED, 5),
        world.token(REVOKED).to_owned(),
        old,
    ];
    for path in [REPORTS, CREDENTIALS, ALERTS] {
        let method = if path == ALERTS { "POST" } else { "GET" };
        let mut responses = BTreeSet::new();
        // While the budget of searches lasts, and when it is used up.
        for _ in 0..5 {
            for token in &tokens {
                responses.insert(seen(&api.with_token(token).send(method, path, &[], b"").await));
            }
        }
        for number in 0..50 {
            for name in [TESTS, "stranger", REVOKED] {
                let token = wrong_token(name, 1000 + number);
                responses.insert(seen(&api.with_token(&token).send(method, path, &[], b"").await));
            }
        }
        assert_eq!(responses.len(), 1, "{responses:?}");
        let (status, body, _) = responses.first().unwrap();
        assert!(*status == 401 && body.contains(NOT_PROVEN), "{body}");
    }
    let expired = api.with_token(world.token(EXPIRED)).get(REPORTS).await;
    assert_eq!((expired.status, expired.text("/detail")), (401, "the credential has expired"), "its bearer is told");
}

/// A budget of its own for each name would show which names are live.
#[tokio::test]
async fn a_thousand_wrong_tokens_of_live_and_invented_names_cause_few_reads() {
    let world = World::new().await;
    let api = world.environment_with_proxied_credentials(UNLIMITED).await;
    world.dynamodb.reset();
    let names = [TESTS, ADMIN, READER, NIGHT_DESK, BILLING, REVOKED, EXPIRED, "stranger", "another-stranger", "third"];
    for number in 0..1000 {
        let token = wrong_token(names[number % names.len()], number);
        assert_eq!(api.with_token(&token).get(REPORTS).await.status, 401);
    }
    let reads = world.dynamodb.calls("BatchGetItem");
    assert!((1..=20).contains(&reads), "{reads}");
}

/// Strangers send five tokens each second before anybody else, and no other caller makes the environment refresh its credentials.
#[tokio::test]
async fn new_tokens_are_accepted_while_strangers_use_up_all_searches() {
    let world = World::new().await;
    let api = world.environment_with_proxied_credentials(UNLIMITED).await;
    let mut number = 0;
    let mut strangers = async |count: usize, api: &Api| {
        for _ in 0..count {
            number += 1;
            api.with_token(&wrong_token(if number % 2 == 0 { READER } else { "stranger" }, number)).get(REPORTS).await;
        }
    };
    strangers(50, &api).await;
    let created = world.post_json(CREDENTIALS, &json!({ "kid": "brand-new", "role": "reader" })).await;
    let tokens = [created.text("/token").to_owned(), rotate(&world, NIGHT_DESK).await];
    world.dynamodb.reset();
    let mut accepted_after = [None; 2];
    for second in 0..60 {
        strangers(5, &api).await;
        for (token, after) in tokens.iter().zip(&mut accepted_after) {
            match api.with_token(token).get(REPORTS).await.status {
                200 => _ = after.get_or_insert(second),
                status => assert_eq!((status, *after), (401, None), "refused after it was accepted"),
            }
        }
        world.clock.advance(1);
    }
    assert!(accepted_after.iter().all(|after| after.is_some_and(|second| second < 20)), "{accepted_after:?}");
    assert!(world.dynamodb.calls("BatchGetItem") <= 70, "{}", world.dynamodb.calls("BatchGetItem"));
}

#[tokio::test]
async fn caller_without_the_role_or_beyond_its_rate_causes_no_read() {
    let world = World::new().await;
    let api = world.environment_with_proxied_credentials(RequestRate::new(1, 10)).await;
    world.dynamodb.reset();
    for kid in [READER, NIGHT_DESK, BILLING] {
        for _ in 0..100 {
            assert_eq!(api.with_token(world.token(kid)).get(CREDENTIALS).await.status, 403);
        }
    }
    assert_eq!(world.dynamodb.calls("BatchGetItem"), 0);
    let admin = api.with_token(world.token(ADMIN));
    let mut statuses = Vec::new();
    // The body is refused, so the handler reads nothing.
    for _ in 0..100 {
        statuses.push(admin.post_json(CREDENTIALS, &json!({})).await.status);
    }
    let served = statuses.iter().filter(|status| **status == 422).count();
    assert_eq!((served, statuses.len() - served), (10, statuses.iter().filter(|status| **status == 429).count()));
    assert_eq!(world.dynamodb.calls("BatchGetItem"), 10, "one fresh read for each request within the rate");
}

#[tokio::test]
async fn strangers_cause_few_reads_while_credentials_cannot_be_read() {
    let world = World::new().await;
    let api = world.environment_with_proxied_credentials(UNLIMITED).await;
    world.dynamodb.set_fault(|call| if is_read_of_credentials(call) { Fault::Refuse } else { Fault::None });
    let mut statuses = BTreeSet::new();
    for number in 0..100 {
        statuses.insert(api.with_token(&wrong_token(READER, number)).get(REPORTS).await.status);
    }
    assert_eq!(statuses, BTreeSet::from([401, 503]), "a new token may be one of them");
    // The SDK tries each read three times.
    assert!(world.dynamodb.calls("BatchGetItem") <= 30, "{}", world.dynamodb.calls("BatchGetItem"));
}
