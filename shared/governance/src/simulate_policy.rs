//! Simulations of policy versions: they outlast a request, so a request starts one, a function of its own runs it, and its result is
//! kept.

use std::collections::BTreeSet;
use std::fmt::Display;

use age_model::{
    Clock, Engine, KeyId, PolicyHash, SimulationId, SimulationJob, SimulationRequest, SimulationStatus, StoreError,
    Timestamp,
};
use age_notify::{Topic, simulation_message};
use age_policy::{ActivePolicy, Policy};
use age_store::Policies;
use thiserror::Error;

use crate::read_policies::{PolicyReadError, policy_version};

/// Why a simulation was not started.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SimulationError {
    /// No version has the hash.
    #[error("policy version {0} does not exist")]
    NotFound(PolicyHash),
    /// The topic of simulations did not confirm the message that starts it.
    #[error("the simulation cannot be started now")]
    NotStarted,
    /// A version cannot be read, or the simulation was not stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Starts simulations and shows them.
#[derive(Debug, Clone)]
pub struct SimulationJobs {
    policies: Policies,
    topic: Topic,
}

/// The input of a simulation.
#[derive(Debug, Clone)]
pub struct SimulationInput {
    /// The version that was active when the simulation was asked for.
    pub active: Policy,
    /// The hash of that version.
    pub active_hash: PolicyHash,
    /// The version that is simulated.
    pub draft: Policy,
    /// Every engine that a version has or had.
    pub engines: BTreeSet<Engine>,
    /// The beginning of the period.
    pub from: Timestamp,
    /// The end of the period, which is not part of it.
    pub to: Timestamp,
}

impl SimulationJobs {
    /// Keeps simulations in `policies`, and starts them by messages to `topic`.
    #[must_use]
    pub const fn new(policies: Policies, topic: Topic) -> Self {
        Self { policies, topic }
    }

    /// Starts the simulation of the version `hash` from `from` to `to` for `by`, compared with the active version, unless the same one
    /// runs. Returns the one that runs.
    ///
    /// # Errors
    /// [`SimulationError`] if there is no such version, or it was not started.
    pub async fn start(
        &self,
        hash: PolicyHash,
        (from, to): (Timestamp, Timestamp),
        by: &KeyId,
        clock: &dyn Clock,
    ) -> Result<SimulationJob, SimulationError> {
        policy_version(&self.policies, hash).await.map_err(|error| match error {
            PolicyReadError::NotFound(hash) => SimulationError::NotFound(hash),
            PolicyReadError::Store(error) => error.into(),
        })?;
        let active_hash = self.policies.active().await?.map_or(Policy::COMPILED_HASH, |pointer| pointer.hash);
        let request = SimulationRequest { hash, active_hash, from, to };
        let job = SimulationJob::start(request, by.clone(), clock.now());
        if !self.is_started(&job).await? {
            let running = self.policies.simulation(job.id).await?;
            return Ok(running.unwrap_or(job).as_of(clock.now()));
        }
        if let Err(error) = self.topic.publish(&simulation_message(job.id)).await {
            tracing::error!(%error, simulation.id = %job.id, "cannot start the simulation {}: {error}", job.id);
            let failed = failed(&job, "the simulation could not be started; start it again", clock);
            self.policies.finish_simulation(&failed).await?;
            return Err(SimulationError::NotStarted);
        }
        tracing::info!(simulation.id = %job.id, policy.hash = %hash, caller.id = %by, "started the simulation {}", job.id);
        Ok(job)
    }

    /// Stores that `job` has started. Returns false if the same one runs already.
    async fn is_started(&self, job: &SimulationJob) -> Result<bool, StoreError> {
        match self.policies.start_simulation(job).await {
            Err(error @ StoreError::UnknownOutcome { .. }) => match self.policies.simulation(job.id).await {
                Ok(Some(stored)) if stored == *job => Ok(true),
                Ok(_) => Err(error.not_stored()),
                Err(_) => Err(error),
            },
            started => started,
        }
    }

    /// Returns the simulation `id` of the version `hash`, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn get(
        &self,
        hash: PolicyHash,
        id: SimulationId,
        clock: &dyn Clock,
    ) -> Result<Option<SimulationJob>, StoreError> {
        let job = self.policies.simulation(id).await?;
        Ok(job.filter(|job| job.request.hash == hash).map(|job| job.as_of(clock.now())))
    }
}

/// Runs the simulation `id`, if it is to be run: `simulate` returns its result as JSON. However it ends, that is stored.
///
/// # Errors
/// [`StoreError`] if the simulation cannot be read, or its end was not stored.
pub async fn run_simulation<E: Display>(
    policies: &Policies,
    id: SimulationId,
    clock: &dyn Clock,
    simulate: impl AsyncFnOnce(SimulationInput) -> Result<String, E>,
) -> Result<(), StoreError> {
    let job = policies.simulation(id).await?.map(|job| job.as_of(clock.now()));
    let Some(job) = job.filter(|job| job.status == SimulationStatus::Running) else {
        tracing::warn!(simulation.id = %id, "the simulation {id} is not to be run");
        return Ok(());
    };
    let ended = match read_input(policies, &job.request).await {
        Ok(input) => ended(&job, simulate(input).await, clock),
        Err(error) => ended(&job, Err(error), clock),
    };
    let (status, is_stored) = (ended.status, policies.finish_simulation(&ended).await?);
    tracing::info!(simulation.id = %id, %status, is_stored, "the simulation {id} has {status}");
    Ok(())
}

/// Returns `job` with its end.
fn ended<E: Display>(job: &SimulationJob, result: Result<String, E>, clock: &dyn Clock) -> SimulationJob {
    match result {
        Ok(json) if json.len() <= SimulationJob::MAX_RESULT_BYTES => SimulationJob {
            status: SimulationStatus::Succeeded,
            finished_at: Some(clock.now()),
            result: Some(json),
            ..job.clone()
        },
        Ok(json) => {
            let bytes = json.len();
            tracing::error!(simulation.id = %job.id, size_bytes = bytes, "the result of simulation {} is too large: {bytes} bytes", job.id);
            failed(job, "the result is too large; simulate a shorter period", clock)
        }
        Err(error) => {
            tracing::error!(%error, simulation.id = %job.id, "the simulation {} has failed: {error}", job.id);
            failed(
                job,
                "records of the period, or a version, cannot be read; the log of simulate-policy says why",
                clock,
            )
        }
    }
}

fn failed(job: &SimulationJob, error: &str, clock: &dyn Clock) -> SimulationJob {
    let (status, finished_at) = (SimulationStatus::Failed, Some(clock.now()));
    SimulationJob { status, finished_at, error: Some(error.to_owned()), ..job.clone() }
}

async fn read_input(policies: &Policies, request: &SimulationRequest) -> Result<SimulationInput, PolicyReadError> {
    let SimulationRequest { hash, active_hash, from, to } = *request;
    let active = policy_version(policies, active_hash).await?.policy(policies)?;
    let draft = policy_version(policies, hash).await?.policy(policies)?;
    let ever_used = policies.active().await?.map(|pointer| pointer.engines).unwrap_or_default();
    let ever_used = ever_used.into_iter().chain(draft.engines.keys().copied());
    let engines = ActivePolicy::new(active.clone(), active_hash.to_string(), ever_used).engines;
    Ok(SimulationInput { active, active_hash, draft, engines, from, to })
}
