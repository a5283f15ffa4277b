//! `--all`, `--watch` and empty lists.

use std::time::Duration;

use agectl::ExitCode;
use serde_json::{Value, json};

use crate::fake_age::FakeAge;

fn incident(number: u32, status: &str) -> Value {
    json!({"id": format!("billing.{number}.a"), "engine": "billing", "eventType": "a", "status": status, "severity": "CRITICAL",
        "eventCount": 7, "openedAt": "2026-11-23T00:00:00.000Z", "lastEventAt": "2026-11-23T00:00:00.000Z"})
}

#[tokio::test]
async fn empty_list_has_an_exit_code_of_its_own() {
    let fake = FakeAge::start().await;
    for (command, name) in [
        ("incident list", "incidents"),
        ("event list --type typo", "events"),
        ("action list", "actions"),
        ("report list", "reports"),
        ("policy list", "policies"),
        ("policy history", "activations"),
        ("incident list --all", "incidents"),
        ("event list --all --json", "events"),
    ] {
        fake.plan_response(200, None, json!({ name: [] }));
        let output = fake.run(command).await;
        assert_eq!(output.exit_code, ExitCode::NothingFound, "{command}");
        assert_eq!(output.stderr, format!("agectl: no {name} found\n"));
    }
    fake.plan_response(200, None, json!({"incidents": []}));
    let json = fake.run("incident list --json").await;
    assert_eq!((json.exit_code, json.stdout.as_str()), (ExitCode::NothingFound, "{\n  \"incidents\": []\n}\n"));
    // An item that AGE cannot read is there all the same.
    fake.plan_response(200, None, json!({"incidents": [], "unreadable": [{"id": "billing.2.a"}]}));
    assert_eq!(fake.run("incident list").await.exit_code, ExitCode::Success);
    // A gateway's 404 is about the address.
    fake.plan_response(404, None, json!({"message": "Not Found"}));
    assert_eq!(fake.run("incident list").await.exit_code, ExitCode::Refused);
}

#[tokio::test]
async fn all_follows_cursors_to_the_end_in_pages_of_the_maximum() {
    let fake = FakeAge::start().await;
    for json in ["", " --json"] {
        fake.state().requests.clear();
        fake.plan_response(200, None, json!({"incidents": [incident(1, "open")], "nextCursor": "x"}));
        fake.plan_response(200, None, json!({"incidents": [], "nextCursor": "y"}));
        fake.plan_response(200, None, json!({"incidents": [incident(2, "open")], "nextCursor": null}));
        let output = fake.run(&format!("incident list --all{json}")).await;
        assert_eq!((output.exit_code, output.stderr.as_str()), (ExitCode::Success, ""));
        let ids: Vec<bool> = ["billing.1.a", "billing.2.a"].map(|id| output.stdout.contains(id)).into();
        assert_eq!(ids, [true, true], "{}", output.stdout);
        assert!(fake.request_lines()[0].ends_with("incidents?limit=200"), "{:?}", fake.request_lines());
        assert!(fake.request_lines()[2].ends_with("incidents?limit=200&cursor=y"), "{:?}", fake.request_lines());
        if !json.is_empty() {
            let lines: Vec<Value> = output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(lines, [incident(1, "open"), incident(2, "open")]);
        }
    }
}

/// Lets a watched list make two rounds, and presses Ctrl-C at the request of the third.
fn plan_rounds(fake: &FakeAge, second_event_at: &str) {
    let mut seen_again = incident(1, "open");
    seen_again["lastEventAt"] = second_event_at.into();
    fake.plan_response(200, None, json!({"incidents": [incident(1, "open"), incident(2, "open")]}));
    let second = json!({"incidents": [incident(3, "open"), seen_again, incident(2, "acknowledged")]});
    fake.plan_response(200, None, second.clone());
    fake.plan_response(200, None, second);
    fake.state().interrupt_at = Some(3);
}

#[tokio::test]
async fn watched_list_prints_what_is_new_or_looks_different() {
    let fake = FakeAge::start().await;
    plan_rounds(&fake, "2026-11-23T00:09:00.000Z");
    let output = fake.run("incident list --watch 1").await;
    assert_eq!((output.exit_code, output.stderr.as_str()), (ExitCode::Interrupted, "agectl: interrupted\n"));
    let first_words = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
    };
    assert_eq!(first_words(&output.stdout), ["ID", "billing.1.a", "billing.2.a", "billing.3.a", "billing.2.a"]);
    assert!(output.stdout.lines().last().unwrap().contains("acknowledged"), "{}", output.stdout);
}

#[tokio::test]
async fn watched_list_as_json_prints_items_whose_json_differs() {
    let fake = FakeAge::start().await;
    plan_rounds(&fake, "2026-11-23T00:09:00.000Z");
    fake.state().stdout_is_terminal = true;
    let output = fake.run("incident list --watch 1 --json").await;
    let ids: Vec<String> = output
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids, ["billing.1.a", "billing.2.a", "billing.3.a", "billing.1.a", "billing.2.a"]);
}

#[tokio::test]
async fn watched_list_is_drawn_again_on_a_terminal() {
    let fake = FakeAge::start().await;
    plan_rounds(&fake, "2026-11-23T00:00:00.000Z");
    fake.state().stdout_is_terminal = true;
    let output = fake.run("incident list --watch 1").await;
    let screens: Vec<_> = output.stdout.split("\u{1b}[2J\u{1b}[H").skip(1).collect();
    assert!(screens.len() >= 2 && screens.iter().all(|screen| screen.starts_with("ID ")), "{}", output.stdout);
    assert_eq!(screens[1].lines().count(), 4);
}

#[tokio::test]
async fn watched_list_survives_an_outage_and_an_empty_list() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, json!({"incidents": []}));
    for _ in 0..4 {
        fake.plan_response(503, None, json!({"detail": "try again"}));
    }
    fake.plan_response(200, None, json!({"incidents": [incident(1, "open")]}));
    fake.plan_response(200, None, json!({"incidents": [incident(1, "open")]}));
    fake.state().interrupt_at = Some(7);
    let output = fake.run("incident list --watch 1").await;
    assert_eq!(output.stderr, "agectl: try again\nagectl: interrupted\n");
    assert_eq!((output.stdout.lines().count(), output.exit_code), (2, ExitCode::Interrupted), "{}", output.stdout);
    // An error that stays ends it.
    fake.plan_response(403, None, json!({"detail": "the role engine may not use this route"}));
    let refused = tokio::time::timeout(Duration::from_secs(5), fake.run("incident list --watch")).await.unwrap();
    assert_eq!(refused.exit_code, ExitCode::AccessDenied);
}
