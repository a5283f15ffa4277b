use age_policy::Policy;
use agectl::ExitCode;
use serde_json::{Value, json};

use crate::fake_age::{FakeAge, TOKEN};
use crate::harness::CommandOutput;
use crate::policies::version;

const POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/guardrails.toml");
const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/guardrails.test.toml");

/// Runs `arguments` without a token, so that no request can succeed.
async fn run_offline(arguments: &str, stdin: &str) -> CommandOutput {
    FakeAge::at("http://127.0.0.1:1").run_with(arguments, None, stdin).await
}

fn refund(amount: f64) -> String {
    json!({
        "subject": {"type": "engine", "id": "billing"},
        "action": {"name": "refund"},
        "resource": {"type": "invoice", "id": "i-4711"},
        "context": {"amount": amount},
    })
    .to_string()
}

/// A case of the example's policy, as JSON.
fn cases(case: &Value) -> String {
    let mut complete: Value = serde_json::from_str(&format!("{{\"request\":{}}}", refund(5.0))).unwrap();
    complete["name"] = "small refund".into();
    complete["verdict"] = "allow".into();
    complete.as_object_mut().unwrap().extend(case.as_object().unwrap().clone());
    json!({"policy": POLICY, "cases": [complete]}).to_string()
}

#[tokio::test]
async fn cases_of_the_example_pass_without_age() {
    let output = run_offline(&format!("policy test {CASES}"), "").await;
    assert_eq!((output.exit_code, output.stderr.as_str()), (ExitCode::Success, ""), "{}", output.stdout);
    assert!(output.stdout.starts_with("ok      small refund is allowed\n"), "{}", output.stdout);
    assert!(output.stdout.ends_with("\n11 cases passed\n"), "{}", output.stdout);
    let output = run_offline(&format!("policy test {CASES} --json"), "").await;
    let results: Value = serde_json::from_str(&output.stdout).unwrap();
    let example = Policy::from_toml(&std::fs::read_to_string(POLICY).unwrap()).unwrap();
    assert_eq!(results["policyHash"], example.hash().to_string());
    assert!(results["cases"].as_array().unwrap().iter().all(|case| case["ok"] == true), "{results}");
}

#[tokio::test]
async fn failed_case_is_shown_with_its_difference_and_exit_code_1() {
    let wrong = cases(&json!({"verdict": "needs_approval", "rule": "large_refund"}));
    let output = run_offline("policy test -", &wrong).await;
    assert_eq!(output.exit_code, ExitCode::Refused);
    assert_eq!(
        output.stdout,
        "failed  small refund\n          expected needs_approval by large_refund\n          got      allow by known_operations: a \
         known operation (rule_matched)\n"
    );
    assert_eq!(output.stderr, "agectl: 1 of 1 case failed\n");
    let output = run_offline("policy test - --json", &wrong).await;
    assert_eq!(output.exit_code, ExitCode::Refused);
    let result = &serde_json::from_str::<Value>(&output.stdout).unwrap()["cases"][0];
    let expected = json!({"verdict": "needs_approval", "rule": "large_refund"});
    assert_eq!((&result["ok"], &result["expected"], &result["verdict"]), (&json!(false), &expected, &json!("allow")));
    // The verdict alone is not enough: the guardrail that is named must be a reason of it.
    let output = run_offline("policy test -", &cases(&json!({"rule": "large_refund"}))).await;
    assert_eq!(output.exit_code, ExitCode::Refused, "{}", output.stdout);
}

#[tokio::test]
async fn case_that_makes_no_sense_is_an_error_with_its_name() {
    for (case, problem) in [
        (json!({"rule": "large"}), "small refund: the policy has no guardrail large"),
        (json!({"engine": "search"}), "small refund: the engine must be one of the policy: billing, "),
        (
            json!({"request": {"subject": 1}}),
            "small refund: the request is refused: /subject must be an object; /action is",
        ),
        (json!({"state": {"levels": {"risk": "LOW"}}}), "small refund: levels.risk is not a category of the policy"),
        (json!({"state": {"holds": [{"engine": "search"}]}}), "small refund: search is not an engine of the policy"),
        (json!({"state": {"levels": {"billing_risk": "DIRE"}}}), "cases[0].state.levels: must be one of LOW, MEDIUM"),
        (json!({"state": {"level": {}}}), "cases[0].state.level: unknown field `level`"),
        (json!({"verdict": "permit"}), "cases[0].verdict: must be one of allow, needs_approval, deny; got \"permit\""),
        (json!({"expected": "allow"}), "cases[0].expected: unknown field `expected`"),
    ] {
        let output = run_offline("policy test -", &cases(&case)).await;
        assert_eq!((output.exit_code, output.stdout.as_str()), (ExitCode::UsageError, ""), "{case}");
        assert!(output.stderr.starts_with(&format!("agectl: standard input: {problem}")), "{}", output.stderr);
    }
    let output = run_offline("policy test -", &json!({"policy": POLICY, "cases": []}).to_string()).await;
    assert!(output.stderr.contains("cases must be a list of one or more"), "{}", output.stderr);
    let output = run_offline("policy test -", "policy = ").await;
    assert!(output.stderr.contains("standard input: must be TOML: line 1, column 10: "), "{}", output.stderr);
}

