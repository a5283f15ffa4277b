//! The dashboard's pages of the policy: the active version, its history, each version with what it changes, and engines under it.

use serde_json::{Value, json};

use crate::dashboard::assert_safe;
use crate::policies::{POLICIES, default_document, default_hash, default_with_engine, push};
use crate::world::browser::{Browser, between};
use crate::world::proxy::Fault;
use crate::world::test_credentials::{ADMIN, READER, TESTS};
use crate::world::{ApiResponse, World, event};

pub(crate) const POLICY_PAGE: &str = "/dashboard/policy";

/// Activates `hash` after `expected`, and waits until every environment has read that.
pub(crate) async fn activate(world: &World, hash: &str, expected: &str, reason: &str) {
    let body = json!({ "expectedActive": expected, "reason": reason });
    let activated = world.as_caller(ADMIN).post_json(&format!("{POLICIES}/{hash}/activate"), &body).await;
    assert_eq!(activated.status, 200, "{activated:?}");
    world.clock.advance(60);
}

/// Returns a policy at its bounds: 64 engines with titles of 40 characters, 64 categories, 200 rules, and texts that are hard to lay out.
pub(crate) fn large_document() -> Value {
    let mut document = default_document();
    let titles = [
        "W".repeat(40),
        "Regional settlement & ledger sync, night".to_owned(),
        "<script>alert(1)</script>".to_owned(),
        "שלום, העולם: מנוע".to_owned(),
    ];
    let names: Vec<String> = (0..64).map(|number| format!("engine_{number:02}_of_a_long_name_{number:02}")).collect();
    let engine = |(number, name): (usize, &String)| {
        let rules = json!({ "title": titles[number % 4], "expected_interval_seconds": number * 1000 });
        (name.clone(), rules)
    };
    document["engines"] = names.iter().enumerate().map(engine).collect::<serde_json::Map<_, _>>().into();
    let recommendations = ["R".repeat(200), "Look at the night shift\u{2019}s <b>notes</b>".to_owned()];
    let category = |number: usize| {
        let engines = if number == 0 { &names[..] } else { &names[number..=number] };
        json!({
            "name": format!("risk_{number:02}_{}", "w".repeat(56)),
            "engines": engines,
            "recommend_above": number,
            "recommendation": recommendations[number % 2],
        })
    };
    document["categories"] = (0..64).map(category).collect();
    let rule = |number: usize| {
        let prefix = format!("{}_{number:03}", if number == 7 { "p".repeat(120) } else { "type".to_owned() });
        json!({ "engine": names[number % 16], "severity": "HIGH", "event_type_prefix": prefix, "action": "billing_sync_repair" })
    };
    let mut rules: Vec<Value> = (0..180).map(rule).collect();
    rules.push(json!({ "action": "MAOS_auto_fix" }));
    let also = |number: usize| json!({ "engine": names[number], "severity": "CRITICAL", "action": "notify_admin" });
    document["actions"]["first_match"] = rules.into();
    document["actions"]["also"] = (0..19).map(also).collect();
    document["actions"]["carried_out_by"] = json!({ "MAOS_auto_fix": names[0] });
    document
}

/// Activates a policy at its bounds, under which each engine has an event, and stores the default policy with an engine as a draft.
/// Returns the hashes of both.
pub(crate) async fn activate_large_policy(world: &World) -> [String; 2] {
    let document = large_document();
    let (active, draft) = (push(world, &document).await, push(world, &default_with_engine("search")).await);
    activate(
        world,
        &active,
        &default_hash(),
        "One ledger engine\nper region: \u{5e9}\u{5dc}\u{5d5}\u{5dd}, (and) more",
    )
    .await;
    for (number, engine) in document["engines"].as_object().unwrap().keys().enumerate() {
        let severity = ["CRITICAL", "LOW", "HIGH", "LOW", "MEDIUM"][number % 5];
        assert_eq!(world.post(&event(engine, "index_lost", severity)).await.status, 201);
    }
    world.sweep().await;
    [active, draft]
}

async fn page(world: &World, path: &str) -> ApiResponse {
    let page = Browser::signed_in(world, READER).await.get(path).await;
    assert_eq!(page.status, 200, "{page:?}");
    assert_safe(&page);
    page
}

fn assert_contains(page: &ApiResponse, texts: &[&str]) {
    for text in texts {
        assert!(page.body.contains(text), "{text} in {}", page.body);
    }
}

