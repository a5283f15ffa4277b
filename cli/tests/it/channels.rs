//! `agectl channel`.

use agectl::ExitCode;
use serde_json::{Value, json};

use crate::fake_age::{FakeAge, TOKEN};
use crate::harness::CommandOutput;

const URL: &str = "https://hooks.slack.com/services/T0001/B0001/gibberish4711";
const ROUTING_KEY: &str = "R0123456789abcdefR0123456789abcd";
const SECRET: &str = "whsec_Z2liYmVyaXNoZ2liYmVyaXNoZ2liYmVyaXNo";

pub(crate) fn channel() -> Value {
    json!({"name": "ops-chat", "kind": "slack", "host": "hooks.slack.com", "severities": ["HIGH", "CRITICAL"], "engines": [],
        "messages": ["incident", "approval"], "status": "active", "createdAt": "2026-11-23T00:00:00.000Z",
        "createdBy": "night-desk", "lastDelivery": {"at": "2026-11-23T00:04:00.000Z", "result": "delivered", "detail": "200"},
        "failingSince": null})
}

fn with_delivery(time: &str, result: &str, detail: &str) -> Value {
    let mut channel = channel();
    channel["lastDelivery"] = json!({"at": time, "result": result, "detail": detail});
    channel
}

/// Runs the command with `stdin`, and asserts that no part of a target is printed.
async fn run(fake: &FakeAge, arguments: &str, stdin: &str) -> CommandOutput {
    let output = fake.run_with(arguments, Some(TOKEN), stdin).await;
    assert_no_target(&output, arguments);
    output
}

fn assert_no_target(output: &CommandOutput, what: &str) {
    for secret in ["gibberish4711", "T0001", ROUTING_KEY, "Z2liYmVy"] {
        assert!(!output.stdout.contains(secret) && !output.stderr.contains(secret), "{what}: {output:?}");
    }
}

#[tokio::test]
async fn channel_is_added_with_its_filters_and_the_target_of_standard_input() {
    let fake = FakeAge::start().await;
    fake.plan_response(201, None, channel());
    let arguments = "channel add ops-chat --kind slack --target - --severity HIGH --severity CRITICAL --engine billing,qa \
                     --message incident,approval";
    let output = run(&fake, arguments, &format!("{URL}\n")).await;
    assert_eq!(
        (output.exit_code, output.stdout.as_str()),
        (ExitCode::Success, "Added channel ops-chat: slack at hooks.slack.com\n")
    );
    assert_eq!(output.stderr, "Send a test message with `agectl channel test ops-chat`\n");
    assert_eq!(fake.request_lines(), ["POST /api/governance/channels"]);
    let expected = json!({"name": "ops-chat", "kind": "slack", "url": URL, "severities": ["HIGH", "CRITICAL"],
        "engines": ["billing", "qa"], "messages": ["incident", "approval"]});
    assert_eq!(fake.request_body(0), expected);
}

#[tokio::test]
async fn target_alone_is_the_field_of_the_kind_and_json_is_sent_as_it_is() {
    let fake = FakeAge::start().await;
    let webhook = json!({"url": URL, "secrets": [SECRET, SECRET]});
    for (kind, stdin, target) in [
        ("microsoft_teams", URL.to_owned(), json!({ "url": URL })),
        ("pagerduty", ROUTING_KEY.to_owned(), json!({ "routingKey": ROUTING_KEY })),
        (
            "pagerduty",
            json!({"routingKey": ROUTING_KEY, "region": "eu"}).to_string(),
            json!({"routingKey": ROUTING_KEY, "region": "eu"}),
        ),
        ("webhook", format!("{webhook:#}\n"), webhook),
    ] {
        fake.plan_response(201, None, channel());
        let output = run(&fake, &format!("channel add ops-chat --kind {kind} --target - --json"), &stdin).await;
        assert_eq!(serde_json::from_str::<Value>(&output.stdout).unwrap(), channel());
        let mut expected = target;
        expected
            .as_object_mut()
            .unwrap()
            .extend([("name".to_owned(), "ops-chat".into()), ("kind".to_owned(), kind.into())]);
        assert_eq!(fake.request_body(fake.request_lines().len() - 1), expected);
    }
}

#[tokio::test]
async fn target_is_read_from_a_file() {
    let fake = FakeAge::start().await;
    let path = std::env::temp_dir().join(format!("agectl-target-{}.json", std::process::id()));
    std::fs::write(&path, json!({ "url": URL }).to_string()).unwrap();
    fake.plan_response(201, None, channel());
    let output = run(&fake, &format!("channel add ops-chat --kind slack --target {}", path.display()), "").await;
    std::fs::remove_file(&path).unwrap();
    assert_eq!(output.exit_code, ExitCode::Success, "{}", output.stderr);
    assert_eq!(fake.request_body(0)["url"], URL);
}

