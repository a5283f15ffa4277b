use age_policy::Policy;
use agectl::ExitCode;
use serde_json::{Value, json};

use crate::fake_age::{FakeAge, TOKEN};
use crate::harness::CommandOutput;

/// The default policy with other bounds, whose hash is that of version 1.
pub(crate) fn draft() -> Policy {
    let mut policy = Policy::compiled().unwrap();
    policy.incidents.remind_after_seconds = 7200;
    policy
}

pub(crate) fn draft_toml() -> String {
    draft().to_toml()
}

pub(crate) fn hash(policy: &Policy) -> String {
    policy.hash().to_string()
}

pub(crate) fn default_hash() -> String {
    Policy::COMPILED_HASH.to_string()
}

pub(crate) fn version(policy: &Policy, version: u64, active: bool) -> Value {
    let mut response = json!({"hash": hash(policy), "version": version, "active": active, "document": policy});
    if version > 0 {
        response["author"] = "night-desk".into();
        response["createdAt"] = "2026-11-20T00:00:00.000Z".into();
    }
    response
}

pub(crate) fn active_default() -> Value {
    version(&Policy::compiled().unwrap(), 0, true)
}

pub(crate) fn difference() -> Value {
    json!({"hash": hash(&draft()), "against": default_hash(), "changes": [{"subject": "incidents",
        "sentence": "The time between two reminders becomes 2 h; it was 4 h.", "path": "incidents.remind_after_seconds",
        "before": "14400", "after": "7200"}]})
}

pub(crate) fn activation(number: u64, hash: &str, previous: &str) -> Value {
    json!({"number": number, "hash": hash, "version": 1, "previous": previous, "by": "night-desk",
        "at": "2026-11-22T10:00:00.000Z", "reason": "fewer reminders"})
}

pub(crate) async fn run_with_stdin(fake: &FakeAge, arguments: &str, stdin: &str) -> CommandOutput {
    fake.run_with(arguments, Some(TOKEN), stdin).await
}

/// Runs `arguments` without a token, so that no request can succeed.
async fn run_offline(arguments: &str, stdin: &str) -> CommandOutput {
    FakeAge::at("http://127.0.0.1:1").run_with(arguments, None, stdin).await
}

#[tokio::test]
async fn valid_policy_is_checked_without_age_in_both_formats() {
    let expected = format!(
        "standard input is a valid policy: 8 engines, 5 categories, 7 action rules\nHash: {}\n",
        hash(&draft())
    );
    for text in [draft_toml(), draft().canonical_json()] {
        let output = run_offline("policy check -", &text).await;
        assert_eq!(
            (output.exit_code, output.stdout.as_str()),
            (ExitCode::Success, expected.as_str()),
            "{}",
            output.stderr
        );
    }
    let with_guardrail =
        format!("{}\n[[guardrails]]\nid = \"everything\"\nverdict = \"allow\"\nmessage = \"allowed\"\n", draft_toml());
    let output = run_offline("policy check -", &with_guardrail).await;
    assert!(output.stdout.contains("5 categories, 7 action rules, 1 guardrail\n"), "{}", output.stdout);
    let output = run_offline("policy check - --json", &draft_toml()).await;
    let expected = json!({"isValid": true, "hash": hash(&draft()), "engines": 8, "categories": 5, "rules": 7});
    assert_eq!(serde_json::from_str::<Value>(&output.stdout).unwrap(), expected);
}

