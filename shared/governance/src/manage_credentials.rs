//! Creating, rotating and revoking credentials.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{
    Clock, CredentialRecord, CredentialRegistry, Grant, KeyId, KeyringError, RandomnessUnavailable, Rotation,
    StoreError, Token, UnreadableItem,
};
use age_store::{Credentials, Found};
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
    /// The credential, and who created it.
    pub record: CredentialRecord,
    /// The token. Show it once.
    pub token: Token,
}

/// Returns all credentials that ever were, by name.
///
/// # Errors
/// [`StoreError`] if they cannot be read.
pub async fn list_credentials(credentials: &Credentials) -> Result<Found<(KeyId, CredentialRecord)>, StoreError> {
    let (keyring, records) = (credentials.all().await?, credentials.records().await?);
    let mut listed: BTreeMap<KeyId, CredentialRecord> = records.items.into_iter().collect();
    // The keyring decides what a credential permits.
    for (kid, credential) in keyring.all() {
        let record = CredentialRecord::of(credential, listed.get(kid), None);
        listed.insert(kid.clone(), record);
    }
    listed.retain(|kid, _| !keyring.is_unreadable(kid));
    let is_listed = |name: &str| name.parse().is_ok_and(|kid: KeyId| listed.contains_key(&kid));
    let unreadable = records.unreadable.iter().map(|item| item.id.as_str()).chain(keyring.unreadable());
    let unreadable: BTreeSet<&str> = unreadable.filter(|name| !is_listed(name)).collect();
    let unreadable = unreadable.into_iter().map(|name| UnreadableItem { id: name.to_owned() }).collect();
    Ok(Found { items: listed.into_iter().collect(), unreadable })
}

/// Creates the credential `kid` for `by`; None is an operator with rights on AWS.
///
/// # Errors
/// [`CredentialError`] if the name is taken, the keyring is full or `by` is no longer a live admin, or the change was not stored.
pub async fn create_credential(
    credentials: &Credentials,
    kid: KeyId,
    grant: Grant,
    by: Option<&KeyId>,
    clock: &dyn Clock,
) -> Result<IssuedCredential, CredentialError> {
    let (token, now) = (Token::fresh(kid, clock)?, clock.now());
    let kid = token.kid();
    let record = change(credentials, [kid], clock, |registry| registry.create(&token, grant.clone(), by, now)).await?;
    tracing::info!(credential.kid = %kid, credential.role = %grant.role, "created credential {kid}");
    Ok(IssuedCredential { record, token })
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
    let (token, now) = (Token::fresh(kid, clock)?, clock.now());
    let kid = token.kid();
    let record = change(credentials, [kid], clock, |registry| registry.rotate(&token, rotation, Some(by), now)).await?;
    let (overlap_seconds, is_renewed) = (rotation.overlap_seconds, rotation.expires_at.is_some());
    tracing::info!(credential.kid = %kid, caller.id = %by, overlap_seconds, is_renewed, "rotated credential {kid}");
    Ok(IssuedCredential { record, token })
}

/// Revokes the credential `kid` for `by`. It is refused within a minute.
///
/// # Errors
/// [`CredentialError`] if there is no such credential, no admin that does not expire would remain or `by` is no longer a live
/// admin, or the change was not stored.
pub async fn revoke_credential(
    credentials: &Credentials,
    kid: &KeyId,
    by: &KeyId,
    clock: &dyn Clock,
) -> Result<CredentialRecord, CredentialError> {
    let now = clock.now();
    let record = change(credentials, [kid], clock, |registry| registry.revoke(kid, Some(by), now)).await?;
    tracing::info!(credential.kid = %kid, caller.id = %by, "revoked credential {kid}");
    Ok(record)
}

/// Creates the admin `kid` for an operator with rights on AWS, and revokes the admins `lost`, of which all tokens are lost. The
/// sweep notifies people of it.
///
/// # Errors
/// As [`create_credential`], and if an admin that is not in `lost` is live, or one in `lost` is not.
pub async fn create_first_admin(
    credentials: &Credentials,
    kid: KeyId,
    lost: &BTreeSet<KeyId>,
    clock: &dyn Clock,
) -> Result<IssuedCredential, CredentialError> {
    let (token, now) = (Token::fresh(kid, clock)?, clock.now());
    let kid = token.kid();
    let kids = || lost.iter().chain([kid]);
    let record = change(credentials, kids(), clock, |registry| registry.create_first_admin(&token, lost, now)).await?;
    let revoked = lost.iter().map(KeyId::as_str).collect::<Vec<_>>().join(", ");
    tracing::warn!(credential.kid = %kid, credential.revoked = revoked, "an operator with rights on AWS made the admin {kid}");
    Ok(IssuedCredential { record, token })
}

async fn change<'a>(
    credentials: &Credentials,
    kids: impl IntoIterator<Item = &'a KeyId> + Clone,
    clock: &dyn Clock,
    apply: impl Fn(&mut CredentialRegistry) -> Result<CredentialRecord, KeyringError>,
) -> Result<CredentialRecord, CredentialError> {
    credentials.change(kids, clock, |registry| Ok(apply(registry)?)).await
}
