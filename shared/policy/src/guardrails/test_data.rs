//! Policies, requests and states of the tests of guardrails.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use age_model::{
    AccessRequest, Decision, DecisionPosture, DecisionRequest, Engine, Hold, HoldOrigin, Posture, RiskLevel, Severity,
    SeverityCounts, Timestamp,
};
use serde_json::{Value, json};

use crate::document::Policy;
use crate::guardrails::{Evaluation, FleetState, evaluate};

/// The default policy, parsed once.
pub(super) static DEFAULT: LazyLock<Policy> = LazyLock::new(|| Policy::compiled().unwrap());

const NOW: &str = "2026-11-26T12:00:00Z";

pub(super) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub(super) fn engine(name: &str) -> Engine {
    name.parse().unwrap()
}

/// Returns the default policy with these guardrails.
pub(super) fn policy(guardrails: &Value) -> Policy {
    let mut document = serde_json::to_value(Policy::compiled().unwrap()).unwrap();
    document["guardrails"] = guardrails.clone();
    Policy::from_value(&document).unwrap_or_else(|errors| panic!("{errors:?}"))
}

pub(super) fn request(value: &Value) -> AccessRequest {
    AccessRequest::from_json(&value.to_string()).unwrap()
}

pub(super) fn refund(context: Value) -> AccessRequest {
    let mut value = json!({
        "subject": {"type": "engine", "id": "billing"},
        "action": {"name": "refund"},
        "resource": {"type": "invoice", "id": "i-1", "properties": {"status": "open", "urgent": true, "lines": [1]}},
    });
    value["context"] = context;
    request(&value)
}

/// A posture that was written now, in which nothing is wrong.
pub(super) fn healthy() -> Posture {
    let categories = DEFAULT.categories.iter();
    let levels = categories.map(|category| (category.name.clone(), RiskLevel::Low)).collect();
    Posture { as_of: now(), policy_hash: Policy::COMPILED_HASH, levels, engines: BTreeMap::new() }
}

pub(super) fn state<'a>(posture: Option<&'a Posture>, holds: &'a [Hold]) -> FleetState<'a> {
    FleetState { engine: engine("billing"), now: now(), posture, holds }
}

pub(super) fn hold(engine_name: &str, operation: Option<&str>, seconds: i64) -> Hold {
    Hold {
        id: "01936f2e-0000-7000-8000-00000000000a".parse().unwrap(),
        engine: engine(engine_name),
        operation: operation.map(str::to_owned),
        reason: "audit\nof refunds".to_owned(),
        set_by: HoldOrigin::Person("desk".parse().unwrap()),
        set_at: now(),
        until: now().plus_seconds(seconds),
    }
}

pub(super) fn counts(severity: Severity) -> SeverityCounts {
    let mut counts = SeverityCounts::default();
    counts.add(severity, 1);
    counts
}

/// Returns the decision of `policy` about `request`, as AGE records it: with the request, or with its digest only.
pub(super) fn recorded(policy: &Policy, request: &AccessRequest, state: &FleetState<'_>, is_whole: bool) -> Decision {
    let Evaluation { verdict, reasons, .. } = evaluate(policy, request, state);
    let posture = state.posture.map(|posture| {
        let open = posture.engine(state.engine).open_incidents;
        let incidents = Severity::ALL.iter().map(|severity| (*severity, open.of(*severity)));
        DecisionPosture {
            as_of: posture.as_of,
            levels: posture.levels.clone(),
            holds: Vec::new(),
            incidents: incidents.filter(|(_, number)| *number > 0).collect(),
        }
    });
    Decision {
        id: "01936f2e-0000-7000-8000-00000000000b".parse().unwrap(),
        decided_at: state.now,
        engine: state.engine,
        asked_by: "billing-engine".parse().unwrap(),
        request: DecisionRequest {
            subject_type: request.subject.kind.clone(),
            subject_id: request.subject.id.clone(),
            action: request.action.name.clone(),
            resource_type: request.resource.kind.clone(),
            resource_id: request.resource.id.clone(),
            digest: request.digest(),
            request_id: None,
            position: 0,
            payload: is_whole.then(|| request.as_json()),
        },
        verdict,
        reasons,
        policy_hash: Policy::COMPILED_HASH,
        posture,
        expires_at: state.now.plus_seconds(300),
        approval: None,
        approved_by_decision: None,
        event_expected_by: None,
        event_status: None,
        followed_by: None,
        shadow: None,
    }
}