#[tokio::test]
async fn no_error_shows_the_target() {
    let fake = FakeAge::start().await;
    let add = "channel add ops-chat --kind slack --target -";
    for stdin in ["", &format!("{URL} {URL}"), &format!("{{\"url\": \"{URL}\""), &format!("{{\"{URL}\": 1}}"), SECRET] {
        let output = run(&fake, add, stdin).await;
        assert_eq!(output.exit_code, ExitCode::UsageError, "{}", output.stderr);
        assert!(output.stderr.starts_with("agectl: the target "), "{}", output.stderr);
    }
    // The target in place of its file.
    for target in [URL, ROUTING_KEY, SECRET] {
        let output = run(&fake, &format!("channel rotate ops-chat --target {target}"), "").await;
        assert_eq!(output.exit_code, ExitCode::UsageError);
        assert!(output.stderr.starts_with("agectl: cannot read the target: "), "{}", output.stderr);
        assert!(output.stderr.contains("never the target itself"), "{}", output.stderr);
    }
    assert_eq!(fake.request_lines(), [""; 0]);
    // A response that repeats the target.
    let errors = json!([{"pointer": "/url", "detail": format!("must be an https URL; got {URL}")}]);
    for (arguments, stdin) in [
        (add, URL.to_owned()),
        ("channel rotate ops-chat --target -", json!({"url": URL, "secrets": [SECRET]}).to_string()),
    ] {
        fake.plan_response(422, None, json!({"status": 422, "detail": format!("{SECRET} {URL}"), "errors": errors}));
        let output = run(&fake, arguments, &stdin).await;
        assert_eq!(output.exit_code, ExitCode::Refused);
        assert!(output.stderr.contains("the message is not shown"), "{}", output.stderr);
    }
    // A response that does not.
    fake.plan_response(422, None, json!({"status": 422, "detail": "the host hooks.slack.com has a private address"}));
    let output = run(&fake, add, URL).await;
    assert_eq!(
        (output.exit_code, output.stderr.as_str()),
        (ExitCode::Refused, "agectl: the host hooks.slack.com has a private address\n")
    );
}

#[tokio::test]
async fn channels_are_listed_with_their_filters_and_last_delivery() {
    let fake = FakeAge::start().await;
    let mut other = channel();
    for (field, value) in [
        ("name", "pager".into()),
        ("kind", "pagerduty".into()),
        ("host", "events.pagerduty.com".into()),
        ("status", "paused".into()),
        ("severities", json!([])),
        ("engines", json!(["billing", "qa"])),
        ("messages", json!([])),
        ("lastDelivery", Value::Null),
    ] {
        other[field] = value;
    }
    fake.plan_response(200, None, json!({"channels": [channel(), other]}));
    let output = run(&fake, "channel list", "").await;
    let rows: Vec<Vec<&str>> = output
        .stdout
        .lines()
        .map(|line| line.split("  ").filter(|it| !it.is_empty()).map(str::trim).collect())
        .collect();
    assert_eq!(rows[0], ["NAME", "KIND", "HOST", "STATUS", "SEVERITIES", "ENGINES", "MESSAGES", "LAST DELIVERY"]);
    assert_eq!(
        rows[1],
        [
            "ops-chat",
            "slack",
            "hooks.slack.com",
            "active",
            "HIGH, CRITICAL",
            "all",
            "incident, approval",
            "delivered at 2026-11-23 00:04:00Z: 200"
        ]
    );
    assert_eq!(rows[2], ["pager", "pagerduty", "events.pagerduty.com", "paused", "all", "billing, qa", "all", "-"]);
    assert_eq!(fake.request_lines(), ["GET /api/governance/channels"]);
    for option in ["", " --json"] {
        fake.plan_response(200, None, json!({"channels": []}));
        let output = run(&fake, &format!("channel list{option}"), "").await;
        assert_eq!((output.exit_code, output.stderr.as_str()), (ExitCode::NothingFound, "agectl: no channels found\n"));
    }
}

#[tokio::test]
async fn channel_is_shown_with_its_failures() {
    let fake = FakeAge::start().await;
    let mut failing = with_delivery("2026-11-23T00:04:00Z", "given_up", "404");
    failing["failingSince"] = "2026-11-22T20:00:00Z".into();
    fake.plan_response(200, None, failing.clone());
    let output = run(&fake, "channel show ops-chat", "").await;
    assert_eq!(
        output.stdout,
        "Channel ops-chat\n  Kind           slack\n  Host           hooks.slack.com\n  Status         active\n  \
         Severities     HIGH, CRITICAL\n  Engines        all\n  Messages       incident, approval\n  \
         Created        2026-11-23 00:00:00Z by night-desk\n  Last delivery  given up at 2026-11-23 00:04:00Z: 404\n  \
         Failing since  2026-11-22 20:00:00Z\n"
    );
    assert_eq!(fake.request_lines(), ["GET /api/governance/channels/ops-chat"]);
    fake.plan_response(200, None, failing.clone());
    let output = run(&fake, "channel show ops-chat --json", "").await;
    assert_eq!(serde_json::from_str::<Value>(&output.stdout).unwrap(), failing);
    fake.plan_response(404, None, json!({"status": 404, "detail": "there is no channel ops-chat"}));
    assert_eq!(run(&fake, "channel show ops-chat", "").await.exit_code, ExitCode::NothingFound);
}

