use age_policy::Policy;
use agectl::ExitCode;
use serde_json::{Value, json};

use crate::fake_age::{FakeAge, TOKEN};

const ID: &str = "01936f2e-0000-7000-8000-00000000000c";

/// The default policy, without approvals and with another weight.
fn draft() -> Policy {
    let mut policy = Policy::compiled().unwrap();
    policy.actions.require_approval.clear();
    policy.score_cap = 50;
    policy
}

fn job(status: &str) -> Value {
    json!({"id": ID, "status": status, "from": "2026-10-26T00:00:00.000Z", "to": "2026-11-23T00:00:00.000Z",
        "policyHash": draft().hash(), "activeHash": Policy::COMPILED_HASH, "startedAt": "2026-11-23T00:05:00.000Z"})
}

/// The job with a result that has something of everything.
fn finished_job() -> Value {
    let risk = |score: u32, level: &str| json!({"riskScore": score, "riskLevel": level, "riskScores": {"billing_risk": score}});
    let action = |change: &str, before: Value, after: Value, real: Value| {
        let mut item = json!({"change": change, "engine": "compliance", "eventType": "permission_leak",
            "at": "2026-11-17T10:00:00.000Z", "eventId": "01936f2e-0000-7000-8000-00000000000a", "action": "permission_reset"});
        for (name, value) in [("before", before), ("after", after), ("real", real)] {
            if !value.is_null() {
                item[name] = value;
            }
        }
        item
    };
    let status = |status: &str| json!({"status": status, "at": "2026-11-17T10:00:00.000Z"});
    let incident = |events: u64, severity: &str| json!({"status": "open", "at": "2026-11-17T10:00:00.000Z", "severity": severity, "events": events});
    let mut removed = action("removed", status("expired"), Value::Null, Value::Null);
    removed["action"] = "MAOS_auto_fix".into();
    let mut actions = vec![action("changed", status("expired"), status("unknown"), status("denied"))];
    actions.extend(vec![removed; 12]);
    let not_reproduced = json!({"reason": "other_policy", "kind": "incident", "engine": "billing", "eventType": "ledger_down",
        "at": "2026-11-17T10:00:00.000Z", "incidentId": "billing.1.ledger_down", "real": incident(3, "HIGH")});
    let mut job = job("succeeded");
    job["result"] = json!({"schemaVersion": 1, "from": "2026-11-09T00:00:00.000Z", "to": "2026-11-23T00:00:00.000Z",
        "weeks": [
            {"from": "2026-11-09T00:00:00.000Z", "to": "2026-11-16T00:00:00.000Z", "active": risk(20, "LOW"), "draft": risk(20, "LOW"), "flips": []},
            {"from": "2026-11-16T00:00:00.000Z", "to": "2026-11-23T00:00:00.000Z", "active": risk(77, "CRITICAL"), "draft": risk(50, "HIGH"),
                "flips": [{"before": "CRITICAL", "after": "HIGH"}, {"category": "client_risk", "after": "LOW"}]}],
        "difference": {
            "counts": [{"kind": "action", "engine": "compliance", "added": 0, "removed": 12, "changed": 1},
                {"kind": "approval", "engine": "compliance", "added": 0, "removed": 1, "changed": 0}],
            "actions": {"total": 15, "items": actions},
            "approvals": {"total": 1, "items": [action("removed", status("expired"), Value::Null, status("expired"))]},
            "incidents": {"total": 1, "items": [{"change": "changed", "engine": "billing", "eventType": "ledger_down",
                "at": "2026-11-17T10:00:00.000Z", "incidentId": "billing.1.ledger_down",
                "before": incident(3, "HIGH"), "after": incident(4, "CRITICAL"), "real": incident(3, "HIGH")}]},
            "notifications": {"total": 1, "items": [{"change": "added", "engine": "billing", "eventType": "ledger_down",
                "at": "2026-11-17T10:00:00.000Z", "incidentId": "billing.1.ledger_down", "notification": "initial",
                "after": status("sent")}]}},
        "decisions": decisions(),
        "selfCheck": {"reproduced": 90, "notReproduced": 10, "items": [not_reproduced],
            "reasons": [{"reason": "notification_timing", "count": 7}, {"reason": "other_policy", "count": 3}]},
        "leftOut": {"events": 1500, "completeSince": "2026-11-10T00:00:00.000Z", "unreadable": 1, "incidentsCut": 0, "incidentsAboutPermits": 2}});
    job
}

