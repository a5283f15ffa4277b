//! Starting and ending the shadow: a policy version whose guardrails are evaluated beside those of the active one.

use age_model::{Clock, KeyId, PolicyHash, PolicyShadow, StoreError, Timestamp};
use age_policy::Policy;
use age_store::{Policies, PolicyPointers, wait_before_retry};
use thiserror::Error;

use crate::read_policies::{PolicyReadError, policy_version};

/// Attempts while other admins start, end or activate versions. Admins do so by hand, so more attempts would not help.
const MAX_ATTEMPTS: u32 = 8;

/// Why a policy version does not become the shadow.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ShadowError {
    /// No version has the hash.
    #[error("policy version {0} does not exist")]
    NotFound(PolicyHash),
    /// The version is the active one.
    #[error("policy version {0} is active; the shadow is another version than the active one")]
    IsActive(PolicyHash),
    /// The shadow was not stored, or that is unknown.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A request to make a policy version the shadow. Its end is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowRequest {
    /// The version.
    pub hash: PolicyHash,
    /// Why, for people.
    pub reason: Option<String>,
    /// When the shadow ends by itself.
    pub until: Timestamp,
}

/// Makes a version the shadow on behalf of `by`, in place of another one. A version that is the shadow already goes on with the new end,
/// since its beginning.
///
/// # Errors
/// [`ShadowError`] if there is no such version, it is active, or it was not stored.
pub async fn start_shadow(
    policies: &Policies,
    ShadowRequest { hash, reason, until }: ShadowRequest,
    by: &KeyId,
    clock: &dyn Clock,
) -> Result<PolicyShadow, ShadowError> {
    policy_version(policies, hash).await.map_err(|error| match error {
        PolicyReadError::NotFound(hash) => ShadowError::NotFound(hash),
        PolicyReadError::Store(error) => error.into(),
    })?;
    for attempt in 1..=MAX_ATTEMPTS {
        let (now, PolicyPointers { active, shadow: running }) = (clock.now(), policies.pointers().await?);
        if active.map_or(Policy::COMPILED_HASH, |pointer| pointer.hash) == hash {
            return Err(ShadowError::IsActive(hash));
        }
        let running = running.filter(|shadow| shadow.hash == hash && shadow.is_running(now));
        let (shadow, is_set) = if let Some(running) = running {
            let extended = PolicyShadow { reason: reason.clone(), until, ..running };
            let is_set = policies.extend_shadow(&extended).await?;
            (extended, is_set)
        } else {
            let new = PolicyShadow { hash, started_at: now, started_by: by.clone(), reason: reason.clone(), until };
            let is_set = policies.set_shadow(&new).await?;
            (new, is_set)
        };
        if is_set {
            tracing::info!(policy.hash = %hash, caller.id = %by, "the policy version {hash} is the shadow until {until}");
            return Ok(shadow);
        }
        wait_before_retry(attempt, clock).await;
    }
    Err(policies.contended(MAX_ATTEMPTS).into())
}

/// Ends the shadow on behalf of `by`. Returns the one that has ended, if one was running.
///
/// # Errors
/// [`StoreError`] if it was not ended, or that is unknown.
pub async fn end_shadow(
    policies: &Policies,
    by: &KeyId,
    clock: &dyn Clock,
) -> Result<Option<PolicyShadow>, StoreError> {
    let ended = policies.remove_shadow().await?.filter(|shadow| shadow.is_running(clock.now()));
    if let Some(PolicyShadow { hash, .. }) = &ended {
        tracing::info!(policy.hash = %hash, caller.id = %by, "the policy version {hash} is not the shadow any more");
    }
    Ok(ended)
}