#[tokio::test]
async fn active_policy_is_shown_as_people_read_it() {
    let world = World::new().await;
    let shown = page(&world, POLICY_PAGE).await;
    assert_contains(
        &shown,
        &[
            "<a href=\"/dashboard/policy\" aria-current=\"page\">Policy</a>",
            "Default policy, active",
            &format!("<code>{}</code>", default_hash()),
            "With the installation",
            "<h2 id=\"engines\">Engines: 8</h2>",
            "<h3><bdi>Deep Agent</bdi> <code class=\"hint\">deep_agent</code></h3>",
            "<dt>Expected interval</dt><dd>1 d</dd>",
            "<dt>HIGH events lead to</dt><dd><bdi>DeepAgent_policy_update (by Deep Agent)</bdi></dd>",
            "<li>If the type begins with <code><bdi>permission</bdi></code>: <bdi>permission_reset (by Compliance, after approval)</bdi></li>",
            "<h2 id=\"categories\">Categories: 5</h2>",
            "<bdi>Audit billing sync and token enforcement</bdi>",
            "<bdi>HIGH and CRITICAL events of Billing</bdi> → billing_sync_repair",
            "<li>permission_reset waits for the approval of a responder.</li>",
            "<dt>Reminder until acknowledged</dt><dd>each 4 h</dd>",
            "<details><summary>Show the words</summary>",
            "None: the default policy is active since AGE was installed.",
        ],
    );
}

#[tokio::test]
async fn history_shows_who_activated_what_and_why_the_newest_first() {
    let world = World::new().await;
    let search = push(&world, &default_with_engine("search")).await;
    activate(&world, &search, &default_hash(), "search is live").await;
    activate(&world, &default_hash(), &search, "search is noisy").await;
    activate(&world, &search, &default_hash(), "search is quiet again").await;
    let shown = page(&world, POLICY_PAGE).await;
    assert_contains(
        &shown,
        &[
            "Version 1, active",
            &format!("<code>{search}</code>"),
            "<p>Reason:</p><blockquote dir=\"auto\">search is quiet again</blockquote>",
            &format!("<a href=\"/dashboard/policy/{search}?against={}#difference\">What changed</a>", default_hash()),
            "Activated 2 times, last",
            "Activated once, last",
        ],
    );
    let history = page(&world, "/dashboard/policy/activations").await;
    let order: Vec<_> =
        history.body.split("<blockquote dir=\"auto\">").skip(1).map(|it| between(it, "", "<")).collect();
    assert_eq!(order, ["search is quiet again", "search is noisy", "search is live"]);
    assert_eq!(history.body.matches(&format!("activated by <bdi>{ADMIN}</bdi>")).count(), 3, "{}", history.body);
    let versions = page(&world, "/dashboard/policy/versions").await;
    let (first, default) = (versions.body.find("Version 1"), versions.body.find("Default policy"));
    assert!(first.is_some() && first < default, "{}", versions.body);
    assert_contains(&versions, &[&format!("Stored by <bdi>{TESTS}</bdi>"), "Part of this release of AGE."]);
}

#[tokio::test]
async fn lists_of_the_history_have_pages() {
    let world = World::new().await;
    let mut active = default_hash();
    for number in 0..27 {
        let mut document = default_document();
        document["critical_recommendation"] = format!("{{count}} {number}").into();
        let hash = push(&world, &document).await;
        activate(&world, &hash, &active, &format!("change {number}")).await;
        active = hash;
    }
    for (path, link, last) in [
        ("/dashboard/policy/activations", "Older activations", "change 0<"),
        ("/dashboard/policy/versions", "Older versions", "Default policy"),
    ] {
        assert!(page(&world, POLICY_PAGE).await.body.contains(&format!("href=\"{path}\">All")));
        let mut reader = Browser::signed_in(&world, READER).await;
        let first = reader.get(path).await;
        assert!(!first.body.contains(last) && first.body.contains(link), "{}", first.body);
        let next = between(&first.body, "<a class=\"more\" href=\"", "\"").replace("&#38;", "&");
        let second = reader.get(&next).await;
        assert!(second.body.contains(last) && !second.body.contains(link), "{}", second.body);
        assert_eq!(reader.get(&format!("{path}?cursor=x")).await.status, 400);
    }
}

