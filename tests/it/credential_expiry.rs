//! Credentials that expire: people are notified before, and when a request with one is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use age_model::{Clock, SystemAlert, SystemAlertKind};
use age_store::SystemAlerts;
use serde_json::{Value, json};

use crate::strangers::NOT_PROVEN;
use crate::world::proxy::Fault;
use crate::world::sns::Published;
use crate::world::test_credentials::{ADMIN, READER, TESTS};
use crate::world::{ENGINES, UNLIMITED, World, event};

const CREDENTIALS: &str = "/api/governance/credentials";
const EVENT: &str = "/api/governance/event";
const STATS: &str = "/api/governance/stats";

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

impl World {
    /// Creates a credential that expires `seconds` from now. Returns its token.
    async fn create_expiring(&self, kid: &str, role: &str, engines: &[&str], seconds: i64) -> String {
        let expires_at = self.clock.now().plus_seconds(seconds);
        let mut body = json!({ "kid": kid, "role": role, "expiresAt": expires_at });
        if role == "engine" {
            body["engines"] = json!(engines);
        }
        let created = self.post_json(CREDENTIALS, &body).await;
        assert_eq!(created.status, 201, "{created:?}");
        created.text("/token").to_owned()
    }

    async fn rotate(&self, kid: &str, body: &Value) -> String {
        let rotated = self.post_json(&format!("{CREDENTIALS}/{kid}/rotate"), body).await;
        assert_eq!(rotated.status, 201, "{rotated:?}");
        rotated.text("/token").to_owned()
    }

    async fn revoke(&self, kid: &str) -> u16 {
        self.send("DELETE", &format!("{CREDENTIALS}/{kid}"), &[], b"").await.status
    }

    /// Returns the e-mails about credentials.
    fn credential_emails(&self) -> Vec<Published> {
        let is_about_credentials = |email: &Published| email.message.contains("agectl credential rotate");
        self.emails().into_iter().filter(is_about_credentials).collect()
    }

    fn credential_subjects(&self) -> Vec<String> {
        self.credential_emails().into_iter().map(|email| email.subject).collect()
    }

    async fn expired_credential_alerts(&self) -> Vec<SystemAlert> {
        SystemAlerts::new(&self.db(), "Incidents").of_kind(SystemAlertKind::ExpiredCredential).await.unwrap()
    }
}

