//! `POST /api/governance/intake/alertmanager`: records the alerts of a group.

use age_governance::{BatchResult, IncomingEvent, RecordResult};
use age_http::contract::status_schema;
use age_http::{AnyBody, Caller, FieldError, NoQuery, Origin, Problem, RequestCost, ResponseBudget};
use age_model::{EventId, shortened};
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa::openapi::Object;

use crate::alertmanager::{self, ParsedAlert, Webhook};
use crate::app::App;
use crate::known_engine::require_certainty;
use crate::refusals::Refusals;

/// The largest body of a group, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// The most alerts of a group.
const MAX_ALERTS: usize = 500;

/// How many characters of its fingerprint a result has. Fingerprints of Alertmanager and Grafana have 16.
const MAX_FINGERPRINT_CHARS: usize = 64;

/// The most bytes of a result that is shortened.
const SHORT_RESULT_BYTES: usize = 90;

/// The result of an alert.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AlertResult {
    /// Its first 64 characters.
    #[serde(skip_serializing_if = "String::is_empty")]
    fingerprint: String,
    #[schema(schema_with = result_status)]
    status: u16,
    /// The id of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<EventId>,
    /// Every label that is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

fn result_status() -> Object {
    status_schema(
        &[200, 201, 403, 422],
        "The status of a request for this alert alone: 201 stored, 200 stored before, 403 forbidden, 422 invalid.",
    )
}

/// The results of a group of alerts.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlertResults {
    /// In the order of the alerts. If the response would be larger than 64 KB and twice the request, the last ones have no
    /// `fingerprint` and `errors`.
    alerts: Vec<AlertResult>,
}

/// Record alerts of Alertmanager or Grafana
///
/// Records each alert of the group as an event: up to 500 alerts of 1 MB, also compressed by gzip. An alert whose details are too
/// large is shortened. If an alert cannot be stored, the response is a 503 and the sender sends the group again; alerts that were
/// stored are recognized then. A caller that exceeds its rate gets a 503 as well.
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
    body: AnyBody<MAX_BYTES, true>,
) -> Result<(Extension<RequestCost>, Json<AlertResults>), Problem> {
    if !body.is_json() {
        return Err(Problem::not_json());
    }
    let alerts = alertmanager::parse_webhook(&body.bytes)?;
    if alerts.len() > MAX_ALERTS {
        let detail = format!("a webhook must have at most {MAX_ALERTS} alerts; got {}", alerts.len());
        return Err(Problem::too_large(detail, Vec::new()));
    }
    let mut refusals = Refusals::default();
    let Group { mut results, accepted, uncertain } = Group::parse(&app, &caller, &alerts, &mut refusals);
    let (indexes, events): (Vec<usize>, Vec<IncomingEvent>) = accepted.into_iter().unzip();
    let recorded = app.recorder().record_batch(events, &caller.kid, origin.as_deref(), app.clock()).await;
    refusals.report(&caller.kid, &app).await;
    for (index, result) in indexes.into_iter().zip(recorded) {
        let (status, id) = outcome(result)?;
        if let Some(result) = results.get_mut(index) {
            (result.status, result.id) = (status.as_u16(), id);
        }
    }
    if let Some(problem) = uncertain {
        return Err(problem);
    }
    if results.iter().any(|result| result.errors.is_empty()) || results.is_empty() {
        ResponseBudget::of(body.sent_bytes).fit(&mut results, SHORT_RESULT_BYTES, AlertResult::shorten);
        return Ok((Extension(RequestCost(results.len())), Json(AlertResults { alerts: results })));
    }
    if results.iter().all(|result| result.status == StatusCode::FORBIDDEN.as_u16()) {
        let detail = format!("the credential {} may not act for any of these engines", caller.kid);
        return Err(Problem::forbidden(detail));
    }
    Err(Problem::invalid(results.into_iter().flat_map(|result| result.errors).collect()))
}

impl AlertResult {
    fn shorten(&mut self) {
        (self.fingerprint, self.errors) = (String::new(), Vec::new());
    }
}

/// A group of alerts.
#[derive(Default)]
struct Group {
    /// In the order of the alerts.
    results: Vec<AlertResult>,
    /// The alerts that are not refused, each with its position.
    accepted: Vec<(usize, IncomingEvent)>,
    /// Why an alert is neither accepted nor refused: its sender sends the group again.
    uncertain: Option<Problem>,
}

impl Group {
    fn parse(app: &App, caller: &Caller, alerts: &[Box<RawValue>], refusals: &mut Refusals) -> Self {
        let engines = app.recorder().policies().known_engines();
        let active = app.recorder().policies().current();
        let rules = &active.policy.alertmanager;
        let mut group = Self::default();
        for (index, alert) in alerts.iter().enumerate() {
            let ParsedAlert { fingerprint, event, unmapped_severity } = ParsedAlert::parse(alert, rules, &engines);
            let (status, errors) = match event {
                Err(errors) => (StatusCode::UNPROCESSABLE_ENTITY, errors),
                Ok(event) if !caller.grant.may_act_for(event.reported.engine) => {
                    (StatusCode::FORBIDDEN, vec![alertmanager::forbidden_engine(&caller.kid)])
                }
                Ok(event) if let Err(problem) = require_certainty(event.reported.engine, &engines) => {
                    let status = problem.status();
                    group.uncertain = Some(problem);
                    (status, Vec::new())
                }
                Ok(event) => {
                    if let Some(word) = unmapped_severity {
                        refusals.add_unmapped_severity(&word);
                    }
                    group.accepted.push((index, IncomingEvent::from(event)));
                    (StatusCode::OK, Vec::new())
                }
            };
            if !errors.is_empty() {
                refusals.add(&errors);
            }
            let of_group =
                |error: FieldError| FieldError { pointer: format!("/alerts/{index}{}", error.pointer), ..error };
            let errors = errors.into_iter().map(of_group).collect();
            let fingerprint = shortened(&fingerprint, MAX_FINGERPRINT_CHARS);
            group.results.push(AlertResult { fingerprint, status: status.as_u16(), id: None, errors });
        }
        group
    }
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
