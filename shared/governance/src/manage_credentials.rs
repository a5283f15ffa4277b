//! Creating, rotating and revoking credentials.

use std::collections::BTreeSet;

use age_model::{
    Clock, Credential, Grant, KeyId, Keyring, KeyringError, RandomnessUnavailable, Role, Rotation, StoreError, Token,
};
use age_store::Credentials;
use thiserror::Error;

/// Why a credential was not changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CredentialError {
    /// The keyring does not permit the change.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// No secret can be generated now. Nothing was stored.
    #[error(transparent)]
    Randomness(#[from] RandomnessUnavailable),
    /// The change was not stored, or the response to the write was lost.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A credential and the token of its new secret, which is not stored.
#[derive(Debug)]
pub struct IssuedCredential {
    /// The credential.
    pub credential: Credential,
    /// The token. Show it once.
    pub token: Token,
}

/// Creates the credential `kid` for `by`; None is an operator with rights on AWS.
///
/// # Errors
/// [`CredentialError`] if the name is taken or the keyring is full, or the change was not stored.
pub async fn create_credential(
    credentials: &Credentials,
    kid: KeyId,
    grant: Grant,
    by: Option<&KeyId>,
    clock: &dyn Clock,
) -> Result<IssuedCredential, CredentialError> {
    let token = Token::fresh(kid, clock)?;
    let now = clock.now();
    let credential =
        change(credentials, clock, |keyring| keyring.create(&token, grant.clone(), by, now).cloned()).await?;
    let kid = token.kid();
    tracing::info!(credential.kid = %kid, credential.role = %grant.role, "created credential {kid}");
    Ok(IssuedCredential { credential, token })
}

/// Adds a secret to the credential `kid` for `by`, and renews the credential if `rotation` says so.
///
/// # Errors
/// [`CredentialError`] if the keyring does not permit it, or the change was not stored.
pub async fn rotate_credential(
    credentials: &Credentials,
    kid: KeyId,
    rotation: Rotation,
    by: &KeyId,
    clock: &dyn Clock,
) -> Result<IssuedCredential, CredentialError> {
    let token = Token::fresh(kid, clock)?;
    let now = clock.now();
    let credential = change(credentials, clock, |keyring| keyring.rotate(&token, rotation, by, now).cloned()).await?;
    let kid = token.kid();
    let (overlap_seconds, is_renewed) = (rotation.overlap_seconds, rotation.expires_at.is_some());
    tracing::info!(credential.kid = %kid, caller.id = %by, overlap_seconds, is_renewed, "rotated credential {kid}");
    Ok(IssuedCredential { credential, token })
}

/// Revokes the credential `kid` for `by`. It is refused within a minute.
///
/// # Errors
/// [`CredentialError`] if there is no such credential or no admin that does not expire would remain, or the
/// change was not stored.
pub async fn revoke_credential(
    credentials: &Credentials,
    kid: &KeyId,
    by: &KeyId,
    clock: &dyn Clock,
) -> Result<Credential, CredentialError> {
    let now = clock.now();
    let credential = change(credentials, clock, |keyring| keyring.revoke(kid, by, now).cloned()).await?;
    tracing::info!(credential.kid = %kid, caller.id = %by, "revoked credential {kid}");
    Ok(credential)
}

/// Creates the admin `kid` for an operator, whatever credentials exist: who may invoke this could also write to the table.
///
/// # Errors
/// As [`create_credential`].
pub async fn create_first_admin(
    credentials: &Credentials,
    kid: KeyId,
    clock: &dyn Clock,
) -> Result<IssuedCredential, CredentialError> {
    let grant = Grant { role: Role::Admin, engines: BTreeSet::new(), expires_at: None };
    create_credential(credentials, kid, grant, None, clock).await
}

async fn change(
    credentials: &Credentials,
    clock: &dyn Clock,
    apply: impl Fn(&mut Keyring) -> Result<Credential, KeyringError>,
) -> Result<Credential, CredentialError> {
    credentials.change(clock, |keyring| Ok(apply(keyring)?)).await
}
