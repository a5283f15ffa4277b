//! `agectl policy`: checks, tests, stores, compares, simulates and activates versions of the policy.

mod activate;
mod bounded_list;
mod check;
mod comparison;
mod diff;
mod export;
mod history;
mod list;
mod loaded_policy;
mod period;
mod policy_file;
mod policy_ref;
mod push;
mod resource;
mod rollback;
mod shadow;
mod show;
mod simulate;
mod simulated_decisions_view;
mod simulation_view;
mod stored_version;
mod test_cases;

use clap::Subcommand;

pub(crate) use crate::commands::policy::loaded_policy::LoadedPolicy;
pub(crate) use crate::commands::policy::policy_ref::PolicyRef;

use crate::commands::policy::activate::ActivateArgs;
use crate::commands::policy::check::CheckArgs;
use crate::commands::policy::diff::DiffArgs;
use crate::commands::policy::export::ExportArgs;
use crate::commands::policy::history::HistoryArgs;
use crate::commands::policy::list::ListArgs;
use crate::commands::policy::push::PushArgs;
use crate::commands::policy::rollback::RollbackArgs;
use crate::commands::policy::shadow::ShadowArgs;
use crate::commands::policy::show::ShowArgs;
use crate::commands::policy::simulate::SimulateArgs;
use crate::commands::policy::test_cases::TestArgs;
use crate::error::Error;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Check a policy as AGE does, without asking AGE
    ///
    /// Prints each error on a line of standard error, as FILE: path: what is wrong and what is allowed.
    Check(CheckArgs),
    /// Try the guardrails of a policy on cases, without asking AGE
    ///
    /// Each case has a request, a state of the fleet and the decision that is expected. The file of the policy is beside the cases.
    Test(TestArgs),
    /// Show a policy as TOML, from which `agectl policy push` makes the same version
    Show(ShowArgs),
    /// Show what changes from one policy to another, and for whom
    Diff(DiffArgs),
    /// Store a policy as a version, which is not active until you activate it
    Push(PushArgs),
    /// Show what the past would have been under a policy
    ///
    /// Compares, over a period, the levels of each week and the actions, approvals, incidents and notifications under the policy with
    /// those under the active one, and the decisions with what AGE answered. Says how far the simulation reproduces what really
    /// happened.
    Simulate(SimulateArgs),
    /// Print the history of a period as JSON, for simulations without AGE
    ///
    /// The export has no details of events, notes or texts of people. Decisions have the requests that the policy had recorded.
    Export(ExportArgs),
    /// Activate a version: AGE works by it within 60 seconds
    ///
    /// Shows what changes and asks first. If another version has become active meanwhile, nothing is changed.
    Activate(ActivateArgs),
    /// Activate the version that was active before the last activation
    ///
    /// Shows what changes and asks first. A rollback is an activation: a second one returns to the version that the first one left.
    Rollback(RollbackArgs),
    /// Run a version as the shadow: its guardrails are evaluated beside those of the active one, without an effect on answers
    ///
    /// AGE records the verdict of the shadow on each decision to which it would have given another verdict. `agectl decision list
    /// --shadow` lists them.
    Shadow(ShadowArgs),
    /// List the versions, newest first and the default policy last
    List(ListArgs),
    /// List the activations, newest first
    History(HistoryArgs),
    /// Print the JSON Schema of the policy document, for editors
    Schema,
}

impl PolicyCommand {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        match self {
            Self::Check(args) => args.run(session).await,
            Self::Test(args) => args.run(session).await,
            Self::Show(args) => args.run(session).await,
            Self::Diff(args) => args.run(session).await,
            Self::Push(args) => args.run(session).await,
            Self::Simulate(args) => args.run(session).await,
            Self::Export(args) => args.run(session).await,
            Self::Activate(args) => args.run(session).await,
            Self::Rollback(args) => args.run(session).await,
            Self::Shadow(args) => args.run(session).await,
            Self::List(args) => args.run(session).await,
            Self::History(args) => args.run(session).await,
            Self::Schema => session.print_json(age_policy::schema()),
        }
    }
}
