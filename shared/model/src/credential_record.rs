//! The record of a credential: what is known of it, for people. Its keyring has what authenticates.

use crate::credential::{Credential, CredentialStatus, KeyId, SecretHash};
use crate::time::Timestamp;

/// The revocation of a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// When the credential was revoked.
    pub at: Timestamp,
    /// The credential of the admin who revoked it. None: an operator with rights on AWS.
    pub by: Option<KeyId>,
}

/// A credential, live or not, and who created it. The record is kept for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialRecord {
    /// The credential as it is, or as it was when it ended. A revoked one has no secrets.
    pub credential: Credential,
    /// The credential of the admin who created it. None: an operator with rights on AWS.
    pub created_by: Option<KeyId>,
    /// The credentials of the admins who generated its secrets. An operator with rights on AWS generated any other.
    pub issuers: Vec<(SecretHash, KeyId)>,
    /// The revocation, if the credential was revoked.
    pub revoked: Option<Revocation>,
}

impl CredentialRecord {
    /// Returns the record of `credential`. `by` created what `earlier`, its record until now, does not know.
    #[must_use]
    pub fn of(credential: &Credential, earlier: Option<&Self>, by: Option<&KeyId>) -> Self {
        let known = |hash: &SecretHash| earlier.is_some_and(|record| record.has_secret(hash));
        let issuer = |hash: &SecretHash| if known(hash) { earlier?.issuer(hash) } else { by };
        let secrets = credential.secrets.iter();
        Self {
            credential: credential.clone(),
            created_by: earlier.map_or(by, |record| record.created_by.as_ref()).cloned(),
            issuers: secrets.filter_map(|secret| Some((secret.hash, issuer(&secret.hash)?.clone()))).collect(),
            revoked: None,
        }
    }

    /// Returns the credential of the admin who generated the secret with this hash. None: an operator with rights on AWS.
    #[must_use]
    pub fn issuer(&self, hash: &SecretHash) -> Option<&KeyId> {
        self.issuers.iter().find(|(issued, _)| issued == hash).map(|(_, by)| by)
    }

    /// Returns the status of the credential at `now`.
    #[must_use]
    pub fn status_at(&self, now: Timestamp) -> CredentialStatus {
        if self.revoked.is_some() { CredentialStatus::Revoked } else { self.credential.status_at(now) }
    }

    fn has_secret(&self, hash: &SecretHash) -> bool {
        self.credential.secrets.iter().any(|secret| secret.hash == *hash)
    }

    pub(crate) fn revoke(&mut self, by: Option<&KeyId>, now: Timestamp) {
        self.revoked.get_or_insert_with(|| Revocation { at: now, by: by.cloned() });
        self.credential.secrets.clear();
        self.issuers.clear();
    }
}
