//! `agectl health`, `stats`, `whoami` and `doctor`.

use agectl::ExitCode;
use serde_json::{Value, json};

use crate::fake_age::{FakeAge, TOKEN};

pub(crate) fn health() -> Value {
    json!({"notificationsReachable": true, "lastSweepAt": "2026-11-23T00:04:31.000Z", "asOf": "2026-11-23T00:05:00.000Z",
        "policy": {"hash": "0123", "activatedAt": "2026-11-20T00:00:00.000Z", "isReadable": true},
        "topics": [{"name": "notifications", "status": "subscribed"}, {"name": "second_line", "status": "not_used"}],
        "systemAlerts": [{"kind": "refused_event", "sender": "alertmanager", "subject": "labels/engine", "detail": "label engine is missing",
            "count": 3, "firstAt": "2026-11-23T00:00:00.000Z", "lastAt": "2026-11-23T00:04:00.000Z"}]})
}

pub(crate) fn stats() -> Value {
    json!({"totalEvents": 6, "criticalCount": 1, "byEngine": {"billing": 2, "qa": 4}, "bySeverity": {"LOW": 5, "CRITICAL": 1},
        "busiestEngine": "qa", "topRiskyEngine": null, "latestRiskScore": 77, "asOf": "2026-11-23T00:05:00.000Z"})
}

/// Counts of decisions, as statistics and reports have them.
pub(crate) fn decisions() -> Value {
    json!({"allowed": 1204, "denied": 12, "needsApproval": 3, "permitsWithoutEvent": 2, "operationsWithoutPermit": 1,
        "operationsWhileUnavailable": 0, "shadowDifferences": 0, "byRule": {"large_refunds": 1, "refunds": 1204},
        "byReason": {"no_rule": 9, "frozen": 1}})
}

/// Plans the response with the caller's own credential.
fn plan_role(fake: &FakeAge, role: &str) {
    let engines = if role == "engine" { json!(["billing", "qa"]) } else { json!([]) };
    let own = json!({"kid": "night-desk", "role": role, "engines": engines, "expiresAt": "2027-01-01T00:00:00.000Z"});
    fake.plan_response(200, None, own);
}

#[tokio::test]
async fn health_is_shown() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, health());
    let expected = "\
Health of AGE, 2026-11-23 00:05:00Z
  Last sweep  2026-11-23 00:04:31Z, 29 s ago
  Policy      0123, activated 2026-11-20 00:00:00Z

Topics
  notifications  subscribed
  second_line    not used

System alerts
  alertmanager  refused event, 3 times, last 2026-11-23 00:04:00Z
    > labels/engine: label engine is missing
";
    assert_eq!(fake.run("health").await.stdout, expected);
    let mut ill = health();
    (ill["lastSweepAt"], ill["policy"]["isReadable"], ill["systemAlerts"]) = (Value::Null, false.into(), json!([]));
    ill["topics"][0]["status"] = "paused".into();
    fake.plan_response(200, None, ill);
    let output = fake.run("health").await;
    for text in
        ["Last sweep  never ran", "the active version cannot be", "notifications  paused", "System alerts\n  none"]
    {
        assert!(output.stdout.contains(text), "{text} in {}", output.stdout);
    }
}

#[tokio::test]
async fn statistics_are_shown() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, stats());
    let expected = "\
The last 30 days, 2026-11-23 00:05:00Z
  Events                         6, 1 CRITICAL
  Most events                    qa
  Most risk                      -
  Risk score of the last report  77 of 100

Events by severity
  CRITICAL        ████                         1
  LOW             ████████████████████████     5

Events by engine
  qa              ████████████████████████     4
  billing         ████████████                 2
";
    assert_eq!(fake.run("stats").await.stdout, expected);
}

#[tokio::test]
async fn statistics_with_decisions_show_verdicts_and_guardrails() {
    let fake = FakeAge::start().await;
    let mut with_decisions = stats();
    with_decisions["decisions"] = decisions();
    fake.plan_response(200, None, with_decisions);
    let expected = "

Decisions
  Verdicts                     1204 allowed, 12 denied, 3 needed approval
  Permits without an event     2 permits
  Operations without a permit  1 operation

Guardrails
  refunds        1204 decisions
  large_refunds  1 decision
";
    let shown = fake.run("stats").await.stdout;
    assert!(shown.ends_with(expected), "{shown}");
}

