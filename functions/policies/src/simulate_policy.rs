//! `POST /api/governance/policies/{hash}/simulation` and `GET …/simulations/{id}`: what the past would have been under a version.

use age_governance::SimulationError;
use age_http::{Caller, Fields, JsonBody, NoQuery, PathId, PathNames, Problem, RequestBody, request_body};
use age_model::{MAX_SIMULATED_DAYS, PolicyHash, SimulationId, SimulationJob, Timestamp};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};

use crate::app::{App, Inner};
use crate::problem::write_problem;
use crate::simulation_view::SimulationView;

request_body! {
    /// The period of a simulation, at most 13 weeks.
    #[schema(as = SimulationRequest)]
    struct SimulationBody {
        /// The beginning, in the past.
        from: Timestamp,
        /// The end, which is not part of the period. What is not over yet is not simulated.
        to: Timestamp,
    }
}

impl SimulationBody {
    fn parse_at(body: &[u8], now: Timestamp) -> Result<Self, Problem> {
        let mut fields = Fields::parse(body)?;
        let (from, to) = (fields.peek::<Timestamp>("from"), fields.peek::<Timestamp>("to"));
        if from.is_some_and(|from| from >= now) {
            fields.refuse("from", "must be in the past");
        }
        if let (Some(from), Some(to)) = (from, to) {
            if to <= from {
                fields.refuse("to", "must be after from");
            } else if to > from.plus_days(MAX_SIMULATED_DAYS) {
                fields.refuse("to", "must be at most 13 weeks after from");
            }
        }
        let read = Self::read(&mut fields);
        fields.finish(read)
    }
}

/// Simulate a policy version
///
/// Starts to compute what a period would have been under the version, compared with the active one: scores and levels by week, and the
/// actions, approvals, incidents and notifications that would be added, removed or changed. Decisions are compared with what AGE
/// answered. Get the result at `Location`. The same simulation is not started again while it runs.
#[utoipa::path(
    post,
    path = "/api/governance/policies/{hash}/simulation",
    operation_id = "simulate_policy", tag = "Policies",
    params(("hash" = PolicyHash, Path, description = "The policy version: the hash of its document")),
    request_body = SimulationBody,
    responses((status = 202, description = "The simulation, which runs", body = SimulationView, headers(("Location" = String, description = "The path of the simulation")))),
)]
pub(crate) async fn simulate_policy(
    State(App(app)): State<App>,
    caller: Caller,
    PathId(hash): PathId<PolicyHash>,
    _: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let clock = app.clock.as_ref();
    let SimulationBody { from, to } = SimulationBody::parse_at(&body, clock.now())?;
    let started = app.simulations.start(hash, (from, to), &caller.kid, clock).await;
    let job = started.map_err(|error| match error {
        SimulationError::NotFound(_) => Problem::not_found(error.to_string()),
        SimulationError::NotStarted => Problem::unavailable(format!("{error}; retry later")),
        SimulationError::Store(error) => write_problem(error),
    })?;
    let location = format!("/api/governance/policies/{hash}/simulations/{}", job.id);
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], app.simulation_view(job)?).into_response())
}

/// Get a simulation
///
/// Returns the simulation with its result, once it has one. It is kept for 30 days.
#[utoipa::path(
    get,
    path = "/api/governance/policies/{hash}/simulations/{id}",
    operation_id = "get_simulation", tag = "Policies",
    params(("hash" = PolicyHash, Path, description = "The policy version: the hash of its document"), ("id" = SimulationId, Path, description = "The id of the simulation")),
    responses((status = 200, description = "The simulation", body = SimulationView)),
)]
pub(crate) async fn get_simulation(
    State(App(app)): State<App>,
    PathNames([hash, id]): PathNames<2>,
    _: NoQuery,
) -> Result<Json<SimulationView>, Problem> {
    let not_found = || Problem::not_found("no simulation has this id");
    let (Ok(hash), Ok(id)) = (hash.parse::<PolicyHash>(), id.parse::<SimulationId>()) else { return Err(not_found()) };
    let job = app.simulations.get(hash, id, app.clock.as_ref()).await?;
    app.simulation_view(job.ok_or_else(not_found)?)
}

impl Inner {
    fn simulation_view(&self, job: SimulationJob) -> Result<Json<SimulationView>, Problem> {
        let hash = job.request.hash;
        let view = SimulationView::new(job);
        Ok(Json(view.map_err(|error| self.policies.corrupt_document(&hash, &error))?))
    }
}