#[tokio::test]
async fn version_shows_its_difference_to_the_active_one_or_another() {
    let world = World::new().await;
    let search = push(&world, &default_with_engine("search")).await;
    let path = format!("{POLICY_PAGE}/{search}");
    let draft = page(&world, &path).await;
    assert_contains(
        &draft,
        &[
            "<h1>Policy: Version 1</h1>",
            "What this version changes",
            "<bdi>HIGH events of search lead to MAOS_auto_fix.</bdi>",
            ", the active version.",
            &format!("<code>agectl policy activate {search} --reason TEXT</code>"),
            "<h3><bdi>Search</bdi> <code class=\"hint\">search</code></h3>",
            "<p class=\"empty\">None.</p>",
        ],
    );
    activate(&world, &search, &default_hash(), "search is live").await;
    let active = page(&world, &path).await;
    assert_contains(&active, &["✓ active", "This is the active version.", "search is live"]);
    assert!(!active.body.contains("agectl policy activate"), "{}", active.body);
    let since = page(&world, &format!("{path}?against={}", default_hash())).await;
    assert_contains(&since, &["What this version changed", "Engine search (Search) is added"]);
    let rollback = page(&world, &format!("{POLICY_PAGE}/{}", default_hash())).await;
    assert_contains(&rollback, &["<h1>Policy: Default policy</h1>", "Engine search (Search) is retired"]);

    let mut changed = default_with_engine("search");
    changed["incidents"]["remind_after_seconds"] = json!(7200);
    let changed = push(&world, &changed).await;
    let value = "<code><bdi>incidents.remind_after_seconds</bdi></code>: <code><bdi>14400</bdi></code> → <code><bdi>7200</bdi></code>";
    assert_contains(&page(&world, &format!("{POLICY_PAGE}/{changed}")).await, &[value]);

    let mut reader = Browser::signed_in(&world, READER).await;
    let unknown = "0".repeat(64);
    for (query, status) in [
        (format!("{POLICY_PAGE}/{unknown}"), 404),
        (format!("{POLICY_PAGE}/nothing"), 404),
        (format!("{path}?against={unknown}"), 404),
        (format!("{path}?against=active"), 422),
        (format!("{path}?colour=red"), 422),
    ] {
        let refused = reader.get(&query).await;
        assert_eq!(refused.status, status, "{query}: {refused:?}");
        assert_safe(&refused);
    }
}

#[tokio::test]
async fn engines_show_what_they_are_under_and_whether_they_are_retired() {
    let world = World::new().await;
    let search = push(&world, &default_with_engine("search")).await;
    activate(&world, &search, &default_hash(), "search is live").await;
    assert_eq!(world.post(&event("search", "index_lost", "LOW")).await.status, 201);
    let engines = page(&world, "/dashboard/engines").await;
    assert_contains(
        &engines,
        &[
            "<dt>Policy</dt><dd>Client risk. <a href=\"/dashboard/policy#engines\">Show policy</a></dd>",
            "Operational risk, Security risk.",
        ],
    );
    let overview = page(&world, "/dashboard").await;
    assert_contains(&overview, &["<h3><bdi>Search</bdi></h3>\n<p class=\"hint\">Client risk</p>"]);
    activate(&world, &default_hash(), &search, "rollback").await;
    let overview = page(&world, "/dashboard").await;
    assert_contains(
        &overview,
        &["<h3><bdi>search</bdi></h3>\n<p class=\"hint\">Retired: the active policy does not have it</p>"],
    );
    let engines = page(&world, "/dashboard/engines").await;
    assert_contains(&engines, &["<h2><bdi>search</bdi> <span class=\"hint\">Retired</span></h2>"]);
}

#[tokio::test]
async fn pages_name_the_severities_that_the_active_policy_acts_on() {
    let world = World::new().await;
    let mut document = default_document();
    document["actions"]["min_severity"] = json!("MEDIUM");
    document["incidents"]["min_severity"] = json!("HIGH");
    let hash = push(&world, &document).await;
    activate(&world, &hash, &default_hash(), "act earlier").await;
    let acted_on = "for MEDIUM, HIGH and CRITICAL events.";
    assert_contains(&page(&world, "/dashboard").await, &[acted_on]);
    assert_contains(&page(&world, "/dashboard/actions?status=all").await, &[acted_on]);
    assert_contains(
        &page(&world, "/dashboard/incidents?status=all").await,
        &["HIGH and CRITICAL events, failed remediations"],
    );
    let sent = world.post(&event("qa", "index_lost", "LOW")).await;
    assert_contains(&page(&world, &format!("/dashboard/events/{}", sent.text("/id"))).await, &[acted_on]);
}

