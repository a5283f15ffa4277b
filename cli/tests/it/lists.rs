use agectl::ExitCode;
use serde_json::{Value, json};

use crate::fake_age::FakeAge;

const REPORT: &str = r#"{"id":"01936f2e-0000-5000-8000-00000000000a","kind":"weekly","reportPeriod":"2026-11-16_2026-11-23",
  "from":"2026-11-16T00:00:00.000Z","to":"2026-11-23T00:00:00.000Z","summary":{"totalEvents":297,
    "byEngine":{"compliance":31,"qa":60,"billing":97,"maos":109},"bySeverity":{"LOW":200,"MEDIUM":73,"HIGH":20,"CRITICAL":4},
    "riskScores":{"billing_risk":100,"qa_risk":54,"documentation_risk":1,"maos_risk":0},"criticalCount":4,
    "rawScores":{"billing_risk":327,"qa_risk":54,"documentation_risk":1,"maos_risk":0},"peakCategory":"billing_risk","contributions":{"billing_risk":{"billing":300,"maos":27},"qa_risk":{"qa":54},"maos_risk":{"maos":0}},
    "actions":{"running":1,"verified":9,"timed_out":2,"failed":0},"meanSecondsToOutcome":130,
    "incidents":{"opened":5,"acknowledged":3,"medianSecondsToAcknowledge":540},
    "unresolvedIncidents":{"open":1,"acknowledged":2,"hasCriticalEvent":false},"silentEngines":["maos"],
    "previous":{"riskScore":60,"riskScores":{"billing_risk":60,"qa_risk":70},"totalEvents":1}},
  "riskScore":77,"riskLevel":"CRITICAL","recommendations":["Do this."],
  "nextSteps":[{"kind":"open_incidents","text":"Acknowledge 1 open incident","detail":"Nobody had acknowledged them when the report was generated","count":1,"path":"/dashboard/incidents?status=open"},
    {"kind":"category","text":"Review the permissions of MAOS, the retries of the billing synchronization and the failures of QA.","detail":"Billing risk is 100, above the threshold of 30. Points by engine: Billing 300","path":"/dashboard/events?engine=billing&from=2026-11-16&to=2026-11-22"}],"policyHash":"x","generatedAt":"2026-11-23T00:05:01.000Z"}"#;

pub(crate) const REPORT_VIEW: &str = "\
AGE weekly report, Mon 16 Nov 2026 to Sun 22 Nov 2026
  Risk level                  CRITICAL, highest category: billing
  Risk score                  77 of 100, the mean of all categories
  Events                      297, 4 CRITICAL
  Previous week               risk score 60, 1 event

Risk by category                           score  previous  main engine, points
  billing         ████████████████████████   100        60  billing, 300
  qa              ████████████                54        70  qa, 54
  documentation   █                            1         -
  maos                                         0         -

Events by severity
  CRITICAL        █                            4
  HIGH            ██                          20
  MEDIUM          ████████                    73
  LOW             ████████████████████████   200

Events by engine
  maos            ████████████████████████   109
  billing         █████████████████████       97
  qa              █████████████               60
  compliance      ██████                      31

Remediations and incidents
  Remediations                1 running, 2 timed out, 9 verified
  Mean time to outcome        2 min 10 s
  Incidents                   5 opened, 3 acknowledged
  Unresolved incidents        1 open, 2 acknowledged
  Median time to acknowledge  9 min
  Silent engines              maos

Next steps
  • Acknowledge 1 open incident
    Nobody had acknowledged them when the report was generated.
    URL/dashboard/incidents?status=open
  • Review the permissions of MAOS, the retries of the billing synchronization
    and the failures of QA.
    Billing risk is 100, above the threshold of 30. Points by engine: Billing
    300.
    URL/dashboard/events?engine=billing&from=2026-11-16&to=2026-11-22

Report 01936f2e-0000-5000-8000-00000000000a, generated 2026-11-23 00:05:01Z
";

