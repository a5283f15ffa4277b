//! `agectl report export`: the formats, and where they are written.

use agectl::ExitCode;
use serde_json::{Value, json};

use crate::checks::decisions;
use crate::fake_age::FakeAge;
use crate::lists::{REPORT_VIEW, report};

const MARKDOWN: &str = "\
# AGE weekly report, Mon 16 Nov 2026 to Sun 22 Nov 2026

| Figure | Value |
| --- | --- |
| Risk level | CRITICAL, highest category: billing |
| Risk score | 77 of 100, the mean of all categories |
| Events | 297, 4 CRITICAL |
| Previous week | risk score 60, 1 event |

## Risk by category

| Category | Score | Previous week | Main engine, points |
| --- | ---: | ---: | --- |
| billing | 100 | 60 | billing, 300 |
| qa | 54 | 70 | qa, 54 |
| documentation | 1 | \\- |  |
| maos | 0 | \\- |  |

## Events by severity

| Severity | Events |
| --- | ---: |
| CRITICAL | 4 |
| HIGH | 20 |
| MEDIUM | 73 |
| LOW | 200 |

## Events by engine

| Engine | Events |
| --- | ---: |
| maos | 109 |
| billing | 97 |
| qa | 60 |
| compliance | 31 |

## Remediations and incidents

| Figure | Value |
| --- | --- |
| Remediations | 1 running, 2 timed out, 9 verified |
| Mean time to outcome | 2 min 10 s |
| Incidents | 5 opened, 3 acknowledged |
| Unresolved incidents | 1 open, 2 acknowledged |
| Median time to acknowledge | 9 min |
| Silent engines | maos |

## Next steps

- [Acknowledge 1 open incident](<URL/dashboard/incidents?status=open>): Nobody had acknowledged them when the report was generated.
- [Review the permissions of MAOS, the retries of the billing synchronization and the failures of QA.](<URL/dashboard/events?engine=billing&from=2026-11-16&to=2026-11-22>): Billing risk is 100, above the threshold of 30. Points by engine: Billing 300.

Report 01936f2e-0000-5000-8000-00000000000a, generated 2026-11-23 00:05:01Z.
";

#[tokio::test]
async fn report_is_exported_to_a_file_or_to_standard_output() {
    let fake = FakeAge::start().await;
    let file = std::env::temp_dir().join(format!("agectl-report-{}.json", std::process::id()));
    let name = file.to_str().unwrap();
    fake.plan_response(200, None, json!({"reports": [report()]}));
    let output = fake.run(&format!("report export --output {name}")).await;
    assert_eq!((output.stdout.as_str(), output.exit_code), ("", ExitCode::Success));
    assert_eq!(output.stderr, format!("Wrote the report to {name}\n"));
    let written = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), report());
    fake.plan_response(200, None, report());
    let output = fake.run("report export 01936f2e-0000-5000-8000-00000000000a --format text").await;
    assert_eq!(output.stdout, REPORT_VIEW.replace("URL", &fake.url));
    fake.plan_response(200, None, report());
    let output = fake.run("report export 01936f2e-0000-5000-8000-00000000000a --output /no/such/folder/x").await;
    assert_eq!(output.exit_code, ExitCode::UsageError);
    assert!(output.stderr.starts_with("agectl: cannot write /no/such/folder/x: "), "{}", output.stderr);
    fake.plan_response(404, None, json!({"detail": "no resource has this id"}));
    let output = fake.run("report show 01936f2e-0000-5000-8000-00000000000a").await;
    assert_eq!(output.exit_code, ExitCode::NothingFound);
}

#[tokio::test]
async fn report_is_exported_as_markdown() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, json!({"reports": [report()]}));
    let output = fake.run("report export latest --format markdown").await;
    assert_eq!(
        (output.stdout.as_str(), output.exit_code),
        (MARKDOWN.replace("URL", &fake.url).as_str(), ExitCode::Success)
    );
    assert_eq!(fake.request_lines(), ["GET /api/governance/reports?limit=1"]);
}

