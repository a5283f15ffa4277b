//! Writing to people about incidents: as many in one e-mail as there are to write about, and no more e-mails than anybody can read.

use age_model::{
    ActionItem, Clock, Event, Incident, IncidentId, IncidentKey, NotificationKind, NotifiedCounts, Timestamp,
};
use age_notify::{Entry, Topic, escalation_message};
use age_scoring::{IncidentRules, NextStep, Policy};
use age_store::{Change, Consistency, EmailRateLimiter, Events, IncidentStateRecord, Life, StoreError};
use futures_util::stream::{self, StreamExt};

/// The most incidents one e-mail speaks of. With the longest names they stay below the 256 KB that SNS takes.
const INCIDENTS_A_MAIL: usize = 100;

/// An e-mail is sent only if so much of the lease is left, in seconds: the store and SNS may take as long.
const TIME_TO_SEND_SECONDS: i64 = 10;

/// How often it is tried to put on record that people were written to.
const RECORD_ATTEMPTS: u32 = 3;

/// How many incidents are claimed, or recorded, at the same time.
const WRITES_AT_ONCE: usize = 16;

/// What is needed to write to people. Make one per execution environment.
#[derive(Debug, Clone)]
pub struct Escalations {
    people: Topic,
    mailer: EmailRateLimiter,
    events: Events,
    life: Life,
    policy: Policy,
    api: Option<String>,
}

/// An incident that people are to be written to about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its kind of trouble.
    pub incident_key: IncidentKey,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Why they are to be written to.
    pub notification: NotificationKind,
}

/// What came of writing to people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mailed {
    /// How many e-mails were sent.
    pub mails: u64,
    /// How many incidents they speak of.
    pub notified: u64,
    /// How many incidents wait for a later e-mail, because there have been enough by now.
    pub held: u64,
    /// How many incidents wait because something failed.
    pub failed: u64,
    /// When the last of them was sent.
    pub sent_at: Option<Timestamp>,
}

/// An incident that is the caller's to write about, as it was when it was claimed.
struct Claimed {
    id: IncidentId,
    notification: NotificationKind,
    record: IncidentStateRecord,
}

impl Escalations {
    /// The first line listens to `people`. `events` are what incidents began with; `api` is the address of the API, for
    /// links, if it is known.
    #[must_use]
    pub fn new(people: Topic, events: Events, life: &Life, policy: &Policy, api: Option<String>) -> Self {
        Self { people, mailer: life.mailer(), events, life: life.clone(), policy: policy.clone(), api }
    }

    /// Writes to people about the incident of `kind` at once, if nobody has been told of it. Answers when that was done.
    ///
    /// What fails, or must wait for other e-mails, is the sweep's: the incident is due.
    pub async fn first(
        &self,
        incident_key: &IncidentKey,
        about: Option<(&Event, &[ActionItem])>,
        api: Option<&str>,
        clock: &dyn Clock,
    ) -> Option<Timestamp> {
        let failed = |error: &StoreError| tracing::warn!(%error, "the first notice is left for the sweep");
        let record = self.life.watches().get(incident_key).await.inspect_err(failed).ok()?;
        let incident = record.state.incident.as_ref()?;
        let need = self.policy.incidents.next_step(incident, record.counters, clock.now());
        if need != NextStep::Notify(NotificationKind::Initial) {
            return None;
        }
        let health = self.life.health().get().await.inspect_err(failed).ok()?;
        if health.is_some_and(|health| health.notifications_reachable == Some(false)) {
            return None; // SNS would take an e-mail to nobody: it waits until somebody has subscribed
        }
        let due = Due {
            incident_key: incident_key.clone(),
            opened_at: incident.opened_at,
            notification: NotificationKind::Initial,
        };
        let about = about.filter(|(event, _)| incident.event_id == Some(event.id));
        if !self.may_send(IncidentRules::EMAILS_RESERVED_FOR_SWEEP, clock).await.inspect_err(failed).ok()? {
            return None;
        }
        self.mail(&self.people, &[due], about, api, clock).await.sent_at
    }

    /// Writes to people about all of `due`, in its order: to those who listen to `topic`, or to the first line. No e-mail is
    /// begun after `end`.
    pub async fn write(&self, topic: Option<&Topic>, due: &[Due], end: Timestamp, clock: &dyn Clock) -> Mailed {
        let topic = topic.unwrap_or(&self.people);
        let mut all = Mailed::default();
        let mut left = due;
        while !left.is_empty() {
            let may_send = if clock.now() <= end { self.may_send(0, clock).await } else { Ok(false) };
            match may_send {
                Ok(true) => {}
                Ok(false) => {
                    tracing::info!(held = left.len(), "enough e-mails for now");
                    all.held += left.len() as u64;
                    break;
                }
                Err(error) => {
                    tracing::error!(%error, "people were not written to");
                    all.failed += left.len() as u64;
                    break;
                }
            }
            let (part, rest) = left.split_at_checked(INCIDENTS_A_MAIL).unwrap_or((left, &[]));
            left = rest;
            let mailed = self.mail(topic, part, None, None, clock).await;
            all.mails += mailed.mails;
            all.notified += mailed.notified;
            all.failed += mailed.failed;
            all.sent_at = mailed.sent_at.or(all.sent_at);
        }
        all
    }

    /// Takes the right to send one e-mail, if more than `reserved` are left.
    async fn may_send(&self, reserved: u32, clock: &dyn Clock) -> Result<bool, StoreError> {
        let rules = &self.policy.incidents;
        self.mailer.take(rules.email_interval_seconds, rules.email_burst, reserved, clock).await
    }

