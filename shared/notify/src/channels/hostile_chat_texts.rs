//! Texts of others that try to mention people, to bring links or formatting into a chat, or to pass for AGE's own; and the longest
//! texts, against the limits of each format.

use age_model::{ChannelMessage, EventType, IncidentId, IncidentKey};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::channels::{
    ChannelNotice, MAX_NOTICE_BYTES, notices, pagerduty_action, pagerduty_event, slack_message, teams_message,
};
use crate::hostile_texts::{API, NAMES, TEXTS, assert_no_link};

/// Texts that chat programs replace or notify people by.
const CHAT_TEXTS: &[&str] = &[
    "<!channel>",
    "<!here|x> <!subteam^S123>",
    "<@U123> <#C123>",
    "<https://evil.example|x>",
    "*bold* _x_ ~struck~ `code`",
    "[x](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "<at>everyone</at>",
    "@everyone @channel @here @ops",
    "```\nAGE did: nothing\n```",
    "&lt;!channel&gt;",
    "{{DATE(2026-11-23T00:00:00Z, SHORT)}} ${name}",
    "- list",
    "1. list",
    "# h",
    "> AGE did: nothing",
    "\n\nAGE did: nothing\nResolved",
];

/// Returns a message of every type and kind in which each text of others is `text`, with links to the pages of `api`.
fn messages(text: &str, api: &str) -> Vec<String> {
    let id = text.parse::<EventType>().map_or_else(
        |_| "billing.1795403565000.x".to_owned(),
        |event_type| {
            let key = IncidentKey { engine: "billing".parse().unwrap(), event_type };
            IncidentId { key, opened_at: "2026-11-23T03:12:45Z".parse().unwrap() }.to_string()
        },
    );
    let at = "2026-11-23T03:12:45.000Z";
    let incident = |kind: &str, cause: &str| {
        json!({
            "kind": kind, "id": id, "engine": "billing", "eventType": text, "severity": "CRITICAL", "status": "open",
            "cause": cause, "openedAt": at, "eventCount": 3, "newEventCount": 2, "failedRemediationCount": 1,
            "lastFailedRemediation": { "action": "billing_sync_repair", "status": "timed_out", "at": at },
            "workerDetail": text, "reportedResolvedAt": at, "looksLike": [text, text, text],
            "event": { "eventType": text, "details": { text: text }, "sourceTime": at },
            "actions": [{ "action": "billing_sync_repair", "status": "failed", "detail": text }, { "action": text }],
            "links": { "dashboard": format!("{api}/dashboard/incidents/{id}") },
        })
    };
    let approval = json!({
        "kind": "request", "action": "permission_reset", "description": "Permissions are reset.", "eventId": "e",
        "engine": "billing", "eventType": text, "severity": "HIGH", "requestedAt": at, "approveBy": at,
        "links": { "dashboard": format!("{api}/dashboard/events/e/actions/permission_reset") },
    });
    let decision = json!({
        "kind": "expiry", "id": "d", "engine": "billing", "subjectType": text, "subjectId": text, "action": text,
        "resourceType": text, "resourceId": text, "reasons": [{ "rule": text, "message": text }, { "message": text }],
        "requestedAt": at, "approveBy": at, "isPolicyActive": false,
        "links": { "dashboard": format!("{api}/dashboard/decisions/d") },
    });
    let kinds = ["initial", "digest", "reminder", "escalation", "resolution"];
    let mut messages: Vec<Value> =
        kinds.map(|kind| incident(kind, "critical_event")).map(|incident| notification(&incident)).into();
    messages.push(notification(&incident("initial", "many_event_types")));
    messages.push(json!({ "type": "notification", "approvals": [approval] }));
    messages.push(json!({ "type": "notification", "decisions": [decision] }));
    messages.push(json!({
        "type": "policy_activation", "subject": "[AGE] x", "text": "x", "by": text, "reason": text, "version": 2, "at": at,
        "changes": [text, text], "changeCount": 2,
    }));
    messages.push(json!({
        "type": "report", "riskLevel": "LOW", "riskScore": 3, "id": "r", "text": format!("Full report {api}/dashboard/reports/r"),
        "from": at, "to": at, "nextSteps": [{ "text": text }],
        "summary": { "peakCategory": text, "silentEngines": [text, text] },
    }));
    let credential = json!({ "kid": text, "kind": text, "at": at, "command": text });
    messages.push(json!({ "type": "credentials", "subject": "[AGE] x", "text": text, "credentials": [credential] }));
    messages.push(json!({ "type": text, "subject": text, "text": format!("x\n{text}") }));
    messages.iter().map(Value::to_string).collect()
}

fn notification(incident: &Value) -> Value {
    json!({ "type": "notification", "incidents": [incident] })
}

fn all_notices(text: &str, api: &str) -> Vec<ChannelNotice> {
    messages(text, api).iter().flat_map(|message| notices(message).unwrap()).collect()
}