#[tokio::test]
async fn every_error_of_a_policy_is_a_line_with_its_file_and_path() {
    let invalid = draft_toml().replace("score_cap = 100", "score_cap = 0").replace("title = \"QA\"\n", "");
    let lines = "standard input: score_cap: must be a whole number from 1 to 100; got 0\n\
                 standard input: engines.qa.title: is missing; it must be 1 to 40 visible characters on one line, without spaces \
                 around them\n\
                 agectl: standard input is not a valid policy: 2 errors\n";
    let output = run_offline("policy check -", &invalid).await;
    assert_eq!((output.exit_code, output.stdout.as_str(), output.stderr.as_str()), (ExitCode::Refused, "", lines));
    let output = run_offline("policy check - --json", &invalid).await;
    let result: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!((output.exit_code, &result["isValid"]), (ExitCode::Refused, &json!(false)));
    assert_eq!(
        result["errors"][0],
        json!({"pointer": "/score_cap", "path": "score_cap", "detail": "must be a whole number from 1 to 100; got 0"})
    );
    let output = run_offline("policy check -", "score_cap = ").await;
    assert!(
        output.stderr.starts_with("standard input: the policy must be TOML: line 1, column 13: "),
        "{}",
        output.stderr
    );
}

#[tokio::test]
async fn check_shows_what_changes_from_another_policy() {
    let change = "  • The time between two reminders becomes 2 h; it was 4 h.\n";
    let output = run_offline("policy check - --against default", &draft_toml()).await;
    let expected = format!("Changes from the default policy to standard input:\n{change}");
    assert!(output.stdout.ends_with(&expected), "{}", output.stdout);
    let output = run_offline("policy check - --against default --json", &draft_toml()).await;
    assert_eq!(serde_json::from_str::<Value>(&output.stdout).unwrap()["difference"], difference());

    let fake = FakeAge::start().await;
    for _ in 0..2 {
        fake.plan_response(200, None, active_default());
    }
    let output = run_with_stdin(&fake, "policy check - --against active", &draft_toml()).await;
    assert!(output.stdout.contains("Changes from the active default policy (12cad65e9467) to"), "{}", output.stdout);
    assert!(output.stdout.ends_with(change), "{}", output.stdout);
}

#[tokio::test]
async fn shown_policy_is_the_same_version_again() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, version(&draft(), 1, true));
    fake.plan_response(200, None, json!({"activations": [activation(1, &hash(&draft()), &default_hash())]}));
    let shown = fake.run("policy show").await;
    let header = format!(
        "# Policy version 1: {}\n# Stored by night-desk at 2026-11-20 00:00:00Z\n# Activated by night-desk at 2026-11-22 10:00:00Z: \
         fewer reminders\n\nscore_cap = 100\n",
        hash(&draft())
    );
    assert!(shown.stdout.starts_with(&header), "{}", shown.stdout);
    assert_eq!(Policy::from_toml(&shown.stdout).unwrap(), draft());
    let lines = ["GET /api/governance/policies/active", "GET /api/governance/policies/activations?limit=1"];
    assert_eq!(fake.request_lines(), lines);

    fake.plan_response(200, None, version(&draft(), 1, false));
    let shown = fake.run(&format!("policy show {}", hash(&draft()))).await;
    assert!(shown.stdout.contains("\n# Not active\n\n"), "{}", shown.stdout);
    fake.plan_response(200, None, version(&draft(), 1, false));
    let shown = fake.run(&format!("policy show {} --json", hash(&draft()))).await;
    assert_eq!(serde_json::from_str::<Value>(&shown.stdout).unwrap(), version(&draft(), 1, false));
}

#[tokio::test]
async fn default_policy_is_shown_with_its_comments_and_without_age() {
    let shown = run_offline("policy show default", "").await;
    assert!(shown.stdout.starts_with("# The default policy of agectl "), "{}", shown.stdout);
    assert!(shown.stdout.contains("\n# The lowest severity of events that lead to actions.\n"), "{}", shown.stdout);
    assert_eq!(Policy::from_toml(&shown.stdout).unwrap(), Policy::compiled().unwrap());
    let shown = run_offline("policy show default --json", "").await;
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(shown, json!({"hash": default_hash(), "version": 0, "document": Policy::compiled().unwrap()}));
    let shown = run_offline("policy show -", &draft().canonical_json()).await;
    assert_eq!(Policy::from_toml(&shown.stdout).unwrap(), draft());
}

