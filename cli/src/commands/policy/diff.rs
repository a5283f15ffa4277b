//! `agectl policy diff`: what changes from one policy to another.

use clap::Args;
use tokio::sync::OnceCell;

use crate::commands::policy::comparison::compare;
use crate::commands::policy::policy_ref::PolicyRef;
use crate::error::Error;
use crate::session::Session;

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The policy that changes and the policy that it becomes; one alone is compared with the active one
    ///
    /// Each is the hash of a version or its first 8 or more digits, `active`, `default` for the default policy of agectl, or a file with
    /// TOML or JSON (`-`: standard input). If a file has such a name, write `./` before it.
    #[arg(value_name = "POLICY", num_args = 1..=2, required = true)]
    policies: Vec<PolicyRef>,
    /// The policy that changes, if only the one that it becomes is given [default: active]
    #[arg(long, value_name = "POLICY")]
    against: Option<PolicyRef>,
}

impl DiffArgs {
    pub(super) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let (old, new) = match (self.policies.as_slice(), &self.against) {
            ([old, new], None) => (old, new),
            ([new], against) => (against.as_ref().unwrap_or(&PolicyRef::Active), new),
            _ => return Err(Error::Usage("give two policies, or one policy and --against POLICY".to_owned())),
        };
        let client = OnceCell::new();
        let (old, new) = (old.open(&client, session).await?, new.open(&client, session).await?);
        let comparison = compare(&old, &new, &client, session).await?;
        if session.json {
            return session.print_json(&comparison.json);
        }
        comparison.print(&old, &new, &mut session.stdout)
    }
}
