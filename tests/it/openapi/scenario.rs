//! One morning with AGE, in which every operation succeeds once and conflicts as it can: the examples of the contract.

use age_governance::{SimulationInput, run_simulation};
use age_model::{Clock, Engine, Hold, HoldId, HoldOrigin, SimulationId};
use age_policy::Policy;
use age_store::{FleetStateStore, Policies, SetHold};
use serde_json::{Value, json};

use super::channel_scenario::record_channels;
use super::recorder::{Recorder, Request};
use crate::world::World;
use crate::world::test_credentials::{ADMIN, ANOTHER_ENGINE, BILLING, DAY_DESK, NIGHT_DESK, TESTS};

const MINUTE: i64 = 60;

/// Returns a small policy: the default one without most of its engines and words, so that examples stay short.
pub(super) fn policy() -> Policy {
    let mut document: Value = serde_json::from_str(Policy::COMPILED_JSON).unwrap();
    let is_kept = |name: &str| ["billing", "compliance"].contains(&name);
    document["engines"].as_object_mut().unwrap().retain(|name, _| is_kept(name));
    let categories = document["categories"].as_array_mut().unwrap();
    categories.retain(|category| ["billing_risk", "security_risk"].contains(&category["name"].as_str().unwrap()));
    for category in categories {
        category["engines"].as_array_mut().unwrap().retain(|name| is_kept(name.as_str().unwrap()));
    }
    let rules = document["actions"]["first_match"].as_array_mut().unwrap();
    rules.retain(|rule| rule["severity"].is_null() && rule["engine"].as_str().is_none_or(is_kept));
    document["actions"]["carried_out_by"] = json!({});
    let words = document["alertmanager"]["severities"].as_object_mut().unwrap();
    words.retain(|word, _| ["critical", "warning"].contains(&word.as_str()));
    let refund = json!({ "action": { "name": { "equals": "refund" } } });
    let mut large = refund.clone();
    large["context"] = json!({ "amount": { "above": 1000 } });
    document["guardrails"] = json!([
        { "id": "refunds", "verdict": "allow", "message": "refunds are allowed", "match": refund },
        { "id": "large_refunds", "verdict": "needs_approval", "message": "refunds over 1,000 need approval", "match": large },
    ]);
    document["decisions"] = json!({
        "expect_event_within_seconds": 3600, "event_types": { "refund_paid": "refund" }, "on_unavailable": { "read": "allow" },
    });
    Policy::from_value(&document).unwrap()
}

/// Records an example of every success and conflict of the operations in `world`, whose policy is [`policy`].
pub(super) async fn record(recorder: &mut Recorder, world: &World) {
    let event = record_events(recorder, world).await;
    record_actions(recorder, world, &event).await;
    record_incidents(recorder, world).await;
    record_decisions(recorder, world).await;
    record_holds(recorder, world).await;
    record_reports(recorder, world).await;
    record_policies(recorder, world).await;
    record_about(recorder, world).await;
    record_channels(recorder, world).await;
    record_credentials(recorder, world).await;
}

