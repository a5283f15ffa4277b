//! A credential in responses, without its secrets and their hashes.

use std::collections::BTreeSet;

use age_model::{CredentialRecord, CredentialStatus, Engine, KeyId, Role, Secret, Timestamp};
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
    /// Absent if it is not revoked, or if an operator with rights on AWS revoked it.
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
    pub(crate) const fn kid(&self) -> &KeyId {
        &self.kid
    }

    pub(crate) fn new(kid: &KeyId, record: &CredentialRecord, now: Timestamp) -> Self {
        let status = record.status_at(now);
        let credential = &record.credential;
        let is_valid = |secret: &&Secret| status == CredentialStatus::Live && secret.is_live(now);
        let secret = |secret: &Secret| SecretView {
            created_at: secret.created_at,
            created_by: record.issuer(&secret.hash).cloned(),
            expires_at: secret.expires_at,
        };
        Self {
            kid: kid.clone(),
            role: credential.grant.role,
            engines: credential.grant.engines.clone(),
            status,
            created_at: credential.created_at,
            created_by: record.created_by.clone(),
            expires_at: credential.grant.expires_at,
            revoked_at: record.revoked.as_ref().map(|revocation| revocation.at),
            revoked_by: record.revoked.as_ref().and_then(|revocation| revocation.by.clone()),
            secrets: credential.secrets.iter().filter(is_valid).map(secret).collect(),
        }
    }
}