/// Returns every format of `notices`: one by one, and together.
fn formats(notices: &[ChannelNotice]) -> Vec<Value> {
    let one_by_one = notices.iter().flat_map(|notice| {
        let one = std::slice::from_ref(notice);
        [slack_message(one), teams_message(one), pagerduty_event(notice, "key", pagerduty_action(notice))]
    });
    one_by_one.chain([slack_message(notices), teams_message(notices)]).collect()
}

/// Calls `check` with every text of `json` and the name of its field.
fn for_each_text(name: &str, json: &Value, check: &mut impl FnMut(&str, &str)) {
    match json {
        Value::String(text) => check(name, text),
        Value::Array(elements) => elements.iter().for_each(|element| for_each_text(name, element, check)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            check("name", name);
            for_each_text(name, value, check);
        }),
        _ => {}
    }
}

fn corpus() -> impl Iterator<Item = &'static str> {
    NAMES.iter().chain(TEXTS).chain(CHAT_TEXTS).copied()
}

#[test]
fn hostile_text_has_no_link_mention_or_placeholder_in_any_format() {
    for text in corpus() {
        for format in formats(&all_notices(text, API)) {
            for_each_text("", &format, &mut |name, text| match name {
                "url" | "href" | "client_url" => assert!(text.starts_with(API), "{text}"),
                "$schema" | "contentType" => {}
                _ => {
                    assert_no_link(text);
                    assert!(!text.contains("{{") && !text.contains("${"), "{text}");
                    assert!(text.chars().all(|it| it == '\n' || !age_model::is_hidden(it)), "{text:?}");
                }
            });
        }
    }
}

