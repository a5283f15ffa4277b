use agectl::ExitCode;
use serde_json::{Value, json};

use crate::fake_age::FakeAge;

const NEW_TOKEN: &str = "agov1.billing-worker.BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";

fn credential() -> Value {
    json!({"kid": "billing-worker", "role": "engine", "engines": ["billing", "qa"], "status": "live",
        "createdAt": "2026-11-20T00:00:00.000Z", "createdBy": "night-desk", "expiresAt": "2027-02-21T00:05:00.000Z",
        "secrets": [{"createdAt": "2026-11-23T00:05:00.000Z", "createdBy": "night-desk"},
            {"createdAt": "2026-11-20T00:00:00.000Z", "createdBy": "night-desk", "expiresAt": "2026-11-24T00:05:00.000Z"},
            {"createdAt": "2026-11-19T00:00:00.000Z", "createdBy": "night-desk", "expiresAt": "2026-11-20T00:05:00.000Z"}]})
}

fn credential_with_token() -> Value {
    let mut credential = credential();
    credential["token"] = NEW_TOKEN.into();
    credential
}

#[tokio::test]
async fn created_token_is_alone_on_standard_output() {
    let fake = FakeAge::start().await;
    fake.plan_response(201, None, credential_with_token());
    let output =
        fake.run("credential create billing-worker --role engine --engine billing --engine qa --expires-in 90d").await;
    assert_eq!((output.exit_code, output.stdout), (ExitCode::Success, format!("{NEW_TOKEN}\n")));
    assert_eq!(
        output.stderr,
        "Created credential billing-worker: role engine for billing, qa, expires 2027-02-21 00:05:00Z\nStore the token now: AGE keeps only its hash and cannot show it again.\n"
    );
    assert_eq!(fake.request_lines(), ["POST /api/governance/credentials"]);
    let expected = json!({"kid": "billing-worker", "role": "engine", "engines": ["billing", "qa"], "expiresAt": "2027-02-21T00:05:00.000Z"});
    assert_eq!(fake.request_body(0), expected);
}

#[tokio::test]
async fn json_option_prints_the_response_of_age() {
    let fake = FakeAge::start().await;
    fake.plan_response(201, None, credential_with_token());
    let output = fake.run("credential create night-desk --role admin --json").await;
    assert_eq!(serde_json::from_str::<Value>(&output.stdout).unwrap(), credential_with_token());
    assert_eq!(fake.request_body(0), json!({"kid": "night-desk", "role": "admin"}));
}

#[tokio::test]
async fn rotation_says_until_when_the_old_token_is_accepted() {
    let fake = FakeAge::start().await;
    fake.plan_response(201, None, credential_with_token());
    let output = fake.run("credential rotate billing-worker --overlap 24h").await;
    assert_eq!(output.stdout, format!("{NEW_TOKEN}\n"));
    assert!(output.stderr.contains("AGE accepts the old token until 2026-11-24 00:05:00Z"), "{}", output.stderr);
    assert_eq!(fake.request_lines(), ["POST /api/governance/credentials/billing-worker/rotate"]);
    assert_eq!(fake.request_body(0), json!({"overlapSeconds": 86400}));
    fake.plan_response(201, None, credential_with_token());
    fake.run("credential rotate billing-worker").await;
    assert_eq!(fake.request_body(1), json!({}));
}

#[tokio::test]
async fn rotation_with_an_expiry_renews_the_credential() {
    let fake = FakeAge::start().await;
    for (option, expires_at) in [
        ("--expires-in 90d", "2027-02-21T00:05:00.000Z"),
        ("--expires-at 2027-01-01T00:00:00Z", "2027-01-01T00:00:00.000Z"),
    ] {
        fake.plan_response(201, None, credential_with_token());
        let output = fake.run(&format!("credential rotate billing-worker {option}")).await;
        assert!(output.stderr.contains("; expires 2027-02-21 00:05:00Z\n"), "{}", output.stderr);
        assert_eq!(fake.request_body(fake.request_lines().len() - 1), json!({"expiresAt": expires_at}));
    }
}

#[tokio::test]
async fn token_that_cannot_be_written_is_an_error_with_advice() {
    let fake = FakeAge::start().await;
    fake.plan_response(201, None, credential_with_token());
    let arguments = "credential create billing-worker --role engine";
    let (exit_code, stderr) =
        fake.run_into(arguments, Some(crate::fake_age::TOKEN), "", &mut crate::failures::ClosedPipe).await;
    assert_eq!(exit_code, ExitCode::UsageError);
    assert!(stderr.contains("`agectl credential rotate billing-worker --overlap 0s`"), "{stderr}");
}

#[tokio::test]
async fn new_token_is_printed_even_if_the_rest_of_the_response_is_unexpected() {
    let fake = FakeAge::start().await;
    fake.plan_response(201, None, json!({"token": NEW_TOKEN, "role": "chief"}));
    let output = fake.run("credential rotate billing-worker").await;
    assert_eq!((output.exit_code, output.stdout), (ExitCode::Unavailable, format!("{NEW_TOKEN}\n")));
    assert!(!output.stderr.contains(NEW_TOKEN), "{}", output.stderr);
}

