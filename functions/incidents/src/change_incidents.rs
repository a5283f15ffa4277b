//! `POST /api/governance/incidents/acknowledge` and `…/resolve`: change many incidents with one request.

use age_governance::{BulkConflict, BulkFailure, BulkFilter, BulkResult, BulkSelection};
use age_http::contract::status_schema;
use age_http::{
    AnyBody, Caller, FieldError, NoQuery, Problem, ProblemBody, RequestBody, ResponseBudget, WholeNumber, request_body,
};
use age_model::{CommandError, Engine, IncidentId, IncidentStatus, KeyId, Note, Severity, StatusChange, Timestamp};
use age_policy::IncidentCommand;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::Object;

use crate::app::{App, Inner};

/// The most ids of a request.
const MAX_IDS: usize = 500;

/// The longest body in bytes: [`MAX_IDS`] of the longest ids.
const MAX_BODY_BYTES: usize = 1024 * 1024;

request_body! {
    /// Which incidents to change: either `ids`, or all unresolved incidents that match the other fields, with `expectedCount`.
    #[schema(as = BulkChangeRequest)]
    struct BulkChangeBody {
        /// 1 to 500 incidents. Not together with another field but `note`.
        #[schema(value_type = Option<Vec<String>>, min_items = 1, max_items = 500)]
        ids: Option<Vec<IncidentId>>,
        /// Only incidents of this engine.
        engine: Option<Engine>,
        /// Only incidents with this status, which must not be `resolved`. By default, `acknowledge` is for open incidents, and
        /// `resolve` for open and acknowledged ones.
        status: Option<IncidentStatus>,
        /// Only incidents with this severity.
        severity: Option<Severity>,
        /// Only incidents whose event type begins with this text.
        event_type_prefix: Option<String>,
        /// Only incidents that were opened at this time or later.
        opened_from: Option<Timestamp>,
        /// Only incidents that were opened before this time.
        opened_before: Option<Timestamp>,
        /// Only incidents that an event opened which this credential reported.
        opened_by: Option<KeyId>,
        /// How many incidents match. If another number does, nothing is changed.
        #[schema(inline)]
        expected_count: Option<WholeNumber<0, 1_000_000>>,
        /// Shown in the timeline of each incident.
        note: Option<Note>,
    }
}

/// The result of a change of many incidents.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BulkChangeResult {
    /// Number of incidents that were changed.
    changed_count: u64,
    /// Number of incidents that were left as they are, because they had been acknowledged or resolved already.
    unchanged_count: u64,
    /// Number of incidents that could not be changed.
    failed_count: u64,
    /// Number of incidents for which no time was left. If it is not 0, repeat the request, with this number and that of the
    /// failures as `expectedCount`.
    remaining_count: u64,
    /// The first of the incidents that could not be changed, at most 100, and as many as have 64 KB and twice the size of the
    /// request.
    failures: Vec<FailedChange>,
    /// When the incidents were selected. As `openedBefore`, it keeps a repeat from incidents that were opened since.
    as_of: Timestamp,
}

/// An incident that could not be changed.
#[derive(Serialize, ToSchema)]
struct FailedChange {
    #[schema(value_type = String)]
    id: IncidentId,
    #[schema(schema_with = failure_status)]
    status: u16,
    /// Why it could not be changed.
    detail: String,
}

fn failure_status() -> Object {
    status_schema(&[404, 409, 500, 503], "The status of a request for this incident alone.")
}

/// A problem with the number of incidents that match.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CountProblem {
    #[serde(flatten)]
    problem: ProblemBody,
    /// How many incidents match.
    actual_count: u64,
}