/// Decisions with another verdict, with an unknown one, and one that is not reproduced.
fn decisions() -> Value {
    let decision = |before: &str, after: &str, more: Value| {
        let mut decision = json!({"id": ID, "decidedAt": "2026-11-17T10:00:00.000Z", "engine": "billing", "action": "refund",
            "resourceType": "invoice", "resourceId": "4711", "policyHash": draft().hash(), "before": before, "after": after});
        decision.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        decision
    };
    let changed = decision(
        "needs_approval",
        "allow",
        json!({"rulesBefore": ["large_refunds"], "rulesAfter": ["refunds"], "approval": "used"}),
    );
    let unknown = decision("allow", "unknown", json!({"unrecorded": ["context.amount"]}));
    let mut unreproduced = unknown.clone();
    unreproduced.as_object_mut().unwrap().extend(
        json!({"reason": "request_not_recorded", "recorded": "allow", "simulated": "unknown"})
            .as_object()
            .unwrap()
            .clone(),
    );
    json!({"total": 1204,
        "verdicts": [{"before": "allow", "after": "unknown", "count": 1}, {"before": "needs_approval", "after": "allow", "count": 1203}],
        "changed": {"total": 1203, "items": vec![changed; 11]}, "unknown": {"total": 1, "items": [unknown]},
        "selfCheck": {"reproduced": 1203, "notReproduced": 1, "reasons": [{"reason": "request_not_recorded", "count": 1}],
            "items": [unreproduced]}})
}

/// The text of [`decisions`] with `listed` of those that change, the `hint` about the others, and `items` of the self-check.
fn decisions_view(listed: usize, hint: &str, items: &str) -> String {
    let at = "  2026-11-17 10:00:00Z billing refund, invoice 4711:";
    let changed = format!("{at} needs approval (large_refunds) → allow (refunds), approval used, {ID}\n");
    format!(
        "\nVERDICT         UNDER THE POLICY  DECISIONS\nallow           unknown           1\n\
         needs approval  allow             1203\n\nDecisions with another verdict\n{}  and {} more; {hint}\n\n\
         Decisions whose verdict is unknown, because it depends on what was not recorded\n\
         {at} allow → unknown, not recorded: context.amount, {ID}\n\n\
         Self-check: under the policies that decided, the simulation reproduces 1203 of 1204 decisions\n      \
         1  depend on fields of the request, which was recorded as a digest\n{items}",
        changed.repeat(listed),
        1203 - listed
    )
}

const VIEW: &str = "\
Simulation from 2026-11-09 00:00:00Z to 2026-11-23 00:00:00Z, compared with the active policy

WEEK                      ACTIVE       DRAFT    CHANGED LEVELS
2026-11-09 to 2026-11-15  20 LOW       20 LOW   -
2026-11-16 to 2026-11-22  77 CRITICAL  50 HIGH  week CRITICAL → HIGH, client_risk - → LOW

WHAT       ENGINE      ADDED  REMOVED  CHANGED
actions    compliance  0      12       1
approvals  compliance  0      1        0

Actions
  ~ 2026-11-17 10:00:00Z compliance permission_leak, permission_reset: expired → unknown (it really was denied)
";

const VIEW_END: &str = "
Approvals
  - 2026-11-17 10:00:00Z compliance permission_leak, permission_reset: expired

Incidents
  ~ 2026-11-17 10:00:00Z billing ledger_down, billing.1.ledger_down: severity HIGH → CRITICAL, events 3 → 4

Notifications
  + 2026-11-17 10:00:00Z billing ledger_down, initial: sent

Self-check: under the active policy, the simulation reproduces 90 of 100 actions, incidents and notifications
      7  e-mails waited for the e-mail budget, the sweep or a subscriber
      3  another policy was active then

