//! The interfaces of the authentication layer: credentials are read, and alerts about them are recorded.

use std::pin::Pin;

use crate::keyring::Keyring;
use crate::store_error::StoreError;
use crate::system_alert::SystemAlert;

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

/// The pending result of [`SystemAlertRecorder::record_alert`].
pub type RecordedFuture<'a> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>>;

/// Records system alerts. Implemented by the store; the authentication layer depends on this trait only.
pub trait SystemAlertRecorder: Send + Sync {
    /// Adds the occurrences of `alert` to those of the same kind, sender and subject.
    ///
    /// # Errors
    /// [`StoreError`] if it was not written.
    fn record_alert(&self, alert: SystemAlert) -> RecordedFuture<'_>;
}
