//! The dashboard's pages of notification channels: everybody sees them, and admins test, pause, resume and remove them.

use age_model::Engine;
use serde_json::{Value, json};

use crate::dashboard::assert_safe;
use crate::policies::{default_document, default_hash, push};
use crate::policy_page::activate;
use crate::world::browser::{Browser, between, csrf_token};
use crate::world::receivers::{Answer, Receivers};
use crate::world::test_credentials::{ADMIN, NIGHT_DESK, READER};
use crate::world::{ENGINES, World};

const API: &str = "/api/governance/channels";
const PAGE: &str = "/dashboard/channels";

/// A channel of each kind, by name. The chat and the pager have filters.
const CHAT: &str = "ops-chat";
const TEAMS: &str = "ops-teams";
const PAGER: &str = "pager";
const HOOK: &str = "receiver";

const ROUTING_KEY: &str = "0123456789abcdef0123456789ABCDEF";

/// The secrets that may be on no page, as they are, and as the tests' key stores them: a part of each address, the integration key, and
/// the secret that signs.
const SECRETS: [&str; 4] = ["Secret-path", ROUTING_KEY, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "htap-terceS"];

/// Creates a channel of each kind: the chat has got a message, the one of Teams is paused, the pager fails, and the endpoint has got no
/// message yet.
pub(crate) async fn create_channels(world: &World) {
    let bodies = [
        json!({
            "name": CHAT, "kind": "slack", "url": "https://hooks.slack.com/services/T0/B0/Secret-path",
            "severities": ["HIGH", "CRITICAL"], "engines": ["billing", "voice_engine"],
        }),
        json!({
            "name": TEAMS, "kind": "microsoft_teams",
            "url": "https://default2f1c7a.31.environment.api.powerplatform.com/workflows/1?sig=Secret-path",
        }),
        json!({ "name": PAGER, "kind": "pagerduty", "routingKey": ROUTING_KEY, "messages": ["incident"] }),
        json!({
            "name": HOOK, "kind": "webhook", "url": "https://receiver.example.com/Secret-path",
            "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        }),
    ];
    for body in bodies {
        let created = world.as_caller(ADMIN).post_json(API, &body).await;
        assert_eq!(created.status, 201, "{created:?}");
    }
    let receivers = Receivers::new(&world.clock);
    receivers.answer("events.pagerduty.com", &[Answer::Status(503)]);
    for name in [CHAT, PAGER] {
        assert_eq!(world.send("POST", &format!("{API}/{name}/test"), &[], b"").await.status, 202);
        deliver_test(world, &receivers).await;
    }
    assert_eq!(world.send("POST", &format!("{API}/{TEAMS}/pause"), &[], b"").await.status, 200);
}

/// Delivers the test message that was requested last.
async fn deliver_test(world: &World, receivers: &Receivers) {
    let message = world.sns.published("relay").pop().unwrap();
    let relay = world.relay(receivers);
    relay.queue(&message.json.to_string(), message.at).await.unwrap();
    relay.work_off().await.unwrap();
}

fn path(name: &str) -> String {
    format!("{PAGE}/{name}")
}

/// Returns the row of the table with the channel `name`.
fn row<'a>(page: &'a str, name: &str) -> &'a str {
    between(page, &format!("<a href=\"{PAGE}/{name}\">"), "</tr>")
}

fn assert_contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part} in {text}");
    }
}