#[tokio::test]
async fn people_are_notified_7_days_and_1_day_before_a_credential_expires() {
    let world = World::new().await;
    world.create_expiring("ledger-worker", "engine", &["billing", "qa"], 90 * DAY).await;
    world.sweep_after(83 * DAY - 1).await;
    assert!(world.credential_emails().is_empty());
    world.sweep_after(1).await;
    let [email] = world.credential_emails().try_into().unwrap();
    assert_eq!(email.subject, "[AGE] Credential ledger-worker expires within 7 days");
    assert_eq!(email.attributes.get("engine").map(String::as_str), Some(r#"["billing","qa"]"#));
    for line in [
        "Credential ledger-worker expires within 7 days: Sun 21 Feb 2027, 00:05:00 UTC",
        "To renew it, as an admin: agectl credential rotate ledger-worker --expires-in 90d",
        "Role        engine",
        "Engines     Billing (billing), QA (qa)",
        "Created     Mon 23 Nov 2026, 00:05:00 UTC by tests",
    ] {
        assert!(email.message.lines().any(|found| found == line), "{line}\n{}", email.message);
    }
    world.sweep_after(MINUTE).await;
    world.sweep_after(5 * DAY).await;
    assert_eq!(world.credential_emails().len(), 1);
    world.sweep_after(DAY - MINUTE).await;
    world.sweep_after(MINUTE).await;
    world.sweep_after(2 * DAY).await;
    let week = "[AGE] Credential ledger-worker expires within 7 days";
    assert_eq!(world.credential_subjects(), [week, "[AGE] Credential ledger-worker expires within 1 day"]);
}

#[tokio::test]
async fn credential_with_3_days_left_has_only_the_notice_that_lies_ahead() {
    let world = World::new().await;
    world.create_expiring("guest", "reader", &[], 3 * DAY).await;
    world.create_expiring("day-pass", "reader", &[], DAY).await;
    world.sweep_after(MINUTE).await;
    assert!(world.credential_emails().is_empty());
    world.sweep_after(2 * DAY).await;
    world.sweep_after(MINUTE).await;
    assert_eq!(world.credential_subjects(), ["[AGE] Credential guest expires within 1 day"]);
}

#[tokio::test]
async fn renewed_credential_has_the_notices_of_its_new_expiry_and_a_revoked_one_none() {
    let world = World::new().await;
    let first = world.create_expiring("worker", "reader", &[], 10 * DAY).await;
    world.create_expiring("leaver", "reader", &[], 10 * DAY).await;
    world.clock.advance(2 * DAY);
    assert_eq!(world.revoke("leaver").await, 200);
    let expires_at = world.clock.now().plus_days(90);
    let second = world.rotate("worker", &json!({ "expiresAt": expires_at, "overlapSeconds": 3600 })).await;
    world.clock.advance(MINUTE);
    for token in [&first, &second] {
        assert_eq!(world.api().with_token(token).get(STATS).await.status, 200);
    }
    world.sweep_after(7 * DAY).await;
    assert!(world.credential_emails().is_empty());
    assert_eq!(world.api().with_token(&second).get(STATS).await.status, 200);
    world.sweep_after(76 * DAY).await;
    assert_eq!(world.credential_subjects(), ["[AGE] Credential worker expires within 7 days"]);
}

#[tokio::test]
async fn expired_credential_is_renewed_by_a_rotation() {
    let world = World::new().await;
    let old = world.create_expiring("worker", "reader", &[], HOUR).await;
    world.clock.advance(2 * HOUR);
    let path = format!("{CREDENTIALS}/worker/rotate");
    let refused = world.post_json(&path, &json!({})).await;
    let advice = "the credential worker has expired; rotate it with a new expiresAt to renew it";
    assert_eq!((refused.status, refused.text("/detail")), (409, advice));
    let past = world.post_json(&path, &json!({ "expiresAt": world.clock.now() })).await;
    assert_eq!((past.status, past.text("/errors/0/pointer")), (422, "/expiresAt"));
    let new = world.rotate("worker", &json!({ "expiresAt": world.clock.now().plus_days(1) })).await;
    world.clock.advance(MINUTE);
    assert_eq!(world.api().with_token(&new).get(STATS).await.status, 200);
    assert_eq!(world.api().with_token(&old).get(STATS).await.status, 401, "its old secret stays refused");
}

#[tokio::test]
async fn credentials_that_are_due_at_once_share_one_email() {
    let world = World::new().await;
    world.create_expiring("first", "reader", &[], 10 * DAY).await;
    world.create_expiring("second", "responder", &[], 10 * DAY).await;
    world.create_expiring("third", "admin", &[], 10 * DAY).await;
    world.sweep_after(3 * DAY).await;
    let [email] = world.credential_emails().try_into().unwrap();
    assert_eq!(email.subject, "[AGE] 3 credentials: 3 expiring");
    for kid in ["first", "second", "third"] {
        assert!(
            email.message.contains(&format!("agectl credential rotate {kid} --expires-in 90d")),
            "{}",
            email.message
        );
    }
    world.sweep_after(MINUTE).await;
    assert_eq!(world.credential_emails().len(), 1);
}

#[tokio::test]
async fn notice_that_cannot_be_recorded_is_sent_again() {
    let world = World::new().await;
    world.create_expiring("guest", "reader", &[], 10 * DAY).await;
    world.clock.advance(3 * DAY);
    world.dynamodb.set_fault(|call| {
        let records = call.operation == "UpdateItem" && call.body.to_string().contains("SET sent = :sent");
        if records { Fault::Refuse } else { Fault::None }
    });
    assert!(world.sweeper().run().await.into_result().is_err());
    world.dynamodb.reset();
    world.sweep_after(MINUTE).await;
    world.sweep_after(MINUTE).await;
    assert_eq!(world.credential_emails().len(), 2);
}

#[tokio::test]
async fn overlapping_sweeps_send_one_notice() {
    let world = World::new().await;
    world.create_expiring("guest", "reader", &[], 10 * DAY).await;
    world.clock.advance(3 * DAY);
    let (one, another) = (world.sweeper(), world.sweeper());
    tokio::join!(Box::pin(one.run()), Box::pin(another.run()));
    assert_eq!(world.credential_emails().len(), 1);
}

#[tokio::test]
async fn notice_waits_for_a_subscriber_and_for_emails_about_incidents() {
    let world = World::new().await;
    world.create_expiring("guest", "reader", &[], 10 * DAY).await;
    world.clock.advance(3 * DAY);
    world.sns.set_subscribed("notifications", false);
    world.sweep().await;
    assert!(world.emails().is_empty());
    world.sns.set_subscribed("notifications", true);
    world.clock.advance(MINUTE);
    world.sweep().await;
    assert_eq!(world.credential_emails().len(), 1);

    world.create_expiring("another", "reader", &[], 8 * DAY).await;
    world.clock.advance(DAY);
    for number in 0..6 {
        world.post(&event("qa", &format!("suite_{number}_lost"), "CRITICAL")).await;
    }
    world.sweep().await;
    assert_eq!(world.credential_emails().len(), 1, "the budget is left to incidents");
    world.sweep_after(MINUTE).await;
    assert_eq!(world.credential_emails().len(), 2);
}

#[tokio::test]
async fn first_refusal_of_an_expired_credential_is_notified_once() {
    let world = World::new().await;
    let token = world.create_expiring("ledger-worker", "engine", &["billing"], HOUR).await;
    world.sweep_after(HOUR).await;
    assert!(world.emails().is_empty());
    let worker = world.api().with_token(&token);
    for _ in 0..3 {
        assert_eq!(worker.post(&event("billing", "ledger_lost", "LOW"), None).await.status, 401);
    }
    let [alert] = world.expired_credential_alerts().await.try_into().unwrap();
    assert_eq!((alert.sender.as_str(), alert.subject.as_str(), alert.count), ("ledger-worker", "credential", 1));
    world.sweep_after(MINUTE).await;
    assert_eq!(worker.get("/api/governance/incidents").await.status, 401);
    assert_eq!(world.expired_credential_alerts().await[0].count, 4, "every refusal is counted");
    for _ in 0..3 {
        world.sweep_after(MINUTE).await;
    }
    let [email] = world.emails().try_into().unwrap();
    assert_eq!(email.subject, "[AGE] Credential ledger-worker has expired and is still used");
    let command = "To renew it, as an admin: agectl credential rotate ledger-worker --expires-in 90d";
    assert!(email.message.lines().any(|line| line == command), "{}", email.message);
}

#[tokio::test]
async fn use_of_an_old_secret_after_its_overlap_is_notified() {
    let world = World::new().await;
    let created = world.post_json(CREDENTIALS, &json!({ "kid": "worker", "role": "reader" })).await;
    let new = world.rotate("worker", &json!({ "overlapSeconds": HOUR })).await;
    world.sweep_after(2 * HOUR).await;
    assert_eq!(world.api().with_token(&new).get(STATS).await.status, 200);
    assert_eq!(world.api().with_token(created.text("/token")).get(STATS).await.status, 401);
    world.sweep_after(MINUTE).await;
    world.sweep_after(MINUTE).await;
    assert_eq!(world.credential_subjects(), ["[AGE] Old token of worker has expired and is still used"]);
}

#[tokio::test]
async fn guessed_secret_of_an_expired_credential_causes_no_alert() {
    let world = World::new().await;
    let token = world.create_expiring("worker", "reader", &[], HOUR).await;
    world.clock.advance(2 * HOUR);
    let secret = world.token(READER).rsplit('.').next().unwrap();
    let guessed = world.api().with_token(&format!("agov1.worker.{secret}")).get(STATS).await;
    assert_eq!((guessed.status, guessed.text("/detail")), (401, NOT_PROVEN));
    assert!(world.expired_credential_alerts().await.is_empty());
    let bearer = world.api().with_token(&token).get(STATS).await;
    assert_eq!((bearer.status, bearer.text("/detail")), (401, "the credential has expired"));
    assert_eq!(world.expired_credential_alerts().await.len(), 1);
}

#[tokio::test]
async fn alert_that_cannot_be_recorded_delays_no_response() {
    let world = World::new().await;
    let token = world.create_expiring("worker", "engine", &["qa"], HOUR).await;
    let environment = world.environment_with_proxied_credentials(UNLIMITED).await.with_token(&token);
    world.clock.advance(2 * HOUR);
    for fault in [Fault::Refuse, Fault::Stall] {
        world.dynamodb.set_fault(move |call| if call.operation == "UpdateItem" { fault } else { Fault::None });
        let sent = environment.send("POST", EVENT, &[("Content-Type", "application/json")], b"{}");
        let refused = tokio::time::timeout(Duration::from_secs(3), sent).await.unwrap();
        assert_eq!(refused.text("/detail"), "the credential has expired");
        world.clock.advance(MINUTE);
    }
    world.dynamodb.reset();
    environment.get(STATS).await;
    assert_eq!(
        world.expired_credential_alerts().await[0].count,
        3,
        "the alert counts the refusals that were not recorded"
    );
}

#[tokio::test]
async fn sweep_reads_credentials_every_10_minutes() {
    let world = World::new().await;
    let sweeper = world.sweeper();
    let reads = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&reads);
    world.dynamodb.set_fault(move |call| {
        let is_read = call.operation == "GetItem" && call.body["TableName"] == "Credentials";
        counter.fetch_add(usize::from(is_read), Ordering::SeqCst);
        Fault::None
    });
    for (minute, expected) in [(0, 1), (1, 1), (9, 1), (10, 2), (11, 2)] {
        world.set_time("2026-11-23T00:05:00Z");
        world.clock.advance(minute * MINUTE);
        sweeper.run().await.into_result().unwrap();
        assert_eq!(reads.load(Ordering::SeqCst), expected, "minute {minute}");
    }
}

#[tokio::test]
async fn last_admin_that_does_not_expire_cannot_be_revoked_or_made_to_expire() {
    let world = World::new().await;
    assert_eq!(world.revoke(ADMIN).await, 200);
    world.create_expiring("guest-admin", "admin", &[], DAY).await;
    let path = format!("{CREDENTIALS}/{TESTS}");
    let advice =
        "no admin that does not expire would remain without tests; create another admin without expiresAt first";
    let revoked = world.send("DELETE", &path, &[], b"").await;
    assert_eq!((revoked.status, revoked.text("/detail")), (409, advice), "the other admin expires tomorrow");
    let expiring =
        world.post_json(&format!("{path}/rotate"), &json!({ "expiresAt": world.clock.now().plus_days(1) })).await;
    assert_eq!((expiring.status, expiring.text("/detail")), (409, advice));
    assert_eq!(world.revoke("guest-admin").await, 200);

    let second = world.post_json(CREDENTIALS, &json!({ "kid": "second-admin", "role": "admin" })).await;
    assert_eq!(world.revoke(TESTS).await, 200, "another admin does not expire");
    let second = world.api().with_token(second.text("/token"));
    assert_eq!(second.send("DELETE", &format!("{CREDENTIALS}/second-admin"), &[], b"").await.status, 409);
}

#[tokio::test]
async fn only_qa_reports_and_no_other_engine_is_silent() {
    let world = World::new().await;
    for kid in ["billing-engine", "another-engine"] {
        assert_eq!(world.revoke(kid).await, 200);
    }
    let all: Vec<&str> = ENGINES.iter().map(age_model::Engine::as_str).collect();
    let gateway = json!({ "kid": "gateway", "role": "engine", "engines": all });
    assert_eq!(world.post_json(CREDENTIALS, &gateway).await.status, 201);
    world.sweep().await;
    for _ in 0..30 {
        world.post(&event("qa", "alive", "LOW")).await;
        world.sweep_after(HOUR).await;
    }
    assert!(world.list_incidents("").await.is_empty() && world.emails().is_empty());

    // An engine is expected from the creation of its credential on, and from its first event on.
    world.create_expiring("agent", "engine", &["deep_agent"], 90 * DAY).await;
    world.post(&event("documentation", "alive", "LOW")).await;
    let silent = async || {
        let incidents = world.list_incidents("&status=open").await;
        incidents.iter().map(|incident| incident["engine"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for _ in 0..24 {
        world.post(&event("qa", "alive", "LOW")).await;
        world.sweep_after(HOUR).await;
    }
    assert!(silent().await.is_empty(), "the interval has not passed");
    world.sweep_after(MINUTE).await;
    let mut engines = silent().await;
    engines.sort();
    assert_eq!(engines, ["deep_agent", "documentation"]);

    assert_eq!(world.revoke("agent").await, 200);
    world.sweep_after(MINUTE).await;
    assert_eq!(
        silent().await,
        ["documentation"],
        "without its credential, an engine that was never heard is not expected"
    );
    let last = world.emails().pop().unwrap();
    assert!(last.message.contains("Deep Agent is not expected to report events any more"), "{}", last.message);
}

#[tokio::test]
async fn silent_engines_are_found_while_credentials_cannot_be_read() {
    let world = World::new().await;
    world.sweep().await;
    world.post(&event("compliance", "alive", "LOW")).await;
    world.clock.advance(25 * HOUR);
    world.dynamodb.set_fault(|call| if call.body["TableName"] == "Credentials" { Fault::Refuse } else { Fault::None });
    assert!(world.sweeper().run().await.into_result().is_err());
    let engines = async || {
        let incidents = world.list_incidents("&status=open").await;
        incidents.iter().map(|incident| incident["engine"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(engines().await, ["compliance"], "the engines with a credential that were never heard are not judged");
    world.dynamodb.reset();
    world.sweep().await;
    assert_eq!(engines().await.len(), 4);
    world.dynamodb.set_fault(|call| if call.body["TableName"] == "Credentials" { Fault::Refuse } else { Fault::None });
    world.clock.advance(MINUTE);
    assert!(world.sweeper().run().await.into_result().is_err());
    assert_eq!(engines().await.len(), 4, "and none of their incidents resolves");
}
