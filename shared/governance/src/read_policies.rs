//! Reading policy versions, and what differs between two of them.

use age_model::{
    ActiveInPeriod, Period, PolicyHash, PolicyPointer, PolicyShadow, PolicyVersion, StoreError, UnreadableItem,
};
use age_policy::{Policy, PolicyDifference};
use age_store::{ListedPolicyVersion, Policies, PolicyPointers, ReadPointers, StoredPolicy};
use thiserror::Error;

use crate::policy_cache::PolicyCache;

/// The position in the list after all stored versions: that of the default policy, unless it is stored.
const AFTER_STORED: &str = "0000000000";

/// How many activations are read at once for a report.
const ACTIVATIONS_PER_READ: usize = 50;

/// A policy version with its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyDocument {
    /// The version.
    pub version: PolicyVersion,
    /// The document as canonical JSON.
    pub document: String,
    /// Whether AGE works by it. None if that cannot be read.
    pub is_active: Option<bool>,
    /// The shadow, if the version is the shadow and that can be read. It may have ended by its time.
    pub shadow: Option<PolicyShadow>,
}

/// A policy version in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyListItem {
    /// The version and its use.
    pub listed: ListedPolicyVersion,
    /// Whether AGE works by it.
    pub is_active: bool,
    /// The shadow, if the version is the shadow. It may have ended by its time.
    pub shadow: Option<PolicyShadow>,
}

/// A page of policy versions, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyList {
    /// The versions.
    pub versions: Vec<PolicyListItem>,
    /// The versions of the page that cannot be read.
    pub unreadable: Vec<UnreadableItem>,
    /// The position of the next page, if there are more.
    pub next: Option<String>,
}

/// Why policy versions were not read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyReadError {
    /// No version has the hash.
    #[error("policy version {0} does not exist")]
    NotFound(PolicyHash),
    /// The table could not be read, or the version.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PolicyDocument {
    pub(crate) fn new(StoredPolicy { version, document }: StoredPolicy, pointers: ReadPointers) -> Self {
        Self::of_version(version, document, pointers)
    }

    pub(crate) fn of_version(version: PolicyVersion, document: String, pointers: ReadPointers) -> Self {
        let Ok(PolicyPointers { active, shadow }) = pointers else {
            return Self { version, document, is_active: None, shadow: None };
        };
        let is_active = Some(version.hash == active.map_or(Policy::COMPILED_HASH, |pointer| pointer.hash));
        let shadow = shadow.filter(|shadow| shadow.hash == version.hash);
        Self { version, document, is_active, shadow }
    }

    /// Returns the policy.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if this version of AGE cannot read the document.
    pub fn policy(&self, policies: &Policies) -> Result<Policy, StoreError> {
        serde_json::from_str(&self.document).map_err(|error| policies.corrupt_document(&self.version.hash, &error))
    }
}

/// Whether `hash` names the default policy, which is compiled in.
pub(crate) fn is_default(hash: &PolicyHash) -> bool {
    *hash == Policy::COMPILED_HASH
}

/// Returns the policy version `hash` with its document.
///
/// # Errors
/// [`PolicyReadError`] if there is none, or it cannot be read.
pub async fn policy_version(policies: &Policies, hash: PolicyHash) -> Result<PolicyDocument, PolicyReadError> {
    match policies.get_with_active(&hash).await? {
        (Some(stored), pointers) => Ok(PolicyDocument::new(stored, pointers)),
        (None, pointers) if is_default(&hash) => {
            let version = PolicyVersion::default_policy(hash);
            Ok(PolicyDocument::of_version(version, Policy::COMPILED_JSON.to_owned(), pointers))
        }
        (None, _) => Err(PolicyReadError::NotFound(hash)),
    }
}

/// Returns the active policy version with its document.
///
/// # Errors
/// [`StoreError`] if it cannot be read.
pub async fn active_policy_version(policies: &Policies) -> Result<PolicyDocument, StoreError> {
    let hash = policies.active().await?.map_or(Policy::COMPILED_HASH, |pointer| pointer.hash);
    match policy_version(policies, hash).await {
        Ok(found) => Ok(PolicyDocument { is_active: Some(true), ..found }),
        Err(PolicyReadError::NotFound(hash)) => Err(policies.corrupt_document(&hash, &"is missing")),
        Err(PolicyReadError::Store(error)) => Err(error),
    }
}