#[tokio::test]
async fn credentials_are_listed_and_revoked() {
    let fake = FakeAge::start().await;
    fake.plan_response(200, None, json!({"credentials": [credential()]}));
    let listed = fake.run("credential list").await;
    assert_eq!(
        listed.stdout,
        "KID             ROLE    ENGINES      STATUS  EXPIRES               SECRETS  CREATED BY\n\
         billing-worker  engine  billing, qa  live    2027-02-21 00:05:00Z  2        night-desk\n"
    );
    let mut revoked = credential();
    revoked["status"] = "revoked".into();
    fake.plan_response(200, None, revoked);
    let output = fake.run("credential revoke billing-worker").await;
    assert_eq!(
        output.stdout,
        "Credential billing-worker is revoked: AGE stops accepting its token within 60 seconds\n"
    );
    assert_eq!(fake.request_lines()[1], "DELETE /api/governance/credentials/billing-worker");
}

#[tokio::test]
async fn credential_of_a_later_version_is_listed_with_its_words() {
    let fake = FakeAge::start().await;
    let mut later = credential();
    (later["kid"], later["role"], later["engines"], later["status"], later["allowedCidrs"]) =
        ("auditor".into(), "auditor".into(), json!(["quantum"]), "suspended".into(), json!(["10.0.0.0/8"]));
    fake.plan_response(200, None, json!({"credentials": [later, credential()], "unreadable": [{"id": "odd"}]}));
    let output = fake.run("credential list").await;
    assert_eq!(output.exit_code, ExitCode::Success);
    let rows: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(rows.len(), 3, "{}", output.stdout);
    assert_eq!(rows[1].split_whitespace().take(4).collect::<Vec<_>>(), ["auditor", "auditor", "quantum", "suspended"]);
    assert_eq!(output.stderr, "agectl: odd is not listed: this version of AGE cannot read it\n");
}

fn matching(count: u64) -> Value {
    json!({"title": "Conflict", "status": 409, "detail": "another number matches", "actualCount": count})
}

fn resolved(count: u64) -> Value {
    json!({"changedCount": count, "unchangedCount": 0, "failedCount": 0, "remainingCount": 0, "failures": [],
        "asOf": "2026-11-23T00:05:00.000Z"})
}

#[tokio::test]
async fn revocation_resolves_the_incidents_of_the_credential_if_asked_and_confirmed() {
    let fake = FakeAge::start().await;
    let mut revoked = credential();
    revoked["status"] = "revoked".into();
    let command = "credential revoke billing-worker --resolve-incidents";
    fake.plan_response(409, None, matching(12));
    let declined = fake.run_with(command, Some(crate::fake_age::TOKEN), "n\n").await;
    assert_eq!(declined.exit_code, ExitCode::Refused);
    let question = "Revoke billing-worker, and mark 12 incidents that its events opened as resolved? [y/N] ";
    assert!(declined.stderr.starts_with(question), "{}", declined.stderr);
    assert_eq!(fake.request_lines(), ["POST /api/governance/incidents/resolve"], "nothing was changed");
    assert_eq!(fake.request_body(0), json!({"openedBy": "billing-worker", "expectedCount": 0}));

    for response in [(409, matching(12)), (200, revoked.clone()), (409, matching(13)), (200, resolved(13))] {
        fake.plan_response(response.0, None, response.1);
    }
    let output = fake.run(&format!("{command} --yes")).await;
    assert_eq!(
        output.stdout,
        "Credential billing-worker is revoked: AGE stops accepting its token within 60 seconds\n13 incidents resolved\n"
    );
    assert!(output.stderr.contains("`agectl incident resolve --opened-by billing-worker`"), "{}", output.stderr);
    assert_eq!(fake.request_lines()[2], "DELETE /api/governance/credentials/billing-worker");
    assert_eq!(fake.request_body(4), json!({"openedBy": "billing-worker", "expectedCount": 13}));
}

#[tokio::test]
async fn revocation_without_incidents_asks_nothing() {
    let fake = FakeAge::start().await;
    for response in [resolved(0), credential(), resolved(0), resolved(0)] {
        fake.plan_response(200, None, response);
    }
    let output = fake.run("credential revoke billing-worker --resolve-incidents --json").await;
    let printed: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(
        (&printed["credential"]["kid"], &printed["incidents"]["changedCount"]),
        (&json!("billing-worker"), &json!(0))
    );
}

#[tokio::test]
async fn failure_after_the_revocation_says_how_to_resolve_the_incidents() {
    let fake = FakeAge::start().await;
    fake.plan_response(409, None, matching(2));
    fake.plan_response(200, None, credential());
    fake.plan_response(403, None, json!({"title": "x", "status": 403, "detail": "no"}));
    let output = fake.run("credential revoke billing-worker --resolve-incidents --yes").await;
    assert_eq!(output.exit_code, ExitCode::AccessDenied);
    let advice = "the credential billing-worker is revoked; resolve its incidents with `agectl incident resolve --opened-by billing-worker`";
    assert!(output.stderr.contains(advice), "{}", output.stderr);
}
