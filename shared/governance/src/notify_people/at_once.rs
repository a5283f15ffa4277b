//! Notifying people while the caller waits: of a new incident, and of an action that is pending approval.

use age_model::{
    ActionItem, ActionStatus, ApprovalNotificationKind, Clock, Engine, Event, IncidentKey, NotificationKind, RateLimit,
    StoreError,
};
use age_policy::{IncidentRules, NextStep};
use age_store::{EmailBudget, NotifiedLine};

use super::approval_record::{ApprovalRecord, ClaimedApproval};
use super::claimed::{Attempt, Claimed};
use super::{NotifiedAtOnce, Notifier};
use crate::due_notification::DueNotification;

/// The e-mails of an engine that are sent at once however many others are: one a minute.
const ENGINE_RATE: RateLimit = RateLimit::single(60_000);

/// How many of them are sent beyond the budget of the line: three at once, and one a second. With the burst of the line they stay below
/// the 10 a second with which SNS suspends a subscription.
fn all_engines_rate() -> RateLimit {
    RateLimit::new(1000, 3)
}

/// The permits that an e-mail has taken that is sent at once.
struct Permit {
    of_line: bool,
    of_engine: Option<Engine>,
}

impl Notifier {
    /// Sends the initial notification of the incident of `key`, if none was sent, and those of the approvals that are pending for
    /// the event that was just stored, in one e-mail. `about` is that event with its actions.
    ///
    /// If sending fails or the rate limit is reached, the sweep sends it: incident and approvals stay due.
    pub async fn notify_at_once(
        &self,
        key: Option<&IncidentKey>,
        about: Option<(&Event, &[ActionItem])>,
        origin: Option<&str>,
        clock: &dyn Clock,
    ) -> NotifiedAtOnce {
        let notified = self.try_notify_at_once(key, about, origin, clock).await;
        let notified = notified.inspect_err(|error| {
            tracing::warn!(%error, "initial notification is left to the sweep: {error}");
        });
        notified.unwrap_or_default()
    }

    async fn try_notify_at_once(
        &self,
        key: Option<&IncidentKey>,
        about: Option<(&Event, &[ActionItem])>,
        origin: Option<&str>,
        clock: &dyn Clock,
    ) -> Result<NotifiedAtOnce, StoreError> {
        // Who has stored the event holds the lease of its actions.
        let is_pending = |item: &&ActionItem| item.status == ActionStatus::PendingApproval;
        let pending = about.iter().flat_map(|(_, actions)| actions.iter()).filter(is_pending);
        let kind = ApprovalNotificationKind::Request;
        let claim =
            |item: &ActionItem| ClaimedApproval { record: ApprovalRecord::Action(Box::new(item.clone())), kind };
        let mut claimed: Vec<Claimed> = pending.map(claim).map(Claimed::Approval).collect();
        let due = match key {
            Some(key) => self.due_initial(key, clock).await?,
            None => None,
        };
        if due.is_none() && claimed.is_empty() {
            return Ok(NotifiedAtOnce::default());
        }
        let health = self.stores.health.get().await?;
        if health.is_some_and(|health| health.notifications_reachable() == Some(false)) {
            // SNS would accept an e-mail that nobody receives; it stays due until somebody subscribes.
            return Ok(NotifiedAtOnce::default());
        }
        let engine = key.map(|key| key.engine).or(about.map(|(event, _)| event.reported.engine));
        let Some(permit) = self.acquire_permit_at_once(engine, clock).await? else {
            return Ok(NotifiedAtOnce::default());
        };
        if let Some(due) = due {
            // The incident first, as the e-mail says. If it cannot be claimed, people are notified of the approvals alone.
            let incident = self.claim(&due, clock).await.ok().flatten();
            claimed.splice(..0, incident);
        }
        match self.attempt(&self.topic, claimed, about, origin, clock).await {
            Attempt::Sent { at, sent, recorded, .. } => {
                let has_incident = sent.iter().any(|claimed| claimed.as_incident().is_some());
                Ok(NotifiedAtOnce { incident_notified_at: has_incident.then_some(at), approvals: recorded })
            }
            Attempt::Refused { .. } | Attempt::NotSent { .. } => {
                self.release_permit_at_once(permit, clock).await;
                Ok(NotifiedAtOnce::default())
            }
        }
    }

    /// Takes a permit for an e-mail about `engine`. One e-mail of each engine in a minute needs none of the line, so that no other engine
    /// delays it; it takes one all the same if there is one, which is then less for the others.
    async fn acquire_permit_at_once(
        &self,
        engine: Option<Engine>,
        clock: &dyn Clock,
    ) -> Result<Option<Permit>, StoreError> {
        let line = NotifiedLine::First;
        if let Some(engine) = engine
            && self.stores.rate_limiter.acquire(EmailBudget::Engine(engine), ENGINE_RATE, 0, clock).await?
        {
            let permit = Permit { of_line: self.acquire_permit(line, 0, clock).await?, of_engine: Some(engine) };
            let (all, limiter) = (EmailBudget::AllEngines, &self.stores.rate_limiter);
            if permit.of_line || limiter.acquire(all, all_engines_rate(), 0, clock).await? {
                return Ok(Some(permit));
            }
            self.release_permit_at_once(permit, clock).await;
            return Ok(None);
        }
        let of_line = self.acquire_permit(line, IncidentRules::EMAILS_RESERVED_FOR_SWEEP, clock).await?;
        Ok(of_line.then_some(Permit { of_line, of_engine: None }))
    }

    async fn release_permit_at_once(&self, permit: Permit, clock: &dyn Clock) {
        if permit.of_line {
            self.release_permit(NotifiedLine::First, clock).await;
        }
        if let Some(engine) = permit.of_engine {
            self.release(EmailBudget::Engine(engine), ENGINE_RATE, clock).await;
        }
    }

    /// Returns the initial notification of the incident of `key`, if it is due.
    async fn due_initial(&self, key: &IncidentKey, clock: &dyn Clock) -> Result<Option<DueNotification>, StoreError> {
        let record = self.actions.incidents().states().get(key).await?;
        let Some(incident) = record.state.incident.as_ref() else { return Ok(None) };
        let next = self.policies.current().policy.incidents.next_step(incident, record.counters, clock.now());
        let kind = NotificationKind::Initial;
        let due = DueNotification::Incident { key: key.clone(), opened_at: incident.opened_at, kind };
        Ok((next == NextStep::Notify(kind)).then_some(due))
    }
}
