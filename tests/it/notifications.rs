//! Notifications reach people: messages fit, one that is refused delays no other, engines take turns, approvals are notified, and
//! topics without subscribers are reported.

use age_model::{Clock, SystemAlertKind, Timestamp, TopicName};
use age_store::SystemAlerts;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::many_event_types::MAX_OPEN;
use crate::world::proxy::Fault;
use crate::world::sns::Published;
use crate::world::test_credentials::NIGHT_DESK;
use crate::world::{ApiResponse, World, event};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// The most bytes of an SNS message.
const MAX_MESSAGE_BYTES: usize = 262_144;

impl World {
    /// Returns the e-mails to the first line about approvals.
    fn approval_emails(&self) -> Vec<Published> {
        self.emails().into_iter().filter(|email| email.message.contains("permission_reset")).collect()
    }

    /// Reports a HIGH event whose remediation is pending approval.
    async fn post_permission_event(&self, event_type: &str) -> ApiResponse {
        let created = self.post(&event("compliance", event_type, "HIGH")).await;
        assert_eq!(created.actions(), [("permission_reset", "pending_approval")], "{created:?}");
        created
    }

    async fn health(&self) -> Value {
        self.get("/api/governance/health").await.json
    }

    async fn topic_status(&self, name: &str) -> String {
        let topics = self.health().await["topics"].clone();
        let topic = topics.as_array().unwrap().iter().find(|topic| topic["name"] == name).unwrap().clone();
        topic["status"].as_str().unwrap().to_owned()
    }
}

/// Returns the event types of engine QA that the e-mails name, in order.
fn named(emails: &[Published], prefix: &str) -> Vec<String> {
    let lines = emails.iter().flat_map(|email| email.message.lines());
    lines.filter_map(|line| Some(line.split_once(&format!(": {prefix}"))?.1.split(' ').next()?.to_owned())).collect()
}

#[tokio::test]
async fn hundred_incidents_with_types_of_emoji_are_notified_in_messages_that_fit() {
    let world = World::new().await;
    world.sns.set_refusing(true);
    for number in 0..100 {
        let event_type = format!("{}{number:02}", "\u{1f525}".repeat(126));
        assert_eq!(world.post(&event("qa", &event_type, "CRITICAL")).await.status, 201);
    }
    world.sns.set_refusing(false);
    world.sweep_every_minute(2).await;
    let emails = world.emails();
    assert!((2..=6).contains(&emails.len()), "{}", emails.len());
    for email in &emails {
        assert!(email.message.len() <= MAX_MESSAGE_BYTES && email.subject.len() <= 100, "{}", email.message.len());
    }
    let incidents = world.list_incidents("").await;
    assert_eq!(incidents.len(), 100);
    assert!(incidents.iter().all(|incident| incident["notificationCount"] == 1), "each is notified once");
}

