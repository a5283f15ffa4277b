//! Storing a policy version.

use age_model::{Clock, KeyId, PolicyVersion, StoreError};
use age_policy::Policy;
use age_store::{AddedPolicy, Policies};

use crate::read_policies::{PolicyDocument, is_default};

/// The result of storing a policy version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreatedPolicy {
    /// The version is stored now.
    Created(PolicyDocument),
    /// The version was stored before, or is the default policy. Nothing was changed.
    Exists(PolicyDocument),
}

/// Stores `policy`, which is valid, as a version for `author`, unless it is stored. It is not active until it is activated.
///
/// # Errors
/// [`StoreError`] if it was not stored, or that is unknown.
pub async fn create_policy(
    policies: &Policies,
    policy: &Policy,
    author: &KeyId,
    clock: &dyn Clock,
) -> Result<CreatedPolicy, StoreError> {
    let (hash, document) = (policy.hash(), policy.canonical_json());
    let version = match policies.get_with_active(&hash).await? {
        (Some(stored), pointers) => return Ok(CreatedPolicy::Exists(PolicyDocument::new(stored, pointers))),
        (None, pointers) if is_default(&hash) => {
            let version = PolicyVersion::default_policy(hash);
            return Ok(CreatedPolicy::Exists(PolicyDocument::of_version(version, document, pointers)));
        }
        (None, _) => policies.add(hash, &document, author, clock).await?,
    };
    match version {
        AddedPolicy::Created(version) => {
            tracing::info!(policy.hash = %hash, caller.id = %author, "stored policy version {}", version.number);
            Ok(CreatedPolicy::Created(PolicyDocument { version, document, is_active: Some(false), shadow: None }))
        }
        AddedPolicy::Exists(version) => {
            Ok(CreatedPolicy::Exists(PolicyDocument { version, document, is_active: None, shadow: None }))
        }
    }
}
