//! Notifying people of incidents: as many incidents per e-mail as are due, and no more e-mails than the policy permits.

use age_model::{
    ActionItem, Clock, Event, Incident, IncidentId, IncidentKey, NotificationKind, NotifiedCounts, RateLimit,
    StoreError, Timestamp,
};
use age_notify::{NotifiedIncident, Topic, incident_message};
use age_policy::{IncidentRules, NextStep, Policy};
use age_store::{Consistency, EmailRateLimiter, Events, IncidentStateRecord, SystemHealthStore};
use futures_util::stream::{self, StreamExt};

use crate::action_lifecycle::ActionLifecycle;
use crate::incident_lifecycle::{IncidentLifecycle, IncidentUpdate};

/// The most incidents of one e-mail. With the longest names they stay below the 256 KB of an SNS message.
const INCIDENTS_PER_EMAIL: usize = 100;

/// An e-mail is sent only if this much of the lease is left, in seconds: the store and SNS may take as long.
const MIN_LEASE_SECONDS: i64 = 10;

/// Attempts to record that a notification was sent.
const RECORD_ATTEMPTS: u32 = 3;

/// How many incidents are claimed, or recorded, at the same time.
const CONCURRENT_WRITES: usize = 16;

/// Notifies people. Build one per execution environment.
#[derive(Debug, Clone)]
pub struct Notifier {
    topic: Topic,
    rate_limiter: EmailRateLimiter,
    health: SystemHealthStore,
    events: Events,
    actions: ActionLifecycle,
    policy: Policy,
    public_url: Option<String>,
}

/// An incident about which people are to be notified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueNotification {
    /// The incident's key.
    pub incident_key: IncidentKey,
    /// When the incident was opened.
    pub opened_at: Timestamp,
    /// The kind of notification that is due.
    pub kind: NotificationKind,
}

/// The result of sending notifications.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SendSummary {
    /// Number of e-mails sent.
    pub emails: u64,
    /// Number of incidents in them.
    pub notified: u64,
    /// Number of incidents that wait for a later e-mail, because of the rate limit or the end of the run.
    pub held: u64,
    /// Number of incidents that wait because something failed.
    pub failed: u64,
    /// When the last e-mail was sent.
    pub sent_at: Option<Timestamp>,
}

/// An incident that this caller may notify people of, as it was when it was claimed.
struct ClaimedIncident {
    id: IncidentId,
    kind: NotificationKind,
    record: IncidentStateRecord,
}

impl Notifier {
    /// Publishes to `topic`, to which the first line subscribes. `events` has what incidents began with; `public_url` is the
    /// address of the API for links, if it is configured.
    #[must_use]
    pub fn new(
        topic: Topic,
        rate_limiter: EmailRateLimiter,
        health: SystemHealthStore,
        events: Events,
        actions: &ActionLifecycle,
        policy: &Policy,
        public_url: Option<String>,
    ) -> Self {
        Self { topic, rate_limiter, health, events, actions: actions.clone(), policy: policy.clone(), public_url }
    }

    /// The topic to which the first line subscribes.
    #[must_use]
    pub const fn topic(&self) -> &Topic {
        &self.topic
    }

    /// The record of what AGE knows of itself.
    #[must_use]
    pub const fn health(&self) -> &SystemHealthStore {
        &self.health
    }

    /// Sends the initial notification of the incident of `key`, if none was sent. Returns when it was sent.
    ///
    /// If sending fails or the rate limit is reached, the sweep sends it: the incident stays due.
    pub async fn notify_initial(
        &self,
        key: &IncidentKey,
        about: Option<(&Event, &[ActionItem])>,
        origin: Option<&str>,
        clock: &dyn Clock,
    ) -> Option<Timestamp> {
        let failed = |error: &StoreError| {
            tracing::warn!(%error, "initial notification is left to the sweep: {error}");
        };
        let record = self.incidents().states().get(key).await.inspect_err(failed).ok()?;
        let incident = record.state.incident.as_ref()?;
        let next = self.policy.incidents.next_step(incident, record.counters, clock.now());
        if next != NextStep::Notify(NotificationKind::Initial) {
            return None;
        }
        let health = self.health.get().await.inspect_err(failed).ok()?;
        if health.is_some_and(|health| health.notifications_reachable == Some(false)) {
            return None; // SNS would accept an e-mail that nobody receives; the incident stays due until somebody subscribes.
        }
        let kind = NotificationKind::Initial;
        let due = DueNotification { incident_key: key.clone(), opened_at: incident.opened_at, kind };
        let about = about.filter(|(event, _)| incident.event_id == Some(event.id));
        if !self.may_send(IncidentRules::EMAILS_RESERVED_FOR_SWEEP, clock).await.inspect_err(failed).ok()? {
            return None;
        }
        self.send(&self.topic, &[due], about, origin, clock).await.sent_at
    }

