//! The requests whose calls in line are limited, each as the API serves it.

use serde_json::{Value, json};

use super::browser::Browser;
use super::call_log::CallChain;
use super::test_credentials::{BILLING, READER};
use super::{Api, ApiResponse, World, event};

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimedRequest {
    LowEvent,
    HighEvent,
    /// A CRITICAL event that opens an incident.
    CriticalEvent,
    /// A CRITICAL event of an open incident whose remediation is in flight.
    CriticalAgain,
    /// A repeat of an event by its idempotency key.
    Replay,
    Outcome,
    Statistics,
    List,
    Actions,
    Overview,
    Decision,
    DecisionWithApproval,
}

impl TimedRequest {
    pub(crate) const ALL: [Self; 12] = [
        Self::LowEvent,
        Self::HighEvent,
        Self::CriticalEvent,
        Self::CriticalAgain,
        Self::Replay,
        Self::Outcome,
        Self::Statistics,
        Self::List,
        Self::Actions,
        Self::Overview,
        Self::Decision,
        Self::DecisionWithApproval,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::LowEvent => "LOW event",
            Self::HighEvent => "HIGH event",
            Self::CriticalEvent => "CRITICAL event that opens an incident",
            Self::CriticalAgain => "CRITICAL event of an open incident, its remediation in flight",
            Self::Replay => "repeat of an event",
            Self::Outcome => "outcome of an action",
            Self::Statistics => "statistics",
            Self::List => "list of 50 events",
            Self::Actions => "list of 50 actions",
            Self::Overview => "overview of the dashboard",
            Self::Decision => "decision",
            Self::DecisionWithApproval => "decision that uses an approval",
        }
    }

    /// Sends the request to `api`, after what it needs was sent to other environments. Returns its calls. `number` is another one each
    /// time.
    pub(crate) async fn send(self, world: &World, api: &Api, number: usize) -> CallChain {
        // The budget of e-mails is full again.
        world.clock.advance(60);
        // The credentials and the policy have been read again, as on AWS by an environment in use, and in one just initialized.
        assert_eq!(api.get("/api/governance/whoami").await.status, 200);
        let before = world.api();
        let billing = |severity: &str| event("billing", &format!("ledger_lost_{number}"), severity);
        let (calls, response, status) = match self {
            Self::LowEvent => timed(world, api.post(&billing("LOW"), None), 201).await,
            Self::HighEvent => timed(world, api.post(&billing("HIGH"), None), 201).await,
            Self::CriticalEvent => timed(world, api.post(&billing("CRITICAL"), None), 201).await,
            Self::CriticalAgain => {
                assert_eq!(before.post(&billing("CRITICAL"), None).await.status, 201);
                timed(world, api.post(&billing("CRITICAL"), None), 201).await
            }
            Self::Replay => {
                let key = format!("key-{number}");
                assert_eq!(before.post(&billing("LOW"), Some(&key)).await.status, 201);
                timed(world, api.post(&billing("LOW"), Some(&key)), 200).await
            }
            Self::Outcome => {
                let posted = before.post(&billing("HIGH"), None).await;
                let path = format!("/api/governance/events/{}/actions/billing_sync_repair/outcome", posted.text("/id"));
                let worker = api.with_token(world.token(BILLING));
                timed(world, worker.post_json(&path, &json!({ "outcome": "succeeded" })), 200).await
            }
            Self::Statistics => timed(world, api.get("/api/governance/stats"), 200).await,
            Self::List => {
                let fifty = Value::from(vec![billing("LOW"); 50]);
                assert_eq!(before.post_json("/api/governance/events", &fifty).await.status, 200);
                timed(world, api.get("/api/governance/events?limit=50"), 200).await
            }
            Self::Actions => {
                // One more than the page has: without it, all days back to the first one would be searched for more.
                if before.get("/api/governance/actions?limit=51").await.list("/actions").len() < 51 {
                    let events = Value::from(vec![billing("HIGH"); 51]);
                    assert_eq!(before.post_json("/api/governance/events", &events).await.status, 200);
                }
                timed(world, api.get("/api/governance/actions?limit=50"), 200).await
            }
            Self::Overview => {
                let mut browser = Browser::signed_in(world, READER).await.sending_to(api);
                let (calls, response) = world.calls.of(browser.get("/dashboard")).await;
                (calls, response, 200)
            }
            Self::Decision => {
                let engine = api.with_token(world.token(BILLING));
                timed(world, engine.post_json("/access/v1/evaluation", &transfer(number, &json!({}))), 200).await
            }
            Self::DecisionWithApproval => {
                let engine = before.with_token(world.token(BILLING));
                let asked = engine.post_json("/access/v1/evaluation", &transfer(number, &json!({}))).await;
                let id = asked.text("/context/id");
                let approval = json!({ "decision": "approve", "digest": asked.text("/context/approval/digest") });
                let approved = before.post_json(&format!("/api/governance/decisions/{id}/approval"), &approval).await;
                assert_eq!(approved.status, 200, "{approved:?}");
                let request = transfer(number, &json!({ "decisionId": id }));
                let engine = api.with_token(world.token(BILLING));
                let used = timed(world, engine.post_json("/access/v1/evaluation", &request), 200).await;
                assert_eq!(used.1.json["decision"], true, "{:?}", used.1);
                used
            }
        };
        assert_eq!(response.status, status, "{self:?}: {response:?}");
        calls
    }
}

async fn timed(
    world: &World,
    request: impl Future<Output = ApiResponse>,
    status: u16,
) -> (CallChain, ApiResponse, u16) {
    let (calls, response) = world.calls.of(request).await;
    (calls, response, status)
}

fn transfer(number: usize, context: &Value) -> Value {
    json!({
        "subject": { "type": "engine", "id": "billing" }, "action": { "name": "transfer" },
        "resource": { "type": "account", "id": number.to_string() }, "context": context,
    })
}