pub(crate) fn report() -> Value {
    serde_json::from_str(REPORT).unwrap()
}

fn incident(number: u32) -> Value {
    json!({"id": format!("billing.{number}.a~20b"), "engine": "billing", "eventType": "a b", "status": "acknowledged",
        "severity": "CRITICAL", "eventCount": 7, "openedAt": "2026-11-23T00:00:00.000Z",
        "acknowledged": {"at": "2026-11-23T00:01:00.000Z", "by": "night-desk"}})
}

#[tokio::test]
async fn newest_report_is_shown_on_80_columns() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, json!({"reports": [report()], "nextCursor": "x"}));
    let output = fake.run("report show").await;
    assert_eq!(
        (output.stdout.as_str(), output.exit_code),
        (REPORT_VIEW.replace("URL", &fake.url).as_str(), ExitCode::Success)
    );
    let is_link = |line: &str| line.contains("http://");
    assert!(output.stdout.lines().all(|line| is_link(line) || line.chars().count() <= 80));
    assert_eq!(fake.request_lines(), ["GET /api/governance/reports?limit=1"]);
    fake.plan_response(200, None, json!({"reports": []}));
    let none = fake.run("report show").await;
    assert_eq!(
        (none.exit_code, none.stderr.as_str()),
        (
            ExitCode::NothingFound,
            "agectl: AGE has no report yet: it creates one each Monday, and on `agectl report make`\n"
        )
    );
}

#[tokio::test]
async fn report_with_a_missing_field_is_an_unexpected_response() {
    let fake = FakeAge::start().await;
    let mut report = report();
    report["summary"].as_object_mut().unwrap().remove("byEngine");
    fake.plan_response(200, None, report);
    let output = fake.run("report show 01936f2e-0000-5000-8000-00000000000a").await;
    assert_eq!((output.exit_code, output.stdout.as_str()), (ExitCode::Unavailable, ""));
    assert!(output.stderr.contains("summary: missing field `byEngine`"), "{}", output.stderr);
    assert_eq!(fake.request_lines(), ["GET /api/governance/reports/01936f2e-0000-5000-8000-00000000000a"]);
}

#[tokio::test]
async fn reports_are_listed() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, json!({"reports": [report()]}));
    let output = fake.run("report list --limit 3").await;
    let (headings, row) = output.stdout.split_once('\n').unwrap();
    assert_eq!(
        headings.split_whitespace().collect::<Vec<_>>(),
        ["ID", "KIND", "PERIOD", "RISK", "SCORE", "RISK", "LEVEL", "EVENTS", "GENERATED"]
    );
    assert!(
        row.contains("weekly  2026-11-16 2026-11-23  77          CRITICAL    297     2026-11-23 00:05:01Z"),
        "{row}"
    );
}

#[tokio::test]
async fn list_follows_cursors_up_to_the_limit() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, json!({"incidents": [incident(1), incident(2)], "nextCursor": "a+b"}));
    fake.plan_response(200, None, json!({"incidents": [incident(3)], "nextCursor": "more"}));
    let output = fake.run("incident list --status acknowledged --limit 3").await;
    let rows: Vec<_> = output.stdout.lines().collect();
    assert_eq!(rows[0], "ID               SEVERITY  STATUS        EVENTS  OPENED                CHANGED BY");
    assert_eq!(rows[3], "billing.3.a~20b  CRITICAL  acknowledged  7       2026-11-23 00:00:00Z  night-desk");
    assert_eq!(rows.len(), 4);
    assert_eq!(
        fake.request_lines(),
        [
            "GET /api/governance/incidents?status=acknowledged&limit=3",
            "GET /api/governance/incidents?status=acknowledged&limit=1&cursor=a%2Bb"
        ]
    );
}