/// Returns the id of a CRITICAL event of billing, which has opened an incident.
async fn record_events(recorder: &mut Recorder, world: &World) -> String {
    let (billing, desk) = (world.as_caller(BILLING), world.as_caller(NIGHT_DESK));
    let report = Request::to("/event").header("Idempotency-Key", "invoice-sync-4711").json(json!({
        "engine": "billing", "eventType": "invoice_sync_failed", "severity": "CRITICAL",
        "details": { "invoices": 1204 }, "sourceTime": "2026-11-23T00:04:58.000Z",
    }));
    let stored = recorder.send(&billing, "log_event", report.clone(), 201).await;
    recorder.send(&billing, "log_event", report, 200).await;
    let refused = json!({ "engine": "billing", "severity": "critical" });
    recorder.send(&billing, "log_event", Request::to("/event").json(refused), 422).await;

    world.clock.advance(5);
    let batch = Request::to("/events").json(json!([
        { "engine": "billing", "eventType": "invoice_sent", "details": { "invoice": "2026-1204" }, "decisionId": "01936f2e-0000-7000-8000-00000000000d", "idempotencyKey": "invoice-sent-1204" },
        { "engine": "search", "eventType": "index_built" },
    ]));
    recorder.send(&billing, "log_events", batch, 200).await;
    let cloud_event = Request::to("/intake/cloudevents").json(json!({
        "specversion": "1.0", "id": "4712", "source": "https://fleet.example/engines/billing", "type": "ledger_mismatch",
        "time": "2026-11-23T00:05:04.000Z", "severity": "HIGH", "datacontenttype": "application/json",
        "data": { "ledger": "EU" },
    }));
    recorder.send(&billing, "log_cloud_event", cloud_event.clone(), 201).await;
    recorder.send(&billing, "log_cloud_event", cloud_event, 200).await;
    let alerts = Request::to("/intake/alertmanager").json(json!({ "version": "4", "alerts": [{
        "status": "firing", "fingerprint": "c0ffee0123456789", "startsAt": "2026-11-23T00:04:30.000Z",
        "labels": { "engine": "billing", "alertname": "HighLatency", "severity": "warning" },
        "annotations": { "summary": "Requests take 4 s" },
    }] }));
    recorder.send(&billing, "log_alerts", alerts, 200).await;

    let id = stored.text("/id").to_owned();
    recorder.send(&desk, "get_event", Request::to(format!("/events/{id}")), 200).await;
    recorder.send(&desk, "list_events", Request::to("/events?engine=billing&limit=2"), 200).await;
    id
}

async fn record_actions(recorder: &mut Recorder, world: &World, event: &str) {
    let (billing, desk) = (world.as_caller(BILLING), world.as_caller(NIGHT_DESK));
    world.clock.advance(2 * MINUTE);
    let outcome = |body: Value| Request::to(format!("/events/{event}/actions/billing_sync_repair/outcome")).json(body);
    let succeeded = outcome(json!({ "outcome": "succeeded", "detail": "Synchronized 1204 invoices" }));
    recorder.send(&billing, "report_outcome", succeeded, 200).await;
    recorder.send(&billing, "report_outcome", outcome(json!({ "outcome": "failed" })), 409).await;

    let escalated = json!({ "engine": "compliance", "eventType": "permission_escalated", "severity": "HIGH" });
    let pending = world.post(&escalated).await;
    recorder.send(&desk, "list_actions", Request::to("/actions?status=pending_approval"), 200).await;
    let path = format!("/events/{}/actions/permission_reset/approval", pending.text("/id"));
    let decide = |decision: &str| {
        Request::to(&path).json(json!({ "decision": decision, "digest": pending.text("/actions/0/digest") }))
    };
    recorder.send(&desk, "decide_approval", decide("approve"), 200).await;
    recorder.send(&desk, "decide_approval", decide("deny"), 409).await;
    world.clock.advance(MINUTE);
    world.sweep().await;
}

async fn record_incidents(recorder: &mut Recorder, world: &World) {
    let (night, day) = (world.as_caller(NIGHT_DESK), world.as_caller(DAY_DESK));
    let listed = recorder.send(&night, "list_incidents", Request::to("/incidents?status=open"), 200).await;
    let id = listed.text("/incidents/0/id").to_owned();
    let path = |change: &str| format!("/incidents/{id}/{change}");
    let note = |change: &str, note: &str| Request::to(path(change)).json(json!({ "note": note }));
    recorder.send(&night, "acknowledge_incident", note("acknowledge", "Looking into it"), 200).await;
    recorder
        .send(&night, "comment_on_incident", note("comments", "The worker has synchronized all invoices"), 200)
        .await;
    recorder.send(&night, "reopen_incident", Request::to(path("reopen")), 409).await;
    recorder.send(&day, "get_incident", Request::to(format!("/incidents/{id}")), 200).await;
    recorder.send(&night, "resolve_incident", note("resolve", "Billing agrees with the ledger"), 200).await;
    recorder.send(&night, "acknowledge_incident", Request::to(path("acknowledge")), 409).await;
    recorder.send(&day, "resolve_incident", Request::to(path("resolve")), 409).await;
    recorder.send(&day, "reopen_incident", note("reopen", "It fails again"), 200).await;

    for change in ["acknowledge", "resolve"] {
        let operation = format!("{change}_incidents");
        let many = |count: usize| {
            Request::to(format!("/incidents/{change}"))
                .json(json!({ "engine": "billing", "expectedCount": count, "note": "One cause: the invoice service" }))
        };
        recorder.send(&day, &operation, many(2), 409).await;
        recorder.send(&day, &operation, many(1), 200).await;
    }
    limit_changes(world, &id);
    recorder.send(&day, "comment_on_incident", note("comments", "One more"), 409).await;
}

