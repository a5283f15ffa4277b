//! Policy versions: they are stored, listed, compared, activated and rolled back, once each whatever fails and whoever else does so.

use age_model::Engine;
use age_policy::Policy;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::world::browser::Browser;
use crate::world::proxy::{Call, Fault};
use crate::world::test_credentials::{ADMIN, NIGHT_DESK, READER, TESTS};
use crate::world::test_policies::largest_policy;
use crate::world::{ApiResponse, World, event};

pub(crate) const POLICIES: &str = "/api/governance/policies";

pub(crate) fn default_document() -> Value {
    serde_json::from_str(Policy::COMPILED_JSON).unwrap()
}

/// Returns the default policy with another recommendation.
pub(crate) fn default_with_recommendation(text: &str) -> Value {
    let mut document = default_document();
    document["critical_recommendation"] = text.into();
    document
}

/// Returns the default policy with the engine `name` in the category `client_risk`.
pub(crate) fn default_with_engine(name: &str) -> Value {
    let mut document = default_document();
    document["engines"][name] = json!({ "title": "Search", "expected_interval_seconds": 0 });
    let categories = document["categories"].as_array_mut().unwrap();
    let client_risk = categories.iter_mut().find(|category| category["name"] == "client_risk").unwrap();
    client_risk["engines"].as_array_mut().unwrap().push(name.into());
    document
}

/// Stores `document`. Returns its hash.
pub(crate) async fn push(world: &World, document: &Value) -> String {
    let stored = world.post_json(POLICIES, document).await;
    assert!(matches!(stored.status, 200 | 201), "{stored:?}");
    stored.text("/hash").to_owned()
}

pub(crate) async fn activate(world: &World, hash: &str, expected: &str) -> ApiResponse {
    let body = json!({ "expectedActive": expected, "reason": "search is live" });
    world.post_json(&format!("{POLICIES}/{hash}/activate"), &body).await
}

pub(crate) fn default_hash() -> String {
    Policy::COMPILED_HASH.to_string()
}

#[tokio::test]
async fn version_is_stored_shown_and_listed_before_the_default_policy() {
    let world = World::new().await;
    let document = default_with_engine("search");
    let stored = world.as_caller(ADMIN).post_json(POLICIES, &document).await;
    assert_eq!(stored.status, 201, "{stored:?}");
    let hash = stored.text("/hash").to_owned();
    assert_eq!(hash, Policy::from_value(&document).unwrap().hash().to_string());
    let path = format!("{POLICIES}/{hash}");
    assert_eq!(stored.header("location"), Some(path.as_str()));
    let expected = json!({
        "hash": hash, "version": 1, "author": ADMIN, "createdAt": "2026-11-23T00:05:00.000Z", "active": false, "document": document,
    });
    assert_eq!(stored.json, expected);
    assert_eq!(world.get(&path).await.json, expected);

    let active = world.get(&format!("{POLICIES}/active")).await;
    let version_0 = json!({ "hash": default_hash(), "version": 0, "active": true, "document": default_document() });
    assert_eq!((active.status, &active.json), (200, &version_0));
    assert_eq!(world.get(&format!("{POLICIES}/{}", default_hash())).await.json, version_0);
    let listed = world.get(POLICIES).await;
    assert_eq!(
        listed.json,
        json!({ "policies": [
            { "hash": hash, "version": 1, "author": ADMIN, "createdAt": "2026-11-23T00:05:00.000Z", "active": false, "activations": 0 },
            { "hash": default_hash(), "version": 0, "active": true, "activations": 0 },
        ] })
    );
    assert_eq!(world.get(&format!("{POLICIES}/{}", "0".repeat(64))).await.status, 404);
    assert_eq!(world.get(&format!("{POLICIES}/nothing")).await.status, 404);
}

