//! The policy: people are notified of each activation of a version, and of a version that cannot be read.

use age_model::{PolicyActivation, StoreError, SystemAlert, SystemAlertKind, Timestamp};
use age_notify::policy_message;
use age_policy::IncidentRules;

use super::{Sweep, SweepReport};
use crate::read_policies::policy_difference;

/// How long one sweep alone sends notifications, in seconds. The next one begins after a minute.
const LEASE_SECONDS: i64 = 30;

/// An e-mail is sent only if this much of the lease is left, in seconds: SNS may take as long.
const MIN_LEASE_SECONDS: i64 = 10;

/// After so many failed attempts in a row, each of which the SDK has repeated, a version counts as unreadable.
const FAILED_ATTEMPTS: u32 = 2;

impl Sweep {
    /// Raises a system alert if the active version cannot be read. A row that is not readable stays so; any other failure may pass.
    pub(super) async fn check_policy(&self, report: &mut SweepReport) -> Result<(), StoreError> {
        let policies = self.dispatcher.policies();
        let Some(unreadable) = policies.unreadable() else { return Ok(()) };
        let is_lasting =
            matches!(unreadable.error, StoreError::Corrupt { .. }) || unreadable.attempts >= FAILED_ATTEMPTS;
        if !is_lasting {
            return Ok(());
        }
        report.policy_unreadable = true;
        let hash = policies.status().hash;
        let detail = format!("AGE goes on with version {hash}; see the log of sweep");
        let kind = SystemAlertKind::UnreadablePolicy;
        self.system_alerts.record(&SystemAlert::new(kind, "age", "active version", &detail, 1, self.now())).await
    }

    /// Notifies people of each activation of a policy version, in order and after the e-mails about incidents. What is not sent stays
    /// due.
    pub(super) async fn notify_about_policies(
        &self,
        end: Timestamp,
        report: &mut SweepReport,
    ) -> Result<(), StoreError> {
        let latest = self.dispatcher.policies().latest_activation();
        // Incidents take precedence in the e-mail budget, and SNS would accept an e-mail that nobody receives.
        let must_wait = report.emails_held > 0 || report.notifications_reachable == Some(false);
        if latest <= self.policy_notifications.known() || must_wait || self.now() > end {
            return Ok(());
        }
        let lease_expires_at = self.now().plus_seconds(LEASE_SECONDS);
        let store = &self.policy_notifications.store;
        let Some(notified) = store.lease(self.now(), lease_expires_at).await? else { return Ok(()) };
        self.policy_notifications.remember(notified);
        for number in notified.saturating_add(1)..=latest {
            if self.now().plus_seconds(MIN_LEASE_SECONDS) > lease_expires_at {
                break;
            }
            match self.dispatcher.policies().policies().activation(number).await {
                Ok(Some(activation)) => {
                    if !self.send_policy_message(&activation).await? {
                        tracing::info!(
                            "notification about the activation {number} of a policy version waits for a later e-mail"
                        );
                        break;
                    }
                    report.emails_sent += 1;
                }
                Ok(None) => {}
                // The notifications about later ones do not wait for it.
                Err(error @ StoreError::Corrupt { .. }) => self.report_unreadable(&error).await,
                Err(error) => return Err(error),
            }
            if !store.record(number, lease_expires_at).await? {
                break;
            }
            self.policy_notifications.remember(number);
        }
        Ok(())
    }

    async fn send_policy_message(&self, activation: &PolicyActivation) -> Result<bool, StoreError> {
        let PolicyActivation { hash, previous, number, .. } = activation;
        let compared = policy_difference(self.dispatcher.policies().policies(), *hash, Some(*previous)).await;
        let compared = compared.inspect_err(|error| {
            tracing::warn!(%error, policy.hash = %hash, "the notification about activation {number} lacks the difference: {error}");
        });
        let message = policy_message(activation, compared.ok().as_ref().map(|compared| &compared.difference));
        self.notifier.send_notice(&message, IncidentRules::EMAILS_RESERVED_FOR_SWEEP, self.clock.as_ref()).await
    }
}