/// Makes the incident `id` have as many changes as an incident may have.
fn limit_changes(world: &World, id: &str) {
    let (engine, event_type) = (id.split('.').next().unwrap(), id.rsplit('.').next().unwrap());
    world.dynamodb.call(
        "UpdateItem",
        &json!({
            "TableName": "Incidents",
            "Key": { "fingerprint": { "S": format!("{engine}#{event_type}") }, "opened_at": { "S": "state" } },
            "UpdateExpression": "SET #state.incident.last_change.#number = :many",
            "ExpressionAttributeNames": { "#state": "state", "#number": "number" },
            "ExpressionAttributeValues": { ":many": { "N": "1000" } },
        }),
    );
}

async fn record_decisions(recorder: &mut Recorder, world: &World) {
    let (billing, desk) = (world.as_caller(BILLING), world.as_caller(NIGHT_DESK));
    recorder.send(&billing, "get_authzen_configuration", Request::to("/.well-known/authzen-configuration"), 200).await;
    let refund = |amount: u64| {
        json!({
            "subject": { "type": "engine", "id": "billing" }, "action": { "name": "refund" },
            "resource": { "type": "invoice", "id": "2026-1204" }, "context": { "amount": amount },
        })
    };
    let ask = Request::to("/access/v1/evaluation").header("X-Request-ID", "refund-2026-1204").json(refund(2500));
    let asked = recorder.send(&billing, "evaluate", ask, 200).await;
    let batch = json!({
        "subject": { "type": "engine", "id": "billing" }, "action": { "name": "refund" }, "context": { "amount": 20 },
        "evaluations": [
            { "resource": { "type": "invoice", "id": "2026-1205" } },
            { "resource": { "type": "invoice", "id": "2026-1206" }, "action": { "name": "delete" } },
        ],
    });
    recorder.send(&billing, "evaluate_batch", Request::to("/access/v1/evaluations").json(batch), 200).await;
    let path = format!("/decisions/{}", asked.text("/context/id"));
    let decide = |decision: &str| {
        let digest = asked.text("/context/approval/digest");
        Request::to(format!("{path}/approval")).json(json!({ "decision": decision, "digest": digest }))
    };
    recorder.send(&desk, "decide_decision_approval", decide("approve"), 200).await;
    recorder.send(&desk, "decide_decision_approval", decide("deny"), 409).await;
    recorder.send(&desk, "get_decision", Request::to(&path), 200).await;
    recorder.send(&world.as_caller(ANOTHER_ENGINE), "get_decision", Request::to(&path), 403).await;
    recorder.send(&billing, "get_decision_rules", Request::to("/decisions/rules"), 200).await;
    recorder.send(&desk, "list_decisions", Request::to("/decisions?verdict=needs_approval"), 200).await;
}