#[tokio::test]
async fn document_that_is_stored_already_is_not_stored_again() {
    let world = World::new().await;
    let document = default_with_engine("search");
    let stored = world.as_caller(ADMIN).post_json(POLICIES, &document).await;
    world.clock.advance(60);
    let text = serde_json::to_string_pretty(&document).unwrap().replace("\"score_cap\": 100", "\"score_cap\": 1e2");
    let again = world.send("POST", POLICIES, &[("Content-Type", "application/json")], text.as_bytes()).await;
    assert_eq!((again.status, &again.json), (200, &stored.json));
    let default = world.post_json(POLICIES, &default_document()).await;
    assert_eq!((default.status, &default.json["version"], &default.json["active"]), (200, &json!(0), &json!(true)));
    assert_eq!(world.get(POLICIES).await.list("/policies").len(), 2);
}

#[tokio::test]
async fn invalid_policy_is_refused_with_the_path_of_each_error() {
    let world = World::new().await;
    let mut document = default_document();
    document["score_cap"] = json!(0);
    document["actions"]["first_match"][2]["action"] = json!("reboot");
    document["engines"]["age"] = json!({ "title": "AGE", "expected_interval_seconds": 0 });
    let refused = world.post_json(POLICIES, &document).await;
    assert_eq!((refused.status, refused.text("/detail")), (422, "the policy has 3 errors"), "{refused:?}");
    let errors: Vec<(&str, &str)> = refused
        .list("/errors")
        .iter()
        .map(|error| (error["pointer"].as_str().unwrap(), error["detail"].as_str().unwrap()))
        .collect();
    assert_eq!(errors[0], ("/score_cap", "score_cap must be a whole number from 1 to 100; got 0"));
    assert_eq!(errors[1].0, "/engines/age");
    assert!(errors[1].1.starts_with("engines.age is reserved"), "{errors:?}");
    assert_eq!(errors[2].0, "/actions/first_match/2/action");
    assert!(errors[2].1.starts_with("actions.first_match[2].action must be one of "), "{errors:?}");

    document = default_document();
    document["score_cap"] = json!(0);
    let one = world.post_json(POLICIES, &document).await;
    assert_eq!(one.text("/detail"), "score_cap must be a whole number from 1 to 100; got 0");
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(256 * 1024));
    for (body, status) in [("", 400), ("{", 400), ("[]", 422), ("null", 422), (large.as_str(), 413)] {
        let refused = world.send("POST", POLICIES, &[("Content-Type", "application/json")], body.as_bytes()).await;
        assert_eq!(refused.status, status, "{refused:?}");
    }
    let many = json!((0..3000).map(|number| (format!("field_{number}"), json!(0))).collect::<serde_json::Map<_, _>>());
    assert_eq!(world.post_json(POLICIES, &many).await.status, 422);
    assert_eq!(world.get(POLICIES).await.list("/policies").len(), 1, "nothing is stored");
}

#[tokio::test]
async fn schema_is_served() {
    let world = World::new().await;
    let served = world.get(&format!("{POLICIES}/schema")).await;
    assert_eq!((served.status, served.header("content-type")), (200, Some("application/schema+json")));
    assert_eq!(served.text("/$schema"), "https://json-schema.org/draft/2020-12/schema");
}

#[tokio::test]
async fn difference_is_against_the_active_version_or_another() {
    let world = World::new().await;
    let search = push(&world, &default_with_engine("search")).await;
    let other = push(&world, &default_with_recommendation("{count} events")).await;
    let compared = world.get(&format!("{POLICIES}/{search}/diff")).await;
    assert_eq!((compared.status, compared.text("/against")), (200, default_hash().as_str()));
    assert_eq!(compared.text("/changes/0/subject"), "engine search");
    let compared = world.get(&format!("{POLICIES}/{other}/diff?against={search}")).await;
    assert_eq!((compared.text("/hash"), compared.text("/against")), (other.as_str(), search.as_str()));
    assert!(compared.text("/changes/0/sentence").contains("search (Search) is retired"), "{compared:?}");
    assert!(world.get(&format!("{POLICIES}/{search}/diff?against={search}")).await.list("/changes").is_empty());
    let unknown = "0".repeat(64);
    for (query, status) in
        [(format!("against={unknown}"), 404), ("against=active".to_owned(), 422), ("since=1".to_owned(), 422)]
    {
        assert_eq!(world.get(&format!("{POLICIES}/{search}/diff?{query}")).await.status, status, "{query}");
    }
    assert_eq!(world.get(&format!("{POLICIES}/{unknown}/diff")).await.status, 404);
}

