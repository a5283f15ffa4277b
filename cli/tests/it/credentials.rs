use agectl::Exit;
use serde_json::{Value, json};

use crate::fake::Fake;

const MADE: &str = "agov1.billing-worker.BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";

fn credential() -> Value {
    json!({"kid": "billing-worker", "role": "engine", "engines": ["billing", "qa"], "status": "live",
        "createdAt": "2026-11-20T00:00:00.000Z", "createdBy": "night-desk", "expiresAt": "2027-02-21T00:05:00.000Z",
        "secrets": [{"createdAt": "2026-11-23T00:05:00.000Z", "createdBy": "night-desk"},
            {"createdAt": "2026-11-20T00:00:00.000Z", "createdBy": "night-desk", "expiresAt": "2026-11-24T00:05:00.000Z"},
            {"createdAt": "2026-11-19T00:00:00.000Z", "createdBy": "night-desk", "expiresAt": "2026-11-20T00:05:00.000Z"}]})
}

fn with_token() -> Value {
    let mut made = credential();
    made["token"] = MADE.into();
    made
}

#[tokio::test]
async fn a_new_token_stands_alone_on_standard_output() {
    let fake = Fake::start().await;
    fake.plan(201, None, with_token());
    let ran = fake
        .agectl("credential create billing-worker --role engine --engine billing --engine qa --expires-in 90d")
        .await;
    assert_eq!((ran.exit, ran.out), (Exit::Done, format!("{MADE}\n")));
    assert_eq!(
        ran.err,
        "billing-worker is made: engine of billing, qa until 2027-02-21 00:05:00Z\nThe token is shown once: AGE keeps only its hash.\n"
    );
    assert_eq!(fake.asked(), ["POST /api/governance/credentials"]);
    let expected = json!({"kid": "billing-worker", "role": "engine", "engines": ["billing", "qa"], "expiresAt": "2027-02-21T00:05:00.000Z"});
    assert_eq!(fake.body(0), expected);
}

#[tokio::test]
async fn json_is_age_s_own() {
    let fake = Fake::start().await;
    fake.plan(201, None, with_token());
    let ran = fake.agectl("credential create night-desk --role admin --json").await;
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap(), with_token());
    assert_eq!(fake.body(0), json!({"kid": "night-desk", "role": "admin"}));
}

#[tokio::test]
async fn a_rotation_says_how_long_the_old_secret_is_taken() {
    let fake = Fake::start().await;
    fake.plan(201, None, with_token());
    let ran = fake.agectl("credential rotate billing-worker --overlap 24h").await;
    assert_eq!(ran.out, format!("{MADE}\n"));
    assert!(ran.err.contains("the old one is accepted until 2026-11-24 00:05:00Z"), "{}", ran.err);
    assert_eq!(fake.asked(), ["POST /api/governance/credentials/billing-worker/rotate"]);
    assert_eq!(fake.body(0), json!({"overlapSeconds": 86400}));
    fake.plan(201, None, with_token());
    fake.agectl("credential rotate billing-worker").await;
    assert_eq!(fake.body(1), json!({}));
}

#[tokio::test]
async fn a_token_that_cannot_be_written_is_not_lost_in_silence() {
    let fake = Fake::start().await;
    fake.plan(201, None, with_token());
    let line = "credential create billing-worker --role engine";
    let (exit, err) = fake.agectl_to(line, Some(crate::fake::TOKEN), "", &mut crate::failures::Closed).await;
    assert_eq!(exit, Exit::Usage);
    assert!(err.contains("`agectl credential rotate billing-worker --overlap 0s`"), "{err}");
}

#[tokio::test]
async fn a_token_is_printed_whatever_else_the_answer_says() {
    let fake = Fake::start().await;
    fake.plan(201, None, json!({"token": MADE, "role": "chief"}));
    let ran = fake.agectl("credential rotate billing-worker").await;
    assert_eq!((ran.exit, ran.out), (Exit::Unavailable, format!("{MADE}\n")));
    assert!(!ran.err.contains(MADE), "{}", ran.err);
}

#[tokio::test]
async fn all_are_listed_and_one_is_revoked() {
    let fake = Fake::start().await;
    fake.plan(200, None, json!({"credentials": [credential()]}));
    let listed = fake.agectl("credential list").await;
    assert_eq!(
        listed.out,
        "KID             ROLE    ENGINES      STATUS  EXPIRES               SECRETS  CREATED BY\n\
         billing-worker  engine  billing, qa  live    2027-02-21 00:05:00Z  2        night-desk\n"
    );
    let mut revoked = credential();
    revoked["status"] = "revoked".into();
    fake.plan(200, None, revoked);
    let ran = fake.agectl("credential revoke billing-worker").await;
    assert_eq!(ran.out, "billing-worker is revoked: within 60 seconds, it is no longer accepted\n");
    assert_eq!(fake.asked()[1], "DELETE /api/governance/credentials/billing-worker");
}
