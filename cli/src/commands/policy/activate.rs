//! `agectl policy activate`: makes a version the one that AGE works by.

use age_model::{Note, PolicyHash};
use clap::Args;
use serde::Serialize;
use tokio::sync::OnceCell;

use crate::api_client::ApiClient;
use crate::commands::policy::comparison::{ComparedPolicy, compare};
use crate::commands::policy::policy_ref::VersionRef;
use crate::commands::policy::resource::RESOURCE;
use crate::commands::policy::stored_version::{Activation, active_version, version_name};
use crate::error::Error;
use crate::session::Session;

#[derive(Debug, Args)]
pub(crate) struct ActivateArgs {
    /// Hash of the version or its first 8 or more digits, as `agectl policy list` lists them
    #[arg(value_name = "HASH")]
    version: VersionRef,
    /// Why: for the history, and for the e-mail to the admins
    #[arg(long, value_name = "TEXT")]
    reason: Note,
    /// Do not ask for a confirmation
    #[arg(long)]
    yes: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ActivationRequest {
    expected_active: PolicyHash,
    reason: String,
}

impl ActivateArgs {
    pub(super) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let client = session.api_client().await?;
        let hash = self.version.resolve(&client).await?;
        let active = active_version(&client).await?;
        let (expected, active) = (active.hash, ComparedPolicy::active(&active));
        let change = VersionChange { active, expected_active: expected, next: ComparedPolicy::stored(hash), hash };
        change.carry_out(self.reason.into(), self.yes, client, session).await
    }
}

/// A change from the active version to another one.
pub(super) struct VersionChange {
    pub(super) active: ComparedPolicy,
    /// The hash of the active version, as the user is shown it. AGE refuses the change if another one is active.
    pub(super) expected_active: PolicyHash,
    pub(super) next: ComparedPolicy,
    pub(super) hash: PolicyHash,
}

impl VersionChange {
    /// Shows what changes, asks, and activates the version.
    pub(super) async fn carry_out(
        self,
        reason: String,
        is_confirmed: bool,
        client: ApiClient,
        session: &mut Session<'_>,
    ) -> Result<(), Error> {
        let client = OnceCell::new_with(Some(client));
        // AGE says who has activated a version that is active already.
        if self.expected_active != self.hash {
            let comparison = compare(&self.active, &self.next, &client, session).await?;
            // Standard output has the activation alone.
            comparison.print(&self.active, &self.next, &mut session.stderr)?;
            if !is_confirmed && !session.confirm("Activate it?").await? {
                return Err(Error::NotConfirmed);
            }
        }
        let request = ActivationRequest { expected_active: self.expected_active, reason };
        let path = [RESOURCE, &self.hash.to_string(), "activate"];
        // Idempotent: AGE recognizes the same activation by the same credential.
        let client = client.get_or_try_init(|| session.api_client()).await?;
        let response = client.post_idempotent(&path, &request).await?;
        if session.json {
            return session.print_json(&response.body);
        }
        let activation: Activation = response.parse()?;
        let name = version_name(activation.version, &activation.hash);
        session.print_line(&format!("Activated {name}: AGE works by it within 60 seconds"))?;
        writeln!(session.stderr, "To undo it: `agectl policy rollback`")?;
        Ok(())
    }
}