#[tokio::test]
async fn decision_is_explained_rule_by_rule_without_age() {
    let output = run_offline(&format!("decide --explain - --policy {POLICY}"), &refund(2500.0)).await;
    assert_eq!((output.exit_code, output.stderr.as_str()), (ExitCode::Success, ""));
    let expected = format!(
        "Decision\n  Verdict  needs approval\n  Engine   billing\n  Policy   {POLICY}\n\nReasons\n  large_refund: refunds over 1,000 \
         need approval (rule_matched)\n\nGuardrails\n  deep_agent_tools_paused (deny): not matched\n    no       engine is deep_agent; \
         engine is billing\n    no       resource.type is \"tool\"; resource.type is \"invoice\"\n    no       performance_risk is \
         CRITICAL; performance_risk is LOW\n  large_refund (needs approval): matched\n    yes      action.name is \"refund\"\n    yes      \
         context.amount is above 1000\n  remediation_ineffective (deny): not matched\n    no       a remediation of the asking engine \
         was ineffective within 1 d\n  known_operations (allow): matched\n    yes      action.name is one of \"call_tool\", \"charge\", \
         \"deploy\", \"generate\", \"read\", \"refund\", \"write\"\n"
    );
    let unwrapped = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(unwrapped(&output.stdout), unwrapped(&expected));
    let output = run_offline(&format!("decide --explain - --policy {POLICY} --json"), &refund(2500.0)).await;
    let decision: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!((&decision["verdict"], &decision["engine"]), (&json!("needs_approval"), &json!("billing")));
    assert_eq!(decision["reasons"][0]["rule"], "large_refund");
    assert_eq!((&decision["rules"][1]["result"], decision["rules"].as_array().unwrap().len()), (&json!("matched"), 4));
    let output = run_offline("decide --explain - --policy default", &refund(1.0)).await;
    assert!(
        output.stdout.ends_with("\n  no guardrail of the policy matches the request (no_rule)\n"),
        "{}",
        output.stdout
    );
}

#[tokio::test]
async fn described_state_and_engine_decide_as_those_of_the_fleet() {
    let file = std::env::temp_dir().join(format!("agectl-request-{}.json", std::process::id()));
    std::fs::write(&file, refund(5.0)).unwrap();
    let arguments = format!("decide --explain {} --policy {POLICY} --state - --json", file.display());
    for (state, engine, verdict, reason) in [
        ("engines.maos = { ineffective_seconds_ago = 5 }", "maos", "deny", "rule_matched"),
        ("engines.maos = { ineffective_seconds_ago = 5 }", "billing", "allow", "rule_matched"),
        ("posture_age_seconds = 151", "billing", "deny", "stale_state"),
        ("posture_missing = true", "billing", "deny", "unknown_state"),
        ("[[holds]]\nengine = \"billing\"", "billing", "deny", "held"),
        ("[[holds]]\nengine = \"billing\"\noperation = \"read\"", "billing", "allow", "rule_matched"),
    ] {
        let output = run_offline(&format!("{arguments} --engine {engine}"), state).await;
        let decision: Value = serde_json::from_str(&output.stdout).unwrap();
        let decided = (&decision["verdict"], &decision["reasons"][0]["code"]);
        assert_eq!(decided, (&json!(verdict), &json!(reason)), "{state} {engine}");
    }
    std::fs::remove_file(&file).unwrap();
    let output = run_offline(&format!("decide --explain - --policy {POLICY} --engine search"), &refund(5.0)).await;
    assert_eq!(output.exit_code, ExitCode::UsageError);
    assert!(output.stderr.ends_with("voice_engine; got search\n"), "{}", output.stderr);
    let of_a_user = refund(5.0).replace("\"engine\"", "\"user\"");
    let output = run_offline(&format!("decide --explain - --policy {POLICY}"), &of_a_user).await;
    assert!(output.stderr.contains("no engine asks: give --engine"), "{}", output.stderr);
}

#[tokio::test]
async fn active_policy_is_asked_for_once_and_evaluated_by_agectl() {
    let fake = FakeAge::start().await;
    let policy = Policy::from_toml(&std::fs::read_to_string(POLICY).unwrap()).unwrap();
    fake.plan_response(200, None, version(&policy, 3, true));
    let output = fake.run_with("decide --explain -", Some(TOKEN), &refund(2500.0)).await;
    assert!(output.stdout.starts_with("Decision\n  Verdict  needs approval\n"), "{}", output.stderr);
    let name = format!("  Policy   the active version 3 ({})\n", &policy.hash().to_string()[..12]);
    assert!(output.stdout.contains(&name), "{}", output.stdout);
    assert_eq!(fake.request_lines(), ["GET /api/governance/policies/active"]);
}