async fn record_holds(recorder: &mut Recorder, world: &World) {
    let (night, day) = (world.as_caller(NIGHT_DESK), world.as_caller(DAY_DESK));
    let hold = |engine: &str| {
        Request::to("/holds").json(json!({
            "engine": engine, "operation": "refund", "reason": "Refunds are checked by hand until the ledger agrees",
            "until": "2026-11-23T06:00:00.000Z",
        }))
    };
    let set = recorder.send(&night, "set_hold", hold("billing"), 201).await;
    recorder.send(&night, "set_hold", hold("billing"), 200).await;
    recorder.send(&night, "set_hold", hold("search"), 422).await;
    let path = format!("/holds/{}", set.text("/id"));
    recorder.send(&day, "list_holds", Request::to("/holds?status=active"), 200).await;
    recorder.send(&day, "get_hold", Request::to(&path), 200).await;
    let audit = json!({ "engine": "compliance", "reason": "Audit", "until": "2026-11-23T06:00:00.000Z" });
    for number in 1..64 {
        let mut audit = audit.clone();
        audit["operation"] = format!("operation_{number}").into();
        assert_eq!(night.post_json("/api/governance/holds", &audit).await.status, 201);
    }
    recorder.send(&night, "set_hold", Request::to("/holds").json(audit), 409).await;
    recorder.send(&day, "end_hold", Request::to(format!("{path}?reason=The+ledger+agrees")), 200).await;

    let clock = world.clock.as_ref();
    let by_policy = Hold {
        id: HoldId::fresh(clock),
        engine: Engine::from_static("billing"),
        operation: None,
        reason: "a critical incident of the engine is unacknowledged".to_owned(),
        set_by: HoldOrigin::Policy("unacknowledged_critical".to_owned()),
        set_at: clock.now(),
        until: clock.now().plus_days(1),
    };
    let holds = FleetStateStore::new(&world.db(), "Incidents");
    assert_eq!(holds.set_hold(&by_policy, clock).await.unwrap(), SetHold::Set);
    recorder.send(&day, "end_hold", Request::to(format!("/holds/{}", by_policy.id)), 409).await;
}

async fn record_reports(recorder: &mut Recorder, world: &World) {
    let desk = world.as_caller(NIGHT_DESK);
    let report = recorder.send(&desk, "generate_report", Request::to("/report"), 201).await;
    recorder.send(&desk, "list_reports", Request::to("/reports?limit=1"), 200).await;
    recorder.send(&desk, "get_report", Request::to(format!("/reports/{}", report.text("/id"))), 200).await;
}

async fn record_policies(recorder: &mut Recorder, world: &World) {
    let (admin, desk) = (world.as_caller(ADMIN), world.as_caller(NIGHT_DESK));
    let active = policy();
    let mut draft = serde_json::to_value(&active).unwrap();
    draft["incidents"]["min_severity"] = "HIGH".into();
    let create = Request::to("/policies").json(draft.clone());
    let created = recorder.send(&admin, "create_policy", create.clone(), 201).await;
    recorder.send(&admin, "create_policy", create, 200).await;
    draft["weights"]["HIGH"] = json!(-1);
    recorder.send(&admin, "create_policy", Request::to("/policies").json(draft), 422).await;
    let path = format!("/policies/{}", created.text("/hash"));
    recorder.send(&desk, "get_policy", Request::to(&path), 200).await;
    recorder.send(&desk, "diff_policies", Request::to(format!("{path}/diff?against={}", active.hash())), 200).await;
    recorder.send(&desk, "list_policies", Request::to("/policies"), 200).await;
    recorder.send(&desk, "get_policy_schema", Request::to("/policies/schema"), 200).await;

    let period = json!({ "from": "2026-11-23T00:00:00.000Z", "to": "2026-11-23T01:00:00.000Z" });
    world.set_time("2026-11-23T01:00:00Z");
    let simulate = Request::to(format!("{path}/simulation")).json(period);
    let started = recorder.send(&desk, "simulate_policy", simulate, 202).await;
    run_simulations(world).await;
    let simulation = format!("{path}/simulations/{}", started.text("/id"));
    recorder.send(&desk, "get_simulation", Request::to(simulation), 200).await;
    let export = "/policies/history?from=2026-11-23T00:00:00Z&to=2026-11-23T01:00:00Z";
    recorder.send(&desk, "export_policy_history", Request::to(export), 200).await;

    let until = world.clock.now().plus_days(7).to_string();
    let shadow = json!({ "reason": "how often would people be asked?", "until": until });
    recorder.send(&admin, "start_policy_shadow", Request::to(format!("{path}/shadow")).json(shadow.clone()), 200).await;
    let of_active = Request::to(format!("/policies/{}/shadow", active.hash())).json(shadow);
    recorder.send(&admin, "start_policy_shadow", of_active, 409).await;
    recorder.send(&desk, "get_policy_shadow", Request::to("/policies/shadow"), 200).await;
    recorder.send(&admin, "end_policy_shadow", Request::to("/policies/shadow"), 200).await;

    let activate = Request::to(format!("{path}/activate"))
        .json(json!({ "expectedActive": active.hash().to_string(), "reason": "HIGH events of billing need people" }));
    recorder.send(&admin, "activate_policy", activate.clone(), 200).await;
    let other = Request::to(format!("/policies/{}/activate", active.hash())).json(activate.body.unwrap());
    recorder.send(&admin, "activate_policy", other, 409).await;
    world.clock.advance(MINUTE);
    recorder.send(&desk, "get_active_policy", Request::to("/policies/active"), 200).await;
    recorder.send(&desk, "list_policy_activations", Request::to("/policies/activations"), 200).await;
}