#[tokio::test]
async fn caller_is_named_with_its_role() {
    let fake = FakeAge::start().await;
    for role in ["admin", "auditor"] {
        plan_role(&fake, role);
        let output = fake.run("whoami").await;
        let expected = format!("  Credential  night-desk\n  Role        {role}\n  Expires     2027-01-01 00:00:00Z\n");
        assert_eq!(output.stdout, expected, "a role that agectl does not know is shown as it is");
    }
    plan_role(&fake, "engine");
    assert!(fake.run("whoami").await.stdout.contains("  Engines     billing, qa\n"));
    plan_role(&fake, "reader");
    let caller: Value = serde_json::from_str(&fake.run("whoami --json").await.stdout).unwrap();
    assert_eq!((&caller["kid"], &caller["role"]), (&json!("night-desk"), &json!("reader")));
    assert!(fake.request_lines().iter().all(|line| line == "GET /api/governance/whoami"));
}

#[tokio::test]
async fn doctor_checks_the_way_to_age_and_its_health() {
    let fake = FakeAge::start().await;
    fake.state().date = Some("Mon, 23 Nov 2026 00:04:40 GMT");
    fake.plan_response(200, None, health());
    plan_role(&fake, "responder");
    let output = fake.run("doctor").await;
    let expected = format!(
        "\
ok      address              {} answers
ok      clock                this machine is 20 s ahead of AGE
ok      credential           night-desk is valid
ok      role                 responder
ok      last sweep           29 s ago
ok      policy               the active version is readable
ok      topic notifications  subscribed
ok      topic second_line    not used
",
        fake.url
    );
    assert_eq!((output.stdout, output.exit_code), (expected, ExitCode::Success));
}

#[tokio::test]
async fn doctor_says_what_failed_and_what_to_do() {
    let fake = FakeAge::start().await;
    fake.state().date = Some("Mon, 23 Nov 2026 01:05:00 GMT");
    let mut ill = health();
    (ill["lastSweepAt"], ill["policy"]["isReadable"]) = ("2026-11-22T23:55:00.000Z".into(), false.into());
    ill["topics"] = json!([{"name": "notifications", "status": "no_subscriber"}, {"name": "alarms", "status": "unknown"},
        {"name": "moon", "status": "waxing"}]);
    fake.plan_response(200, None, ill);
    plan_role(&fake, "reader");
    let output = fake.run("doctor").await;
    for line in [
        "failed  clock                this machine is 1 h behind AGE; set the clock of this machine, such as by NTP",
        "failed  last sweep           10 min ago; ",
        "failed  policy               the active version cannot be read",
        "failed  topic notifications  nobody gets the notifications to the first line; subscribe with `aws sns subscribe`",
        "failed  topic alarms         AGE does not know",
        "ok      topic moon           waxing",
    ] {
        assert!(output.stdout.contains(line), "{line} in {}", output.stdout);
    }
    assert_eq!((output.exit_code, output.stderr.as_str()), (ExitCode::Refused, "agectl: 5 checks failed\n"));
    let mut new = health();
    new["lastSweepAt"] = Value::Null;
    fake.plan_response(200, None, new);
    plan_role(&fake, "reader");
    assert!(fake.run("doctor --json").await.stdout.contains("the sweep never ran"));
}

#[tokio::test]
async fn doctor_names_the_first_obstacle() {
    let fake = FakeAge::start().await;
    let unreachable = FakeAge::at("http://127.0.0.1:1");
    for (output, failed) in [
        (unreachable.run("doctor").await, "failed  address              http://127.0.0.1:1: cannot connect to AGE"),
        (fake.run_with("doctor", None, "").await, "failed  credential           AGE_TOKEN is missing or empty"),
        (
            fake.run_with("doctor", Some(&TOKEN.replace("night", "late")), "").await,
            "failed  credential           unknown credential; ask an admin for a new token: agectl credential rotate late-desk",
        ),
    ] {
        assert!(output.stdout.contains(failed), "{}", output.stdout);
        assert_eq!(output.exit_code, ExitCode::Refused);
    }
    fake.plan_text(200, "<html>");
    let output = fake.run("doctor --json").await;
    let checks: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!((&checks["checks"][0]["name"], &checks["checks"][0]["ok"]), (&json!("address"), &json!(false)));
    assert_eq!((checks["checks"].as_array().unwrap().len(), output.exit_code), (1, ExitCode::Refused));
}
