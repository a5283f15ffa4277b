//! Comparisons of two policies: what changes, and for whom.

use age_model::{PolicyHash, visible_line};
use age_policy::{Policy, PolicyChange, PolicyDifference, difference};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::api_client::ApiClient;
use crate::api_response::parse_json;
use crate::commands::policy::policy_file::PolicyFile;
use crate::commands::policy::policy_ref::{PolicyRef, short};
use crate::commands::policy::resource::RESOURCE;
use crate::commands::policy::stored_version::{StoredVersion, active_version, get_version};
use crate::error::Error;
use crate::session::Session;
use crate::visible_writer::VisibleWriter;

/// A policy that is compared.
pub(super) enum ComparedPolicy {
    /// A version that AGE has.
    Stored { hash: PolicyHash, name: String },
    /// A policy that agectl has.
    Local { policy: Box<Policy>, name: String },
}

/// The changes from the policy `against` to the policy `hash`, in the shape of the API.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Difference {
    hash: PolicyHash,
    against: PolicyHash,
    changes: Vec<PolicyChange>,
}

/// The result of a comparison.
pub(super) struct Comparison {
    /// JSON, as AGE returns it.
    pub(super) json: String,
    changes: Vec<PolicyChange>,
}

impl PolicyRef {
    /// Finds the policy. Asks AGE, with the client in `client`, only if the policy is a version that AGE has.
    pub(super) async fn open(
        &self,
        client: &OnceCell<ApiClient>,
        session: &mut Session<'_>,
    ) -> Result<ComparedPolicy, Error> {
        match self {
            Self::Active => {
                let active = active_version(client.get_or_try_init(|| session.api_client()).await?).await?;
                Ok(ComparedPolicy::active(&active))
            }
            Self::Version(version) => {
                let hash = version.resolve(client.get_or_try_init(|| session.api_client()).await?).await?;
                Ok(ComparedPolicy::stored(hash))
            }
            Self::Default => {
                let name = "the default policy".to_owned();
                Ok(ComparedPolicy::Local { policy: Box::new(default_policy()?), name })
            }
            Self::File(source) => {
                let file = PolicyFile::read(source, session).await?;
                Ok(ComparedPolicy::local(file.valid_policy(session)?, &file))
            }
        }
    }
}

impl ComparedPolicy {
    pub(super) fn active(version: &StoredVersion) -> Self {
        Self::Stored { hash: version.hash, name: format!("the active {}", version.name().trim_start_matches("the ")) }
    }

    pub(super) fn stored(hash: PolicyHash) -> Self {
        Self::Stored { hash, name: format!("version {}", short(&hash)) }
    }

    pub(super) fn local(policy: Policy, file: &PolicyFile) -> Self {
        Self::Local { policy: Box::new(policy), name: file.name().to_owned() }
    }

    fn name(&self) -> &str {
        match self {
            Self::Stored { name, .. } | Self::Local { name, .. } => name,
        }
    }

    async fn policy(&self, client: &OnceCell<ApiClient>, session: &mut Session<'_>) -> Result<Policy, Error> {
        match self {
            Self::Local { policy, .. } => Ok(policy.as_ref().clone()),
            Self::Stored { hash, .. } => {
                let client = client.get_or_try_init(|| session.api_client()).await?;
                get_version(&hash.to_string(), client).await?.parse::<StoredVersion>()?.policy()
            }
        }
    }
}

/// Compares two policies. AGE compares two versions that it has, because it may be of a later version than agectl.
pub(super) async fn compare(
    old: &ComparedPolicy,
    new: &ComparedPolicy,
    client: &OnceCell<ApiClient>,
    session: &mut Session<'_>,
) -> Result<Comparison, Error> {
    let json = if let (ComparedPolicy::Stored { hash: against, .. }, ComparedPolicy::Stored { hash, .. }) = (old, new) {
        let client = client.get_or_try_init(|| session.api_client()).await?;
        client.get(&[RESOURCE, &hash.to_string(), "diff"], &[("against", against.to_string())]).await?.body
    } else {
        let (before, after) = (old.policy(client, session).await?, new.policy(client, session).await?);
        let PolicyDifference { changes } = difference(&before, &after);
        let compared = Difference { hash: after.hash(), against: before.hash(), changes };
        serde_json::to_string(&compared).map_err(|error| Error::UnexpectedResponse(error.to_string()))?
    };
    let Difference { changes, .. } = parse_json(&json)?;
    Ok(Comparison { json, changes })
}

impl Comparison {
    /// Prints the changes from `old` to `new`, one a line.
    pub(super) fn print(
        &self,
        old: &ComparedPolicy,
        new: &ComparedPolicy,
        output: &mut VisibleWriter<'_>,
    ) -> Result<(), Error> {
        let names = format!("from {} to {}", visible_line(old.name()), visible_line(new.name()));
        if self.changes.is_empty() {
            return Ok(writeln!(output, "Nothing changes {names}.")?);
        }
        writeln!(output, "Changes {names}:")?;
        for change in &self.changes {
            writeln!(output, "  • {}", visible_line(&change.sentence))?;
        }
        Ok(())
    }
}

/// Returns the default policy, which is in agectl.
pub(super) fn default_policy() -> Result<Policy, Error> {
    Policy::compiled().map_err(|error| Error::Usage(error.to_string()))
}