#[tokio::test]
async fn each_value_of_a_filter_is_a_parameter_of_its_own() {
    let fake = FakeAge::start().await;
    for (command, list, query) in [
        (
            "incident list --status open,acknowledged --severity HIGH --severity CRITICAL --engine qa,maos --from 2026-11-23",
            "incidents",
            "status=open&status=acknowledged&severity=HIGH&severity=CRITICAL&engine=qa&engine=maos&from=2026-11-23T00%3A00%3A00.000Z",
        ),
        (
            "action list --status failed,timed_out --action notify_admin --engine qa --to 2026-11-23T01:00:00Z",
            "actions",
            "status=failed&status=timed_out&action=notify_admin&engine=qa&to=2026-11-23T01%3A00%3A00.000Z",
        ),
        (
            "event list --engine qa,maos --severity LOW,HIGH --type a,b --type c",
            "events",
            "engine=qa&engine=maos&severity=LOW&severity=HIGH&eventType=a%2Cb&eventType=c",
        ),
        (
            "report list --kind weekly,on_demand --from 2026-11-01 --to 2026-11-23",
            "reports",
            "kind=weekly&kind=on_demand&from=2026-11-01T00%3A00%3A00.000Z&to=2026-11-23T00%3A00%3A00.000Z",
        ),
    ] {
        fake.plan_response(200, None, json!({ list: [] }));
        assert_eq!(fake.run(command).await.exit_code, ExitCode::NothingFound, "{command}");
        let request = fake.state().requests.pop().unwrap();
        assert_eq!(request.line, format!("GET /api/governance/{list}?{query}&limit=50"), "{command}");
    }
}

#[tokio::test]
async fn json_list_has_the_items_of_all_pages() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, json!({"incidents": [incident(1)], "nextCursor": "x"}));
    fake.plan_response(200, None, json!({"incidents": []}));
    let output = fake.run("incident list --json").await;
    assert_eq!(serde_json::from_str::<Value>(&output.stdout).unwrap(), json!({"incidents": [incident(1)]}));
}

#[tokio::test]
async fn incident_is_acknowledged_and_resolved() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, incident(1));
    let acknowledged = fake.run("incident ack billing.1.a~20b --note mine").await;
    assert_eq!(acknowledged.stdout, "billing.1.a~20b is acknowledged by night-desk\n");
    let mut resolved = incident(1);
    (resolved["status"], resolved["resolved"]) =
        ("resolved".into(), json!({"at": "2026-11-23T00:01:00.000Z", "by": "day-desk"}));
    fake.plan_response(200, None, resolved);
    let output = fake.run("incident resolve billing.1.a~20b").await;
    assert_eq!(output.stdout, "billing.1.a~20b is resolved by day-desk\n");
    assert_eq!(
        fake.request_lines(),
        [
            "POST /api/governance/incidents/billing.1.a~20b/acknowledge",
            "POST /api/governance/incidents/billing.1.a~20b/resolve"
        ]
    );
    assert_eq!((fake.request_body(0), fake.request_body(1)), (json!({"note": "mine"}), json!({})));
}

#[tokio::test]
async fn report_without_events_and_with_long_lists_fits_80_columns() {
    let fake = FakeAge::start().await;
    let mut report = report();
    report["kind"] = "on_demand".into();
    let summary = report["summary"].as_object_mut().unwrap();
    summary.remove("previous");
    summary["byEngine"] = json!({});
    summary["silentEngines"] = json!(["compliance", "qa", "documentation", "image_engine", "voice_engine", "billing"]);
    summary["contributions"] = json!({"billing_risk": {"documentation": 12_345}});
    summary["actions"] = json!({"running": 11, "succeeded": 12, "failed": 13, "timed_out": 14, "verified": 15});
    fake.plan_response(200, None, json!({"reports": [report]}));
    let output = fake.run("report show").await;
    assert!(output.stdout.starts_with("AGE on-demand report, 2026-11-16 00:00:00Z to 2026-11-23 00:00:00Z\n"));
    for expected in [
        "\n  Previous week               no events\n",
        "\nEvents by engine\n  none\n",
        "14 timed out,\n                              15 verified\n",
        "documentation, 12345\n",
        "image_engine,\n                              voice_engine, billing\n",
    ] {
        assert!(output.stdout.contains(expected), "{expected}{}", output.stdout);
    }
    let is_link = |line: &str| line.contains("http://");
    assert!(output.stdout.lines().all(|line| is_link(line) || line.chars().count() <= 80), "{}", output.stdout);
}

