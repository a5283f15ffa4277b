//! Claiming what is due, and recording what came of its notification.

use age_model::{
    ActionItem, Clock, Incident, IncidentKey, NotificationKind, StoreError, SystemAlert, SystemAlertKind, Timestamp,
    shortened, visible_text,
};
use age_policy::{NextStep, notified_counts};

use super::Notifier;
use super::claimed::{Claimed, ClaimedIncident};
use crate::due_notification::DueNotification;
use crate::incident_lifecycle::IncidentUpdate;

/// Attempts to record that a notification was sent.
const RECORD_ATTEMPTS: u32 = 3;

/// The most characters of an event type in a system alert.
const MAX_SUBJECT_CHARS: usize = 60;

impl Notifier {
    /// Leases what `due` is about. Returns None if the notification is no longer due, or another sender has the lease.
    pub(super) async fn claim(&self, due: &DueNotification, clock: &dyn Clock) -> Result<Option<Claimed>, StoreError> {
        let claim = async {
            Ok(match due {
                DueNotification::Incident { key, kind, .. } => {
                    self.claim_incident(key, *kind, clock).await?.map(Box::new).map(Claimed::Incident)
                }
                DueNotification::Approval { of, .. } => {
                    self.claim_approval(*of, clock.now()).await?.map(Claimed::Approval)
                }
            })
        };
        claim.await.inspect_err(|error: &StoreError| {
            let engine = due.engine();
            tracing::warn!(%error, %engine, "cannot claim a notification about engine {engine}: {error}");
        })
    }

    async fn claim_incident(
        &self,
        key: &IncidentKey,
        due: NotificationKind,
        clock: &dyn Clock,
    ) -> Result<Option<ClaimedIncident>, StoreError> {
        let active = self.policies.current();
        let rules = &active.policy.incidents;
        let mut kind = due;
        let is_escalation = |kind: NotificationKind| kind == NotificationKind::Escalation;
        let claim = self.actions.incidents().change(key, &active.hash, clock, |record| {
            let now = clock.now();
            let mut state = record.state.clone();
            let Some(incident) = state.incident.as_mut() else { return Ok(None) };
            match rules.next_step(incident, record.counters, now) {
                NextStep::Notify(next) if is_escalation(next) == is_escalation(due) => kind = next,
                _ => return Ok(None),
            }
            rules.lease(incident, now);
            Ok::<_, StoreError>(Some(IncidentUpdate { state, notification: None, at: now }))
        });
        Ok(claim.await?.and_then(|record| ClaimedIncident::new(key, kind, record)))
    }

    /// Records that the notification was sent at `at`, in an e-mail about `incidents`. One that cannot be recorded is sent again
    /// when the lease ends, under the same number. Returns the action of an approval as it is then.
    pub(super) async fn record(
        &self,
        claimed: &Claimed,
        incidents: u64,
        at: Timestamp,
        clock: &dyn Clock,
    ) -> Option<ActionItem> {
        for attempt in 1..=RECORD_ATTEMPTS {
            let recorded = match claimed {
                Claimed::Incident(claimed) => self.record_incident(claimed, incidents, at, clock).await.map(|()| None),
                Claimed::Approval(claimed) => self.record_approval(&claimed.record, at).await,
            };
            match recorded {
                Ok(item) => return item,
                Err(error) => {
                    let about = describe(claimed);
                    tracing::warn!(%error, attempt, "cannot record the notification of {about}: {error}");
                }
            }
        }
        None
    }

    async fn record_incident(
        &self,
        claimed: &ClaimedIncident,
        incidents: u64,
        at: Timestamp,
        clock: &dyn Clock,
    ) -> Result<(), StoreError> {
        let ClaimedIncident { id, kind, record } = claimed;
        let Some(ours) = claimed.incident() else { return Ok(()) };
        let notified = notified_counts(ours, record.counters);
        let active = self.policies.current();
        let incidents_of_key = self.actions.incidents();
        let known = Some(record.clone());
        let recorded = incidents_of_key.change_from(known, &id.key, &active.hash, clock, |current| {
            let mut state = current.state.clone();
            let Some(incident) = state.incident.as_mut().filter(|incident| is_same(incident, ours)) else {
                return Ok(None);
            };
            let counts = (record.counters, notified, incidents);
            let notification = active.policy.incidents.record_notification(incident, *kind, counts, at);
            Ok::<_, StoreError>(Some(IncidentUpdate { state, notification: Some(notification), at }))
        });
        recorded.await.map(drop)
    }

    /// Sets aside what the topic refuses a message about: it stays open and visible, is tried again after the interval of reminders,
    /// and a system alert tells.
    pub(super) async fn set_aside(&self, claimed: &Claimed, reason: &str, clock: &dyn Clock) -> Result<(), StoreError> {
        let now = clock.now();
        let about = describe(claimed);
        tracing::error!(reason, "the topic refuses the notification of {about}, which is set aside: {reason}");
        let (line, subject) = match claimed {
            Claimed::Incident(claimed) => {
                self.set_incident_aside(claimed, reason, clock).await?;
                let key = &claimed.id.key;
                let is_escalation = claimed.kind == NotificationKind::Escalation;
                let name = shortened(&visible_text(key.event_type.as_str()), MAX_SUBJECT_CHARS);
                (if is_escalation { "second_line" } else { "notifications" }, format!("{}: {name}", key.engine))
            }
            Claimed::Approval(claimed) => {
                self.set_approval_aside(&claimed.record, reason, now).await?;
                ("notifications", claimed.record.alert_subject())
            }
        };
        let kind = SystemAlertKind::UndeliverableNotification;
        self.stores.alerts.record(&SystemAlert::new(kind, line, subject, reason, 1, now)).await
    }

    async fn set_incident_aside(
        &self,
        claimed: &ClaimedIncident,
        reason: &str,
        clock: &dyn Clock,
    ) -> Result<(), StoreError> {
        let Some(ours) = claimed.incident() else { return Ok(()) };
        let active = self.policies.current();
        let changed = self.actions.incidents().change(&claimed.id.key, &active.hash, clock, |current| {
            let mut state = current.state.clone();
            let at = clock.now();
            let Some(incident) = state.incident.as_mut().filter(|incident| is_same(incident, ours)) else {
                return Ok(None);
            };
            active.policy.incidents.record_refusal(incident, current.counters, (claimed.kind, reason), at);
            Ok::<_, StoreError>(Some(IncidentUpdate { state, notification: None, at }))
        });
        changed.await.map(drop)
    }
}

/// Whether `incident` is the one that was claimed, and nobody has notified people of it since.
fn is_same(incident: &Incident, claimed: &Incident) -> bool {
    (incident.opened_at, incident.notifications) == (claimed.opened_at, claimed.notifications)
}

fn describe(claimed: &Claimed) -> String {
    match claimed {
        Claimed::Incident(claimed) => format!("incident {}", claimed.id),
        Claimed::Approval(claimed) => claimed.record.describe(),
    }
}
