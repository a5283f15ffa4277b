//! `agectl policy rollback`: activates the version that was active before the last activation.

use age_model::Note;
use clap::Args;

use crate::commands::policy::activate::VersionChange;
use crate::commands::policy::comparison::ComparedPolicy;
use crate::commands::policy::policy_ref::short;
use crate::commands::policy::stored_version::{last_activation, version_name};
use crate::error::Error;
use crate::format::format_timestamp;
use crate::session::Session;

#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    /// Why: for the history, and for the e-mail to the admins [default: `rollback of` the version]
    #[arg(long, value_name = "TEXT")]
    reason: Option<Note>,
    /// Do not ask for a confirmation
    #[arg(long)]
    yes: bool,
}

impl RollbackArgs {
    pub(super) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let client = session.api_client().await?;
        let last = last_activation(&client).await?.ok_or(Error::NoActivation)?;
        let active_name = version_name(last.version, &last.hash);
        let reason = self.reason.map_or_else(|| format!("rollback of {active_name}"), String::from);
        session.print_warning(&format!(
            "Back to version {}: {} activated {active_name} at {}, {:?}",
            short(&last.previous),
            last.by,
            format_timestamp(last.at),
            last.reason
        ))?;
        let change = VersionChange {
            active: ComparedPolicy::Stored { hash: last.hash, name: active_name },
            expected_active: last.hash,
            next: ComparedPolicy::stored(last.previous),
            hash: last.previous,
        };
        change.carry_out(reason, self.yes, client, session).await
    }
}
