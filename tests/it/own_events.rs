//! AGE's own events and messages: activations of policy versions and system alerts, each recorded and sent once.

use age_governance::SweepReport;
use age_policy::Policy;
use serde_json::{Value, json};

use crate::policies::{POLICIES, activate, default_with_engine, default_with_recommendation, push};
use crate::world::proxy::{Call, Fault};
use crate::world::test_credentials::{BILLING, TESTS};
use crate::world::{World, event};

fn default_hash() -> String {
    Policy::COMPILED_HASH.to_string()
}

/// Reports an event with a severity that does not exist, in a batch: its sender takes the response for a success.
async fn send_refused_event(world: &World) {
    let refused = json!([event("billing", "invoice_sync_failed", "SEVERE")]);
    assert_eq!(world.as_caller(BILLING).post_json("/api/governance/events", &refused).await.status, 200);
}

async fn own_events(world: &World) -> Vec<Value> {
    world.list_events("/api/governance/events?engine=age&limit=50").await
}

#[tokio::test]
async fn system_alert_is_one_event_until_it_was_quiet_for_a_day() {
    let world = World::new().await;
    for _ in 0..3 {
        send_refused_event(&world).await;
        world.clock.advance(60);
        world.sweep().await;
    }
    let events = own_events(&world).await;
    assert_eq!(events.len(), 1, "{events:?}");
    let recorded = &events[0];
    assert_eq!((&recorded["eventType"], &recorded["severity"]), (&json!("refused_event"), &json!("MEDIUM")));
    assert_eq!(recorded["details"]["sender"], BILLING);
    assert_eq!(recorded["details"]["subject"], "severity");
    assert!(recorded["details"]["detail"].as_str().unwrap().contains("SEVERE"), "{recorded}");
    assert_eq!(recorded["details"]["firstAt"], "2026-11-23T00:05:00.000Z");
    assert!(recorded.get("reportedBy").is_none());

    world.clock.advance(86_400);
    send_refused_event(&world).await;
    world.sweep().await;
    world.sweep().await;
    assert_eq!(own_events(&world).await.len(), 2, "it began again");
    let stats = world.get("/api/governance/stats").await;
    assert_eq!(stats.number("/totalEvents"), 2);
    let report = world.generate_report().await;
    assert_eq!(report.status, 201);
    assert!(world.get("/api/governance/incidents?engine=age").await.list("/incidents").is_empty());
    assert!(world.sns.published("actions").is_empty());
}

#[tokio::test]
async fn system_alert_is_one_event_whatever_fails_and_however_many_sweeps_run() {
    let world = World::new().await;
    send_refused_event(&world).await;
    let is_of_event =
        |call: &Call| call.operation == "TransactWriteItems" && call.body.to_string().contains("refused_event");
    for fault in [Fault::Refuse, Fault::DropResponse, Fault::InProgress] {
        world.dynamodb.set_fault(move |call| if is_of_event(call) { fault } else { Fault::None });
        let _ = Box::pin(world.sweeper().run()).await;
    }
    world.dynamodb.reset();
    let (one, another) = (world.sweeper(), world.sweeper());
    tokio::join!(Box::pin(one.run()), Box::pin(another.run()));
    assert_eq!(own_events(&world).await.len(), 1);
    assert_eq!(world.get("/api/governance/stats").await.number("/totalEvents"), 1);
}

#[tokio::test]
async fn admins_are_notified_once_of_each_activation() {
    let world = World::new().await;
    world.sweep().await;
    let search = push(&world, &default_with_engine("search")).await;
    let other = push(&world, &default_with_recommendation("{count} events")).await;
    assert_eq!(activate(&world, &search, &default_hash()).await.status, 200);
    assert_eq!(activate(&world, &other, &search).await.status, 200);
    let SweepReport { emails_sent, .. } = world.sweep().await;
    let sent = world.sns.published("notifications");
    assert_eq!((emails_sent, sent.len()), (2, 2), "{sent:?}");
    assert_eq!(sent[0].subject, "[AGE] tests activated policy version 1");
    let first = &sent[0].message;
    for text in [
        format!("tests activated policy version 1 ({})", &search[..12]),
        format!("To roll back, as an admin: agectl policy activate {}", default_hash()),
        "  > search is live".to_owned(),
        "- Engine search (Search) is added".to_owned(),
    ] {
        assert!(first.contains(&text), "{text} in {first}");
    }
    assert!(sent[1].message.contains("search (Search) is retired"), "{}", sent[1].message);
    for _ in 0..3 {
        world.clock.advance(60);
        world.sweep().await;
    }
    assert_eq!(world.sns.published("notifications").len(), 2, "each is sent once");
}