#[tokio::test]
async fn activation_and_rollback_are_recorded_in_order() {
    let world = World::new().await;
    let search = push(&world, &default_with_engine("search")).await;
    let activated = world
        .as_caller(ADMIN)
        .post_json(
            &format!("{POLICIES}/{search}/activate"),
            &json!({ "expectedActive": default_hash(), "reason": "search is live" }),
        )
        .await;
    let first = json!({
        "number": 1, "hash": search, "version": 1, "previous": default_hash(), "by": ADMIN,
        "at": "2026-11-23T00:05:00.000Z", "reason": "search is live",
    });
    assert_eq!((activated.status, &activated.json), (200, &first));
    let active = world.get(&format!("{POLICIES}/active")).await;
    assert_eq!((active.text("/hash"), &active.json["active"]), (search.as_str(), &json!(true)));
    assert_eq!(world.get(&format!("{POLICIES}/{search}")).await.json["active"], true);
    assert_eq!(world.get(&format!("{POLICIES}/{}", default_hash())).await.json["active"], false);

    world.clock.advance(60);
    let rollback = activate(&world, &default_hash(), &search).await;
    assert_eq!((rollback.status, &rollback.json["number"], &rollback.json["version"]), (200, &json!(2), &json!(0)));
    let history = world.get(&format!("{POLICIES}/activations")).await;
    assert_eq!(history.json, json!({ "activations": [rollback.json, first] }));
    let listed = world.get(POLICIES).await;
    let uses: Vec<(u64, bool, u64)> = listed
        .list("/policies")
        .iter()
        .map(|it| {
            (it["version"].as_u64().unwrap(), it["active"].as_bool().unwrap(), it["activations"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(uses, [(1, false, 1), (0, true, 1)]);
    let document = world.row("Policies", &[("kind", "document"), ("id", &default_hash())]);
    let kept = "a later release has another default policy, so this one is stored";
    assert_eq!(document["Item"]["document"]["S"], Policy::COMPILED_JSON, "{kept}");
}

#[tokio::test]
async fn lists_have_full_pages_and_end_with_the_default_policy() {
    let world = World::new().await;
    for number in 1..=4 {
        push(&world, &default_with_recommendation(&format!("{{count}} {number}"))).await;
    }
    for limit in 1..=6 {
        let mut versions = Vec::new();
        let mut path = format!("{POLICIES}?limit={limit}");
        loop {
            let page = world.get(&path).await;
            let page_versions = page.list("/policies").iter().map(|it| it["version"].as_u64().unwrap());
            versions.extend(page_versions);
            let Some(next) = page.json.get("nextCursor") else { break };
            assert_eq!(page.list("/policies").len(), limit, "a page is full unless it is the last one");
            path = format!("{POLICIES}?limit={limit}&cursor={}", next.as_str().unwrap());
        }
        assert_eq!(versions, [4, 3, 2, 1, 0], "limit {limit}");
    }
    assert_eq!(world.get(&format!("{POLICIES}?cursor=x")).await.status, 400);
    assert_eq!(world.get(&format!("{POLICIES}/activations?limit=0")).await.status, 422);
}

#[tokio::test]
async fn activation_is_refused_with_what_is_active_by_whom_and_since_when() {
    let world = World::new().await;
    let search = push(&world, &default_with_engine("search")).await;
    let other = push(&world, &default_with_recommendation("{count} events")).await;
    let unexpected = activate(&world, &search, &other).await;
    let detail =
        format!("the active policy version is {}, the default policy; expectedActive is {other}", default_hash());
    assert_eq!((unexpected.status, unexpected.text("/detail")), (409, detail.as_str()));
    let already = activate(&world, &default_hash(), &default_hash()).await;
    let detail = format!("policy version {} is active already, the default policy", default_hash());
    assert_eq!((already.status, already.text("/detail")), (409, detail.as_str()));

    assert_eq!(activate(&world, &search, &default_hash()).await.status, 200);
    world.clock.advance(1);
    let late = activate(&world, &other, &default_hash()).await;
    let since = format!("activated by {TESTS} at 2026-11-23T00:05:00.000Z");
    let detail = format!("the active policy version is {search}, {since}; expectedActive is {}", default_hash());
    assert_eq!((late.status, late.text("/detail")), (409, detail.as_str()));
    let already = activate(&world, &search, &search).await;
    assert_eq!(already.text("/detail"), format!("policy version {search} is active already, {since}"));

    let path = format!("{POLICIES}/{other}/activate");
    for (body, fields) in [
        (json!({}), vec!["/expectedActive", "/reason"]),
        (json!({ "expectedActive": search, "reason": " " }), vec!["/reason"]),
        (json!({ "expectedActive": "x", "reason": "r", "force": true }), vec!["/expectedActive", "/force"]),
    ] {
        let refused = world.post_json(&path, &body).await;
        let named: Vec<_> = refused.list("/errors").iter().map(|it| it["pointer"].as_str().unwrap()).collect();
        assert_eq!((refused.status, named), (422, fields), "{refused:?}");
    }
    assert_eq!(activate(&world, &"0".repeat(64), &search).await.status, 404);
    assert_eq!(world.get(&format!("{POLICIES}/activations")).await.list("/activations").len(), 1);
}

#[tokio::test]
async fn same_activation_again_has_no_effect() {
    let world = World::new().await;
    let search = push(&world, &default_with_engine("search")).await;
    let first = activate(&world, &search, &default_hash()).await;
    world.clock.advance(5);
    let again = activate(&world, &search, &default_hash()).await;
    assert_eq!((again.status, &again.json), (200, &first.json));
    let body = json!({ "expectedActive": default_hash(), "reason": "search is live" });
    let by_another = world.as_caller(ADMIN).post_json(&format!("{POLICIES}/{search}/activate"), &body).await;
    assert_eq!(by_another.status, 409);
    assert_eq!(world.get(&format!("{POLICIES}/activations")).await.list("/activations").len(), 1);
}

#[tokio::test]
async fn of_activations_at_once_one_wins_and_the_others_are_told_which() {
    let world = World::new().await;
    let documents: Vec<Value> = (0..4).map(|it| default_with_recommendation(&format!("{{count}} {it}"))).collect();
    let hashes = join_all(documents.iter().map(|document| push(&world, document))).await;
    let numbers: Vec<u64> = world
        .get(POLICIES)
        .await
        .list("/policies")
        .iter()
        .map(|version| version["version"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [4, 3, 2, 1, 0], "versions that are stored at once have different numbers");
    let expected = default_hash();
    let activations = join_all(hashes.iter().map(|hash| activate(&world, hash, &expected))).await;
    let won: Vec<&ApiResponse> = activations.iter().filter(|it| it.status == 200).collect();
    assert_eq!(won.len(), 1, "{activations:?}");
    for lost in activations.iter().filter(|it| it.status != 200) {
        assert_eq!(lost.status, 409, "{lost:?}");
        assert!(lost.text("/detail").contains(won[0].text("/hash")), "{lost:?}");
    }
    assert_eq!(world.get(&format!("{POLICIES}/active")).await.text("/hash"), won[0].text("/hash"));
    assert_eq!(world.get(&format!("{POLICIES}/activations")).await.list("/activations").len(), 1);
}

#[tokio::test]
async fn author_needs_another_admin_for_the_first_activation_if_the_active_policy_says_so() {
    let world = World::new().await;
    let mut reviewed = default_document();
    reviewed["activation"]["requires_another_admin"] = true.into();
    let reviewed = push(&world, &reviewed).await;
    let admin = world.as_caller(ADMIN);
    let activate_as_admin = async |hash: &str, expected: &str| {
        let body = json!({ "expectedActive": expected, "reason": "search is live" });
        admin.post_json(&format!("{POLICIES}/{hash}/activate"), &body).await
    };
    assert_eq!(
        activate(&world, &reviewed, &default_hash()).await.status,
        200,
        "the default policy does not require it"
    );

    let search = push(&world, &default_with_engine("search")).await;
    let refused = activate(&world, &search, &reviewed).await;
    assert_eq!(refused.status, 409, "{refused:?}");
    let detail = refused.text("/detail");
    assert!(detail.contains("activation.requires_another_admin") && detail.contains(&search), "{detail}");
    assert_eq!(activate_as_admin(&search, &reviewed).await.status, 200);
    // The new version does not require it.
    assert_eq!(activate(&world, &reviewed, &search).await.status, 200);
    // A rollback of the author, because another admin has activated it before.
    assert_eq!(activate(&world, &search, &reviewed).await.status, 200);
    assert_eq!(activate(&world, &reviewed, &search).await.status, 200);
    assert_eq!(
        activate(&world, &default_hash(), &reviewed).await.status,
        200,
        "nobody is the author of the default policy"
    );
}

fn is_transaction(call: &Call) -> bool {
    call.operation == "TransactWriteItems"
}

#[tokio::test]
async fn lost_response_to_a_write_is_resolved_by_reading() {
    let world = World::new().await;
    world.dynamodb.set_fault(|call| if is_transaction(call) { Fault::DropResponse } else { Fault::None });
    let stored = world.post_json(POLICIES, &default_with_engine("search")).await;
    assert_eq!((stored.status, &stored.json["version"]), (201, &json!(1)), "{stored:?}");
    let search = stored.text("/hash").to_owned();
    let activated = activate(&world, &search, &default_hash()).await;
    assert_eq!((activated.status, &activated.json["number"]), (200, &json!(1)), "{activated:?}");
    world.dynamodb.reset();
    assert_eq!(world.get(&format!("{POLICIES}/activations")).await.list("/activations").len(), 1);
    assert_eq!(world.get("/api/governance/events?engine=age").await.list("/events").len(), 1);
}

#[tokio::test]
async fn write_that_is_refused_changes_nothing() {
    let world = World::new().await;
    let search = push(&world, &default_with_engine("search")).await;
    world.dynamodb.set_fault(|call| if is_transaction(call) { Fault::Refuse } else { Fault::None });
    let other = default_with_recommendation("{count} events");
    for response in [world.post_json(POLICIES, &other).await, activate(&world, &search, &default_hash()).await] {
        assert_eq!((response.status, response.header("retry-after")), (503, Some("2")), "{response:?}");
        assert!(!response.body.contains("Policies"), "{response:?}");
    }
    world.dynamodb.reset();
    assert_eq!(world.get(POLICIES).await.list("/policies").len(), 2);
    assert!(world.get(&format!("{POLICIES}/activations")).await.list("/activations").is_empty());
    assert!(world.get("/api/governance/events?engine=age").await.list("/events").is_empty());
}

#[tokio::test]
async fn active_versions_have_at_most_128_engines_together() {
    let world = World::new().await;
    let with_engines = |numbers: std::ops::Range<usize>| {
        let mut document = default_document();
        for number in numbers {
            let name = format!("engine_{number}");
            document["engines"][&name] = json!({ "title": "E", "expected_interval_seconds": 0 });
            document["categories"][0]["engines"].as_array_mut().unwrap().push(name.into());
        }
        document
    };
    let mut active = default_hash();
    for numbers in [0..56, 56..112, 112..120] {
        let hash = push(&world, &with_engines(numbers)).await;
        assert_eq!(activate(&world, &hash, &active).await.status, 200);
        active = hash;
    }
    let hash = push(&world, &with_engines(120..121)).await;
    let refused = activate(&world, &hash, &active).await;
    let detail = "active versions would have had 129 engines together, at most 128 are possible";
    assert_eq!((refused.status, refused.text("/detail")), (409, detail));
}

#[tokio::test]
async fn activation_is_an_event_of_age_without_actions_or_incidents() {
    let world = World::new().await;
    let search = push(&world, &default_with_engine("search")).await;
    assert_eq!(activate(&world, &search, &default_hash()).await.status, 200);
    let events = world.get("/api/governance/events?engine=age").await;
    let recorded = &events.list("/events")[0];
    let own = Engine::AGE.to_string();
    assert_eq!((&recorded["engine"], &recorded["eventType"]), (&json!(own), &json!("policy_activated")));
    assert_eq!((&recorded["severity"], &recorded["reportedBy"]), (&json!("LOW"), &json!(TESTS)));
    let expected = json!({
        "activation": 1, "hash": search, "version": 1, "previous": default_hash(), "by": TESTS, "reason": "search is live",
    });
    assert_eq!(recorded["details"], expected);
    let path = format!("/api/governance/events/{}", recorded["id"].as_str().unwrap());
    assert!(world.get(&path).await.actions().is_empty());
    let stats = world.get("/api/governance/stats").await;
    assert_eq!(stats.number("/totalEvents"), 1, "{stats:?}");
    assert!(world.get("/api/governance/incidents").await.list("/incidents").is_empty());
}

#[tokio::test]
async fn nobody_can_act_for_the_engine_age() {
    let world = World::new().await;
    let posted = world.as_caller(ADMIN).post(&event("age", "policy_activated", "LOW"), None).await;
    assert_eq!((posted.status, posted.text("/errors/0/pointer")), (422, "/engine"), "{posted:?}");
    let body = json!({ "kid": "age-worker", "role": "engine", "engines": ["age"] });
    let refused = world.post_json("/api/governance/credentials", &body).await;
    assert_eq!((refused.status, refused.text("/errors/0/pointer")), (422, "/engines/0"), "{refused:?}");
    let forbidden = world.as_caller(NIGHT_DESK).post_json(POLICIES, &default_document()).await;
    assert_eq!(forbidden.status, 403);
}

#[tokio::test]
async fn largest_policy_is_activated_and_its_engines_are_counted() {
    let policy = largest_policy();
    let world = World::with_policy(&policy).await;
    assert_eq!((policy.engines.len(), policy.categories.len()), (64, 61));
    let newest = policy.engines.keys().find(|engine| engine.as_str().contains("of_the_largest_policy")).unwrap();
    let sent = world.post(&event(newest.as_str(), "problem_of_it", "CRITICAL")).await;
    assert_eq!(sent.status, 201, "{sent:?}");
    let stats = world.get("/api/governance/stats").await;
    // And AGE itself, which has recorded the activation.
    assert_eq!(stats.json["byEngine"].as_object().unwrap().len(), 65);
    assert_eq!(stats.number(&format!("/byEngine/{newest}")), 1);
    let report = world.generate_report().await;
    assert_eq!(report.json["summary"]["riskScores"].as_object().unwrap().len(), 61);
    for page in ["/dashboard", "/dashboard/engines", "/dashboard/policy"] {
        let page = Browser::signed_in(&world, READER).await.get(page).await;
        assert_eq!(page.status, 200, "{page:?}");
    }
}
