//! The page of one decision: the operation, the answer and why, and the buttons that approve or deny the operation.

use age_http::{NoQuery, PathId, Problem};
use age_model::{Decision, DecisionId, DecisionReason};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::app::{App, AppState};
use crate::decisions::guardrails::GuardrailsView;
use crate::decisions::row::{ApprovalView, resource};
use crate::decisions::state::StateView;
use crate::engine_title::engine_title;
use crate::format::{indent_json, to_words};
use crate::page::{self, Section};
use crate::paths::{decision_path, policy_path};
use crate::safe_text::SafeText;
use crate::session::Session;

#[derive(Template)]
#[template(path = "decision.html")]
struct DecisionPage<'a> {
    session: &'a Session,
    section: Section,
    path: String,
    engine: SafeText,
    action: SafeText,
    /// The type and the id of the subject.
    subject: SafeText,
    /// The type and the id of the resource.
    resource: SafeText,
    request_id: Option<SafeText>,
    /// The whole request as JSON, if it was recorded.
    payload: Option<SafeText>,
    decision: &'a Decision,
    reasons: Vec<ReasonView>,
    approval: Option<ApprovalView>,
    /// The page of the decision whose approval this one has used.
    approved_by: Option<String>,
    policy_path: String,
    /// Whether another policy version is active than the one that decided.
    is_policy_replaced: bool,
    has_expired: bool,
    /// None if this version of AGE cannot read the policy version that decided.
    guardrails: Option<GuardrailsView>,
    /// None if AGE had no state of the fleet.
    state: Option<StateView>,
}

/// A reason of a decision.
struct ReasonView {
    /// The guardrail that gives the reason.
    rule: Option<String>,
    /// The kind of the reason, in words.
    kind: String,
    message: SafeText,
}

pub(crate) async fn show(
    State(App(app)): State<App>,
    session: Session,
    PathId(id): PathId<DecisionId>,
    _: NoQuery,
) -> Result<Response, Problem> {
    let (decision, now) = (app.get_decision(id).await?, app.clock.now());
    let guardrails = GuardrailsView::read(&app, &decision).await;
    let request = &decision.request;
    let page = DecisionPage {
        session: &session,
        section: Section::Decisions,
        path: decision_path(id),
        engine: engine_title(&app.policies.current().policy, decision.engine),
        action: SafeText::new(&request.action),
        subject: SafeText::new(&format!("{} {}", request.subject_type, request.subject_id)),
        resource: SafeText::new(&resource(request)),
        request_id: request.request_id.as_deref().map(SafeText::new),
        payload: request.payload.as_deref().map(|payload| SafeText::new(&indent_json(payload))),
        reasons: decision.reasons.iter().cloned().map(ReasonView::from).collect(),
        approval: decision.approval.as_ref().map(|approval| ApprovalView::new(approval, now)),
        approved_by: decision.approved_by_decision.map(decision_path),
        policy_path: policy_path(&decision.policy_hash),
        is_policy_replaced: is_policy_replaced(&app, &decision),
        has_expired: !decision.is_current(now),
        guardrails,
        state: decision.posture.clone().map(|posture| StateView::new(posture, decision.decided_at)),
        decision: &decision,
    };
    Ok(page::render(StatusCode::OK, &page))
}

/// Whether another policy version is active than the one that decided. False if the active one cannot be read.
fn is_policy_replaced(app: &AppState, decision: &Decision) -> bool {
    let active = app.policies.status();
    active.is_readable && active.hash != decision.policy_hash.to_string()
}

impl From<DecisionReason> for ReasonView {
    fn from(DecisionReason { rule, code, message }: DecisionReason) -> Self {
        Self { rule, kind: to_words(code.as_str()), message: SafeText::new(&message) }
    }
}
