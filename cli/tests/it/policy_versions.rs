use agectl::ExitCode;
use serde_json::{Value, json};

use crate::fake_age::FakeAge;
use crate::policies::{
    activation, active_default, default_hash, difference, draft, draft_toml, hash, run_with_stdin, version,
};

#[tokio::test]
async fn pushed_policy_is_stored_and_compared_with_the_active_one() {
    let fake = FakeAge::start().await;
    fake.plan_response(201, None, version(&draft(), 1, false));
    fake.plan_response(200, None, active_default());
    fake.plan_response(200, None, difference());
    let output = run_with_stdin(&fake, "policy push -", &draft_toml()).await;
    let short = &hash(&draft())[..12];
    let expected = format!(
        "Stored: version 1 ({short})\nHash: {}\nChanges from the active default policy (12cad65e9467) to version {short}:\n  • The time \
         between two reminders becomes 2 h; it was 4 h.\n",
        hash(&draft())
    );
    assert_eq!((output.exit_code, output.stdout), (ExitCode::Success, expected));
    assert!(output.stderr.contains(&format!("`agectl policy activate {short} --reason TEXT`")), "{}", output.stderr);
    assert_eq!(fake.request_lines()[0], "POST /api/governance/policies");
    assert_eq!(fake.request_body(0), serde_json::to_value(draft()).unwrap());

    fake.plan_response(201, None, version(&draft(), 1, false));
    let output = run_with_stdin(&fake, "policy push - --json", &draft_toml()).await;
    assert_eq!(serde_json::from_str::<Value>(&output.stdout).unwrap(), version(&draft(), 1, false));
    fake.plan_response(200, None, version(&draft(), 1, true));
    let output = run_with_stdin(&fake, "policy push -", &draft_toml()).await;
    assert!(output.stdout.starts_with("Active already, and not stored again: version 1 "), "{}", output.stdout);
}

#[tokio::test]
async fn policy_that_age_refuses_is_reported_as_by_check() {
    let fake = FakeAge::start().await;
    let invalid = draft_toml().replace("score_cap = 100", "score_cap = 0");
    let problem = json!({"status": 422, "detail": "the policy has 1 error",
        "errors": [{"pointer": "/score_cap", "detail": "score_cap must be something else"}]});
    fake.plan_response(422, None, problem.clone());
    let output = run_with_stdin(&fake, "policy push -", &invalid).await;
    assert_eq!(output.exit_code, ExitCode::Refused);
    assert_eq!(
        output.stderr,
        "standard input: score_cap: must be a whole number from 1 to 100; got 0\nagectl: standard input is not a valid policy: 1 error\n"
    );
    // A key that is given twice reaches AGE as it was written.
    fake.plan_response(422, None, problem.clone());
    run_with_stdin(&fake, "policy push -", "{\"a\":1,\"a\":2}").await;
    assert_eq!(fake.state().requests[1].body, "{\"a\":1,\"a\":2}");
    // AGE of another version knows other rules.
    fake.plan_response(422, None, problem);
    let output = run_with_stdin(&fake, "policy push -", &draft_toml()).await;
    assert!(output.stderr.contains("score_cap: score_cap must be something else"), "{}", output.stderr);
    let output = run_with_stdin(&fake, "policy push -", "{").await;
    assert!(output.stderr.starts_with("standard input: the policy must be JSON: "), "{}", output.stderr);
    assert_eq!(fake.request_lines().len(), 3);
}

#[tokio::test]
async fn activation_shows_what_changes_and_asks() {
    let fake = FakeAge::start().await;
    let plan = || {
        fake.plan_response(200, None, active_default());
        fake.plan_response(200, None, difference());
    };
    let command = format!("policy activate {} --reason fewer-reminders", hash(&draft()));
    plan();
    let output = run_with_stdin(&fake, &command, "n\n").await;
    assert_eq!((output.exit_code, output.stdout.as_str()), (ExitCode::Refused, ""));
    assert!(output.stderr.contains("becomes 2 h; it was 4 h.\nActivate it? [y/N] "), "{}", output.stderr);
    assert_eq!(fake.request_lines().len(), 2);

    let activated = activation(1, &hash(&draft()), &default_hash());
    for (command, stdin) in [(command.clone(), "y\n"), (format!("{command} --yes"), "")] {
        fake.state().requests.clear();
        plan();
        fake.plan_response(200, None, activated.clone());
        let output = run_with_stdin(&fake, &command, stdin).await;
        let expected = format!("Activated version 1 ({}): AGE works by it within 60 seconds\n", &hash(&draft())[..12]);
        assert_eq!((output.exit_code, output.stdout), (ExitCode::Success, expected));
        assert_eq!(fake.request_lines()[2], format!("POST /api/governance/policies/{}/activate", hash(&draft())));
        assert_eq!(fake.request_body(2), json!({"expectedActive": default_hash(), "reason": "fewer-reminders"}));
    }
    plan();
    fake.plan_response(200, None, activated.clone());
    let output = run_with_stdin(&fake, &format!("{command} --yes --json"), "").await;
    assert_eq!(serde_json::from_str::<Value>(&output.stdout).unwrap(), activated);
}

