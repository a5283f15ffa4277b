//! `agectl policy simulate`: what the past would have been under a policy.

use std::time::Duration;

use age_model::{PolicyHash, Timestamp};
use age_scoring::simulation::simulate;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::api_client::ApiClient;
use crate::api_response::{ApiResponse, parse_json};
use crate::commands::policy::comparison::default_policy;
use crate::commands::policy::export::HistoryExport;
use crate::commands::policy::period::PeriodArgs;
use crate::commands::policy::policy_file::PolicyFile;
use crate::commands::policy::policy_ref::PolicyRef;
use crate::commands::policy::push::push;
use crate::commands::policy::resource::RESOURCE;
use crate::commands::policy::simulation_view::format_simulation;
use crate::commands::policy::stored_version::{active_version, find_version};
use crate::error::Error;
use crate::input_source::InputSource;
use crate::session::Session;

const RUNNING: &str = "running";

#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// The policy: a file, the hash of a version or its first 8 or more digits, `active`, or `default`
    ///
    /// A policy that AGE does not have is stored as a version first, as by `agectl policy push`, which only an admin may. With --export,
    /// nothing is stored.
    #[arg(value_name = "POLICY")]
    policy: PolicyRef,
    #[command(flatten)]
    period: PeriodArgs,
    /// Simulate on this machine, without asking AGE, over the history in FILE that `agectl policy export` has written
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "to"])]
    export: Option<InputSource>,
    /// List every change that the result has, instead of the first 10 of each kind, and what the self-check found
    #[arg(long)]
    all: bool,
}

#[derive(Serialize)]
struct SimulationRequest {
    from: Timestamp,
    to: Timestamp,
}

/// A simulation that AGE runs or has run.
#[derive(Deserialize)]
struct SimulationJob {
    id: String,
    status: String,
    result: Option<Box<RawValue>>,
    /// Why AGE has no result, if the status is `failed`.
    error: Option<String>,
}

impl SimulateArgs {
    pub(super) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        match &self.export {
            Some(export) => self.run_offline(export, session).await,
            None => self.run_online(session).await,
        }
    }

    async fn run_offline(&self, export: &InputSource, session: &mut Session<'_>) -> Result<(), Error> {
        let HistoryExport { active, history } = HistoryExport::read(export, session).await?;
        let draft = match &self.policy {
            PolicyRef::Active => active.policy.clone(),
            PolicyRef::Default => default_policy()?,
            PolicyRef::File(source) => PolicyFile::read(source, session).await?.valid_policy(session)?,
            PolicyRef::Version(version) => {
                let problem = format!("with --export, the policy must be a file, `active` or `default`; got {version}");
                return Err(Error::Usage(problem));
            }
        };
        let simulation = simulate((&active.policy, &active.hash.to_string()), &draft, &history);
        if session.json {
            return session.print_value(&simulation);
        }
        let text = format_simulation(&simulation, self.all);
        Ok(writeln!(session.stdout, "{text}")?)
    }

    async fn run_online(&self, session: &mut Session<'_>) -> Result<(), Error> {
        let client = session.api_client().await?;
        let hash = self.stored_version(&client, session).await?.to_string();
        let (from, to) = self.period.resolve(session.now);
        let path = [RESOURCE, &hash, "simulation"];
        // Idempotent: AGE does not start the same simulation again while it runs.
        let response = client.post_idempotent(&path, &SimulationRequest { from, to }).await?;
        let response = wait_for_end(response, &hash, &client, session).await?;
        let job: SimulationJob = response.parse()?;
        let Some(result) = job.result else {
            let (id, status) = (job.id, job.status);
            return Err(Error::SimulationFailed { id, cause: job.error.unwrap_or(format!("its status is {status}")) });
        };
        if session.json {
            return session.print_json(&response.body);
        }
        let text = format_simulation(&parse_json(result.get())?, self.all);
        Ok(writeln!(session.stdout, "{text}")?)
    }

    /// Returns the hash of the version to simulate. Stores the policy if AGE does not have it.
    async fn stored_version(&self, client: &ApiClient, session: &mut Session<'_>) -> Result<PolicyHash, Error> {
        let file = match &self.policy {
            PolicyRef::Active => return Ok(active_version(client).await?.hash),
            PolicyRef::Version(version) => return version.resolve(client).await,
            PolicyRef::Default => PolicyFile::default_policy(),
            PolicyRef::File(source) => PolicyFile::read(source, session).await?,
        };
        let stored = match file.parse() {
            Ok(policy) => find_version(&policy.hash(), client).await?,
            // `push` reports the errors, or AGE is of a later version and has none.
            Err(_) => None,
        };
        let version = match stored {
            Some(version) => version,
            None => push(&file, client, session).await?.parse()?,
        };
        session.print_warning(&format!("Simulating {}", version.name()))?;
        Ok(version.hash)
    }
}

/// Asks AGE until the simulation has ended. Returns the last response.
async fn wait_for_end(
    mut response: ApiResponse,
    hash: &str,
    client: &ApiClient,
    session: &mut Session<'_>,
) -> Result<ApiResponse, Error> {
    let target = if session.stderr_is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let spinner = ProgressBar::with_draw_target(None, target);
    let mut waited = Duration::ZERO;
    loop {
        let job: SimulationJob = response.parse()?;
        if job.status != RUNNING {
            spinner.finish_and_clear();
            return Ok(response);
        }
        spinner.set_message(format!("simulation {} is running", job.id));
        spinner.tick();
        // A simulation takes seconds, or minutes.
        let pause = session.initial_backoff.saturating_mul(2).max(waited / 8);
        tokio::time::sleep(pause).await;
        waited = waited.saturating_add(pause);
        response = client.get(&[RESOURCE, hash, "simulations", &job.id], &[]).await?;
    }
}
