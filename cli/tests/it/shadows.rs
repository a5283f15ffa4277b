//! `agectl policy shadow`, and the decisions to which the shadow would have given another verdict.

use agectl::ExitCode;
use serde_json::{Value, json};

use crate::fake_age::FakeAge;
use crate::policies::{default_hash, draft, hash, version};

fn shadow() -> Value {
    json!({"hash": hash(&draft()), "startedAt": "2026-11-23T00:05:00.000Z", "startedBy": "day-desk",
        "until": "2026-12-07T00:05:00.000Z", "reason": "how often would people be asked?"})
}

#[tokio::test]
async fn shadow_is_started_shown_and_ended() {
    let fake = FakeAge::start().await;
    let version = hash(&draft());
    let rest = format!(
        "version {} is the shadow from 2026-11-23 00:05:00Z until 2026-12-07 00:05:00Z, started by day-desk: how often would people be asked?\n",
        &version[..12]
    );
    fake.plan_response(200, None, shadow());
    let output = fake.run(&format!("policy shadow {version} --reason trial --until 2026-12-07T00:05:00Z")).await;
    assert_eq!((output.exit_code, output.stdout), (ExitCode::Success, format!("Started: {rest}")));
    assert!(output.stderr.contains("`agectl decision list --shadow`"), "{}", output.stderr);
    assert_eq!(fake.request_body(0), json!({"reason": "trial", "until": "2026-12-07T00:05:00.000Z"}));
    // Sent again: the version is the shadow then, and goes on.
    fake.plan_response(503, None, json!({}));
    fake.plan_response(200, None, shadow());
    let output = fake.run(&format!("policy shadow {version} --json")).await;
    assert_eq!(serde_json::from_str::<Value>(&output.stdout).unwrap(), shadow());
    assert_eq!(fake.request_body(2), json!({}));
    for (command, text) in [("policy shadow", "Shadow"), ("policy shadow --end", "Ended")] {
        fake.plan_response(200, None, shadow());
        assert_eq!(fake.run(command).await.stdout, format!("{text}: {rest}"));
    }
    let mut figures = shadow();
    figures.as_object_mut().unwrap().extend(json!({"decisions": 1204, "differing": 12}).as_object().unwrap().clone());
    fake.plan_response(200, None, figures);
    let expected = format!("Shadow: {rest}The shadow would have given another verdict to 12 of 1204 decisions\n");
    assert_eq!(fake.run("policy shadow").await.stdout, expected);
    fake.plan_response(404, None, json!({"detail": "no policy version is the shadow"}));
    let output = fake.run("policy shadow").await;
    assert_eq!(output.exit_code, ExitCode::NothingFound, "{}", output.stderr);
    let start = format!("POST /api/governance/policies/{version}/shadow");
    let show = "GET /api/governance/policies/shadow".to_owned();
    let end = "DELETE /api/governance/policies/shadow".to_owned();
    assert_eq!(fake.request_lines(), [start.clone(), start.clone(), start, show.clone(), end, show.clone(), show]);
}

#[tokio::test]
async fn shadow_is_named_in_the_list_and_in_the_header_of_its_version() {
    let fake = FakeAge::start().await;
    let mut listed =
        json!({"hash": hash(&draft()), "version": 1, "author": "night-desk", "active": false, "activations": 0});
    listed["shadow"] = shadow();
    let default = json!({"hash": default_hash(), "version": 0, "active": true, "activations": 1});
    fake.plan_response(200, None, json!({"policies": [listed, default]}));
    let output = fake.run("policy list").await;
    let statuses: Vec<_> = output.stdout.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(statuses, ["shadow", "active"], "{}", output.stdout);
    let mut shown = version(&draft(), 1, false);
    shown["shadow"] = shadow();
    fake.plan_response(200, None, shown);
    let output = fake.run(&format!("policy show {}", hash(&draft()))).await;
    let line = "\n# Shadow from 2026-11-23 00:05:00Z until 2026-12-07 00:05:00Z\n\n";
    assert!(output.stdout.contains(line), "{}", output.stdout);
}

#[tokio::test]
async fn decisions_with_another_verdict_of_the_shadow_are_listed_and_shown_with_it() {
    let fake = FakeAge::start().await;
    let mut decision = crate::decisions::decision("pending");
    decision["shadow"] = json!({"policyHash": "e".repeat(64), "verdict": "deny",
        "reasons": [{"rule": "no_refunds", "code": "rule_matched", "message": "no refunds"}]});
    fake.plan_response(200, None, json!({"decisions": [decision]}));
    fake.run("decision list --shadow").await;
    assert_eq!(fake.request_lines(), ["GET /api/governance/decisions?shadow=differs&limit=50"]);
    fake.plan_response(200, None, decision);
    let shown = fake.run(&format!("decision show {}", crate::decisions::DECISION)).await;
    let expected = format!(
        "The shadow, policy version {}, would have answered deny\n  no_refunds  rule matched: no refunds\n",
        "e".repeat(64)
    );
    assert!(shown.stdout.contains(&expected), "{}", shown.stdout);
}
