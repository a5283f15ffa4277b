//! Policy versions and their activations, as lists show them.

use age_governance::PolicyListItem;
use age_model::{KeyId, PolicyActivation, PolicyHash, PolicyVersion, Timestamp};
use age_store::ListedPolicyVersion;

use crate::paths::policy_path;
use crate::safe_text::SafeText;

/// How many digits of a hash tell versions apart for people.
const SHORT_HASH_DIGITS: usize = 12;

/// A policy version in the list.
pub(super) struct VersionView {
    pub(super) path: String,
    pub(super) title: String,
    pub(super) hash: PolicyHash,
    pub(super) author: Option<KeyId>,
    pub(super) created_at: Option<Timestamp>,
    pub(super) is_active: bool,
    pub(super) activations: u64,
    pub(super) last_activated_at: Option<Timestamp>,
}

/// An activation of a policy version.
pub(super) struct ActivationView {
    pub(super) path: String,
    pub(super) title: String,
    pub(super) hash: PolicyHash,
    pub(super) previous: PolicyHash,
    /// Where the difference to the version before is shown.
    pub(super) difference_path: String,
    pub(super) by: KeyId,
    pub(super) at: Timestamp,
    pub(super) reason: SafeText,
}

impl VersionView {
    pub(super) fn short_hash(&self) -> String {
        short(self.hash)
    }
}

impl ActivationView {
    pub(super) fn has_hash(&self, hash: &str) -> bool {
        self.hash.to_string() == hash
    }

    pub(super) fn short_hash(&self) -> String {
        short(self.hash)
    }

    pub(super) fn short_previous(&self) -> String {
        short(self.previous)
    }
}

impl From<PolicyListItem> for VersionView {
    fn from(PolicyListItem { listed, is_active, .. }: PolicyListItem) -> Self {
        let ListedPolicyVersion { version, activations, last_activated_at } = listed;
        let PolicyVersion { hash, number, author, created_at } = version;
        Self {
            path: policy_path(&hash),
            title: version_title(number),
            hash,
            author,
            created_at,
            is_active,
            activations,
            last_activated_at,
        }
    }
}

impl From<PolicyActivation> for ActivationView {
    fn from(PolicyActivation { hash, version, previous, by, at, reason, .. }: PolicyActivation) -> Self {
        Self {
            path: policy_path(&hash),
            title: version_title(version),
            difference_path: format!("{}?against={previous}#difference", policy_path(&hash)),
            hash,
            previous,
            by,
            at,
            reason: SafeText::new(&reason),
        }
    }
}

/// Returns the name of the version `number` for people.
pub(super) fn version_title(number: u64) -> String {
    if number == 0 { "Default policy".to_owned() } else { format!("Version {number}") }
}

/// Returns the beginning of a hash, by which people recognize it.
pub(crate) fn short(hash: PolicyHash) -> String {
    hash.to_string().chars().take(SHORT_HASH_DIGITS).collect()
}
