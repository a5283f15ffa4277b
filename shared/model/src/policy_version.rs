//! Policy versions without their documents, and their activations.

use serde::Serialize;
use utoipa::ToSchema;

use crate::credential::KeyId;
use crate::policy_hash::PolicyHash;
use crate::time::Timestamp;

/// A version of the policy, without its document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyVersion {
    /// The SHA-256 of the document's canonical JSON.
    pub hash: PolicyHash,
    /// 1 for the version that was stored first. 0 for the default policy of a release of AGE.
    #[serde(rename = "version")]
    pub number: u64,
    /// The credential of the admin who stored the version. Absent for a default policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<KeyId>,
    /// When the version was stored. Absent for a default policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
}

impl PolicyVersion {
    /// Returns version 0: the default policy, whose hash is `hash`.
    #[must_use]
    pub const fn default_policy(hash: PolicyHash) -> Self {
        Self { hash, number: 0, author: None, created_at: None }
    }
}

/// The activation of a policy version: from then on AGE works by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyActivation {
    /// 1 for the first activation.
    pub number: u64,
    /// The version that was activated.
    pub hash: PolicyHash,
    /// The number of that version.
    pub version: u64,
    /// The version that was active before.
    pub previous: PolicyHash,
    /// The credential of the admin who activated it.
    pub by: KeyId,
    /// When it was activated.
    pub at: Timestamp,
    /// Why, in the words of the admin.
    pub reason: String,
}
