//! Credentials that expire: people are notified before, and when a request with one is refused. They are also notified of admins
//! that an operator made.

use std::collections::BTreeMap;

use age_model::{CredentialNotification, KeyId, Keyring, StoreError, Timestamp};
use age_notify::{NotifiedCredential, credential_message};
use age_policy::IncidentRules;

use super::{Sweep, SweepReport};

/// How long one sweep alone sends notifications, in seconds. The next one begins after a minute.
const LEASE_SECONDS: i64 = 30;

/// The e-mail is sent only if this much of the lease is left, in seconds: SNS may take as long.
const MIN_LEASE_SECONDS: i64 = 10;

/// The most credentials of one e-mail. With the longest names they stay below the 256 KB of an SNS message.
const CREDENTIALS_PER_EMAIL: usize = 100;

impl Sweep {
    /// Notifies people of credentials that expire, and of admins that an operator made, in one e-mail, after the e-mails about incidents. What is not sent stays due.
    pub(super) async fn notify_about_credentials(
        &self,
        keyring: &Keyring,
        end: Timestamp,
        report: &mut SweepReport,
    ) -> Result<(), StoreError> {
        let (monitor, now) = (&self.credentials, self.now());
        let due = monitor.due(keyring, now).await?;
        // Incidents take precedence in the e-mail budget, and SNS would accept an e-mail that nobody receives.
        let must_wait = report.emails_held > 0 || report.notifications_reachable == Some(false);
        if due.is_empty() || must_wait || now > end {
            return Ok(());
        }
        // An admin may have renewed a credential since the credentials were read.
        let keyring = monitor.read(now).await?;
        let due = monitor.due(&keyring, now).await?;
        let lease_expires_at = now.plus_seconds(LEASE_SECONDS);
        let Some(mut sent) = monitor.notifications().lease(now, lease_expires_at).await? else { return Ok(()) };
        monitor.remember(sent.clone());
        let due = monitor.unsent(due);
        let mut entries = latest_of_each(&keyring, &due);
        let mut records = BTreeMap::new();
        for NotifiedCredential { kid, .. } in &entries {
            records.insert(*kid, monitor.record(kid).await?);
        }
        for entry in &mut entries {
            entry.record = records.get(entry.kid).and_then(Option::as_ref);
        }
        if entries.is_empty() || self.now().plus_seconds(MIN_LEASE_SECONDS) > lease_expires_at {
            return Ok(());
        }
        let message = credential_message(&self.dispatcher.active_policy().policy, &entries, now);
        let number = entries.len();
        if !self.notifier.send_notice(&message, IncidentRules::EMAILS_RESERVED_FOR_SWEEP, self.clock.as_ref()).await? {
            tracing::info!(credentials = number, "notification about {number} credentials waits for a later e-mail");
            return Ok(());
        }
        tracing::info!(credentials = number, "notified people about {number} credentials");
        report.emails_sent += 1;
        let is_in_email = |notification: &&CredentialNotification| {
            entries.iter().any(|entry| (entry.kid, entry.at) == (&notification.kid, notification.at))
        };
        sent.extend(due.iter().filter(is_in_email));
        sent.retain(|kid| keyring.get(kid).is_some());
        if monitor.notifications().record(&sent, lease_expires_at).await? {
            monitor.remember(sent);
        }
        Ok(())
    }
}

/// Returns the latest notification of each expiry and creation, up to those of one e-mail. It makes the earlier ones unnecessary.
fn latest_of_each<'a>(keyring: &'a Keyring, due: &'a [CredentialNotification]) -> Vec<NotifiedCredential<'a>> {
    let mut latest: BTreeMap<(&KeyId, Timestamp), &CredentialNotification> = BTreeMap::new();
    for notification in due {
        let entry = latest.entry((&notification.kid, notification.at)).or_insert(notification);
        *entry = notification.max(entry);
    }
    let entry = |((kid, at), notification): ((&'a KeyId, Timestamp), &CredentialNotification)| {
        Some(NotifiedCredential { kid, credential: keyring.get(kid)?, record: None, kind: notification.kind, at })
    };
    latest.into_iter().filter_map(entry).take(CREDENTIALS_PER_EMAIL).collect()
}