#[tokio::test]
async fn decisions_of_a_report_are_in_every_format() {
    let fake = FakeAge::start().await;
    let mut with_decisions = report();
    with_decisions["summary"]["decisions"] = decisions();
    for (format, expected) in [
        ("text", "\nDecisions\n  Verdicts                    1204 allowed, 12 denied, 3 needed approval\n"),
        ("text", "\nGuardrails\n  refunds        1204 decisions\n  large_refunds  1 decision\n\nNext steps\n"),
        (
            "markdown",
            "\n## Decisions\n\n| Figure | Value |\n| --- | --- |\n| Verdicts | 1204 allowed, 12 denied, 3 needed approval |\n",
        ),
        (
            "markdown",
            "\n| Guardrail | Decisions |\n| --- | ---: |\n| refunds | 1204 |\n| large\\_refunds | 1 |\n\n## Next steps\n",
        ),
        ("csv", "\r\ndecisions,permitsWithoutEvent,2\r\n"),
        ("csv", "\r\ndecisionsByRule,refunds,1204\r\ndecisionsByReason,no_rule,9\r\ndecisionsByReason,frozen,1\r\n"),
    ] {
        fake.plan_response(200, None, json!({"reports": [with_decisions]}));
        let shown = fake.run(&format!("report export --format {format}")).await.stdout;
        assert!(shown.contains(expected), "{expected} in {shown}");
    }
}

#[tokio::test]
async fn report_is_exported_as_csv_with_a_byte_order_mark_in_files_only() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, json!({"reports": [report()]}));
    let stdout = fake.run("report export --format csv").await.stdout;
    for row in [
        "report,riskLevel,CRITICAL",
        "riskScores,billing_risk,100",
        "contributions,billing_risk maos,27",
        "bySeverity,HIGH,20",
        "actions,timed_out,2",
        "incidents,medianSecondsToAcknowledge,540",
        "previousRiskScores,qa_risk,70",
        "nextSteps,1,Acknowledge 1 open incident. Nobody had acknowledged them when the report was generated",
        "recommendations,1,Do this.",
    ] {
        assert!(stdout.contains(&format!("\r\n{row}\r\n")), "{row} in {stdout}");
    }
    assert!(stdout.starts_with("section,name,value\r\n"), "{stdout}");

    let file = std::env::temp_dir().join(format!("agectl-report-{}.csv", std::process::id()));
    fake.plan_response(200, None, json!({"reports": [report()]}));
    let output = fake.run(&format!("report export --format csv --output {}", file.display())).await;
    assert_eq!((output.stdout.as_str(), output.exit_code), ("", ExitCode::Success));
    let written = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(written, format!("\u{feff}{stdout}"), "spreadsheets recognize UTF-8 by the byte order mark");
}

#[tokio::test]
async fn texts_of_others_are_no_formulas_in_csv_and_no_marks_in_markdown() {
    let fake = FakeAge::start().await;
    let mut hostile = report();
    hostile["nextSteps"][0]["text"] = "=HYPERLINK(\"https://evil.example\")\n\u{1b}[2J".into();
    hostile["nextSteps"][0]["path"] = "@evil.example/x> <img src=x>".into();
    hostile["summary"]["riskScores"]["a|b<i>"] = 7.into();
    for _ in 0..2 {
        fake.plan_response(200, None, hostile.clone());
    }
    let csv = fake.run("report export 01936f2e-0000-5000-8000-00000000000a --format csv").await.stdout;
    assert!(csv.contains("nextSteps,1,\"'=HYPERLINK(\"\"https://evil.example\"\")[U+000A][U+001B][2J. "), "{csv}");
    let markdown = fake.run("report export 01936f2e-0000-5000-8000-00000000000a --format markdown").await.stdout;
    assert!(markdown.contains("| a\\|b\\<i\\> | 7 |"), "{markdown}");
    let step = format!(
        "(\"https\\://evil.example\")\\[U+000A\\]\\[U+001B\\]\\[2J](<{}/@evil.example/x%3E %3Cimg src=x%3E>): ",
        fake.url
    );
    assert!(markdown.contains(&step), "{step} in {markdown}");
}