/// Returns up to `limit` policy versions that come after `before` in the list, the newest first and the default policy last.
///
/// # Errors
/// [`StoreError`] if the table cannot be read.
pub async fn list_policy_versions(
    policies: &Policies,
    limit: usize,
    before: Option<&str>,
) -> Result<PolicyList, StoreError> {
    let PolicyPointers { active, shadow } = policies.pointers().await?;
    let active = active.map_or(Policy::COMPILED_HASH, |pointer| pointer.hash);
    let mut page = policies.versions(limit, before).await?;
    if page.next.is_none() && policies.listed_version(&Policy::COMPILED_HASH, 0).await?.is_none() {
        if page.versions.len() + page.unreadable.len() < limit {
            let version = PolicyVersion::default_policy(Policy::COMPILED_HASH);
            page.versions.push(ListedPolicyVersion { version, activations: 0, last_activated_at: None });
        } else {
            page.next = Some(AFTER_STORED.to_owned());
        }
    }
    let shadow = |hash: PolicyHash| shadow.clone().filter(|shadow| shadow.hash == hash);
    let item = |listed: ListedPolicyVersion| {
        let hash = listed.version.hash;
        PolicyListItem { is_active: hash == active, shadow: shadow(hash), listed }
    };
    let versions = page.versions.into_iter().map(item).collect();
    Ok(PolicyList { versions, unreadable: page.unreadable, next: page.next })
}

/// Returns the policy versions that were active in `period`, in order. Empty if the history cannot be read: the figures of a report do
/// not depend on it.
pub(crate) async fn versions_active_in(policies: &PolicyCache, period: Period) -> Vec<ActiveInPeriod> {
    // A policy that has not changed since the period began needs no history.
    match policies.pointer() {
        Ok(None) => return vec![ActiveInPeriod { hash: Policy::COMPILED_HASH, from: None, by: None }],
        Ok(Some(active)) if active.activated_at <= period.from() => {
            let PolicyPointer { hash, activated_at, activated_by, .. } = active;
            return vec![ActiveInPeriod { hash, from: Some(activated_at), by: Some(activated_by) }];
        }
        _ => {}
    }
    let read = read_versions_active_in(policies.policies(), period).await;
    read.unwrap_or_else(|error| {
        tracing::error!(%error, "a report lacks the policy versions of its period: {error}");
        Vec::new()
    })
}

async fn read_versions_active_in(policies: &Policies, period: Period) -> Result<Vec<ActiveInPeriod>, StoreError> {
    let (mut versions, mut first, mut position) = (Vec::new(), Policy::COMPILED_HASH, None);
    loop {
        let page = policies.activations(ACTIVATIONS_PER_READ, position.as_deref()).await?;
        for activation in page.activations.items {
            first = activation.previous;
            if activation.at < period.to() {
                versions.push(ActiveInPeriod {
                    hash: activation.hash,
                    from: Some(activation.at),
                    by: Some(activation.by),
                });
            }
            if activation.at <= period.from() {
                versions.reverse();
                return Ok(versions);
            }
        }
        position = page.next;
        if position.is_none() {
            versions.push(ActiveInPeriod { hash: first, from: None, by: None });
            versions.reverse();
            return Ok(versions);
        }
    }
}

/// The changes from one policy version to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionDifference {
    /// The version that is compared.
    pub hash: PolicyHash,
    /// The version that it is compared with.
    pub against: PolicyHash,
    /// The changes from `against` to `hash`.
    pub difference: PolicyDifference,
}

/// Returns what changes from the version `against` to the version `hash`. None is the active version.
///
/// # Errors
/// [`PolicyReadError`] if one of them does not exist, or cannot be read.
pub async fn policy_difference(
    policies: &Policies,
    hash: PolicyHash,
    against: Option<PolicyHash>,
) -> Result<VersionDifference, PolicyReadError> {
    let new = policy_version(policies, hash).await?;
    let old = match against {
        Some(against) => policy_version(policies, against).await?,
        None => active_policy_version(policies).await?,
    };
    let difference = age_policy::difference(&old.policy(policies)?, &new.policy(policies)?);
    Ok(VersionDifference { hash, against: old.version.hash, difference })
}
