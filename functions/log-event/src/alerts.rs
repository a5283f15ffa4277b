//! `POST /api/governance/intake/alertmanager`: records the alerts of a group.

use age_governance::{BatchResult, IncomingEvent, RecordResult};
use age_http::{Caller, FieldError, JsonBody, NoQuery, Origin, Problem};
use age_model::EventId;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::alertmanager::{self, Webhook};
use crate::app::App;

/// The result of an alert.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AlertResult {
    fingerprint: String,
    /// The status of a request for this alert alone: 201 stored, 200 stored before, 403 forbidden, 422 invalid.
    status: u16,
    /// The id of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<EventId>,
    /// Every label that is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

/// The results of a group of alerts.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlertResults {
    /// In the order of the alerts.
    alerts: Vec<AlertResult>,
}

/// Record alerts of Alertmanager
///
/// Records each alert of the group as an event. If an alert cannot be stored, the response is a 503 and Alertmanager sends the
/// group again; alerts that were stored are recognized then.
#[utoipa::path(
    post,
    path = "/api/governance/intake/alertmanager",
    operation_id = "log_alerts", tag = "Events",
    request_body = Webhook,
    responses((status = 200, description = "The result of each alert", body = AlertResults)),
)]
pub(crate) async fn log_alerts(
    State(app): State<App>,
    caller: Caller,
    Origin(origin): Origin,
    _: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Json<AlertResults>, Problem> {
    let rules = &app.recorder().policy().alertmanager;
    let mut results = Vec::new();
    let mut accepted = Vec::new();
    for (index, alert) in alertmanager::parse_webhook(&body)?.into_iter().enumerate() {
        let (status, errors) = match alert.parse(rules, index) {
            Err(errors) => (StatusCode::UNPROCESSABLE_ENTITY, errors),
            Ok(event) if !caller.grant.may_act_for(event.reported.engine) => {
                (StatusCode::FORBIDDEN, vec![alertmanager::forbidden_engine(index, &caller.kid)])
            }
            Ok(event) => {
                accepted.push((index, IncomingEvent::from(event)));
                (StatusCode::OK, Vec::new())
            }
        };
        results.push(AlertResult { fingerprint: alert.fingerprint, status: status.as_u16(), id: None, errors });
    }
    let (indexes, events): (Vec<usize>, Vec<IncomingEvent>) = accepted.into_iter().unzip();
    let recorded = app.recorder().record_batch(events, &caller.kid, origin.as_deref(), app.clock()).await;
    for (index, result) in indexes.into_iter().zip(recorded) {
        let (status, id) = outcome(result)?;
        if let Some(result) = results.get_mut(index) {
            (result.status, result.id) = (status.as_u16(), id);
        }
    }
    if results.iter().any(|result| result.errors.is_empty()) || results.is_empty() {
        return Ok(Json(AlertResults { alerts: results }));
    }
    if results.iter().all(|result| result.status == StatusCode::FORBIDDEN.as_u16()) {
        let detail = format!("the credential {} may not act for any of these engines", caller.kid);
        return Err(Problem::forbidden(detail));
    }
    Err(Problem::invalid(results.into_iter().flat_map(|result| result.errors).collect()))
}

fn outcome(result: BatchResult) -> Result<(StatusCode, Option<EventId>), Problem> {
    let not_begun = || Problem::unavailable("not all alerts were stored in time; send them again");
    Ok(match result.ok_or_else(not_begun)?? {
        RecordResult::Created(recorded) => (StatusCode::CREATED, Some(recorded.event.id)),
        RecordResult::Replayed(recorded) => (StatusCode::OK, Some(recorded.event.id)),
        // Alerts have no key that another event could have.
        RecordResult::KeyReused => (StatusCode::OK, None),
    })
}
