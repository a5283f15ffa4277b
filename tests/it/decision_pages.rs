//! The dashboard's pages of decisions: what waits, the list and its filters, why a decision was made, and approvals on its page.

use serde_json::{Value, json};

use crate::dashboard::assert_safe;
use crate::decisions::{ask, decide, hold_billing, id, operation, policy, refund, with_approval, world};
use crate::policies::default_hash;
use crate::policy_page::activate;
use crate::world::browser::{Browser, between};
use crate::world::test_credentials::{ANOTHER_ENGINE, DAY_DESK, NIGHT_DESK, READER};
use crate::world::{ApiResponse, World};

const DECISIONS: &str = "/dashboard/decisions";

fn page_of(answer: &ApiResponse) -> String {
    format!("{DECISIONS}/{}", id(answer))
}

async fn get(world: &World, path: &str) -> ApiResponse {
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

/// Returns the paths of the decisions in the list of a page, without those that wait.
fn listed(page: &ApiResponse) -> Vec<&str> {
    let (_, list) = page.body.split_once("<form class=\"card filter-form\"").unwrap();
    let links = list.split("<h2><a href=\"").skip(1);
    links.filter_map(|rest| rest.split('"').next()).collect()
}

/// Returns the paths of the operations that wait.
fn waiting(page: &ApiResponse) -> Vec<&str> {
    let links = page.body.split("<h3><a href=\"").skip(1);
    links.filter_map(|rest| rest.split('"').next()).collect()
}

#[tokio::test]
async fn list_begins_with_what_waits_and_has_filters() {
    let world = world().await;
    let empty = get(&world, DECISIONS).await;
    assert_contains(
        &empty,
        &["No decisions yet.", "<a href=\"/dashboard/decisions\" aria-current=\"page\">Decisions</a>"],
    );
    let mut paths = Vec::new();
    for amount in [2000, 20, 3000] {
        paths.push(page_of(&ask(&world, &refund(amount)).await));
        world.clock.advance(1);
    }
    let request = json!({
        "subject": { "type": "user", "id": "a" }, "action": { "name": "transfer" },
        "resource": { "type": "account", "id": "1" }, "context": { "engine": "qa" },
    });
    let of_qa = world.as_caller(ANOTHER_ENGINE).post_json("/access/v1/evaluation", &request).await;
    paths.push(page_of(&of_qa));
    let page = get(&world, DECISIONS).await;
    let pick = |positions: &[usize]| -> Vec<&str> { positions.iter().map(|at| paths[*at].as_str()).collect() };
    assert_eq!((waiting(&page), listed(&page)), (pick(&[0, 2, 3]), pick(&[3, 2, 1, 0])), "the oldest deadline first");
    assert_contains(
        &page,
        &[
            "<bdi>Billing</bdi>: <bdi>refund</bdi>, <bdi>invoice 4711</bdi>",
            "A responder can approve it until <time datetime=\"2026-11-24T00:05:00.000Z\">",
            "23 h 59 min left",
            "<span class=\"badge warning\">▲ needs approval</span> <span class=\"badge warning\">▲ approval pending</span>",
            "<bdi>refunds over 1,000 need approval</bdi>",
        ],
    );
    for (query, expected_waiting, expected) in [
        ("engine=billing", &[0, 2][..], &[2, 1, 0][..]),
        ("verdict=allow", &[], &[1]),
        ("engine=qa&verdict=&approval=pending&from=&to=", &[], &[3]),
        ("from=2026-11-23&to=2026-11-23&engine=qa", &[], &[3]),
        ("to=2026-11-22", &[], &[]),
    ] {
        let page = get(&world, &format!("{DECISIONS}?{query}")).await;
        assert_eq!((waiting(&page), listed(&page)), (pick(expected_waiting), pick(expected)), "{query}");
    }
    for (query, error) in [("engine=x", "engine "), ("verdict=maybe", "verdict "), ("x=1", "x ")] {
        let refused = Browser::signed_in(&world, READER).await.get(&format!("{DECISIONS}?{query}")).await;
        assert_eq!(refused.status, 422, "{query}");
        assert!(refused.body.contains(&format!("<p>{error}")), "{}", refused.body);
    }
}

#[tokio::test]
async fn list_has_pages() {
    let world = world().await;
    for amount in 1..=60 {
        ask(&world, &refund(amount)).await;
        world.clock.advance(1);
    }
    let (mut seen, mut next, mut pages) = (Vec::new(), Some(format!("{DECISIONS}?engine=billing")), 0);
    while let Some(path) = next {
        let page = get(&world, &path).await;
        seen.extend(listed(&page).into_iter().map(str::to_owned));
        let more = page.body.split_once("class=\"more\" href=\"").map(|(_, rest)| between(rest, "", "\"").to_owned());
        (next, pages) = (more.map(|path| path.replace("&#38;", "&")), pages + 1);
    }
    let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!((pages, seen.len(), distinct.len()), (3, 60, 60));
}

#[tokio::test]
async fn page_says_which_guardrails_matched_and_what_is_not_recorded() {
    let world = world().await;
    let pending = ask(&world, &refund(2000)).await;
    let page = get(&world, &page_of(&pending)).await;
    let rule = |name: &str| {
        between(&page.body, &format!("<h3><code><bdi>{name}</bdi></code></h3>"), "</li>\n</ul>").to_owned()
    };
    assert_contains(
        &page,
        &[
            "<h1><bdi>Billing</bdi>: <bdi>refund</bdi></h1>",
            "<dt>Subject</dt><dd><bdi>engine billing</bdi></dd>",
            "<dt>Engine</dt><dd><bdi>Billing</bdi>, by <bdi>billing-engine</bdi></dd>",
            "The properties and the context are not shown: the policy records requests by their digest only.",
            "<li><code><bdi>large_refunds</bdi></code>: <bdi>refunds over 1,000 need approval</bdi> <span class=\"hint\">(rule matched)</span></li>",
            "before the decision.",
            "<dt>Billing risk</dt><dd><span class=\"badge LOW\">LOW</span></dd>",
            "A responder or an admin must approve this operation.",
            pending.text("/context/approval/digest"),
        ],
    );
    assert!(
        rule("refunds").contains("● matched")
            && rule("refunds").contains("● met:</strong> <bdi>action.name is &#34;refund&#34;</bdi>")
    );
    // The recorded reason says that the amount was above the limit, although the amount is not recorded.
    assert!(rule("large_refunds").contains("● met:</strong> <bdi>context.amount is above 1000</bdi>"), "{}", page.body);
    let at_risk = rule("no_refunds_at_risk");
    assert!(
        at_risk
            .contains("– not met:</strong> <bdi>billing_risk is HIGH or above</bdi>; <bdi>billing_risk is LOW</bdi>"),
        "{at_risk}"
    );
    assert!(rule("charges").contains("– not matched"), "{}", rule("charges"));
    assert!(!page.body.contains("not part of the record"), "the reasons say the rest: {}", page.body);

    hold_billing(&world).await;
    let held = ask(&world, &refund(20)).await;
    let page = get(&world, &page_of(&held)).await;
    assert_contains(
        &page,
        &[
            "✗ deny",
            "A hold denied the operation before any guardrail was asked.",
            "Some conditions read what is not part of the record",
            "? not recorded:</strong> <bdi>context.amount is above 1000</bdi>",
            "href=\"/dashboard/holds/",
        ],
    );
    assert!(page.body.contains("set by night-desk: the ledger is being audited"), "{}", page.body);
    let missing = format!("{DECISIONS}/01936f2e-0000-7000-8000-00000000000a");
    assert_eq!(Browser::signed_in(&world, READER).await.get(&missing).await.status, 404);
}

#[tokio::test]
async fn recorded_request_is_shown_and_explained_whole() {
    let mut document = serde_json::to_value(policy()).unwrap();
    document["decisions"]["record_payload"] = true.into();
    let world = World::with_policy(&age_policy::Policy::from_value(&document).unwrap()).await;
    let denied = ask(&world, &refund(20)).await;
    let page = get(&world, &page_of(&denied)).await;
    assert_contains(
        &page,
        &[
            "✗ deny",
            "&#34;amount&#34;: 20",
            "– not met:</strong> <bdi>context.amount is above 1000</bdi>; <bdi>context.amount is 20</bdi>",
            "AGE had no state of the fleet",
            "▲ unknown:</strong> <bdi>billing_risk is HIGH or above</bdi>; <bdi>the state of the fleet was never written</bdi>",
        ],
    );
    assert!(!page.body.contains("not recorded") && !page.body.contains("not part of the record"), "{}", page.body);
}

#[tokio::test]
async fn operation_is_approved_or_denied_on_its_page() {
    let world = world().await;
    let (mut reader, mut desk) =
        (Browser::signed_in(&world, READER).await, Browser::signed_in(&world, NIGHT_DESK).await);
    let asked = ask(&world, &refund(2000)).await;
    let path = page_of(&asked);
    let [approve, deny] = ["approve", "deny"].map(|command| format!("{path}/{command}"));
    assert!(!reader.get(&path).await.body.contains("Approve</button>"), "a reader has no buttons");
    let page = desk.get(&path).await;
    assert_safe(&page);
    let digest = between(&page.body, "name=\"digest\" value=\"", "\"").to_owned();
    assert_eq!(reader.submit(&path, &approve, &[("digest", &digest)]).await.status, 403);
    for wrong in ["", &"0".repeat(64)] {
        let refused = desk.submit(&path, &approve, &[("digest", wrong)]).await;
        assert_eq!(refused.status, 409, "{wrong}");
        assert!(refused.body.contains("read the decision again before you decide"), "{}", refused.body);
        assert!(refused.body.contains(&format!("<a href=\"{path}\">Go back</a>")), "{}", refused.body);
    }
    let approved = desk.submit(&path, &approve, &[("digest", &digest)]).await;
    assert_eq!((approved.status, approved.header("location")), (303, Some(path.as_str())), "{approved:?}");
    let page = desk.get(&path).await;
    assert_contains(&page, &["✓ approval approved", "<dt>Approved</dt><dd>by <bdi>night-desk</bdi>"]);
    assert!(!page.body.contains("Approve</button>"), "{}", page.body);
    let late = Browser::signed_in(&world, DAY_DESK).await.submit(&path, &deny, &[("digest", &digest)]).await;
    assert_eq!(late.status, 409);
    assert!(late.body.contains("only a pending approval can be decided; this one is approved"), "{}", late.body);

    let used = ask(&world, &with_approval(refund(2000), id(&asked))).await;
    assert!(
        desk.get(&path)
            .await
            .body
            .contains(&format!("<a href=\"{}\">Show the decision that used it</a>", page_of(&used)))
    );
    let page = get(&world, &page_of(&used)).await;
    assert_contains(
        &page,
        &[&format!("<a href=\"{path}\">Show the decision whose approval it used</a>"), "night-desk has approved"],
    );

    let asked = ask(&world, &operation("transfer", 1)).await;
    let path = page_of(&asked);
    let digest = between(&desk.get(&path).await.body, "name=\"digest\" value=\"", "\"").to_owned();
    assert_eq!(desk.submit(&path, &format!("{path}/deny"), &[("digest", &digest)]).await.status, 303);
    assert_contains(&get(&world, DECISIONS).await, &["■ approval denied", "Denied by <bdi>night-desk</bdi>"]);

    let path = page_of(&ask(&world, &refund(4000)).await);
    let digest = between(&desk.get(&path).await.body, "name=\"digest\" value=\"", "\"").to_owned();
    world.clock.advance(86_400);
    desk = Browser::signed_in(&world, NIGHT_DESK).await;
    let expired = desk.get(&path).await;
    assert_contains(&expired, &["■ approval expired", "Answer was valid until"]);
    assert!(!expired.body.contains("Approve</button>") && waiting(&desk.get(DECISIONS).await).is_empty());
    let late = desk.submit(&path, &format!("{path}/approve"), &[("digest", &digest)]).await;
    assert_eq!(late.status, 409, "{late:?}");
}

#[tokio::test]
async fn page_of_an_earlier_policy_version_shows_its_guardrails_and_warns() {
    let world = world().await;
    let path = page_of(&ask(&world, &refund(2000)).await);
    let active = policy().hash().to_string();
    activate(&world, &default_hash(), &active, "no refunds at all").await;
    let page = get(&world, &path).await;
    assert_contains(
        &page,
        &[
            "not active any more",
            "An approval permits nothing now:",
            "<code><bdi>large_refunds</bdi></code>",
            &format!("/dashboard/policy/{active}"),
        ],
    );
    assert!(waiting(&get(&world, DECISIONS).await).is_empty(), "a policy without guardrails permits nothing");
}

#[tokio::test]
async fn overview_lists_operations_that_wait_for_an_approval() {
    let world = world().await;
    for amount in 0..10 {
        ask(&world, &refund(2000 + amount)).await;
        world.clock.advance(1);
    }
    let page = get(&world, "/dashboard").await;
    assert_contains(
        &page,
        &[
            "▲ Needs attention",
            "<h3>Pending approvals of operations</h3>",
            "<a href=\"/dashboard/decisions\">2 more</a>",
        ],
    );
    assert_eq!(page.body.matches("<bdi>Billing</bdi>: <bdi>refund</bdi></a>, since").count(), 8, "{}", page.body);
    let without_guardrails = World::new().await;
    without_guardrails.dynamodb.reset();
    get(&without_guardrails, "/dashboard").await;
    let queries = without_guardrails.dynamodb.calls("Query");
    let with_guardrails = self::world().await;
    with_guardrails.dynamodb.reset();
    get(&with_guardrails, "/dashboard").await;
    assert_eq!(with_guardrails.dynamodb.calls("Query"), queries + 4, "one query of each partition");
}

/// Texts that try to run scripts or to hide other text, as long as a request may have them.
fn hostile_texts() -> Vec<String> {
    let texts = [
        "<script>alert(1)</script>",
        "\"><img src=x onload=alert(1)>",
        "</title></pre><style>*{}</style>",
        "שלום \u{202e}txt",
    ];
    texts.map(str::to_owned).into_iter().chain(["W".repeat(1024), "﷽".repeat(256), "_".repeat(1024)]).collect()
}

#[tokio::test]
async fn hostile_texts_are_shown_and_pages_stay_small() {
    let mut document = serde_json::to_value(policy()).unwrap();
    document["decisions"]["record_payload"] = true.into();
    document["decisions"]["valid_for_seconds"] = 300.into();
    let rule = |(number, text): (usize, String)| {
        let text: String = text.chars().take(200).collect();
        // The policy refuses messages with characters that nobody sees.
        json!({ "id": format!("hostile_{number}"), "verdict": "needs_approval", "message": text.replace('\u{202e}', ""),
            "match": { "context": { "note": { "in": [text, "x"] } } } })
    };
    document["guardrails"] = hostile_texts().into_iter().enumerate().map(rule).collect();
    let world = World::with_policy(&age_policy::Policy::from_value(&document).unwrap()).await;
    for text in hostile_texts() {
        let note: String = text.chars().take(200).collect();
        let request = json!({
            "subject": { "type": text, "id": text }, "action": { "name": text, "properties": { text.clone(): text } },
            "resource": { "type": text, "id": text }, "context": { "note": note, "list": [text] },
        });
        let headers = [("Content-Type", "application/json"), ("X-Request-ID", "<b>&\"'")];
        let billing = world.as_caller(crate::world::test_credentials::BILLING);
        let asked = billing.send("POST", "/access/v1/evaluation", &headers, request.to_string().as_bytes()).await;
        assert_eq!(asked.text("/context/verdict"), "needs_approval", "{asked:?}");
        let page = get(&world, &page_of(&asked)).await;
        assert!(page.body.len() < 160 * 1024, "{} bytes", page.body.len());
        for raw in ["<img", "<b>&", "\u{202e}", "</pre><style>"] {
            assert!(!page.body.contains(raw), "{raw}");
        }
        world.clock.advance(1);
    }
    for path in [DECISIONS, "/dashboard"] {
        let page = get(&world, path).await;
        assert!(page.body.len() < 100 * 1024, "{path}: {} bytes", page.body.len());
        assert!(!page.body.contains("<img") && !page.body.contains('\u{202e}'), "{path}");
    }
}

#[tokio::test]
async fn decision_that_cannot_be_read_hides_no_other() {
    let world = world().await;
    let [good, bad] = [ask(&world, &refund(2000)).await, ask(&world, &refund(3000)).await];
    let update = json!({
        "TableName": "Decisions", "Key": { "id": { "S": id(&bad) } }, "UpdateExpression": "SET verdict = :bad",
        "ExpressionAttributeValues": { ":bad": { "N": "7" } },
    });
    world.dynamodb.call("UpdateItem", &update);
    let page = get(&world, DECISIONS).await;
    assert_eq!((waiting(&page), listed(&page)), (vec![page_of(&good).as_str()], vec![page_of(&good).as_str()]));
    assert!(page.body.contains("cannot be read by this version of AGE"), "{}", page.body);
    assert!(get(&world, "/dashboard").await.body.contains("cannot be read by this version of AGE"));
    let decided = decide(&world, id(&good), "approve").await;
    assert_eq!(decided.status, 200, "{decided:?}");
    assert_eq!(waiting(&get(&world, DECISIONS).await), Vec::<&str>::new());
    assert!(matches!(decided.json.pointer("/approval/status"), Some(Value::String(status)) if status == "approved"));
}
