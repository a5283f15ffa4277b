//! The interface through which credentials are read.

use std::pin::Pin;

use crate::keyring::Keyring;
use crate::store_error::StoreError;

/// The pending result of [`CredentialSource::keyring`].
pub type KeyringFuture<'a> = Pin<Box<dyn Future<Output = Result<Keyring, StoreError>> + Send + 'a>>;

/// Supplies all credentials. Implemented by the store; the authentication layer depends on this trait only.
pub trait CredentialSource: Send + Sync {
    /// Reads all credentials as of now.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    fn keyring(&self) -> KeyringFuture<'_>;
}
