//! The tables that the sweep reads and writes about credentials that expire, and about admins that an operator made.

use std::sync::{Arc, Mutex, PoisonError};

use age_model::{CredentialNotification, CredentialRecord, KeyId, Keyring, StoreError, SystemAlertKind, Timestamp};
use age_store::{CredentialNotifications, Credentials, SentCredentialNotifications, SystemAlerts};

use crate::credential_expiry;

/// For how long an environment uses the credentials that it has read, in seconds. What they say about expiry seldom changes.
const READ_EVERY_SECONDS: i64 = 600;

/// Watches the credentials. Build one per execution environment.
#[derive(Debug)]
pub struct CredentialMonitor {
    credentials: Credentials,
    alerts: SystemAlerts,
    notifications: CredentialNotifications,
    /// The credentials, and when they were read.
    cached: Mutex<Option<(Arc<Keyring>, Timestamp)>>,
    /// Notifications that were sent. There may be more.
    sent: Mutex<SentCredentialNotifications>,
}

impl CredentialMonitor {
    /// Watches `credentials`. `alerts` have the refused requests, `notifications` what was sent.
    #[must_use]
    pub fn new(credentials: Credentials, alerts: SystemAlerts, notifications: CredentialNotifications) -> Self {
        Self { credentials, alerts, notifications, cached: Mutex::default(), sent: Mutex::default() }
    }

    /// The notifications that were sent.
    pub(crate) const fn notifications(&self) -> &CredentialNotifications {
        &self.notifications
    }

    /// Returns the credentials, up to 10 minutes old.
    pub(crate) async fn keyring(&self, now: Timestamp) -> Result<Arc<Keyring>, StoreError> {
        let cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_recent = |read_at: Timestamp| (read_at..read_at.plus_seconds(READ_EVERY_SECONDS)).contains(&now);
        if let Some((keyring, _)) = cached.filter(|(_, read_at)| is_recent(*read_at)) {
            return Ok(keyring);
        }
        self.read(now).await
    }

    /// Reads the credentials, except for changes of the last second.
    pub(crate) async fn read(&self, now: Timestamp) -> Result<Arc<Keyring>, StoreError> {
        let keyring = Arc::new(self.credentials.recent().await?);
        *self.cached.lock().unwrap_or_else(PoisonError::into_inner) = Some((Arc::clone(&keyring), now));
        Ok(keyring)
    }

    /// Returns the record of the credential named `kid`, if it has one that can be read.
    pub(crate) async fn record(&self, kid: &KeyId) -> Result<Option<CredentialRecord>, StoreError> {
        self.credentials.record(kid).await
    }

    /// Returns the notifications that are due, as far as this environment knows.
    pub(crate) async fn due(
        &self,
        keyring: &Keyring,
        now: Timestamp,
    ) -> Result<Vec<CredentialNotification>, StoreError> {
        let mut due = self.unsent(credential_expiry::notices(keyring, now));
        due.extend(self.unsent(credential_expiry::made_by_operator(keyring, now)));
        if !self.unsent(credential_expiry::possible_refusals(keyring, now)).is_empty() {
            let alerts = self.alerts.of_kind(SystemAlertKind::ExpiredCredential).await?;
            due.extend(self.unsent(credential_expiry::refusals(keyring, &alerts)));
        }
        Ok(due)
    }

    /// Returns those of `notifications` that were not sent, as far as this environment knows.
    pub(crate) fn unsent(&self, mut notifications: Vec<CredentialNotification>) -> Vec<CredentialNotification> {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        notifications.retain(|notification| !sent.contains(notification));
        notifications
    }

    /// Remembers that notifications were sent.
    pub(crate) fn remember(&self, sent: SentCredentialNotifications) {
        *self.sent.lock().unwrap_or_else(PoisonError::into_inner) = sent;
    }
}