#[tokio::test]
async fn activation_that_conflicts_says_what_is_active() {
    let fake = FakeAge::start().await;
    let detail =
        format!("the active policy version is {}, activated by day-desk at 2026-11-23T00:04:00.000Z", default_hash());
    fake.plan_response(200, None, active_default());
    fake.plan_response(200, None, difference());
    fake.plan_response(409, None, json!({"detail": detail}));
    let output = fake.run(&format!("policy activate {} --reason x --yes", hash(&draft()))).await;
    assert_eq!(output.exit_code, ExitCode::Refused);
    assert!(output.stderr.ends_with(&format!("agectl: {detail}\n")), "{}", output.stderr);
    // There is nothing to compare or to ask if the version is active: AGE says who has activated it.
    fake.plan_response(200, None, version(&draft(), 1, true));
    fake.plan_response(409, None, json!({"detail": "is active already"}));
    let output = fake.run(&format!("policy activate {} --reason x", hash(&draft()))).await;
    assert_eq!((output.exit_code, output.stderr.as_str()), (ExitCode::Refused, "agectl: is active already\n"));
}

#[tokio::test]
async fn rollback_activates_the_version_before_the_last_activation() {
    let fake = FakeAge::start().await;
    let (draft, default) = (hash(&draft()), default_hash());
    fake.plan_response(200, None, json!({"activations": [activation(1, &draft, &default)]}));
    fake.plan_response(200, None, json!({"hash": default, "against": draft, "changes": []}));
    let mut activated = activation(2, &default, &draft);
    activated["version"] = 0.into();
    fake.plan_response(200, None, activated);
    let output = run_with_stdin(&fake, "policy rollback", "yes\n").await;
    assert_eq!(output.exit_code, ExitCode::Success, "{}", output.stderr);
    assert_eq!(output.stdout, "Activated the default policy (12cad65e9467): AGE works by it within 60 seconds\n");
    let shown = format!(
        "Back to version 12cad65e9467: night-desk activated version 1 ({}) at 2026-11-22 10:00:00Z, \"fewer reminders\"\n",
        &draft[..12]
    );
    assert!(output.stderr.starts_with(&shown), "{}", output.stderr);
    assert_eq!(
        fake.request_lines(),
        [
            "GET /api/governance/policies/activations?limit=1".to_owned(),
            format!("GET /api/governance/policies/{default}/diff?against={draft}"),
            format!("POST /api/governance/policies/{default}/activate"),
        ]
    );
    let reason = format!("rollback of version 1 ({})", &draft[..12]);
    assert_eq!(fake.request_body(2), json!({"expectedActive": draft, "reason": reason}));

    fake.plan_response(200, None, json!({"activations": []}));
    let output = fake.run("policy rollback --reason x --yes").await;
    assert_eq!(output.exit_code, ExitCode::Refused);
    assert!(output.stderr.contains("no version was active before"), "{}", output.stderr);
}

#[tokio::test]
async fn versions_and_activations_are_listed() {
    let fake = FakeAge::start().await;
    let (draft, default) = (hash(&draft()), default_hash());
    let versions = json!([
        {"hash": draft, "version": 1, "author": "night-desk", "createdAt": "2026-11-20T00:00:00.000Z", "active": true,
            "activations": 1, "lastActivatedAt": "2026-11-22T10:00:00.000Z"},
        {"hash": default, "version": 0, "active": false, "activations": 0}]);
    fake.plan_response(200, None, json!({"policies": versions}));
    let output = fake.run("policy list").await;
    let expected = format!(
        "VERSION  STATUS  AUTHOR      STORED                LAST ACTIVATED        HASH\n\
         1        active  night-desk  2026-11-20 00:00:00Z  2026-11-22 10:00:00Z  {draft}\n\
         0        -       AGE         -                     -                     {default}\n"
    );
    assert_eq!(output.stdout, expected);
    fake.plan_response(200, None, json!({"policies": versions, "nextCursor": "x"}));
    let output = fake.run("policy list --limit 2 --json").await;
    assert_eq!(serde_json::from_str::<Value>(&output.stdout).unwrap(), json!({"policies": versions}));

    fake.plan_response(200, None, json!({"activations": [activation(1, &draft, &default)]}));
    let output = fake.run("policy history --limit 7").await;
    let expected = format!(
        "ACTIVATED             BY          FROM          TO            VERSION  REASON\n\
         2026-11-22 10:00:00Z  night-desk  12cad65e9467  {}  1        fewer reminders\n",
        &draft[..12]
    );
    assert_eq!(output.stdout, expected);
    assert_eq!(fake.request_lines()[2], "GET /api/governance/policies/activations?limit=7");
}
