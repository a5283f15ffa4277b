//! Texts of others that try to control the terminal, to hide or reorder text, or to pass for agectl's own lines.

use age_model::is_hidden;
use serde_json::{Value, json};

use crate::actions::{EVENT, action, event};
use crate::channels::channel;
use crate::checks::{decisions, health, stats};
use crate::fake_age::FakeAge;
use crate::harness::CommandOutput;
use crate::holds::hold;
use crate::incident_show::shown_incident;
use crate::lists::report;

const HOSTILE: &[&str] = &[
    "\u{1b}[2J\u{1b}[1;1Hcleared",
    "\u{1b}]8;;https://evil.example\u{1b}\\click\u{1b}]8;;\u{1b}\\",
    "\u{1b}]0;title\u{7}",
    "\u{9b}2J\u{9d}0;title\u{9c}",
    "\u{202e}gnp.exe\u{202c} \u{2066}x\u{2069}",
    "one\u{2028}two\u{2029}three\u{85}four",
    "zero\u{200b}width\u{feff}\u{2060} e\u{200d}f",
    "tag\u{e0041}\u{e0042}",
    "\rovertyped \u{8}\u{8}\u{7f}",
    "x\nagectl: AGE is compromised\nbilling.9.forged  LOW  resolved",
];

/// Asserts that `output` has nothing that the terminal would act on, and no line that only others wrote.
fn assert_harmless(output: &CommandOutput, what: &str) {
    for text in [&output.stdout, &output.stderr] {
        assert!(text.chars().all(|character| character == '\n' || !is_hidden(character)), "{what}: {text:?}");
        let is_forged = |line: &str| line.starts_with("agectl: AGE is") || line.starts_with("billing.9");
        assert!(!text.lines().any(is_forged), "{what}: {text}");
    }
}

fn incident(hostile: &str) -> Value {
    json!({"id": hostile, "engine": "billing", "eventType": hostile, "status": hostile, "severity": hostile, "eventCount": 7,
        "openedAt": "2026-11-23T00:00:00.000Z", "acknowledged": {"at": "2026-11-23T00:01:00.000Z", "by": hostile, "note": hostile}})
}

fn credential(hostile: &str) -> Value {
    json!({"kid": "night-desk", "role": hostile, "engines": [hostile], "status": hostile, "createdBy": hostile,
        "createdAt": "2026-11-23T00:00:00.000Z", "secrets": [{"createdAt": "2026-11-23T00:00:00.000Z"}], "token": hostile})
}

fn hostile_report(hostile: &str) -> Value {
    let mut report = report();
    let summary = &mut report["summary"];
    summary["riskScores"][hostile] = 7.into();
    summary["peakCategory"] = hostile.into();
    summary["silentEngines"] = json!([hostile]);
    summary["byEngine"][hostile] = 3.into();
    report["kind"] = hostile.into();
    report["riskLevel"] = hostile.into();
    report["reportPeriod"] = hostile.into();
    report["nextSteps"] =
        json!([{"kind": "category", "text": hostile, "detail": hostile, "count": 1, "path": hostile}]);
    report
}

/// An event whose texts are all hostile, except the names of its actions.
fn poisoned_event_of_action(hostile: &str) -> Value {
    let mut event = poisoned(event(), hostile);
    event["actions"][0]["action"] = "permission_reset".into();
    event["actions"][0]["status"] = "pending_approval".into();
    event
}

fn hostile_stats(hostile: &str) -> Value {
    let mut stats = poisoned(stats(), hostile);
    stats["byEngine"][hostile] = 1.into();
    stats["bySeverity"][hostile] = 1.into();
    stats["decisions"] = decisions();
    stats["decisions"]["byRule"][hostile] = 1.into();
    stats
}

/// A policy version, without the document, which no hostile text can be in: its hash would be another one.
fn policy_version(hostile: &str) -> Value {
    let hash = age_policy::Policy::COMPILED_HASH;
    json!({"hash": hash, "version": 1, "author": hostile, "createdAt": "2026-11-23T00:00:00.000Z", "active": true,
        "lastActivatedAt": "2026-11-23T00:00:00.000Z", "document": age_policy::Policy::compiled().unwrap()})
}

fn policy_activation(hostile: &str) -> Value {
    let hash = age_policy::Policy::COMPILED_HASH;
    json!({"number": 1, "hash": hash, "version": 1, "previous": hash, "by": hostile, "at": "2026-11-23T00:00:00.000Z",
        "reason": hostile})
}

fn simulation_job(hostile: &str) -> Value {
    json!({"id": hostile, "status": hostile, "error": hostile})
}