Left out
  1500 events not read, because the period has too many: all are read since 2026-11-10 00:00:00Z
  1 row that this version of AGE cannot read
  2 incidents about permits and events that do not match
";

const REMOVED: &str = "  - 2026-11-17 10:00:00Z compliance permission_leak, MAOS_auto_fix: expired\n";

#[tokio::test]
async fn simulation_is_started_followed_and_shown() {
    let fake = FakeAge::start().await;
    let hash = draft().hash().to_string();
    fake.plan_response(202, None, job("running"));
    fake.plan_response(200, None, job("running"));
    fake.plan_response(200, None, finished_job());
    let output = fake.run(&format!("policy simulate {hash}")).await;
    let hint = "--all lists those that the result has";
    let end = VIEW_END.replace("\nLeft out", &format!("{}\nLeft out", decisions_view(10, hint, "")));
    let expected = format!("{VIEW}{}  and 5 more; {hint}\n{end}", REMOVED.repeat(9));
    assert_eq!((output.exit_code, output.stdout), (ExitCode::Success, expected));
    let job_line = format!("GET /api/governance/policies/{hash}/simulations/{ID}");
    let start = format!("POST /api/governance/policies/{hash}/simulation");
    assert_eq!(fake.request_lines(), [start, job_line.clone(), job_line]);
    assert_eq!(fake.request_body(0), json!({"from": "2026-10-26T00:00:00.000Z", "to": "2026-11-23T00:00:00.000Z"}));

    fake.plan_response(200, None, finished_job());
    let output = fake.run(&format!("policy simulate {hash} --all --from 2026-11-09T00:00:00Z")).await;
    let item = "  2026-11-17 10:00:00Z billing ledger_down, billing.1.ledger_down: simulated -, really open (another policy was active then)\n";
    let of_decision = format!(
        "  2026-11-17 10:00:00Z billing refund: allow, depend on fields of the request, which was recorded as a digest, {ID}\n"
    );
    let hint = "the result does not list them";
    let end = format!("{item}{}\nLeft out", decisions_view(11, hint, &of_decision));
    let end = VIEW_END.replace("\nLeft out", &end);
    let expected = format!("{VIEW}{}  and 2 more; {hint}\n{end}", REMOVED.repeat(12));
    assert_eq!(output.stdout, expected);
    fake.plan_response(200, None, finished_job());
    let output = fake.run(&format!("policy simulate {hash} --json")).await;
    assert_eq!(serde_json::from_str::<Value>(&output.stdout).unwrap(), finished_job());
}

#[tokio::test]
async fn file_is_stored_before_it_is_simulated_unless_age_has_it() {
    let fake = FakeAge::start().await;
    let hash = draft().hash().to_string();
    let version = json!({"hash": hash, "version": 1, "author": "night-desk", "createdAt": "2026-11-20T00:00:00.000Z", "active": false,
        "document": draft()});
    fake.plan_response(404, None, json!({"detail": "does not exist"}));
    fake.plan_response(201, None, version.clone());
    fake.plan_response(200, None, finished_job());
    let output = fake.run_with("policy simulate -", Some(TOKEN), &draft().to_toml()).await;
    assert_eq!(output.exit_code, ExitCode::Success, "{}", output.stderr);
    assert_eq!(output.stderr, format!("Simulating version 1 ({})\n", &hash[..12]));
    let find = format!("GET /api/governance/policies/{hash}");
    let start = format!("POST /api/governance/policies/{hash}/simulation");
    let store = "POST /api/governance/policies".to_owned();
    assert_eq!(fake.request_lines(), [find.clone(), store, start.clone()]);

    // A responder may simulate a policy that is stored.
    fake.state().requests.clear();
    fake.plan_response(200, None, version);
    fake.plan_response(200, None, finished_job());
    fake.run_with("policy simulate -", Some(TOKEN), &draft().canonical_json()).await;
    assert_eq!(fake.request_lines(), [find, start]);
}