#[tokio::test]
async fn document_that_agectl_does_not_understand_is_not_shown_as_toml() {
    let fake = FakeAge::start().await;
    let mut later = version(&draft(), 1, false);
    later["document"]["ledger"] = json!([]);
    fake.plan_response(200, None, later.clone());
    let output = fake.run(&format!("policy show {}", hash(&draft()))).await;
    assert_eq!((output.exit_code, output.stdout.as_str()), (ExitCode::Unavailable, ""));
    assert!(output.stderr.contains("unknown field `ledger`"), "{}", output.stderr);
    later["document"] = json!(Policy::compiled().unwrap());
    fake.plan_response(200, None, later);
    let output = fake.run(&format!("policy show {}", hash(&draft()))).await;
    assert_eq!((output.exit_code, output.stdout.as_str()), (ExitCode::Unavailable, ""));
}

#[tokio::test]
async fn versions_are_compared_by_age_and_files_by_agectl() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, active_default());
    fake.plan_response(200, None, difference());
    let output = fake.run(&format!("policy diff {}", hash(&draft()))).await;
    let expected = format!(
        "Changes from the active default policy (12cad65e9467) to version {}:\n  • The time between two reminders becomes 2 h; it was \
         4 h.\n",
        &hash(&draft())[..12]
    );
    assert_eq!((output.exit_code, output.stdout), (ExitCode::Success, expected));
    let line = format!("GET /api/governance/policies/{}/diff?against={}", hash(&draft()), default_hash());
    assert_eq!(fake.request_lines()[1], line);

    let output = run_offline("policy diff default - --json", &draft_toml()).await;
    assert_eq!(serde_json::from_str::<Value>(&output.stdout).unwrap(), difference());
    let output = run_offline("policy diff default -", &Policy::compiled().unwrap().to_toml()).await;
    assert_eq!(output.stdout, "Nothing changes from the default policy to standard input.\n");
    let output = run_offline("policy diff - --against default --json", &draft_toml()).await;
    assert_eq!(serde_json::from_str::<Value>(&output.stdout).unwrap(), difference());
    let output = run_offline("policy diff default - --against default", "").await;
    assert_eq!(output.exit_code, ExitCode::UsageError);
}

#[tokio::test]
async fn beginning_of_a_hash_names_the_version_that_has_it() {
    let fake = FakeAge::start().await;
    let (draft, default) = (hash(&draft()), default_hash());
    let list = json!({"policies": [{"hash": draft}, {"hash": default}]});
    fake.plan_response(200, None, list.clone());
    fake.plan_response(200, None, version(&self::draft(), 1, false));
    assert_eq!(fake.run(&format!("policy show {}", &draft[..8])).await.exit_code, ExitCode::Success);
    assert_eq!(
        fake.request_lines(),
        ["GET /api/governance/policies?limit=500".to_owned(), format!("GET /api/governance/policies/{draft}")]
    );
    fake.plan_response(200, None, list);
    let output = fake.run("policy show ffffffff").await;
    assert_eq!(output.exit_code, ExitCode::NothingFound);
    assert!(output.stderr.contains("no policy version has a hash that begins with ffffffff"), "{}", output.stderr);
    let twice = json!({"policies": [{"hash": draft}, {"hash": format!("{}{}", &draft[..8], &default[8..])}]});
    fake.plan_response(200, None, twice);
    let output = fake.run(&format!("policy activate {} --reason x --yes", &draft[..8])).await;
    assert!(output.exit_code == ExitCode::Refused && output.stderr.contains("2 policy versions"), "{}", output.stderr);
}

#[tokio::test]
async fn schema_is_printed_without_age() {
    let output = run_offline("policy schema", "").await;
    assert_eq!(output.exit_code, ExitCode::Success);
    let schema: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}