    /// Sends all of `due`, in its order, to the subscribers of `topic`. No e-mail is begun after `end`.
    pub async fn notify_all(
        &self,
        topic: &Topic,
        due: &[DueNotification],
        end: Timestamp,
        clock: &dyn Clock,
    ) -> SendSummary {
        let mut summary = SendSummary::default();
        let mut left = due;
        while !left.is_empty() {
            let waiting = left.len() as u64;
            let may_send = if clock.now() <= end { self.may_send(0, clock).await } else { Ok(false) };
            match may_send {
                Ok(true) => {}
                Ok(false) => {
                    tracing::info!(incidents = waiting, "notifications of {waiting} incidents wait for a later e-mail");
                    summary.held += waiting;
                    break;
                }
                Err(error) => {
                    tracing::error!(%error, incidents = waiting, "cannot notify people of {waiting} incidents: {error}");
                    summary.failed += waiting;
                    break;
                }
            }
            let (part, rest) = left.split_at_checked(INCIDENTS_PER_EMAIL).unwrap_or((left, &[]));
            left = rest;
            let sent = self.send(topic, part, None, None, clock).await;
            summary.emails += sent.emails;
            summary.notified += sent.notified;
            summary.failed += sent.failed;
            summary.sent_at = sent.sent_at.or(summary.sent_at);
        }
        summary
    }

    const fn incidents(&self) -> &IncidentLifecycle {
        self.actions.incidents()
    }

    /// Takes a permit to send one e-mail, leaving `reserved` to others.
    async fn may_send(&self, reserved: u32, clock: &dyn Clock) -> Result<bool, StoreError> {
        let rules = &self.policy.incidents;
        let limit = RateLimit::new(rules.email_interval_seconds.saturating_mul(1000), rules.email_burst);
        self.rate_limiter.acquire(limit, reserved, clock).await
    }

    /// Sends one e-mail about the incidents of `due` that can be claimed, and records it. The caller has a permit.
    async fn send(
        &self,
        topic: &Topic,
        due: &[DueNotification],
        about: Option<(&Event, &[ActionItem])>,
        origin: Option<&str>,
        clock: &dyn Clock,
    ) -> SendSummary {
        let claims: Vec<_> = due.iter().map(|due| self.claim(due, clock)).collect();
        let claims = stream::iter(claims).buffer_unordered(CONCURRENT_WRITES).collect::<Vec<_>>().await;
        let failed = claims.iter().filter(|claim| claim.is_err()).count() as u64;
        let mut claimed: Vec<ClaimedIncident> = claims.into_iter().filter_map(Result::ok).flatten().collect();
        claimed.sort_by_key(|claimed| (claimed.id.opened_at, claimed.id.key.clone()));
        let found = if about.is_none() { self.cause_of(&claimed).await } else { None };
        let about = about.or(found.as_ref().map(|(event, actions)| (event, actions.as_slice())));
        let until = clock.now().plus_seconds(MIN_LEASE_SECONDS);
        claimed.retain(|claimed| {
            let lease = claimed.incident().and_then(|incident| incident.lease_expires_at);
            lease.is_some_and(|lease| lease >= until)
        });
        let incidents: Vec<NotifiedIncident<'_>> = claimed.iter().filter_map(ClaimedIncident::for_message).collect();
        let notified = incidents.len() as u64;
        if incidents.is_empty() {
            return SendSummary { failed, ..SendSummary::default() };
        }
        let message = incident_message(&self.policy, &incidents, about, self.public_url.as_deref().or(origin));
        if let Err(error) = topic.publish(&message).await {
            // They are due again when the lease ends.
            tracing::warn!(%error, incidents = notified, "cannot notify people of {notified} incidents: {error}");
            return SendSummary { failed: failed + notified, ..SendSummary::default() };
        }
        let at = clock.now();
        let records: Vec<_> = claimed.iter().map(|claimed| self.record(claimed, notified, at, clock)).collect();
        stream::iter(records).buffer_unordered(CONCURRENT_WRITES).collect::<Vec<()>>().await;
        SendSummary { emails: 1, notified, held: 0, failed, sent_at: Some(at) }
    }

