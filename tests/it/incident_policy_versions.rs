//! Each transition of an incident records the policy version by which it happened.

use age_policy::Policy;
use serde_json::json;

use crate::policies::{activate, default_with_recommendation, push};
use crate::world::test_credentials::{BILLING, NIGHT_DESK};
use crate::world::{ApiResponse, World, event};

const DAY: i64 = 86_400;

impl World {
    /// Activates a version that differs from the default policy in one text. Returns its hash, after every function has read it.
    async fn activate_another_version(&self) -> String {
        let hash = push(self, &default_with_recommendation("{count} of the second version")).await;
        assert_eq!(activate(self, &hash, Policy::HASH).await.status, 200);
        self.clock.advance(60);
        hash
    }

    /// Returns the incident of this event type that was opened at last.
    async fn latest_incident(&self, event_type: &str) -> ApiResponse {
        let listed = self.get("/api/governance/incidents?limit=200").await;
        let id = listed.list("/incidents").iter().find(|it| it["eventType"] == event_type).unwrap()["id"].clone();
        self.get(&format!("/api/governance/incidents/{}", id.as_str().unwrap())).await
    }

    /// Reports the status of an alert, which began now.
    async fn alert(&self, status: &str) {
        let labels = json!({ "engine": "qa", "alertname": "QueueFull", "severity": "critical" });
        let alert =
            json!({ "status": status, "labels": labels, "startsAt": "2026-11-23T00:05:00Z", "fingerprint": "ab" });
        let body = json!({ "version": "4", "alerts": [alert] });
        let reported = self.post_json("/api/governance/intake/alertmanager", &body).await;
        assert_eq!((reported.status, &reported.json["alerts"][0]["status"]), (200, &json!(201)), "{reported:?}");
    }

    /// Does something with an incident as a responder.
    async fn take_step(&self, id: &str, change: &str) {
        let body = if change == "comments" { json!({ "note": "seen" }) } else { json!({}) };
        let path = format!("/api/governance/incidents/{id}/{change}");
        let changed = self.as_caller(NIGHT_DESK).post_json(&path, &body).await;
        assert_eq!(changed.status, 200, "{changed:?}");
    }
}

/// Returns the transitions of an incident, each with the policy version that it names.
fn transitions(incident: &ApiResponse) -> Vec<(String, String)> {
    let others = ["event", "reported_resolved", "action", "outcome", "notification"];
    let entries = incident.list("/timeline").iter().filter(|it| !others.contains(&it["type"].as_str().unwrap()));
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("none").to_owned();
    entries.map(|entry| (text(&entry["type"]), text(&entry["policyHash"]))).collect()
}

fn owned(transitions: &[(&str, &str)]) -> Vec<(String, String)> {
    transitions.iter().map(|(kind, hash)| ((*kind).to_owned(), (*hash).to_owned())).collect()
}

#[tokio::test]
async fn incident_names_the_version_that_opened_it_and_each_change_the_version_that_was_active() {
    let world = World::new().await;
    world.post(&event("qa", "suite_failed", "CRITICAL")).await;
    let opened = world.latest_incident("suite_failed").await;
    let id = opened.text("/id").to_owned();
    assert_eq!(opened.text("/policyHash"), Policy::HASH);
    world.take_step(&id, "acknowledge").await;
    let second = world.activate_another_version().await;
    for change in ["comments", "resolve", "reopen", "acknowledge", "resolve"] {
        world.take_step(&id, change).await;
        world.clock.advance(1);
    }
    world.post(&event("qa", "suite_failed", "CRITICAL")).await;
    world.take_step(&id, "comments").await;

    let old = world.get(&format!("/api/governance/incidents/{id}")).await;
    assert_eq!(old.text("/policyHash"), Policy::HASH, "the version that has opened it");
    let by_first = [("opened", Policy::HASH), ("acknowledged", Policy::HASH)];
    let kinds = ["commented", "resolved", "reopened", "acknowledged", "resolved", "commented"];
    let by_second = kinds.map(|kind| (kind, second.as_str()));
    assert_eq!(transitions(&old), owned(&[&by_first[..], &by_second[..]].concat()));
    let new = world.latest_incident("suite_failed").await;
    assert_eq!((new.text("/policyHash"), transitions(&new)), (second.as_str(), owned(&[("opened", &second)])));
}

#[tokio::test]
async fn incidents_that_age_opens_and_resolves_by_itself_name_their_versions() {
    let world = World::new().await;
    world.sweep().await;
    world.alert("firing").await;
    let lost = world.post(&event("billing", "ledger_lost", "HIGH")).await;
    let second = world.activate_another_version().await;
    let outcome = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", lost.text("/id"));
    let failed = json!({ "outcome": "failed" });
    assert_eq!(world.as_caller(BILLING).post_json(&outcome, &failed).await.status, 200);
    world.take_step(world.latest_incident("ledger_lost").await.text("/id"), "acknowledge").await;
    world.alert("resolved").await;
    world.sweep().await;
    for _ in 0..2 {
        world.clock.advance(DAY);
        world.sweep().await;
    }
    let of = async |event_type: &str| transitions(&world.latest_incident(event_type).await);
    assert_eq!(of("QueueFull").await, owned(&[("opened", Policy::HASH), ("resolved", &second)]), "by its sender");
    let remediation = owned(&[("opened", &second), ("acknowledged", &second), ("resolved", &second)]);
    assert_eq!(of("ledger_lost").await, remediation, "its remediation has failed, and then it was quiet for a day");
    let silent = world.latest_incident("engine_silent").await;
    assert_eq!(transitions(&silent), owned(&[("opened", &second)]));
    world.post(&event(silent.text("/engine"), "queue_checked", "LOW")).await;
    world.sweep().await;
    let reported = world.get(&format!("/api/governance/incidents/{}", silent.text("/id"))).await;
    assert_eq!(transitions(&reported), owned(&[("opened", &second), ("resolved", &second)]));
}