#[tokio::test]
async fn items_with_words_of_a_later_version_are_listed_with_the_words_as_they_are() {
    let fake = FakeAge::start().await;
    let mut later = incident(2);
    (later["status"], later["severity"], later["snoozedUntil"]) =
        ("snoozed".into(), "CATASTROPHIC".into(), "2026-12-01T00:00:00.000Z".into());
    fake.plan_response(200, None, json!({"incidents": [incident(1), later, incident(3)]}));
    let output = fake.run("incident list").await;
    assert_eq!((output.exit_code, output.stderr.as_str()), (ExitCode::Success, ""));
    let rows: Vec<Vec<&str>> =
        output.stdout.lines().skip(1).map(|line| line.split_whitespace().take(3).collect()).collect();
    assert_eq!(
        rows,
        [
            ["billing.1.a~20b", "CRITICAL", "acknowledged"],
            ["billing.2.a~20b", "CATASTROPHIC", "snoozed"],
            ["billing.3.a~20b", "CRITICAL", "acknowledged"]
        ]
    );

    let mut later = report();
    (later["kind"], later["riskLevel"], later["ledger"]) = ("quarterly".into(), "SEVERE".into(), json!({"leaf": 1}));
    (later["summary"]["actions"]["cancelled"], later["summary"]["actions"]["by"]) = (3.into(), json!({"night": 1}));
    later["summary"]["bySeverity"]["CATASTROPHIC"] = 1.into();
    fake.plan_response(200, None, json!({"reports": [later.clone(), report()]}));
    let output = fake.run("report list").await;
    assert!(output.stdout.contains(" quarterly ") && output.stdout.contains(" SEVERE "), "{}", output.stdout);
    assert_eq!(output.stdout.lines().count(), 3);
    fake.plan_response(200, None, later);
    let output = fake.run("report show 01936f2e-0000-5000-8000-00000000000a").await;
    for word in ["SEVERE", "3 cancelled", "CATASTROPHIC"] {
        assert!(output.stdout.contains(word), "{word} in {}", output.stdout);
    }
}

#[tokio::test]
async fn item_that_makes_no_sense_does_not_hide_the_others() {
    let fake = FakeAge::start().await;
    let mut bad = incident(2);
    bad["eventCount"] = "seven".into();
    fake.plan_response(200, None, json!({"incidents": [incident(1), bad, incident(3)]}));
    let output = fake.run("incident list").await;
    assert_eq!((output.exit_code, output.stdout.lines().count()), (ExitCode::Unavailable, 3), "{}", output.stdout);
    assert!(output.stderr.contains("eventCount: invalid type"), "{}", output.stderr);
}

#[tokio::test]
async fn items_that_age_cannot_read_are_named_beside_the_list() {
    let fake = FakeAge::start().await;
    let unreadable = json!([{"id": "billing.2.a", "since": 1}]);
    fake.plan_response(200, None, json!({"incidents": [incident(1)], "unreadable": unreadable}));
    let output = fake.run("incident list").await;
    assert_eq!(
        (output.exit_code, output.stderr.as_str()),
        (ExitCode::Success, "agectl: billing.2.a is not listed: this version of AGE cannot read it\n")
    );
    assert_eq!(output.stdout.lines().count(), 2);
}

#[tokio::test]
async fn report_is_made_and_shown() {
    let fake = FakeAge::start().await;
    fake.plan_response(201, None, report());
    let output = fake.run("report make").await;
    assert_eq!(output.stdout, REPORT_VIEW.replace("URL", &fake.url));
    assert_eq!(fake.request_lines(), ["POST /api/governance/report"]);
    assert_eq!(fake.state().requests[0].body, "");
}