#[tokio::test]
async fn refused_message_is_split_until_the_refused_incident_is_alone_and_set_aside() {
    let world = World::new().await;
    world.sns.set_refusing(true);
    for number in 0..20 {
        let name = if number == 13 { "poison".to_owned() } else { format!("type_{number:02}") };
        world.post(&event("qa", &name, "CRITICAL")).await;
    }
    world.sns.set_refusing(false);
    world.sns.refuse_messages_with(Some("poison"));
    let mut undeliverable = 0;
    for _ in 0..3 {
        world.clock.advance(MINUTE);
        undeliverable += world.sweep().await.notifications_undeliverable;
    }
    assert_eq!(undeliverable, 1);
    let is_poison = |incident: &Value| incident["eventType"] == "poison";
    let incidents = world.list_incidents("").await;
    for incident in incidents.iter().filter(|incident| !is_poison(incident)) {
        assert_eq!(incident["notificationCount"], 1, "{incident}");
    }
    let poison = incidents.iter().find(|incident| is_poison(incident)).unwrap();
    assert_eq!((&poison["status"], &poison["notificationCount"]), (&json!("open"), &json!(0)));
    assert!(poison["notificationFailure"]["reason"].as_str().unwrap().contains("Invalid parameter"), "{poison}");
    let page = world.as_caller(NIGHT_DESK);
    assert_eq!(page.get("/api/governance/incidents?status=open").await.list("/incidents").len(), 20);

    let alerts = SystemAlerts::new(&world.db(), "Incidents").shown(world.clock.now()).await.unwrap();
    let [alert] = alerts.try_into().unwrap();
    assert_eq!(
        (alert.kind, alert.sender.as_str(), alert.subject.as_str(), alert.count),
        (SystemAlertKind::UndeliverableNotification, "notifications", "qa: poison", 1)
    );

    // It is not tried again before the interval of reminders.
    let emails = world.emails().len();
    for _ in 0..20 {
        world.clock.advance(MINUTE);
        assert_eq!(world.sweep().await.notifications_undeliverable, 0);
    }
    assert_eq!(world.emails().len(), emails);
    world.sns.refuse_messages_with(None);
    world.clock.advance(4 * HOUR);
    world.sweep_every_minute(2).await;
    let incidents = world.list_incidents("").await;
    let poison = incidents.iter().find(|incident| is_poison(incident)).unwrap();
    assert!(poison.get("notificationFailure").is_none() && poison["notificationCount"].as_u64() > Some(0), "{poison}");
}

#[tokio::test]
async fn incident_whose_message_is_refused_is_escalated_to_the_second_line() {
    let world = World::new().await;
    world.sns.refuse_messages_with(Some("CRITICAL: QA reported a critical event"));
    world.post(&event("qa", "poison", "CRITICAL")).await;
    world.sweep_every_minute(31).await;
    assert!(world.emails().is_empty());
    let [second] = world.sns.published("second-line").try_into().unwrap();
    assert_eq!(second.subject, "[AGE] CRITICAL, escalated: QA: poison");
    assert!(world.list_incidents("").await[0].get("notificationFailure").is_some(), "the first line does not know");
}

#[tokio::test]
async fn send_that_failed_costs_no_email_budget() {
    let world = World::new().await;
    world.sns.set_refusing(true);
    for number in 0..6 {
        world.post(&event("qa", &format!("lost_{number}"), "CRITICAL")).await;
    }
    world.sns.set_refusing(false);
    for number in 0..3 {
        world.post(&event("maos", &format!("sent_{number}"), "CRITICAL")).await;
    }
    assert_eq!(world.emails().len(), 3, "the whole burst but the part that is reserved for the sweep");
}