/// Acknowledge many incidents
///
/// Incidents that another caller has acknowledged are taken over if they are named by their ids, or `status` is `acknowledged`. A
/// repeat is safe: it leaves the incidents as they are that this request has changed.
#[utoipa::path(
    post,
    path = "/api/governance/incidents/acknowledge",
    operation_id = "acknowledge_incidents", tag = "Incidents",
    request_body = BulkChangeBody,
    responses(
        (status = 200, description = "The result; some incidents may remain", body = BulkChangeResult),
        (status = 409, description = "Another number of incidents matches; nothing was changed", body = CountProblem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn acknowledge_incidents(
    State(App(app)): State<App>,
    caller: Caller,
    _: NoQuery,
    body: AnyBody<MAX_BODY_BYTES>,
) -> Result<Response, Problem> {
    app.change_many(IncidentCommand::Acknowledge, caller, &body).await
}

/// Resolve many incidents
///
/// Incidents that are opened meanwhile are not resolved. A repeat is safe: it leaves the incidents as they are that are resolved.
#[utoipa::path(
    post,
    path = "/api/governance/incidents/resolve",
    operation_id = "resolve_incidents", tag = "Incidents",
    request_body = BulkChangeBody,
    responses(
        (status = 200, description = "The result; some incidents may remain", body = BulkChangeResult),
        (status = 409, description = "Another number of incidents matches; nothing was changed", body = CountProblem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn resolve_incidents(
    State(App(app)): State<App>,
    caller: Caller,
    _: NoQuery,
    body: AnyBody<MAX_BODY_BYTES>,
) -> Result<Response, Problem> {
    app.change_many(IncidentCommand::Resolve, caller, &body).await
}

impl Inner {
    async fn change_many(
        &self,
        command: IncidentCommand,
        caller: Caller,
        body: &AnyBody<MAX_BODY_BYTES>,
    ) -> Result<Response, Problem> {
        if !body.is_json() {
            return Err(Problem::not_json());
        }
        let budget = ResponseBudget::of(body.sent_bytes);
        let mut body = BulkChangeBody::parse(&body.bytes)?;
        let active = self.policies.current();
        if let Err(error) = active.engines_of_records(body.engine) {
            return Err(Problem::invalid(vec![FieldError::new("engine", error.to_string())]));
        }
        let clock = self.clock.as_ref();
        let as_of = clock.now();
        let change = StatusChange { at: as_of, by: Some(caller.kid), note: body.note.take().map(String::from) };
        let (selection, command) = body.selection(command)?;
        let (incidents, lifecycle) = (&self.tables.incidents, &self.lifecycle);
        let changed =
            age_governance::change_incidents(incidents, lifecycle, selection, command, change, &active.hash, clock)
                .await;
        match changed {
            Ok(result) => Ok(Json(BulkChangeResult::new(result, as_of, budget)).into_response()),
            Err(CommandError::Conflict(conflict)) => Ok(count_problem(conflict)),
            Err(CommandError::Store(error)) => Err(error.into()),
        }
    }
}

impl BulkChangeBody {
    /// Returns the incidents that are meant, and the command for them: a filter for open incidents takes none over.
    fn selection(self, command: IncidentCommand) -> Result<(BulkSelection, IncidentCommand), Problem> {
        let Self {
            ids,
            engine,
            mut status,
            severity,
            event_type_prefix,
            opened_from,
            opened_before,
            opened_by,
            expected_count,
            note: _,
        } = self;
        let refuse = |field: &str, detail: &str| Err(Problem::invalid(vec![FieldError::new(field, detail)]));
        let is_filter_given = engine.is_some()
            || status.is_some()
            || severity.is_some()
            || event_type_prefix.is_some()
            || opened_from.is_some()
            || opened_before.is_some()
            || opened_by.is_some();
        match (ids, expected_count) {
            (Some(_), _) if is_filter_given => refuse("ids", "must not be given together with a filter"),
            (Some(_), Some(_)) => refuse("expectedCount", "must not be given together with ids"),
            (Some(ids), None) if (1..=MAX_IDS).contains(&ids.len()) => Ok((BulkSelection::Ids(ids), command)),
            (Some(ids), None) => refuse("ids", &format!("must be 1 to {MAX_IDS} ids; got {}", ids.len())),
            (None, None) => refuse("expectedCount", "is required, unless ids is given"),
            (None, Some(_)) if status == Some(IncidentStatus::Resolved) => {
                refuse("status", "must be open or acknowledged")
            }
            (None, Some(expected_count)) => {
                let mut command = command;
                if command == IncidentCommand::Acknowledge && status != Some(IncidentStatus::Acknowledged) {
                    (command, status) = (IncidentCommand::AcknowledgeOpen, Some(IncidentStatus::Open));
                }
                let filter =
                    BulkFilter { engine, status, severity, event_type_prefix, opened_from, opened_before, opened_by };
                let expected_count = expected_count.get().unsigned_abs();
                Ok((BulkSelection::Matching { filter, expected_count }, command))
            }
        }
    }
}

impl BulkChangeResult {
    fn new(result: BulkResult, as_of: Timestamp, budget: ResponseBudget) -> Self {
        let BulkResult { changed, unchanged, failed, remaining, failures } = result;
        let mut failures: Vec<FailedChange> = failures.into_iter().map(FailedChange::from).collect();
        failures.truncate(budget.count_fitting(&failures));
        Self {
            changed_count: changed,
            unchanged_count: unchanged,
            failed_count: failed,
            remaining_count: remaining,
            failures,
            as_of,
        }
    }
}

impl From<BulkFailure> for FailedChange {
    fn from(BulkFailure { id, error }: BulkFailure) -> Self {
        let problem = error.map_or_else(|| Inner::no_incident(&id), Problem::from);
        Self { id, status: problem.status().as_u16(), detail: problem.detail().to_owned() }
    }
}

fn count_problem(conflict: BulkConflict) -> Response {
    let problem = Problem::conflict(conflict.to_string());
    let body = CountProblem { problem: problem.body(), actual_count: conflict.actual_count() };
    problem.response_with(body)
}
