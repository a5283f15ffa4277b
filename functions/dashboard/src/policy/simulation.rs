//! Simulations of a policy version: the form that starts one, and its page.

mod changes;
mod decisions;
mod result;
mod weeks;

use age_governance::SimulationError;
use age_http::{NoQuery, PathId, PathNames, Problem};
use age_model::{PolicyHash, SimulationId, SimulationJob, SimulationStatus};
use age_policy::Policy;
use age_scoring::simulation::Simulation;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::app::App;
use crate::form::VerifiedForm;
use crate::page::{self, Section};
use crate::paths::policy_path;
use crate::policy::simulation::result::ResultView;
use crate::safe_text::SafeText;
use crate::session::Session;

/// The most weeks of a simulation.
pub(super) const MAX_WEEKS: usize = 13;

/// The weeks that the form suggests.
pub(super) const DEFAULT_WEEKS: usize = 4;

const WEEK_DAYS: i64 = 7;

#[derive(Template)]
#[template(path = "policy_simulation.html")]
struct SimulationPage<'a> {
    session: &'a Session,
    section: Section,
    job: &'a SimulationJob,
    version_path: String,
    active_path: String,
    /// Why there is no result, once it is known that there is none.
    failure: Option<SafeText>,
    result: Option<ResultView>,
}

/// Starts the simulation of the last weeks, up to the current hour, and redirects to its page. The form sent again within the hour leads
/// to the same simulation.
pub(crate) async fn start(
    State(App(app)): State<App>,
    session: Session,
    PathId(hash): PathId<PolicyHash>,
    _: NoQuery,
    VerifiedForm(mut form): VerifiedForm,
) -> Result<Response, Problem> {
    let weeks = form.number("weeks", DEFAULT_WEEKS, 1..=MAX_WEEKS);
    form.finish()?;
    let clock = app.clock.as_ref();
    let to = clock.now().floor_hour();
    let days = i64::try_from(weeks).unwrap_or(1).saturating_mul(WEEK_DAYS);
    let started = app.simulations.start(hash, (to.plus_days(-days), to), &session.caller.kid, clock).await;
    let job = started.map_err(|error| match error {
        SimulationError::NotFound(_) => Problem::not_found(error.to_string()),
        SimulationError::NotStarted => Problem::unavailable(format!("{error}; retry later")),
        SimulationError::Store(error) => error.into(),
    })?;
    Ok(page::redirect_to(&format!("{}/simulations/{}", policy_path(&hash), job.id)))
}

pub(crate) async fn show(
    State(App(app)): State<App>,
    session: Session,
    PathNames([hash, id]): PathNames<2>,
    _: NoQuery,
) -> Result<Response, Problem> {
    let not_found = || Problem::not_found("no simulation has this id; its result is kept for 30 days");
    let (Ok(hash), Ok(id)) = (hash.parse::<PolicyHash>(), id.parse::<SimulationId>()) else { return Err(not_found()) };
    let job = app.simulations.get(hash, id, app.clock.as_ref()).await?.ok_or_else(not_found)?;
    let active = app.policies.current();
    let page = SimulationPage::new(&session, &job, &active.policy);
    Ok(page::render(StatusCode::OK, &page))
}

impl<'a> SimulationPage<'a> {
    /// Shows `job` with the titles of engines that `policy` has.
    fn new(session: &'a Session, job: &'a SimulationJob, policy: &Policy) -> Self {
        let read = |json: &String| {
            serde_json::from_str::<Simulation>(json).map_err(|error| {
                tracing::error!(%error, simulation.id = %job.id, "the result of simulation {} cannot be read: {error}", job.id);
                "this version of AGE cannot read the result; start the simulation again".to_owned()
            })
        };
        let (failure, result) = match job.result.as_ref().map(read) {
            Some(Ok(simulation)) => (None, Some(ResultView::of(&simulation, policy))),
            Some(Err(reason)) => (Some(SafeText::new(&reason)), None),
            None => (job.error.as_deref().map(SafeText::new), None),
        };
        Self {
            session,
            section: Section::Policy,
            version_path: policy_path(&job.request.hash),
            active_path: policy_path(&job.request.active_hash),
            job,
            failure,
            result,
        }
    }

    /// Returns the word of the status, after a symbol.
    fn status(&self) -> String {
        let symbol = match self.job.status {
            SimulationStatus::Running => "▶",
            SimulationStatus::Succeeded => "✓",
            SimulationStatus::Failed => "✗",
            SimulationStatus::Unknown(_) => "?",
        };
        format!("{symbol} {}", self.job.status)
    }

    /// Whether there is something to wait for.
    const fn is_running(&self) -> bool {
        matches!(self.job.status, SimulationStatus::Running)
    }
}