/// Reports a CRITICAL event of QA that cannot be notified at once, and returns the time.
async fn report_in_a_storm(world: &World) -> Timestamp {
    world.sns.set_refusing(true);
    assert_eq!(world.post(&event("qa", "suite_lost", "CRITICAL")).await.status, 201);
    world.sns.set_refusing(false);
    world.clock.now()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_kinds_of_one_engine_do_not_delay_another_engines_first_notification() {
    const KINDS: usize = 2000;
    let world = World::new().await;
    world.sweep().await;
    let environments = join_all((0..4).map(|_| world.new_environment())).await;
    let storm = environments.iter().enumerate().map(async |(place, api)| {
        for number in (place..KINDS).step_by(environments.len()) {
            let sent = event("billing", &format!("order_{number}_failed"), "CRITICAL");
            let key = format!("order-{number}");
            // Every second event is keyed.
            let created = api.post(&sent, (number % 2 == 0).then_some(key.as_str())).await;
            assert_eq!(created.status, 201, "{created:?}");
        }
    });
    join_all(storm).await;
    world.sweep_every_minute(1).await;
    let at = report_in_a_storm(&world).await;
    world.clock.advance(MINUTE);
    let swept = world.sweep().await;
    let first = world.emails().into_iter().find(|email| email.message.contains("QA: suite_lost"));
    assert!(first.is_some_and(|email| email.at <= at.plus_seconds(MINUTE)), "{swept:?}");
    let mut minutes = 0;
    while world.list_incidents("&status=open").await.iter().any(|incident| incident["notificationCount"] == 0) {
        world.sweep_every_minute(1).await;
        minutes += 1;
        assert!(minutes < 20);
    }
    let swept = world.sweep().await;
    assert_eq!((swept.oldest_unnotified_seconds, swept.failed), (0, 0), "{swept:?}");
    let orders = named(&world.emails(), "Billing: order_");
    let distinct: std::collections::BTreeSet<_> = orders.iter().collect();
    // Four environments may exceed the bound a little; the gathering incident has the other kinds.
    assert!(distinct.len() >= MAX_OPEN - 5, "those that were notified at once have e-mails of their own");
    let is_of_storm = |incident: &&Value| incident["engine"] == "billing";
    let counted: u64 =
        world.all_incidents("").await.iter().filter(is_of_storm).map(|it| it["eventCount"].as_u64().unwrap()).sum();
    assert_eq!(KINDS as u64, counted, "each event is counted by one incident");
}

#[tokio::test]
async fn four_thousand_due_incidents_of_one_engine_do_not_hide_another_engines_incident() {
    let world = World::new().await;
    world.sweep().await;
    world.sns.set_refusing(true);
    let created = world.post(&event("billing", "order_failed", "HIGH")).await;
    let path = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", created.text("/id"));
    assert_eq!(world.post_json(&path, &json!({"outcome": "failed"})).await.status, 200);
    world.copy_incident("billing#order_failed", 4000);
    world.clock.advance(MINUTE);
    let at = report_in_a_storm(&world).await;
    world.clock.advance(MINUTE);
    let swept = world.sweep().await;
    let first = world.emails().into_iter().find(|email| email.message.contains("QA: suite_lost"));
    assert!(first.is_some_and(|email| email.at <= at.plus_seconds(MINUTE)), "{swept:?}");
    assert!(swept.oldest_unnotified_seconds > 0);
    world.clock.advance(MINUTE);
    let swept = world.sweep().await;
    assert!(swept.incidents_behind_seconds >= MINUTE, "a run reads 500: {swept:?}");
    world.sweep_every_minute(12).await;
    let swept = world.sweep().await;
    assert_eq!((swept.oldest_unnotified_seconds, swept.incidents_behind_seconds), (0, 0), "all are notified");
}

#[tokio::test]
async fn escalations_have_a_budget_of_their_own() {
    let world = World::new().await;
    for number in 0..3 {
        world.post(&event("qa", &format!("type_{number}"), "CRITICAL")).await;
    }
    world.sweep_every_minute(30).await;
    assert_eq!(world.sns.published("second-line").len(), 1, "one e-mail about all three");
    for number in 0..3 {
        world.post(&event("maos", &format!("type_{number}"), "CRITICAL")).await;
    }
    assert_eq!(world.emails().len(), 6, "the escalation has taken no permit of the first line");
}

#[tokio::test]
async fn high_permission_escalated_of_compliance_for_which_nobody_looks_is_notified_reminded_and_told_when_it_expires()
{
    let world = World::new().await;
    let created = world.post_permission_event("permission_escalated").await;
    let (id, digest) = (created.text("/id"), created.text("/actions/0/digest"));
    let [email] = world.emails().try_into().unwrap();
    assert_eq!(email.subject, "[AGE] HIGH, approval needed: permission_reset for Compliance");
    let action_path = format!("/dashboard/events/{id}/actions/permission_reset");
    for said in [
        "HIGH: Compliance: permission_reset waits for your approval",
        "Would do    permission_reset: Permissions are reset to their last good state.",
        "Engine      Compliance (compliance)",
        "  > Event type: permission_escalated",
        "Severity    HIGH",
        "Requested   Mon 23 Nov 2026, 00:05:00 UTC",
        "Decide by   Tue 24 Nov 2026, 00:05:00 UTC, 1 d left",
        &format!("Event ID    {id}"),
        &format!("Digest      {digest}"),
        &format!("To approve or deny: {action_path}"),
        &format!("/api/governance/events/{id}/actions/permission_reset/approval"),
        &format!("{{\"decision\":\"approve\",\"digest\":\"{digest}\"}}"),
    ] {
        assert!(email.message.contains(said), "{said} in {}", email.message);
    }
    assert_eq!(world.get(&format!("/api/governance/events/{id}")).await.json, created.json);
    assert_eq!(created.text("/actions/0/approveBy"), "2026-11-24T00:05:00.000Z");
    assert_eq!(created.text("/actions/0/approvalNotifiedAt"), "2026-11-23T00:05:00.000Z");

    for _ in 0..(25 * 2) {
        world.clock.advance(30 * MINUTE);
        world.sweep().await;
    }
    let emails = world.approval_emails();
    let sent: Vec<_> = emails.iter().map(|email| (email.at.to_string(), email.subject.clone())).collect();
    let expected = [
        ("2026-11-23T00:05:00.000Z", "[AGE] HIGH, approval needed: permission_reset for Compliance"),
        ("2026-11-23T12:05:00.000Z", "[AGE] HIGH, approval still needed: permission_reset for Compliance"),
        ("2026-11-23T23:05:00.000Z", "[AGE] HIGH, approval still needed: permission_reset for Compliance"),
        ("2026-11-24T00:05:00.000Z", "[AGE] HIGH, approval expired: permission_reset for Compliance"),
    ];
    assert_eq!(sent.len(), expected.len(), "{sent:?}");
    for ((at, subject), (expected_at, expected_subject)) in sent.iter().zip(expected) {
        assert_eq!(at, expected_at);
        // The expiry may share its e-mail with the engines that are silent by then.
        assert!(subject == expected_subject || subject.contains("approval expired"), "{subject}");
    }
    assert!(emails[1].message.contains("nobody has approved or denied it, 12 h left"), "{}", emails[1].message);
    assert!(emails[2].message.contains(", 1 h left"), "{}", emails[2].message);
    let shown = world.get(&format!("/api/governance/events/{id}")).await;
    assert_eq!(shown.actions(), [("permission_reset", "expired")]);
    assert_eq!(shown.json["actions"][0].get("dueAt"), None);
}

#[tokio::test]
async fn decided_approval_is_not_reminded() {
    for decision in ["approve", "deny"] {
        let world = World::new().await;
        let created = world.post_permission_event("permission_escalated").await;
        let path = format!("/api/governance/events/{}/actions/permission_reset/approval", created.text("/id"));
        let body = json!({ "decision": decision, "digest": created.text("/actions/0/digest") });
        assert_eq!(world.post_json(&path, &body).await.status, 200);
        for _ in 0..25 {
            world.clock.advance(HOUR);
            world.sweep().await;
        }
        let about_approval = world.emails().into_iter().filter(|email| email.message.contains("approval")).count();
        assert_eq!(about_approval, 1, "{decision}");
    }
}

#[tokio::test]
async fn many_pending_approvals_share_an_email_and_the_budget() {
    let world = World::new().await;
    for number in 0..12 {
        world.post_permission_event(&format!("permission_{number:02}")).await;
    }
    assert_eq!(world.emails().len(), 3, "the burst, except for the part that is reserved for the sweep");
    world.sweep_every_minute(1).await;
    let emails = world.emails();
    assert_eq!((emails.len(), emails[3].subject.as_str()), (4, "[AGE] HIGH, 9 actions: 9 approval needed"));
    assert_eq!(emails[3].message.matches("HIGH, approval needed: permission_reset for Compliance").count(), 9);
    world.sweep_every_minute(30).await;
    assert_eq!(world.emails().len(), 4, "nobody is notified twice");
}

#[tokio::test]
async fn critical_event_with_a_pending_approval_is_one_email() {
    let world = World::new().await;
    let created = world.post(&event("compliance", "permission_escalated", "CRITICAL")).await;
    assert_eq!(created.actions(), [("permission_reset", "pending_approval"), ("notify_admin", "dispatched")]);
    let [email] = world.emails().try_into().unwrap();
    assert_eq!(email.subject, "[AGE] CRITICAL Compliance: permission_escalated");
    for said in
        ["AGE did: permission_reset: pending approval", "To acknowledge: agectl incident ack", "Decide by   Tue 24 Nov"]
    {
        assert!(email.message.contains(said), "{said} in {}", email.message);
    }
    world.sweep_every_minute(20).await;
    assert_eq!(world.emails().len(), 1, "neither the incident nor the approval is notified twice");
}

#[tokio::test]
async fn pending_approval_is_notified_by_the_sweep_after_a_crash() {
    let world = World::new().await;
    // The function ends after it has stored the event, before it notifies people.
    world.dynamodb.set_fault(|call| match (call.operation.as_str(), call.earlier) {
        ("TransactWriteItems", 0) => Fault::DropResponse,
        ("GetItem", 0) => Fault::None,
        _ => Fault::Refuse,
    });
    let sent = event("compliance", "permission_escalated", "HIGH");
    assert_eq!(world.post_keyed(&sent, "k").await.status, 503);
    world.dynamodb.reset();
    assert_eq!(world.post_keyed(&sent, "k").await.actions(), [("permission_reset", "pending_approval")]);
    assert!(world.emails().is_empty());
    world.sweep_every_minute(1).await;
    assert_eq!(world.approval_emails().len(), 1);
    world.sweep_every_minute(10).await;
    assert_eq!(world.approval_emails().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_sweeps_notify_of_an_approval_once() {
    let world = World::new().await;
    world.sns.set_refusing(true);
    for number in 0..8 {
        world.post_permission_event(&format!("permission_{number}")).await;
    }
    world.sns.set_refusing(false);
    world.clock.advance(2 * MINUTE);
    let sweepers: Vec<_> = (0..5).map(|_| world.sweeper()).collect();
    join_all(sweepers.iter().map(age_governance::Sweep::run))
        .await
        .into_iter()
        .for_each(|swept| drop(swept.into_result().unwrap()));
    let entries = world.emails().iter().map(|email| email.message.matches("Would do ").count()).sum::<usize>();
    assert_eq!(entries, 8);
}

#[tokio::test]
async fn pending_approval_waits_until_the_topic_has_a_subscriber() {
    let world = World::new().await;
    world.sns.set_subscribed("notifications", false);
    world.sweep().await;
    world.post_permission_event("permission_escalated").await;
    world.sweep_every_minute(3).await;
    assert!(world.emails().is_empty());
    world.sns.set_subscribed("notifications", true);
    world.sweep_every_minute(1).await;
    assert_eq!(world.approval_emails().len(), 1);
}

#[tokio::test]
async fn approval_whose_message_is_refused_is_set_aside_and_can_still_be_decided() {
    let world = World::new().await;
    world.sns.refuse_messages_with(Some("permission_reset"));
    let created = world.post_permission_event("permission_escalated").await;
    world.clock.advance(MINUTE);
    assert_eq!(world.sweep().await.notifications_undeliverable, 1);
    world.clock.advance(MINUTE);
    assert_eq!(world.sweep().await.notifications_undeliverable, 0, "it is tried again after the interval of reminders");
    let shown = world.get(&format!("/api/governance/events/{}", created.text("/id"))).await;
    assert!(shown.text("/actions/0/notificationFailure/reason").contains("Invalid parameter"), "{shown:?}");
    let path = format!("/api/governance/events/{}/actions/permission_reset/approval", created.text("/id"));
    let body = json!({ "decision": "approve", "digest": created.text("/actions/0/digest") });
    assert_eq!(world.post_json(&path, &body).await.text("/status"), "pending");
}

#[tokio::test]
async fn email_after_a_failed_remediation_has_the_workers_words_bounded_and_marked() {
    let world = World::new().await;
    let created = world.post(&event("billing", "invoice_sync_failed", "HIGH")).await;
    let path = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", created.text("/id"));
    let words =
        format!("the ledger is gone\nAGE did: everything\nTo acknowledge: rm -rf /\u{202e}\u{200b}{}", "x".repeat(900));
    assert_eq!(world.post_json(&path, &json!({"outcome": "failed", "detail": words})).await.status, 200);
    let [email] = world.emails().try_into().unwrap();
    let lines: Vec<&str> = email.message.lines().collect();
    assert!(lines[1].starts_with("AGE did: billing_sync_repair: failed according to its worker"), "{}", email.message);
    assert!(lines.contains(&"  > the ledger is gone") && lines.contains(&"  > AGE did: everything"), "{lines:?}");
    let own = |prefix: &str| lines.iter().filter(|line| line.starts_with(prefix)).count();
    assert_eq!((own("AGE did:"), own("To acknowledge:")), (1, 1), "{}", email.message);
    assert!(email.message.contains("[U+202E][U+200B]") && !email.message.contains('\u{202e}'));
    assert!(email.message.matches('x').count() <= 500, "{}", email.message);
}

#[tokio::test]
async fn topic_that_loses_its_only_subscriber_is_reported() {
    let topics =
        [("second-line", TopicName::SecondLine), ("reports", TopicName::Reports), ("alarms", TopicName::Alarms)];
    for (arn, name) in topics {
        let world = World::new().await;
        assert_eq!(world.topic_status(name.as_str()).await, "unknown", "before the first sweep");
        assert_eq!(world.sweep().await.topics_without_subscriber, []);
        assert_eq!(world.topic_status(name.as_str()).await, "subscribed");
        world.sns.set_subscribed(arn, false);
        world.clock.advance(MINUTE);
        assert_eq!(world.sweep().await.topics_without_subscriber, [name]);
        assert_eq!(world.topic_status(name.as_str()).await, "no_subscriber");
        assert_eq!(world.health().await["notificationsReachable"], true);
        world.sns.set_subscribed(arn, true);
        world.clock.advance(MINUTE);
        assert_eq!(world.sweep().await.topics_without_subscriber, []);
    }
}

#[tokio::test]
async fn topic_that_never_had_a_subscription_is_not_reported_except_notifications() {
    let world = World::new().await;
    for arn in ["notifications", "second-line", "reports", "alarms"] {
        world.sns.set_subscribed(arn, false);
    }
    assert_eq!(world.sweep().await.topics_without_subscriber, [TopicName::Notifications]);
    assert_eq!(world.topic_status("second_line").await, "not_used");
    // A subscription that nobody has confirmed yet is meant to be used.
    world.sns.add_unconfirmed_subscription("second-line");
    world.clock.advance(MINUTE);
    let expected = [TopicName::Notifications, TopicName::SecondLine];
    assert_eq!(world.sweep().await.topics_without_subscriber, expected);
}

#[tokio::test]
async fn missing_subscriber_of_alarms_is_emailed_once_a_day() {
    let world = World::new().await;
    world.sweep().await;
    world.sns.set_subscribed("alarms", false);
    world.sweep_every_minute(10).await;
    let [email] = world.emails().try_into().unwrap();
    assert_eq!(email.subject, "[AGE] HIGH, nobody receives AGE's alarms");
    assert!(email.message.contains("alarms"), "{}", email.message);
    let notices = || world.emails().iter().filter(|email| email.subject.contains("receives AGE's alarms")).count();
    world.clock.advance(24 * HOUR - 20 * MINUTE);
    world.sweep().await;
    assert_eq!(notices(), 1);
    // One that cannot be sent is tried again.
    world.sns.set_refusing(true);
    world.clock.advance(HOUR);
    world.sweeper().run().await;
    world.sns.set_refusing(false);
    world.sweep_every_minute(2).await;
    assert_eq!(notices(), 2);
    world.sns.set_subscribed("alarms", true);
    world.clock.advance(48 * HOUR);
    world.sweep().await;
    assert_eq!(notices(), 2);
}
