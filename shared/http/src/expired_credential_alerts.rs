//! Alerts about requests that are refused because their credential has expired. Only a request with the right secret leads to one,
//! so a caller that guesses names causes none.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use age_model::{Credential, CredentialStatus, KeyId, SystemAlert, SystemAlertKind, SystemAlertRecorder, Timestamp};

/// For how long after an alert was recorded further refusals of the same credential are only counted, in seconds.
const INTERVAL_SECONDS: i64 = 60;

/// The response to a refused request waits no longer than this for its alert.
const TIMEOUT: Duration = Duration::from_millis(500);

/// Records alerts: at most one a minute for each credential.
pub(crate) struct ExpiredCredentialAlerts {
    recorder: Box<dyn SystemAlertRecorder>,
    refusals: Mutex<BTreeMap<KeyId, Refusals>>,
}

/// The refused requests of a credential.
struct Refusals {
    recorded_at: Timestamp,
    /// How many are not in an alert yet.
    unrecorded: u64,
}

impl ExpiredCredentialAlerts {
    pub(crate) fn new(recorder: Box<dyn SystemAlertRecorder>) -> Self {
        Self { recorder, refusals: Mutex::default() }
    }

    /// Records that a request with a secret of `credential` was refused at `now`. If that fails, the next alert counts it.
    pub(crate) async fn record_refusal(&self, kid: &KeyId, credential: &Credential, now: Timestamp) {
        let Some(count) = self.count_refusal(kid, now) else { return };
        let (subject, detail) = match credential.status_at(now) {
            CredentialStatus::Live => ("secret", "an old secret has expired; give its caller the new token"),
            _ => ("credential", "the credential has expired; renew it, or stop its caller"),
        };
        let alert = SystemAlert::new(SystemAlertKind::ExpiredCredential, kid.as_str(), subject, detail, count, now);
        let recorded = tokio::time::timeout(TIMEOUT, self.recorder.record_alert(alert)).await;
        let failure = match recorded {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the store did not answer in time".to_owned(),
        };
        tracing::warn!(error = failure, credential.kid = %kid, "cannot record that the expired credential {kid} is used: {failure}");
        if let Some(refusals) = self.refusals.lock().unwrap_or_else(PoisonError::into_inner).get_mut(kid) {
            refusals.unrecorded = refusals.unrecorded.saturating_add(count);
        }
    }

    /// Returns how many refusals an alert has to record now. None if the last alert is less than a minute old.
    fn count_refusal(&self, kid: &KeyId, now: Timestamp) -> Option<u64> {
        let mut all = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(refusals) = all.get_mut(kid) else {
            all.insert(kid.clone(), Refusals { recorded_at: now, unrecorded: 0 });
            return Some(1);
        };
        refusals.unrecorded = refusals.unrecorded.saturating_add(1);
        // After a clock was set back, an alert is due.
        if (refusals.recorded_at..refusals.recorded_at.plus_seconds(INTERVAL_SECONDS)).contains(&now) {
            return None;
        }
        refusals.recorded_at = now;
        Some(std::mem::take(&mut refusals.unrecorded))
    }
}

#[cfg(test)]
mod tests {
    use age_model::{RecordedFuture, StoreError};

    use super::*;

    struct NeverRecorded;

    impl SystemAlertRecorder for NeverRecorded {
        fn record_alert(&self, _: SystemAlert) -> RecordedFuture<'_> {
            Box::pin(std::future::ready(Err(StoreError::Contended { table: "Incidents".to_owned(), attempts: 1 })))
        }
    }

    #[test]
    fn alert_of_a_credential_is_due_once_a_minute_with_the_refusals_since() {
        let alerts = ExpiredCredentialAlerts::new(Box::new(NeverRecorded));
        let start: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        let (worker, another): (KeyId, KeyId) = ("worker".parse().unwrap(), "another".parse().unwrap());
        let counted = |kid: &KeyId, seconds: i64| alerts.count_refusal(kid, start.plus_seconds(seconds));
        assert_eq!([0, 1, 59].map(|seconds| counted(&worker, seconds)), [Some(1), None, None]);
        assert_eq!(counted(&another, 59), Some(1));
        assert_eq!((counted(&worker, 60), counted(&worker, 119), counted(&worker, 120)), (Some(3), None, Some(2)));
        assert_eq!(counted(&worker, -3600), Some(1), "the clock was set back");
    }
}
