//! Policies that agectl works with itself.

use age_policy::Policy;

use crate::commands::policy::comparison::default_policy;
use crate::commands::policy::policy_file::PolicyFile;
use crate::commands::policy::policy_ref::PolicyRef;
use crate::commands::policy::stored_version::{StoredVersion, active_version, get_version};
use crate::error::Error;
use crate::session::Session;

/// A policy and its name for people.
pub(crate) struct LoadedPolicy {
    pub(crate) policy: Policy,
    pub(crate) name: String,
}

impl PolicyRef {
    /// Loads the policy. Asks AGE only if the policy is a version that AGE has.
    pub(crate) async fn load(&self, session: &mut Session<'_>) -> Result<LoadedPolicy, Error> {
        match self {
            Self::Active => LoadedPolicy::stored(&active_version(&session.api_client().await?).await?, "the active "),
            Self::Version(version) => {
                let client = session.api_client().await?;
                let hash = version.resolve(&client).await?.to_string();
                LoadedPolicy::stored(&get_version(&hash, &client).await?.parse()?, "")
            }
            Self::Default => Ok(LoadedPolicy { policy: default_policy()?, name: "the default policy".to_owned() }),
            Self::File(source) => {
                let file = PolicyFile::read(source, session).await?;
                Ok(LoadedPolicy { policy: file.valid_policy(session)?, name: file.name().to_owned() })
            }
        }
    }
}

impl LoadedPolicy {
    fn stored(version: &StoredVersion, article: &str) -> Result<Self, Error> {
        let name = version.name();
        let name = if article.is_empty() { name } else { format!("{article}{}", name.trim_start_matches("the ")) };
        Ok(Self { policy: version.policy()?, name })
    }
}