fn assert_no_secret(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

#[tokio::test]
async fn page_without_channels_says_what_a_channel_is_and_how_one_is_added() {
    let world = World::new().await;
    for kid in [READER, ADMIN] {
        let page = Browser::signed_in(&world, kid).await.get(PAGE).await;
        assert_safe(&page);
        assert_contains(
            &page.body,
            &[
                "<a href=\"/dashboard/channels\" aria-current=\"page\">Channels</a>",
                "A channel is a place that AGE's messages reach besides e-mail",
                "No channels yet. An admin adds one with <code>agectl channel add</code>",
                "<code>docs/guides/channels.md</code>",
            ],
        );
        assert!(!page.body.contains("<table"), "{}", page.body);
    }
}

#[tokio::test]
async fn everybody_sees_each_channel_without_its_target() {
    let world = World::new().await;
    create_channels(&world).await;
    for kid in [READER, NIGHT_DESK, ADMIN] {
        let mut browser = Browser::signed_in(&world, kid).await;
        let list = browser.get(PAGE).await;
        assert_safe(&list);
        assert_no_secret(&list.body);
        let names: Vec<&str> = list.body.split("<th scope=\"row\"><a href=\"/dashboard/channels/").skip(1).collect();
        let names: Vec<&str> = names.iter().map(|rest| rest.split('"').next().unwrap()).collect();
        assert_eq!(names, [CHAT, TEAMS, PAGER, HOOK]);
        assert_contains(
            row(&list.body, CHAT),
            &[
                "<td>Slack<br><bdi>hooks.<wbr>slack.<wbr>com</bdi></td>",
                "Severities: HIGH, CRITICAL<br>Engines: <bdi>Billing, Voice Engine</bdi><br>Messages: all",
                "✓ active",
                "<span class=\"badge success\">✓ delivered</span><br><time datetime=\"2026-11-23T00:05:00.000Z\">",
                "</time>: <bdi>200</bdi>",
            ],
        );
        assert_contains(
            row(&list.body, TEAMS),
            &["<td>Microsoft Teams<br>", "<span class=\"badge warning\">‖ paused</span></td>", "<td>None</td>"],
        );
        assert_contains(
            row(&list.body, PAGER),
            &[
                "<td>PagerDuty<br><bdi>events.<wbr>pagerduty.<wbr>com</bdi></td>",
                "Severities: all<br>Engines: <bdi>all</bdi><br>Messages: incident",
                "▲ failing</span><br>since <time datetime=\"2026-11-23T00:05:00.000Z\">",
                "<span class=\"badge failure\">▲ failed</span>",
                "<bdi>503</bdi>",
            ],
        );
        assert_contains(
            row(&list.body, HOOK),
            &["<td>Webhook<br><bdi>receiver.<wbr>example.<wbr>com</bdi>", "✓ active", "<td>None</td>"],
        );
        let chat = browser.get(&path(CHAT)).await;
        assert_safe(&chat);
        assert_no_secret(&chat.body);
        assert_contains(
            &chat.body,
            &[
                "<h1>Channel ops-chat</h1>",
                "<dt>Kind</dt><dd>Slack</dd>",
                "<dt>Host</dt><dd><bdi>hooks.<wbr>slack.<wbr>com</bdi></dd>",
                "<dt>Severities</dt><dd>HIGH, CRITICAL</dd>",
                "<dt>Engines</dt><dd><bdi>Billing, Voice Engine</bdi></dd>",
                "<dt>Messages</dt><dd>all</dd>",
                "<dt>Added</dt><dd>by <bdi>admin</bdi>, <time datetime=\"2026-11-23T00:05:00.000Z\">",
            ],
        );
        let pager = browser.get(&path(PAGER)).await;
        assert_contains(&pager.body, &["<dt>Failing since</dt><dd><time datetime=\"2026-11-23T00:05:00.000Z\">"]);
        assert!(!chat.body.contains("Failing since"), "{}", chat.body);
        assert_eq!(browser.get(&path("none")).await.status, 404);
        assert_eq!(browser.get(&path("No-Name")).await.status, 404);
    }
}

#[tokio::test]
async fn admin_sends_a_test_message_and_sees_its_result() {
    let world = World::new().await;
    create_channels(&world).await;
    let receivers = Receivers::new(&world.clock);
    let (hook, before) = (path(HOOK), world.sns.published("relay").len());
    let mut admin = Browser::signed_in(&world, ADMIN).await;
    let requested = admin.submit(&hook, &format!("{hook}/test"), &[]).await;
    let location = format!("{hook}?tested=2026-11-23T00%3A05%3A00.000Z");
    assert_eq!((requested.status, requested.header("location")), (303, Some(location.as_str())), "{requested:?}");
    let published = world.sns.published("relay");
    let message = &published.last().unwrap().json;
    assert_eq!(
        (published.len(), &message["type"], &message["channel"]),
        (before + 1, &json!("channel_test"), &json!(HOOK))
    );
    assert!(message.to_string().contains(ADMIN), "{message}");
    let waiting = admin.get(&location).await;
    assert_safe(&waiting);
    let link = format!("no result yet. <a href=\"{}\">Show the result</a>", location.replace('&', "&#38;"));
    assert_contains(&waiting.body, &[&link, "<dt>Latest delivery</dt><dd>None</dd>"]);
    world.clock.advance(2);
    deliver_test(&world, &receivers).await;
    assert_eq!(receivers.of("receiver.example.com").len(), 1);
    let delivered = admin.get(&location).await;
    assert_safe(&delivered);
    assert_no_secret(&delivered.body);
    assert_contains(
        &delivered.body,
        &["the latest delivery shows the result.", "✓ delivered</span>", "<bdi>200</bdi>"],
    );
    // The result of an earlier delivery is not that of a later test.
    world.clock.advance(1);
    let again = admin.submit(&hook, &format!("{hook}/test"), &[]).await;
    assert_contains(&admin.get(again.header("location").unwrap()).await.body, &["no result yet."]);
    assert_eq!(admin.get(&format!("{hook}?tested=now")).await.status, 422);
}

#[tokio::test]
async fn admin_pauses_resumes_and_removes_a_channel() {
    let world = World::new().await;
    create_channels(&world).await;
    let mut admin = Browser::signed_in(&world, ADMIN).await;
    let chat = path(CHAT);
    for (change, status, label) in [
        ("pause", "paused", "‖ paused"),
        ("pause", "paused", "‖ paused"),
        ("resume", "active", "✓ active"),
        ("resume", "active", "✓ active"),
    ] {
        let changed = admin.submit(&chat, &format!("{chat}/{change}"), &[]).await;
        assert_eq!((changed.status, changed.header("location")), (303, Some(chat.as_str())), "{changed:?}");
        assert_eq!(world.get(&format!("{API}/{CHAT}")).await.text("/status"), status);
        let shown = admin.get(&chat).await;
        assert_safe(&shown);
        assert_contains(&shown.body, &[label]);
        let (may_test, may_resume) = (shown.body.contains("/test\""), shown.body.contains("/resume\""));
        assert_eq!((may_test, may_resume), (status == "active", status == "paused"), "{}", shown.body);
    }
    let before = world.sns.published("relay").len();
    let teams = path(TEAMS);
    let paused = admin.submit(&teams, &format!("{teams}/test"), &[]).await;
    assert_eq!(paused.status, 409);
    let back = format!("<a href=\"{teams}\">Go back</a>");
    assert_contains(&paused.body, &["channel ops-teams is paused; resume it first", &back]);
    assert_eq!(world.sns.published("relay").len(), before);

    let remove = format!("{chat}/remove");
    assert_contains(&admin.get(&chat).await.body, &[&format!("<a href=\"{remove}\">Remove channel</a>")]);
    let confirmation = admin.get(&remove).await;
    assert_safe(&confirmation);
    assert_no_secret(&confirmation.body);
    let cancel = format!("<a href=\"{chat}\">Cancel</a>");
    assert_contains(
        &confirmation.body,
        &["<h1>Remove channel ops-chat</h1>", "Slack at <bdi>hooks.<wbr>slack.<wbr>com</bdi>", &cancel],
    );
    assert_eq!(world.get(&format!("{API}/{CHAT}")).await.status, 200, "no GET changes anything");
    // The second browser has the page open, and sends the same form.
    for page in [&remove, &teams] {
        let removed = admin.submit(page, &remove, &[]).await;
        assert_eq!((removed.status, removed.header("location")), (303, Some(PAGE)), "{removed:?}");
    }
    assert_eq!(world.get(&format!("{API}/{CHAT}")).await.status, 404);
    assert!(!admin.get(PAGE).await.body.contains(CHAT));
    for change in ["test", "pause", "resume"] {
        assert_eq!(admin.submit(PAGE, &format!("{chat}/{change}"), &[]).await.status, 404, "{change}");
    }
    assert_eq!(admin.get(&remove).await.status, 404);
}

#[tokio::test]
async fn nobody_else_changes_a_channel_and_no_form_without_its_token() {
    let world = World::new().await;
    create_channels(&world).await;
    let before = world.get(API).await.json;
    let published = world.sns.published("relay").len();
    let chat = path(CHAT);
    for kid in [READER, NIGHT_DESK] {
        let mut browser = Browser::signed_in(&world, kid).await;
        for page in [PAGE, &chat] {
            let shown = browser.get(page).await;
            // The one form signs out.
            assert_eq!(shown.body.matches("<form").count(), 1, "{}", shown.body);
            assert!(!shown.body.contains("Remove channel"), "{}", shown.body);
        }
        assert_contains(&browser.get(&chat).await.body, &["An admin can test, pause, resume and remove this channel."]);
        for change in ["test", "pause", "resume", "remove"] {
            let refused = browser.submit(&chat, &format!("{chat}/{change}"), &[]).await;
            assert_eq!(refused.status, 403, "{change} by {kid}");
        }
        assert_eq!(browser.get(&format!("{chat}/remove")).await.status, 403, "{kid}");
    }
    let mut admin = Browser::signed_in(&world, ADMIN).await;
    for change in ["test", "pause", "resume", "remove"] {
        let target = format!("{chat}/{change}");
        for body in ["", "csrf=AAAA"] {
            assert_eq!(admin.send("POST", &target, body).await.status, 403, "{change} with {body:?}");
        }
        let unknown = admin.submit(&chat, &target, &[("url", "https://hooks.slack.com/services/other")]).await;
        assert_eq!(unknown.status, 422, "{change} takes no target: {unknown:?}");
    }
    assert_eq!(world.get(API).await.json, before);
    assert_eq!(world.sns.published("relay").len(), published);
}

#[tokio::test]
async fn session_of_a_revoked_admin_changes_no_channel_from_then_on() {
    let world = World::new().await;
    create_channels(&world).await;
    let mut admin = Browser::signed_in(&world, ADMIN).await;
    let form = format!(
        "csrf={}",
        form_urlencoded::byte_serialize(csrf_token(&admin.get(PAGE).await).as_bytes()).collect::<String>()
    );
    let revoked = world.send("DELETE", &format!("/api/governance/credentials/{ADMIN}"), &[], b"").await;
    assert_eq!(revoked.status, 200, "{revoked:?}");
    assert_eq!(admin.get(PAGE).await.status, 200, "the credentials that this environment has read are in use");
    let refused = admin.send("POST", &format!("{}/pause", path(CHAT)), &form).await;
    let sign_in = "/dashboard/sign-in?next=%2Fdashboard%2Fchannels%2Fops-chat";
    assert_eq!((refused.status, refused.header("location")), (303, Some(sign_in)), "{refused:?}");
    assert_eq!(world.get(&format!("{API}/{CHAT}")).await.text("/status"), "active");
}

#[tokio::test]
async fn channel_that_was_paused_while_it_failed_shows_both() {
    let world = World::new().await;
    create_channels(&world).await;
    let mut admin = Browser::signed_in(&world, ADMIN).await;
    let pager = path(PAGER);
    assert_eq!(admin.submit(&pager, &format!("{pager}/pause"), &[]).await.status, 303);
    for body in [admin.get(PAGE).await.body, admin.get(&pager).await.body] {
        assert_contains(&body, &["‖ paused</span> <span class=\"badge failure\">▲ failing</span>"]);
    }
}

#[tokio::test]
async fn hostile_text_of_a_channel_is_escaped() {
    const HOSTILE: &str = "<script>alert(1)</script>\u{202e}\"&";
    const SHOWN: &str = "&#60;script&#62;alert(1)&#60;/script&#62;[U+202E]&#34;&#38;";
    let world = World::new().await;
    create_channels(&world).await;
    let mut document = default_document();
    document["engines"]["billing"]["title"] = json!("<img src=x>");
    let hash = push(&world, &document).await;
    activate(&world, &hash, &default_hash(), "other titles").await;
    let is_chat = |row: &Value, key: &str| row[key]["S"] == json!(CHAT);
    let changed = world.change_rows("Channels", |row| {
        let is_matching = is_chat(row, "name");
        if is_matching {
            for name in ["host", "form"] {
                row[name] = json!({ "S": HOSTILE });
            }
            row["messages"] = json!({ "L": [{ "S": HOSTILE }] });
        }
        is_matching
    });
    assert_eq!(changed, 1);
    let changed = world.change_rows("Deliveries", |row| {
        let is_matching = is_chat(row, "scope") && row["id"]["S"] == json!("lane");
        if is_matching {
            for name in ["detail", "result"] {
                row["last_attempt"]["M"][name] = json!({ "S": HOSTILE });
            }
        }
        is_matching
    });
    assert_eq!(changed, 1);
    let mut admin = Browser::signed_in(&world, ADMIN).await.in_new_environment().await;
    for path in [PAGE.to_owned(), path(CHAT), format!("{}/remove", path(CHAT))] {
        let page = admin.get(&path).await;
        assert_eq!(page.status, 200, "{path}: {page:?}");
        assert_safe(&page);
        assert!(!page.body.contains('\u{202e}') && !page.body.contains("<img"), "{}", page.body);
        let (texts, is_removal) = (page.body.matches(SHOWN).count(), path.ends_with("/remove"));
        assert_eq!(texts, if is_removal { 2 } else { 5 }, "{path}: {}", page.body);
        assert!(is_removal || page.body.contains("&#60;img src=x&#62;, Voice Engine"), "{}", page.body);
    }
}

#[tokio::test]
async fn channel_that_cannot_be_read_hides_no_other() {
    let world = World::new().await;
    create_channels(&world).await;
    let changed = world.change_rows("Channels", |row| {
        let is_matching = row["name"]["S"] == json!(PAGER);
        if is_matching {
            row["severities"] = json!({ "S": "all" });
        }
        is_matching
    });
    assert_eq!(changed, 1);
    let page = Browser::signed_in(&world, READER).await.get(PAGE).await;
    assert_safe(&page);
    assert_contains(&page.body, &["<strong>1</strong> item cannot be read by this version of AGE.", CHAT, TEAMS, HOOK]);
    assert!(!page.body.contains("PagerDuty<br>"), "{}", page.body);
}

#[tokio::test]
async fn page_of_the_most_channels_with_the_longest_names_is_small() {
    let world = World::new().await;
    for number in 0..50 {
        let name = format!("channel-of-a-very-long-name-{number:04}");
        let engines: Vec<&str> = ENGINES.iter().map(Engine::as_str).collect();
        let body = json!({ "name": name, "kind": "slack", "url": format!("https://{number}.example.com/1"), "engines": engines });
        assert_eq!(world.post_json(API, &body).await.status, 201);
    }
    let page = Browser::signed_in(&world, READER).await.get(PAGE).await;
    assert_eq!(page.body.matches("✓ active").count(), 50);
    assert!(page.body.len() < 64 * 1024, "{} bytes", page.body.len());
}