#[tokio::test]
async fn channel_is_paused_resumed_rotated_and_removed() {
    let fake = FakeAge::start().await;
    let mut paused = channel();
    paused["status"] = "paused".into();
    for (arguments, response, request, expected) in [
        ("pause ops-chat", paused, "POST /api/governance/channels/ops-chat/pause", "Channel ops-chat is paused\n"),
        ("resume ops-chat", channel(), "POST /api/governance/channels/ops-chat/resume", "Channel ops-chat is active\n"),
        (
            "rotate ops-chat --target -",
            channel(),
            "POST /api/governance/channels/ops-chat/rotate",
            "Rotated channel ops-chat: slack at hooks.slack.com\n",
        ),
        ("remove ops-chat", channel(), "DELETE /api/governance/channels/ops-chat", "Removed channel ops-chat\n"),
    ] {
        fake.state().requests.clear();
        // Sent again: each of them has the same effect twice.
        fake.plan_response(503, None, json!({}));
        fake.plan_response(200, None, response.clone());
        let output = run(&fake, &format!("channel {arguments}"), URL).await;
        assert_eq!((output.exit_code, output.stdout.as_str()), (ExitCode::Success, expected), "{}", output.stderr);
        assert_eq!(fake.request_lines(), [request; 2]);
        let body = if arguments.starts_with("rotate") { json!({ "url": URL }).to_string() } else { String::new() };
        assert_eq!(fake.state().requests[1].body, body);
        fake.plan_response(200, None, response.clone());
        let output = run(&fake, &format!("channel {arguments} --json"), ROUTING_KEY).await;
        assert_eq!(serde_json::from_str::<Value>(&output.stdout).unwrap(), response);
    }
    assert_eq!(fake.state().planned_responses.len(), 0);
}

#[tokio::test]
async fn test_waits_for_a_delivery_after_the_latest_one() {
    let fake = FakeAge::start().await;
    let delivered = with_delivery("2026-11-23T00:05:02Z", "delivered", "200");
    for (option, is_json) in [("", false), (" --json", true)] {
        fake.state().requests.clear();
        for (status, response) in
            [(200, channel()), (202, channel()), (200, channel()), (200, channel()), (200, delivered.clone())]
        {
            fake.plan_response(status, None, response);
        }
        let output = run(&fake, &format!("channel test ops-chat{option}"), "").await;
        assert_eq!(output.exit_code, ExitCode::Success, "{}", output.stderr);
        if is_json {
            assert_eq!(serde_json::from_str::<Value>(&output.stdout).unwrap(), delivered);
        } else {
            let expected = "Channel ops-chat delivered the test message: delivered at 2026-11-23 00:05:02Z: 200\n";
            assert_eq!(output.stdout, expected);
        }
        let get = "GET /api/governance/channels/ops-chat";
        assert_eq!(fake.request_lines(), [get, "POST /api/governance/channels/ops-chat/test", get, get, get]);
    }
}

#[tokio::test]
async fn test_whose_delivery_fails_is_refused_and_without_delivery_unavailable() {
    let fake = FakeAge::start().await;
    let mut new = channel();
    new["lastDelivery"] = Value::Null;
    for (result, detail, expected) in [
        ("failed", "503", "agectl: channel ops-chat did not deliver the test message: 503; AGE tries it again\n"),
        ("given_up", "404", "agectl: channel ops-chat did not deliver the test message: 404; AGE has given it up\n"),
        (
            "bounced",
            "\u{1b}[2J",
            "agectl: channel ops-chat did not deliver the test message: [U+001B][2J; the result is bounced\n",
        ),
    ] {
        let failed = with_delivery("2026-11-23T00:05:02Z", result, detail);
        for (status, response) in [(200, new.clone()), (202, new.clone()), (200, failed)] {
            fake.plan_response(status, None, response);
        }
        let output = run(&fake, "channel test ops-chat", "").await;
        assert_eq!(
            (output.exit_code, output.stdout.as_str(), output.stderr.as_str()),
            (ExitCode::Refused, "", expected)
        );
    }
    for _ in 0..9 {
        fake.plan_response(200, None, channel());
    }
    let output = run(&fake, "channel test ops-chat --wait 6ms", "").await;
    assert_eq!(output.exit_code, ExitCode::Unavailable);
    assert!(output.stderr.contains("`agectl channel show ops-chat`"), "{}", output.stderr);
}

#[tokio::test]
async fn test_without_wait_only_sends_the_message() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, channel());
    fake.plan_response(202, None, channel());
    let output = run(&fake, "channel test ops-chat --wait 0s", "").await;
    assert_eq!(
        (output.exit_code, output.stdout.as_str()),
        (ExitCode::Success, "AGE sends a test message to channel ops-chat\n")
    );
    assert_eq!(fake.request_lines().len(), 2);
    fake.plan_response(404, None, json!({"status": 404, "detail": "there is no channel ops-chat"}));
    assert_eq!(run(&fake, "channel test ops-chat", "").await.exit_code, ExitCode::NothingFound);
}