#[tokio::test]
async fn invalid_file_is_not_simulated() {
    let fake = FakeAge::start().await;
    fake.plan_response(422, None, json!({"detail": "the policy has 1 error"}));
    let invalid = draft().to_toml().replace("score_cap = 50", "score_cap = 0");
    let output = fake.run_with("policy simulate -", Some(TOKEN), &invalid).await;
    assert_eq!(output.exit_code, ExitCode::Refused);
    assert!(output.stderr.starts_with("standard input: score_cap: must be a whole number"), "{}", output.stderr);
    assert_eq!(fake.request_lines(), ["POST /api/governance/policies"]);
}

#[tokio::test]
async fn failed_simulation_says_why() {
    let fake = FakeAge::start().await;
    let mut failed = job("failed");
    failed["error"] = "it did not end in 5 min".into();
    fake.plan_response(202, None, failed);
    let output = fake.run(&format!("policy simulate {}", draft().hash())).await;
    assert_eq!((output.exit_code, output.stdout.as_str()), (ExitCode::Unavailable, ""));
    assert_eq!(output.stderr, format!("agectl: AGE could not finish the simulation {ID}: it did not end in 5 min\n"));
}

fn export() -> Value {
    let event = json!({"id": "01936f2e-0000-7000-8000-00000000000a", "engine": "compliance", "eventType": "permission_leak",
        "severity": "HIGH", "occurredAt": "2026-11-17T10:00:00.000Z"});
    json!({"active": {"hash": Policy::COMPILED_HASH, "document": Policy::compiled().unwrap()},
        "history": {"schemaVersion": 1, "from": "2026-11-16T00:00:00.000Z", "to": "2026-11-23T00:00:00.000Z", "engines": {},
            "weeks": [{"from": "2026-11-16T00:00:00.000Z", "to": "2026-11-23T00:00:00.000Z", "counts": {"billing": {"CRITICAL": 4}}}],
            "events": [event], "earlierEvents": [], "actions": [], "incidents": []}})
}

#[tokio::test]
async fn export_prints_the_history_that_is_simulated_without_age() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, export());
    let exported = fake.run("policy export --from 2026-11-16T00:00:00Z").await;
    let line = "GET /api/governance/policies/history?from=2026-11-16T00%3A00%3A00.000Z&to=2026-11-23T00%3A00%3A00.000Z";
    assert_eq!(fake.request_lines(), [line]);
    assert_eq!(serde_json::from_str::<Value>(&exported.stdout).unwrap(), export());

    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/export.json");
    std::fs::write(file, exported.stdout).unwrap();
    let offline = FakeAge::at("http://127.0.0.1:1");
    let output = offline.run_with(&format!("policy simulate - --export {file}"), None, &draft().to_toml()).await;
    assert_eq!(output.exit_code, ExitCode::Success, "{}", output.stderr);
    let expected =
        "2026-11-16 to 2026-11-22  20 CRITICAL  10 HIGH  week CRITICAL → HIGH, billing_risk CRITICAL → HIGH\n";
    assert!(output.stdout.contains(expected), "{}", output.stdout);
    let expected = "  - 2026-11-17 10:00:00Z compliance permission_leak, permission_reset: ";
    assert!(output.stdout.contains(expected), "{}", output.stdout);
    let output = offline.run_with(&format!("policy simulate active --export {file} --json"), None, "").await;
    let simulation: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!((&simulation["difference"]["counts"], &simulation["weeks"][0]["flips"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn export_that_cannot_be_simulated_is_wrong_usage() {
    let offline = FakeAge::at("http://127.0.0.1:1");
    let mut later = export();
    later["history"]["schemaVersion"] = 2.into();
    for (stdin, problem) in
        [("{}".to_owned(), "missing field `active`"), (later.to_string(), "its schemaVersion must be 1; got 2")]
    {
        let output = offline.run_with("policy simulate default --export -", None, &stdin).await;
        assert_eq!(output.exit_code, ExitCode::UsageError);
        assert!(output.stderr.contains(problem), "{}", output.stderr);
    }
    let output = offline.run_with("policy simulate 01234567 --export -", None, &export().to_string()).await;
    assert!(output.exit_code == ExitCode::UsageError && output.stderr.contains("must be a file"), "{}", output.stderr);
}