/// Replaces every text of `value` by `hostile`, except times, ids of events and the types of entries, which AGE itself chooses.
fn poison(value: &mut Value, hostile: &str) {
    match value {
        Value::String(text) if text.ends_with('Z') => {}
        Value::String(text) => hostile.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|item| poison(item, hostile)),
        Value::Object(fields) => fields
            .iter_mut()
            .filter(|(name, _)| !["id", "eventId", "type"].contains(&name.as_str()))
            .for_each(|(_, item)| poison(item, hostile)),
        _ => {}
    }
}

fn poisoned(mut value: Value, hostile: &str) -> Value {
    poison(&mut value, hostile);
    value
}

fn problem(hostile: &str) -> Value {
    json!({"title": hostile, "status": 422, "detail": hostile, "errors": [{"pointer": format!("/{hostile}"), "detail": hostile}]})
}

#[tokio::test]
async fn terminal_gets_nothing_raw() {
    let fake = FakeAge::start().await;
    let list = |name: &str, item: Value, hostile: &str| json!({name: [item], "unreadable": [{"id": hostile}]});
    let event_show = format!("event show {EVENT}");
    let action_show = format!("action show {EVENT} permission_reset");
    let action_deny = format!("action deny {EVENT} permission_reset --digest {}", "0".repeat(64));
    for hostile in HOSTILE {
        for (command, status, response) in [
            ("incident list", 200, list("incidents", incident(hostile), hostile)),
            ("incident ack billing.1.a --note x", 200, incident(hostile)),
            ("incident show billing.1.a", 200, poisoned(shown_incident(), hostile)),
            ("incident show billing.1.a", 404, problem(hostile)),
            ("incident comment billing.1.a billing.2.a --note x", 409, problem(hostile)),
            ("event list", 200, list("events", poisoned(event(), hostile), hostile)),
            (&event_show, 200, poisoned(event(), hostile)),
            ("action list", 200, list("actions", poisoned(action("a", "b"), hostile), hostile)),
            (&action_show, 200, poisoned_event_of_action(hostile)),
            (&action_deny, 200, poisoned(action("a", "b"), hostile)),
            ("health", 200, poisoned(health(), hostile)),
            ("doctor", 200, poisoned(health(), hostile)),
            ("doctor", 401, problem(hostile)),
            ("stats", 200, hostile_stats(hostile)),
            ("report make", 201, hostile_report(hostile)),
            ("credential list", 200, list("credentials", credential(hostile), hostile)),
            ("credential create night-desk --role reader", 201, credential(hostile)),
            ("credential revoke night-desk", 200, credential(hostile)),
            ("report list", 200, list("reports", hostile_report(hostile), hostile)),
            ("report show 01936f2e-0000-5000-8000-00000000000a", 200, hostile_report(hostile)),
            (
                "event send --engine qa --type a",
                201,
                json!({"id": "01936f2e-0000-7000-8000-00000000000a", "actions": [{"action": hostile, "status": hostile}]}),
            ),
            ("event send --engine qa --type a", 422, problem(hostile)),
            ("hold list", 200, list("holds", poisoned(hold(), hostile), hostile)),
            ("hold set billing --reason x --for 1h", 201, poisoned(hold(), hostile)),
            ("channel list", 200, list("channels", poisoned(channel(), hostile), hostile)),
            ("channel show ops-chat", 200, poisoned(channel(), hostile)),
            ("channel pause ops-chat", 200, poisoned(channel(), hostile)),
            ("channel remove ops-chat", 404, problem(hostile)),
            ("policy list", 200, list("policies", policy_version(hostile), hostile)),
            ("policy history", 200, list("activations", policy_activation(hostile), hostile)),
            ("policy show", 200, policy_version(hostile)),
            ("policy show", 200, json!({"hash": hostile})),
            ("policy simulate active", 200, simulation_job(hostile)),
            ("incident list", 200, json!({"incidents": [{ "severity": hostile, "id": hostile }]})),
            ("incident list", 200, json!({ hostile.to_owned(): [] })),
            ("report list", 403, json!({ "detail": hostile })),
            (
                "incident ack billing.1.a billing.2.a",
                200,
                json!({"changedCount": 1, "unchangedCount": 0, "failedCount": 1, "remainingCount": 0,
                    "failures": [{"id": hostile, "status": 409, "detail": hostile}], "asOf": "2026-11-23T00:00:00.000Z"}),
            ),
        ] {
            fake.plan_response(status, None, response);
            assert_harmless(&fake.run(command).await, &format!("{command}: {hostile:?}"));
        }
    }
}