    /// Leases the incident of `due`. Returns None if the notification is no longer due, or another sender has the lease.
    async fn claim(&self, due: &DueNotification, clock: &dyn Clock) -> Result<Option<ClaimedIncident>, StoreError> {
        let rules = &self.policy.incidents;
        let mut kind = due.kind;
        let is_escalation = |kind: NotificationKind| kind == NotificationKind::Escalation;
        let claim = self.incidents().change(&due.incident_key, clock, |record| {
            let now = clock.now();
            let mut state = record.state.clone();
            let Some(incident) = state.incident.as_mut() else { return Ok(None) };
            match rules.next_step(incident, record.counters, now) {
                NextStep::Notify(next) if is_escalation(next) == is_escalation(due.kind) => kind = next,
                _ => return Ok(None),
            }
            rules.lease(incident, now);
            Ok::<_, StoreError>(Some(IncidentUpdate { state, notification: None, at: now }))
        });
        let failed = |error: &StoreError| {
            let key = &due.incident_key;
            tracing::warn!(%error, %key.engine, event.type = key.event_type.as_str(), "cannot claim an incident of engine {}: {error}", key.engine);
        };
        let claimed = claim.await.inspect_err(failed)?.and_then(|record| {
            let opened_at = record.state.incident.as_ref()?.opened_at;
            let id = IncidentId { key: due.incident_key.clone(), opened_at };
            Some(ClaimedIncident { id, kind, record })
        });
        Ok(claimed)
    }

    /// Returns the event that the only incident of an e-mail began with, and its actions.
    async fn cause_of(&self, claimed: &[ClaimedIncident]) -> Option<(Event, Vec<ActionItem>)> {
        let [only] = claimed else { return None };
        let id = only.incident()?.event_id?;
        // A notification without its event is better than none.
        let unread = |error: &StoreError| {
            tracing::error!(%error, incident.id = %only.id, "the notification of incident {} lacks its event: {error}", only.id);
        };
        let event = self.events.get(id, Consistency::Strong).await.inspect_err(unread).ok()??;
        let actions = self.actions.actions().of_event(id).await.inspect_err(unread).ok()?;
        Some((event, actions.items))
    }

    /// Records that the notification was sent. One that cannot be recorded is sent again when the lease ends, under the same
    /// number.
    async fn record(&self, claimed: &ClaimedIncident, incidents: u64, at: Timestamp, clock: &dyn Clock) {
        let ClaimedIncident { id, kind, record } = claimed;
        let Some(ours) = claimed.incident() else { return };
        let notified = NotifiedCounts { events: record.counters.events, failed_remediations: ours.failed_remediations };
        for attempt in 1..=RECORD_ATTEMPTS {
            let recorded = self.incidents().change(&id.key, clock, |current| {
                let mut state = current.state.clone();
                let is_ours = |incident: &&mut Incident| {
                    (incident.opened_at, incident.notifications) == (ours.opened_at, ours.notifications)
                };
                let Some(incident) = state.incident.as_mut().filter(is_ours) else { return Ok(None) };
                let counts = (record.counters, notified, incidents);
                let notification = self.policy.incidents.record_notification(incident, *kind, counts, at);
                Ok::<_, StoreError>(Some(IncidentUpdate { state, notification: Some(notification), at }))
            });
            match recorded.await {
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(%error, attempt, incident.id = %id, "cannot record the notification of incident {id}: {error}");
                }
            }
        }
    }
}

impl ClaimedIncident {
    const fn incident(&self) -> Option<&Incident> {
        self.record.state.incident.as_ref()
    }

    fn for_message(&self) -> Option<NotifiedIncident<'_>> {
        Some(NotifiedIncident {
            id: &self.id,
            incident: self.incident()?,
            counters: self.record.counters,
            kind: self.kind,
        })
    }
}