#[tokio::test]
async fn notification_of_an_activation_waits_until_it_can_be_sent() {
    let world = World::new().await;
    world.sweep().await;
    let search = push(&world, &default_with_engine("search")).await;
    assert_eq!(activate(&world, &search, &default_hash()).await.status, 200);
    world.sns.set_refusing(true);
    let _ = Box::pin(world.sweeper().run()).await;
    world.sns.set_refusing(false);
    assert!(world.sns.published("notifications").is_empty());
    world.clock.advance(60);
    world.sweep().await;
    assert_eq!(world.sns.published("notifications").len(), 1);
}

/// Four environments of different ages that are used at different times: no plan is made by the old version more than a minute after an
/// activation, and a rollback is as fast.
#[tokio::test]
async fn no_plan_follows_the_old_version_a_minute_after_an_activation() {
    let world = World::new().await;
    let search = push(&world, &default_with_engine("search")).await;
    let mut environments = Vec::new();
    for _ in 0..4 {
        environments.push(world.environment_with_proxied_credentials(crate::world::UNLIMITED).await);
        world.clock.advance(7);
    }
    let mut active = default_hash();
    for (round, next) in [search.clone(), default_hash(), search.clone()].into_iter().enumerate() {
        assert_eq!(activate(&world, &next, &active).await.status, 200);
        let mut changed_after = vec![None; environments.len()];
        for second in 0..=90_usize {
            for (index, api) in environments.iter().enumerate() {
                // The first is used every second, the last only every 40 seconds.
                if second % [1, 3, 17, 40][index] != 0 {
                    continue;
                }
                let event_type = format!("sync_failed_{round}_{index}_{second}");
                let created = api.post(&event("billing", &event_type, "HIGH"), None).await;
                assert_eq!(created.status, 201, "{created:?}");
                let hash = created.text("/actions/0/policyHash");
                let status = api.post(&event("search", "index_stale", "LOW"), None).await.status;
                if hash == next {
                    changed_after[index].get_or_insert(second);
                } else {
                    assert_eq!((hash, changed_after[index]), (active.as_str(), None), "the old version came back");
                    assert!(second <= 60, "environment {index} planned by the old version after {second} s");
                }
                if second > 60 {
                    assert_eq!(status, if next == search { 201 } else { 422 }, "{second}");
                }
            }
            world.clock.advance(1);
        }
        assert!(changed_after.iter().all(Option::is_some), "{changed_after:?}");
        active = next;
    }
}

#[tokio::test]
async fn engine_is_added_and_retired_without_a_deployment() {
    let world = World::new().await;
    let environments = [world.new_environment().await, world.new_environment().await];
    let search = push(&world, &default_with_engine("search")).await;
    let critical = event("search", "index_stale", "CRITICAL");
    assert_eq!(world.post(&critical).await.status, 422, "a draft changes nothing");
    assert_eq!(activate(&world, &search, &default_hash()).await.status, 200);
    world.clock.advance(60);
    let body = json!({ "kid": "search-worker", "role": "engine", "engines": ["search"] });
    world.get("/api/governance/stats").await;
    let made = world.post_json("/api/governance/credentials", &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    for (index, api) in environments.iter().enumerate() {
        let worker = api.with_token(made.text("/token"));
        let created = worker.post(&event("search", &format!("index_stale_{index}"), "CRITICAL"), None).await;
        assert_eq!((created.status, created.text("/actions/0/policyHash")), (201, search.as_str()), "{created:?}");
    }
    world.sweep().await;
    let emails = world.sns.published("notifications");
    assert!(emails.iter().any(|email| email.message.contains("Search")), "{emails:?}");
    let stats = world.get("/api/governance/stats").await;
    assert_eq!(stats.number("/byEngine/search"), 2, "{stats:?}");
    let report = world.generate_report().await;
    assert_eq!(report.text("/policyHash"), search);
    let versions = json!([
        { "hash": default_hash() }, { "hash": search, "from": "2026-11-23T00:05:00.000Z", "by": TESTS },
    ]);
    assert_eq!(report.json["policyVersions"], versions);
    world.clock.advance(8 * 86_400);
    let later = world.generate_report().await;
    assert_eq!(later.json["policyVersions"], json!([versions[1]]));
    world.clock.advance(-8 * 86_400);

    assert_eq!(activate(&world, &default_hash(), &search).await.status, 200);
    world.clock.advance(60);
    for api in &environments {
        let refused = api.with_token(made.text("/token")).post(&critical, None).await;
        assert_eq!((refused.status, refused.text("/errors/0/pointer")), (422, "/engine"), "{refused:?}");
        assert!(refused.text("/errors/0/detail").contains("which is retired"), "{refused:?}");
        let past = api.get("/api/governance/events?engine=search").await;
        assert_eq!((past.status, past.list("/events").len()), (200, 2));
        assert_eq!(api.get("/api/governance/stats").await.number("/byEngine/search"), 2);
    }
    assert_eq!(world.get(&format!("{POLICIES}/activations")).await.list("/activations").len(), 2);
}