#[tokio::test]
async fn refused_lines_of_an_import_are_shown_harmlessly() {
    for hostile in HOSTILE {
        let fake = FakeAge::start().await;
        let refusal = json!({"status": 422, "detail": hostile, "errors": [{"pointer": format!("/{hostile}"), "detail": hostile}]});
        fake.plan_response(200, None, json!({"results": [refusal]}));
        let output = fake.run_with("event import -", Some(crate::fake_age::TOKEN), "{\"a\":1}\n").await;
        assert_harmless(&output, hostile);
        assert!(output.stderr.contains("standard input:1: "), "{}", output.stderr);
    }
}

#[tokio::test]
async fn commands_about_policies_are_harmless() {
    let fake = FakeAge::start().await;
    let version = policy_version("night-desk");
    for hostile in HOSTILE {
        let change =
            json!({"subject": hostile, "sentence": hostile, "path": hostile, "before": hostile, "after": hostile});
        let difference = json!({"hash": version["hash"], "against": version["hash"], "changes": [change]});
        let hash = "0".repeat(64);
        let activate = format!("policy activate {hash} --reason x --yes");
        for (command, responses) in [
            ("policy show", vec![version.clone(), json!({"activations": [policy_activation(hostile)]})]),
            (&format!("policy diff {hash}"), vec![version.clone(), difference.clone()]),
            (
                "policy rollback --yes",
                vec![json!({"activations": [policy_activation(hostile)]}), policy_activation(hostile)],
            ),
            (&activate, vec![version.clone(), difference.clone(), policy_activation(hostile)]),
            (&format!("policy simulate {hash}"), vec![simulation_job(hostile)]),
        ] {
            for response in responses {
                fake.plan_response(200, None, response);
            }
            assert_harmless(&fake.run(command).await, &format!("{command}: {hostile:?}"));
            assert_eq!(fake.state().planned_responses.len(), 0, "{command}");
        }
        let file = format!("a = \"{hostile}\"\n[engines.\"{hostile}\"]\ntitle = \"{hostile}\"\n");
        let json = json!({"engines": {(*hostile): {"title": hostile}}, (*hostile): hostile}).to_string();
        for file in [file, json] {
            let output = fake.run_with("policy check -", None, &file).await;
            assert_harmless(&output, &format!("policy check: {hostile:?}"));
            assert!(output.stderr.lines().count() > 1, "{}", output.stderr);
        }
    }
}

#[tokio::test]
async fn json_output_is_harmless_and_has_the_same_values() {
    let fake = FakeAge::start().await;
    for hostile in HOSTILE {
        for (command, response) in [
            ("incident list --json", json!({"incidents": [incident(hostile)]})),
            ("incident ack billing.1.a --json", incident(hostile)),
            ("incident show billing.1.a --json", poisoned(shown_incident(), hostile)),
            ("health --json", poisoned(health(), hostile)),
            ("incident list --all --json", incident(hostile)),
            ("credential list --json", json!({"credentials": [credential(hostile)]})),
            ("credential create night-desk --role reader --json", credential(hostile)),
            ("report show 01936f2e-0000-5000-8000-00000000000a --json", hostile_report(hostile)),
            ("policy show --json", policy_version(hostile)),
            ("policy list --json", json!({"policies": [policy_version(hostile)]})),
        ] {
            let is_line = command.contains("--all");
            fake.plan_response(200, None, if is_line { json!({"incidents": [response]}) } else { response.clone() });
            let output = fake.run(command).await;
            assert_harmless(&output, &format!("{command}: {hostile:?}"));
            assert_eq!(serde_json::from_str::<Value>(&output.stdout).unwrap(), response, "{command}");
        }
    }
}

#[tokio::test]
async fn exported_report_is_harmless() {
    let fake = FakeAge::start().await;
    for hostile in HOSTILE {
        let mut report = hostile_report(hostile);
        // No engine has such a name: agectl would refuse the whole report.
        report["summary"]["silentEngines"] = json!([]);
        report["summary"]["byEngine"].as_object_mut().unwrap().remove(*hostile);
        for format in ["json", "csv", "markdown", "text"] {
            let command = format!("report export 01936f2e-0000-5000-8000-00000000000a --format {format}");
            fake.plan_response(200, None, report.clone());
            let mut output = fake.run(&command).await;
            // The lines of CSV end so.
            output.stdout = output.stdout.replace("\r\n", "\n");
            assert_harmless(&output, &format!("{command}: {hostile:?}"));
            assert!(output.stdout.lines().count() > 20, "{}{}", output.stdout, output.stderr);
        }
    }
}
