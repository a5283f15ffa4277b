use agectl::Exit;
use serde_json::{Value, json};

use crate::fake::Fake;

const REPORT: &str = r#"{"id":"01936f2e-0000-5000-8000-00000000000a","kind":"weekly","reportPeriod":"2026-11-16_2026-11-23",
  "from":"2026-11-16T00:00:00.000Z","to":"2026-11-23T00:00:00.000Z","summary":{"totalEvents":297,
    "byEngine":{"compliance":31,"qa":60,"billing":97,"maos":109},"bySeverity":{"LOW":200,"MEDIUM":73,"HIGH":20,"CRITICAL":4},
    "riskScores":{"billing_risk":100,"qa_risk":54,"documentation_risk":1,"maos_risk":0},"criticalCount":4,
    "rawScores":{"billing_risk":327,"qa_risk":54,"documentation_risk":1,"maos_risk":0},"peakCategory":"billing_risk","contributions":{},
    "actions":{"running":1,"verified":9,"timed_out":2,"failed":0},"meanSecondsToOutcome":130,
    "incidents":{"opened":5,"acknowledged":3,"medianSecondsToAcknowledge":540},"silentEngines":["maos"],
    "previous":{"riskScore":60,"riskScores":{},"totalEvents":1}},
  "riskScore":77,"riskLevel":"CRITICAL","recommendations":["Do this.","Do that."],"policyHash":"x","generatedAt":"2026-11-23T00:05:01.000Z"}"#;

const DRAWN: &str = "\
AGE weekly report, Mon 16 Nov 2026 - Sun 22 Nov 2026
Risk 77 of 100, level CRITICAL, highest in billing
297 events, 4 of them critical.  The week before: risk 60, 1 event.

By category                                            score
  billing         ████████████████████████████████████   100
  qa              ███████████████████                     54
  documentation   █                                        1
  maos                                                     0

By engine: 4 CRITICAL, 20 HIGH, 73 MEDIUM, 200 LOW
  compliance      ██████████                              31
  qa              ███████████████████                     60
  billing         ████████████████████████████████        97
  maos            ████████████████████████████████████   109

What AGE did
  remedies        1 running, 2 timed out, 9 verified
  answered after  2m 10s on average
  incidents       5 opened, 3 acknowledged
  taken after     9m (the median)
  silent engines  maos

Recommended
  • Do this.
  • Do that.
";

fn report() -> Value {
    serde_json::from_str(REPORT).unwrap()
}

fn incident(number: u32) -> Value {
    json!({"id": format!("billing.{number}.a~20b"), "engine": "billing", "eventType": "a b", "status": "acknowledged",
        "severity": "CRITICAL", "eventCount": 7, "openedAt": "2026-11-23T00:00:00.000Z",
        "acknowledged": {"at": "2026-11-23T00:01:00.000Z", "by": "night-desk"}})
}

#[tokio::test]
async fn the_newest_report_is_drawn() {
    let fake = Fake::start().await;
    fake.plan(200, None, json!({"reports": [report()], "nextCursor": "x"}));
    let ran = fake.agectl("report show").await;
    assert_eq!((ran.out.as_str(), ran.exit), (DRAWN, Exit::Done));
    assert_eq!(fake.asked(), ["GET /api/governance/reports?limit=1"]);
    fake.plan(200, None, json!({"reports": []}));
    let none = fake.agectl("report show").await;
    assert_eq!((none.exit, none.err.as_str()), (Exit::Refused, "agectl: there is no report yet\n"));
}

#[tokio::test]
async fn a_report_without_a_figure_is_an_error_and_no_blank() {
    let fake = Fake::start().await;
    let mut report = report();
    report["summary"].as_object_mut().unwrap().remove("byEngine");
    fake.plan(200, None, report);
    let ran = fake.agectl("report show 01936f2e-0000-5000-8000-00000000000a").await;
    assert_eq!((ran.exit, ran.out.as_str()), (Exit::Unavailable, ""));
    assert!(ran.err.contains("summary: missing field `byEngine`"), "{}", ran.err);
    assert_eq!(fake.asked(), ["GET /api/governance/reports/01936f2e-0000-5000-8000-00000000000a"]);
}

#[tokio::test]
async fn reports_are_listed() {
    let fake = Fake::start().await;
    fake.plan(200, None, json!({"reports": [report()]}));
    let ran = fake.agectl("report list --limit 3").await;
    let (head, row) = ran.out.split_once('\n').unwrap();
    assert_eq!(
        head.split_whitespace().collect::<Vec<_>>(),
        ["ID", "KIND", "PERIOD", "RISK", "LEVEL", "EVENTS", "MADE"]
    );
    assert!(row.contains("weekly  2026-11-16 2026-11-23  77    CRITICAL  297     2026-11-23 00:05:01Z"), "{row}");
}

#[tokio::test]
async fn cursors_are_followed_up_to_the_limit() {
    let fake = Fake::start().await;
    fake.plan(200, None, json!({"incidents": [incident(1), incident(2)], "nextCursor": "a+b"}));
    fake.plan(200, None, json!({"incidents": [incident(3)], "nextCursor": "more"}));
    let ran = fake.agectl("incidents --status acknowledged --limit 3").await;
    let rows: Vec<_> = ran.out.lines().collect();
    assert_eq!(rows[0], "ID               SEVERITY  STATUS        EVENTS  OPENED                BY");
    assert_eq!(rows[3], "billing.3.a~20b  CRITICAL  acknowledged  7       2026-11-23 00:00:00Z  night-desk");
    assert_eq!(rows.len(), 4);
    assert_eq!(
        fake.asked(),
        [
            "GET /api/governance/incidents?status=acknowledged&limit=3",
            "GET /api/governance/incidents?status=acknowledged&limit=1&cursor=a%2Bb"
        ]
    );
}

#[tokio::test]
async fn json_has_what_the_pages_had() {
    let fake = Fake::start().await;
    fake.plan(200, None, json!({"incidents": [incident(1)], "nextCursor": "x"}));
    fake.plan(200, None, json!({"incidents": []}));
    let ran = fake.agectl("incidents --json").await;
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap(), json!({"incidents": [incident(1)]}));
}

#[tokio::test]
async fn an_incident_is_taken_and_ended() {
    let fake = Fake::start().await;
    fake.plan(200, None, incident(1));
    let taken = fake.agectl("ack billing.1.a~20b --note mine").await;
    assert_eq!(taken.out, "billing.1.a~20b is acknowledged by night-desk\n");
    let mut ended = incident(1);
    (ended["status"], ended["resolved"]) =
        ("resolved".into(), json!({"at": "2026-11-23T00:01:00.000Z", "by": "day-desk"}));
    fake.plan(200, None, ended);
    let over = fake.agectl("resolve billing.1.a~20b").await;
    assert_eq!(over.out, "billing.1.a~20b is resolved by day-desk\n");
    assert_eq!(
        fake.asked(),
        [
            "POST /api/governance/incidents/billing.1.a~20b/acknowledge",
            "POST /api/governance/incidents/billing.1.a~20b/resolve"
        ]
    );
    assert_eq!((fake.body(0), fake.body(1)), (json!({"note": "mine"}), json!({})));
}