#[tokio::test]
async fn texts_of_admins_are_shown_as_text() {
    let world = World::new().await;
    let mut document = large_document();
    document["actions"]["first_match"][0]["event_type_prefix"] = json!("<img src=x>");
    document["alertmanager"]["severities"] = json!({ "<b>page</b>": "CRITICAL" });
    let hash = push(&world, &document).await;
    let draft = page(&world, &format!("{POLICY_PAGE}/{hash}")).await;
    activate(&world, &hash, &default_hash(), "<script>alert(1)</script> \u{202e}live").await;
    let name = "engine_02_of_a_long_name_02";
    assert_eq!(world.post(&event(name, "index_lost", "CRITICAL")).await.status, 201);
    let mut pages = vec![draft];
    for path in
        [POLICY_PAGE, "/dashboard/policy/activations", "/dashboard", "/dashboard/engines", "/dashboard/incidents"]
    {
        pages.push(page(&world, path).await);
    }
    for page in &pages {
        for bad in ["<script>alert", "<img", "<b>", "\u{202e}"] {
            assert!(!page.body.contains(bad), "{bad} in {}", page.body);
        }
    }
    assert_contains(
        &pages[1],
        &["&#60;script&#62;alert(1)&#60;/script&#62; [U+202E]live", "&#60;img src=x", "&#60;b&#62;page&#60;/b&#62;"],
    );
    for page in &pages[3..] {
        assert_contains(page, &["<bdi>&#60;script&#62;alert(1)&#60;/script&#62;</bdi>"]);
    }
}

#[tokio::test]
async fn policy_at_its_bounds_is_shown_completely_and_within_the_response_limit() {
    let world = World::new().await;
    let hash = push(&world, &large_document()).await;
    let draft = page(&world, &format!("{POLICY_PAGE}/{hash}")).await;
    activate(&world, &hash, &default_hash(), "all of it").await;
    let active = page(&world, POLICY_PAGE).await;
    for page in [&draft, &active] {
        assert_contains(page, &["Engines: 64</h2>", "Categories: 64</h2>", "Action rules: 200</h2>"]);
        assert!(page.body.len() < 1024 * 1024, "{} bytes", page.body.len());
    }
    let hidden = between(&draft.body, "<details><summary>", " more of ").parse::<usize>().unwrap();
    assert!(hidden > 50, "{hidden}");
}

#[tokio::test]
async fn unreadable_policy_needs_attention_and_its_page_shows_the_last_good_version() {
    let world = World::new().await;
    let search = push(&world, &default_with_engine("search")).await;
    let body = json!({ "expectedActive": default_hash(), "reason": "search is live" });
    let activated = world.post_json(&format!("{POLICIES}/{search}/activate"), &body).await;
    assert_eq!(activated.status, 200, "{activated:?}");
    let key = json!({ "kind": { "S": "document" }, "id": { "S": search } });
    world.dynamodb.call("DeleteItem", &json!({ "TableName": "Policies", "Key": key }));
    world.clock.advance(60);
    let overview = page(&world, "/dashboard").await;
    let going_on = format!("AGE goes on with the last version that it could read, <code>{}</code>", default_hash());
    assert_contains(&overview, &["▲ Needs attention", "the active policy cannot be read", &going_on]);
    let shown = page(&world, POLICY_PAGE).await;
    assert_contains(&shown, &["▲ The active version cannot be read", "<h3><bdi>Billing</bdi>", "search is live"]);
    let version = Browser::signed_in(&world, READER).await.get(&format!("{POLICY_PAGE}/{search}")).await;
    assert_eq!(version.status, 404, "{version:?}");

    world.dynamodb.set_fault(|call| match call.operation.as_str() {
        "Query" if call.body["TableName"] == "Policies" => Fault::Throttle,
        _ => Fault::None,
    });
    let shown = page(&world, POLICY_PAGE).await;
    assert_contains(
        &shown,
        &["The versions cannot be read.", "The activations cannot be read.", "<h3><bdi>Billing</bdi>"],
    );
}