    /// One e-mail: the incidents it speaks of, the sending, the record. Whoever calls has the right to send it.
    async fn mail(
        &self,
        topic: &Topic,
        due: &[Due],
        about: Option<(&Event, &[ActionItem])>,
        api: Option<&str>,
        clock: &dyn Clock,
    ) -> Mailed {
        let claims: Vec<_> = due.iter().map(|due| self.claim(due, clock)).collect();
        let claims = stream::iter(claims).buffer_unordered(WRITES_AT_ONCE).collect::<Vec<_>>().await;
        let failed = claims.iter().filter(|claim| claim.is_err()).count() as u64;
        let mut claimed: Vec<Claimed> = claims.into_iter().filter_map(Result::ok).flatten().collect();
        claimed.sort_by_key(|claimed| (claimed.id.opened_at, claimed.id.key.clone()));
        let found = if about.is_none() { self.about(&claimed).await } else { None };
        let about = about.or(found.as_ref().map(|(event, actions)| (event, actions.as_slice())));
        let in_time = clock.now().plus_seconds(TIME_TO_SEND_SECONDS);
        claimed.retain(|claimed| {
            let until = claimed.incident().and_then(|incident| incident.lease_expires_at);
            until.is_some_and(|until| until >= in_time)
        });
        let entries: Vec<Entry<'_>> = claimed.iter().filter_map(Claimed::entry).collect();
        let notified = entries.len() as u64;
        if entries.is_empty() {
            return Mailed { failed, ..Mailed::default() };
        }
        let message = escalation_message(&self.policy, &entries, about, self.api.as_deref().or(api));
        if let Err(error) = topic.publish(&message).await {
            // Whoever looks next finds them due when the lease ends.
            tracing::warn!(%error, incidents = notified, "people were not written to");
            return Mailed { failed: failed + notified, ..Mailed::default() };
        }
        let at = clock.now();
        let records: Vec<_> = claimed.iter().map(|claimed| self.record(claimed, notified, at, clock)).collect();
        stream::iter(records).buffer_unordered(WRITES_AT_ONCE).collect::<Vec<()>>().await;
        Mailed { mails: 1, notified, held: 0, failed, sent_at: Some(at) }
    }

    /// None if it needs no such notice any more, or somebody else is writing about it.
    async fn claim(&self, due: &Due, clock: &dyn Clock) -> Result<Option<Claimed>, StoreError> {
        let rules = &self.policy.incidents;
        let mut notification = due.notification;
        let is_second = |kind: NotificationKind| kind == NotificationKind::Escalation;
        let claim = self.life.change(&due.incident_key, clock, |record| {
            let now = clock.now();
            let mut state = record.state.clone();
            let Some(incident) = state.incident.as_mut() else { return Ok(None) };
            match rules.next_step(incident, record.counters, now) {
                NextStep::Notify(kind) if is_second(kind) == is_second(due.notification) => notification = kind,
                _ => return Ok(None),
            }
            rules.lease(incident, now);
            Ok::<_, StoreError>(Some(Change { state, notification: None, at: now }))
        });
        let failed = |error: &StoreError| tracing::warn!(%error, "an incident was not claimed; it is due again");
        let claimed = claim.await.inspect_err(failed)?.and_then(|record| {
            let opened_at = record.state.incident.as_ref()?.opened_at;
            Some(Claimed { id: IncidentId { key: due.incident_key.clone(), opened_at }, notification, record })
        });
        Ok(claimed)
    }

    /// What is known besides of an incident that has the e-mail for itself.
    async fn about(&self, claimed: &[Claimed]) -> Option<(Event, Vec<ActionItem>)> {
        let [only] = claimed else { return None };
        let id = only.incident()?.event_id?;
        // People are to be told, be it without this.
        let unread = |error: &StoreError| tracing::error!(%error, "an e-mail goes without what it is about");
        let event = self.events.get(id, Consistency::Strong).await.inspect_err(unread).ok()??;
        let actions = self.life.actions().of_event(id).await.inspect_err(unread).ok()?;
        Some((event, actions))
    }

    /// Puts on record that people were written to. What cannot be recorded is sent again when its lease ends, under the
    /// same number.
    async fn record(&self, claimed: &Claimed, incidents: u64, at: Timestamp, clock: &dyn Clock) {
        let Claimed { id, notification, record } = claimed;
        let Some(ours) = claimed.incident() else { return };
        let notified = NotifiedCounts { events: record.counters.events, failed_remediations: ours.failed_remediations };
        for attempt in 1..=RECORD_ATTEMPTS {
            let recorded = self.life.change(&id.key, clock, |now| {
                let mut state = now.state.clone();
                let is_ours = |incident: &&mut Incident| {
                    (incident.opened_at, incident.notifications) == (ours.opened_at, ours.notifications)
                };
                let Some(incident) = state.incident.as_mut().filter(is_ours) else { return Ok(None) };
                let notification = self.policy.incidents.record_notification(
                    incident,
                    *notification,
                    (record.counters, notified, incidents),
                    at,
                );
                Ok::<_, StoreError>(Some(Change { state, notification: Some(notification), at }))
            });
            match recorded.await {
                Ok(_) => return,
                Err(error) => tracing::warn!(%error, attempt, incident = %id, "a notice is not on record"),
            }
        }
    }
}

impl Claimed {
    const fn incident(&self) -> Option<&Incident> {
        self.record.state.incident.as_ref()
    }

    fn entry(&self) -> Option<Entry<'_>> {
        Some(Entry {
            id: &self.id,
            incident: self.incident()?,
            counters: self.record.counters,
            kind: self.notification,
        })
    }
}
