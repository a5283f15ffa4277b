//! A credential in responses, without its secrets and their hashes.

use std::collections::BTreeSet;

use age_model::{Credential, CredentialStatus, Engine, KeyId, Role, Secret, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// A credential.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Credential)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CredentialView {
    kid: KeyId,
    role: Role,
    /// The engines that the credential may act for; empty unless its role is `engine`.
    engines: BTreeSet<Engine>,
    status: CredentialStatus,
    created_at: Timestamp,
    /// Absent if an operator with rights on AWS created it.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<KeyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_by: Option<KeyId>,
    /// The valid secrets, the newest first.
    secrets: Vec<SecretView>,
}

/// A secret, without its value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Secret)]
#[serde(rename_all = "camelCase")]
struct SecretView {
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<KeyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

impl CredentialView {
    pub(crate) fn new(kid: &KeyId, credential: &Credential, now: Timestamp) -> Self {
        let status = credential.status_at(now);
        let is_valid = |secret: &&Secret| status == CredentialStatus::Live && secret.is_live(now);
        let Credential { grant, secrets, created_at, created_by, revoked } = credential.clone();
        Self {
            kid: kid.clone(),
            role: grant.role,
            engines: grant.engines,
            status,
            created_at,
            created_by,
            expires_at: grant.expires_at,
            revoked_at: revoked.as_ref().map(|revocation| revocation.at),
            revoked_by: revoked.map(|revocation| revocation.by),
            secrets: secrets.iter().filter(is_valid).cloned().map(SecretView::from).collect(),
        }
    }
}

impl From<Secret> for SecretView {
    fn from(Secret { created_at, created_by, expires_at, .. }: Secret) -> Self {
        Self { created_at, created_by, expires_at }
    }
}