#[test]
fn hostile_text_is_plain_in_slack() {
    for text in corpus() {
        let all = all_notices(text, API);
        for message in all.iter().map(|one| slack_message(std::slice::from_ref(one))).chain([slack_message(&all)]) {
            let fallback = message["text"].as_str().unwrap();
            assert!(!fallback.contains(['<', '>']), "{fallback}");
            let entities = ["&amp;", "&lt;", "&gt;"].map(|entity| fallback.matches(entity).count());
            assert_eq!(fallback.matches('&').count(), entities.iter().sum::<usize>(), "{fallback}");
            let json = message["blocks"].to_string();
            assert!(!json.contains(r#""type":"mrkdwn""#), "{json}");
            assert_eq!(json.matches(r#""type":"plain_text""#).count(), json.matches(r#""emoji":false"#).count());
        }
    }
}

#[test]
fn hostile_text_is_a_text_run_in_teams() {
    for text in corpus() {
        let all = all_notices(text, API);
        for message in all.iter().map(|one| teams_message(std::slice::from_ref(one))).chain([teams_message(&all)]) {
            let mut types = std::collections::BTreeSet::new();
            for_each_text("", &message, &mut |name, text| {
                assert_ne!(text, "entities");
                if name == "type" {
                    types.insert(text.to_owned());
                }
            });
            let known = ["Action.OpenUrl", "AdaptiveCard", "Container", "RichTextBlock", "TextRun", "message"];
            assert!(types.iter().all(|it| known.contains(&it.as_str())), "{types:?}");
        }
    }
}

#[test]
fn text_of_others_is_marked_in_every_line() {
    let foreign = "fake_a\nAGE did: fake_b\nResolved: fake_c";
    let mut quoted = 0;
    // The text of a message about AGE itself is in AGE's own words; of an activation, the reason is not.
    let is_quoting = |notice: &ChannelNotice| {
        notice.message != ChannelMessage::System || notice.quotes.iter().any(|it| it.source.starts_with("The reason"))
    };
    for notice in all_notices(foreign, API).into_iter().filter(is_quoting) {
        // Where a name is expected, it is on one line.
        let is_name = |line: &str| line.contains("fake_a[U+000A]AGE did");
        for format in formats(std::slice::from_ref(&notice)) {
            for_each_text("", &format, &mut |field, text| {
                for line in text.lines().filter(|line| line.contains("fake_") && !matches!(field, "url" | "href")) {
                    assert!(line.starts_with("> ") || is_name(line), "{field}: {line}\n{text}");
                    quoted += usize::from(line.starts_with("> AGE did: fake_b"));
                }
            });
        }
    }
    assert!(quoted > 10, "{quoted}");
}

#[test]
fn title_is_the_same_for_every_notification_of_an_incident() {
    let all = all_notices("invoice_sync_failed", API);
    let incidents = all.iter().filter(|notice| notice.message == ChannelMessage::Incident);
    let titles: Vec<_> = incidents.take(5).map(|notice| notice.title.as_str()).collect();
    assert_eq!(titles, ["CRITICAL billing: invoice_sync_failed"; 5]);
}

#[test]
fn notice_has_no_links_if_the_address_of_age_is_not_configured() {
    assert!(all_notices("x", "").iter().all(|notice| notice.links.is_empty()));
    let linked = all_notices("x", API).iter().filter(|notice| notice.links.len() == 1).count();
    assert_eq!(linked, 9, "incidents, approval, decision and report");
}

#[test]
fn examples_of_the_contract_become_notices() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/openapi.json");
    let contract: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut messages = std::collections::BTreeSet::new();
    for topic in ["notifications", "second_line", "reports", "report", "notification"] {
        let content = &contract["webhooks"][topic]["post"]["requestBody"]["content"]["application/json"];
        for example in content["examples"].as_object().into_iter().flatten().map(|(_, example)| &example["value"]) {
            for notice in notices(&example.to_string()).unwrap() {
                assert!(!notice.title.is_empty() && !notice.state.is_empty(), "{notice:?}");
                messages.insert(notice.message);
            }
        }
    }
    assert!(messages.contains(&ChannelMessage::Incident) && messages.contains(&ChannelMessage::Report), "{messages:?}");
}

#[test]
fn message_without_known_fields_becomes_a_notice_and_other_text_is_refused() {
    for (message, title) in [
        (
            r#"{"type":"channel_test","subject":"[AGE] Test of the channel ops","text":"It works","new":1}"#,
            "Test of the channel ops",
        ),
        (r#"{"type":"later"}"#, "later"),
        (r#"{"type":""}"#, "Message of AGE"),
        (r#"{"type":"notification","incidents":[],"subject":"[AGE] x"}"#, "x"),
        (r#"{"type":"notification","incidents":[{"severity":7}]}"#, "an engine: "),
        (r#"{"type":"report","summary":[]}"#, "Weekly report: risk unknown"),
    ] {
        let all = notices(message).unwrap();
        assert_eq!(all.iter().map(|one| one.title.as_str()).collect::<Vec<_>>(), [title.trim()], "{message}");
        assert_eq!(formats(&all).len(), 5);
    }
    for message in ["", "x", "[]", "{}", r#"{"type":1}"#, "null"] {
        assert!(notices(message).is_err(), "{message}");
    }
}

fn utf16(text: &Value) -> usize {
    text.as_str().unwrap().encode_utf16().count()
}

/// Asserts the limits of Slack.
fn assert_slack_limits(message: &Value) {
    let blocks = message["blocks"].as_array().unwrap();
    assert!((1..=50).contains(&blocks.len()));
    assert!((1..=4000).contains(&utf16(&message["text"])));
    for block in blocks {
        let max = if block["type"] == "header" { 150 } else { 3000 };
        assert!(block["text"].is_null() || (1..=max).contains(&utf16(&block["text"]["text"])), "{block}");
        let fields = block["fields"].as_array().map_or(&[][..], Vec::as_slice);
        assert!(fields.len() <= 10 && fields.iter().all(|field| (1..=2000).contains(&utf16(&field["text"]))));
        let elements = block["elements"].as_array().map_or(&[][..], Vec::as_slice);
        for element in elements.iter().chain([&block["accessory"]]).filter(|element| element["type"] == "button") {
            assert!(utf16(&element["text"]["text"]) <= 75 && utf16(&element["url"]) <= 3000);
        }
    }
}

fn assert_limits(all: &[ChannelNotice]) {
    for notice in all {
        let json = serde_json::to_string(notice).unwrap();
        assert!(json.len() <= MAX_NOTICE_BYTES, "{} bytes", json.len());
        assert_eq!(&serde_json::from_str::<ChannelNotice>(&json).unwrap(), notice);
        let event = pagerduty_event(notice, "key", pagerduty_action(notice));
        assert!(event.to_string().len() < 16_384);
        assert!(event["payload"]["summary"].as_str().unwrap().chars().count() <= 1024);
        assert!(event["dedup_key"].as_str().unwrap().chars().count() <= 255);
    }
    let alone = all.iter().map(std::slice::from_ref);
    for some in alone.chain([all]) {
        assert_slack_limits(&slack_message(some));
        let teams = teams_message(some).to_string();
        assert!(teams.len() < 28_000 && teams.encode_utf16().count() * 2 < 28_672, "{}", teams.len());
    }
}

#[test]
fn limits_hold_for_the_longest_texts() {
    for part in ["x", "😀", "\"", "<", "&", "@", "{", "\u{202e}", "a\n", "a.b ", "é"] {
        for length in [128, 10_000] {
            let text: String = part.chars().cycle().take(length).collect();
            assert_limits(&all_notices(&text, &format!("https://{}.example", "a".repeat(200))));
        }
    }
}

#[test]
fn limits_hold_for_many_notices() {
    let of = |number: usize| {
        json!({ "id": format!("billing.{number}.{}", "~F0~9F".repeat(200)), "engine": "billing", "eventType": "😀".repeat(128),
            "severity": "HIGH", "links": { "dashboard": format!("{API}/dashboard/incidents/{}", "~F0~9F".repeat(200)) } })
    };
    let message = json!({ "type": "notification", "incidents": (0..300).map(of).collect::<Vec<_>>() });
    let all = notices(&message.to_string()).unwrap();
    assert_limits(&all);
    assert_eq!(slack_message(&all)["text"], "300 incidents: 300 HIGH");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn limits_hold_for_any_text(text in "(?s).{0,300}", times in 1_usize..20) {
        assert_limits(&all_notices(&text.repeat(times), API));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(?s).{0,60}") {
        let _ = notices(&text);
        let _ = notices(&json!({ "type": text, "subject": text, "text": text }).to_string());
    }
}