/// Runs the simulations that were started, as the function does that the topic invokes.
async fn run_simulations(world: &World) {
    let (policies, simulator) = (Policies::new(&world.db(), "Policies"), world.policy_simulator());
    let clock = world.clock.as_ref();
    for message in world.sns.published("simulations") {
        let id: SimulationId = message.message.parse().unwrap();
        let run = async |SimulationInput { active, active_hash, draft, engines, from, to }: SimulationInput| {
            let active = (&active, &*active_hash.to_string());
            serde_json::to_string(&simulator.simulate(active, &draft, &engines, (from, to), clock).await.unwrap())
        };
        run_simulation(&policies, id, clock, run).await.unwrap();
    }
}

async fn record_about(recorder: &mut Recorder, world: &World) {
    world.sweep().await;
    let desk = world.as_caller(NIGHT_DESK);
    recorder.send(&desk, "get_health", Request::to("/health"), 200).await;
    recorder.send(&desk, "get_stats", Request::to("/stats"), 200).await;
    recorder.send(&world.as_caller(BILLING), "whoami", Request::to("/whoami"), 200).await;
    recorder.send(&desk, "get_contract", Request::to("/openapi.json"), 200).await;
}

async fn record_credentials(recorder: &mut Recorder, world: &World) {
    let admin = world.as_caller(TESTS);
    let create = Request::to("/credentials")
        .json(json!({ "kid": "billing-worker", "role": "engine", "engines": ["billing"], "expiresAt": "2027-11-23T00:00:00.000Z" }));
    recorder.send(&admin, "create_credential", create.clone(), 201).await;
    recorder.send(&admin, "create_credential", create, 409).await;
    let refused = json!({ "kid": "Billing", "role": "engine" });
    recorder.send(&admin, "create_credential", Request::to("/credentials").json(refused), 422).await;
    let rotate = Request::to("/credentials/billing-worker/rotate").json(json!({ "overlapSeconds": 3600 }));
    recorder.send(&admin, "rotate_credential", rotate.clone(), 201).await;
    recorder.send(&admin, "rotate_credential", rotate, 409).await;
    recorder.send(&admin, "list_credentials", Request::to("/credentials"), 200).await;
    recorder.send(&admin, "revoke_credential", Request::to(format!("/credentials/{ADMIN}")), 200).await;
    recorder.send(&admin, "revoke_credential", Request::to(format!("/credentials/{TESTS}")), 409).await;
}

/// Lets an incident be escalated to the second line, and sends the weekly report.
pub(super) async fn publish_to_each_topic(world: &World) {
    let lost = json!({ "engine": "billing", "eventType": "ledger_lost", "severity": "CRITICAL" });
    assert_eq!(world.post(&lost).await.status, 201);
    world.clock.advance(40 * MINUTE);
    world.sweep().await;
    world.run_weekly_report().await.unwrap();
}
