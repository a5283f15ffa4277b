//! `GET /api/governance/decisions/rules`: what engines need to know of the rules of decisions.

use std::collections::BTreeMap;

use age_http::{NoQuery, Problem};
use age_policy::OnUnavailable;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::evaluation_problem::undecided;

/// The rules of decisions that engines follow.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DecisionRulesView {
    /// SHA-256 of the active policy, hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    policy_hash: String,
    /// How long a decision holds, in seconds.
    valid_for_seconds: i64,
    /// How long after an operation was allowed its event is expected, in seconds. Absent if no events are expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    expect_event_within_seconds: Option<i64>,
    /// What an engine does with an operation while AGE cannot be asked, by the name of the action. An operation that is not here does not
    /// run.
    on_unavailable: BTreeMap<String, OnUnavailable>,
    /// The event types that report operations, each with the name of the action. Such an event names the decision that permitted the
    /// operation in `decisionId`.
    event_types: BTreeMap<String, String>,
}

/// Get the rules of decisions
///
/// Returns what the active policy asks of engines: what they do while AGE cannot be asked, and which events report operations. Engines
/// read it when they start and now and then, because they need it when AGE does not answer.
#[utoipa::path(
    get,
    path = "/api/governance/decisions/rules",
    operation_id = "get_decision_rules", tag = "Decisions",
    responses((status = 200, description = "The rules", body = DecisionRulesView)),
)]
pub(crate) async fn get_decision_rules(
    State(App(app)): State<App>,
    _: NoQuery,
) -> Result<Json<DecisionRulesView>, Problem> {
    let active = app.maker.active_policy().map_err(undecided)?;
    let rules = &active.policy.decisions;
    Ok(Json(DecisionRulesView {
        policy_hash: active.hash.clone(),
        valid_for_seconds: rules.valid_for_seconds,
        expect_event_within_seconds: rules.expect_event_within_seconds,
        on_unavailable: rules.on_unavailable.clone(),
        event_types: rules.event_types.clone(),
    }))
}
