//! Policy versions and activations, as AGE returns them.

use age_model::{PolicyHash, PolicyShadow, Timestamp};
use age_policy::Policy;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::api_client::ApiClient;
use crate::api_response::{ApiResponse, parse_json};
use crate::commands::policy::policy_ref::short;
use crate::commands::policy::resource::RESOURCE;
use crate::error::Error;

/// A policy version with its document.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StoredVersion {
    pub(super) hash: PolicyHash,
    /// 0 is the default policy of a release of AGE.
    pub(super) version: u64,
    pub(super) author: Option<String>,
    pub(super) created_at: Option<Timestamp>,
    /// Whether AGE works by it. `None` if AGE cannot read that.
    pub(super) active: Option<bool>,
    /// Since when and until when it is the shadow, if it is.
    pub(super) shadow: Option<PolicyShadow>,
    document: Box<RawValue>,
}

/// The activation of a version.
#[derive(Debug, Deserialize)]
pub(super) struct Activation {
    pub(super) hash: PolicyHash,
    pub(super) version: u64,
    pub(super) previous: PolicyHash,
    pub(super) by: String,
    pub(super) at: Timestamp,
    pub(super) reason: String,
}

/// Asks AGE for the version `segment`: a hash, or `active`.
pub(super) async fn get_version(segment: &str, client: &ApiClient) -> Result<ApiResponse, Error> {
    client.get_named(&[RESOURCE, segment]).await
}

/// Returns the version, if AGE has it.
pub(super) async fn find_version(hash: &PolicyHash, client: &ApiClient) -> Result<Option<StoredVersion>, Error> {
    match get_version(&hash.to_string(), client).await {
        Ok(response) => response.parse().map(Some),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the version that AGE works by.
pub(super) async fn active_version(client: &ApiClient) -> Result<StoredVersion, Error> {
    get_version("active", client).await?.parse()
}

/// Returns the last activation. `None`: no version was ever activated.
pub(super) async fn last_activation(client: &ApiClient) -> Result<Option<Activation>, Error> {
    let newest = client.list(&[RESOURCE, "activations"], &[], 1, 1).await?.items.pop();
    newest.map(|activation| parse_json(activation.get())).transpose()
}

impl StoredVersion {
    /// Returns a name for people: `version 3 (0123456789ab)`.
    pub(super) fn name(&self) -> String {
        version_name(self.version, &self.hash)
    }

    /// Returns the document as JSON.
    pub(super) fn document(&self) -> &str {
        self.document.get()
    }

    /// Returns the policy.
    ///
    /// # Errors
    /// If agectl does not understand all of the document, because AGE is of a later version.
    pub(super) fn policy(&self) -> Result<Policy, Error> {
        let policy: Policy = parse_json(self.document())?;
        if policy.hash() == self.hash {
            return Ok(policy);
        }
        let problem = format!("the document of policy version {} has the hash {}", self.hash, policy.hash());
        Err(Error::UnexpectedResponse(problem))
    }
}

/// Returns a name for people: `version 3 (0123456789ab)`. Version 0 is the default policy.
pub(super) fn version_name(version: u64, hash: &PolicyHash) -> String {
    match version {
        0 => format!("the default policy ({})", short(hash)),
        version => format!("version {version} ({})", short(hash)),
    }
}
