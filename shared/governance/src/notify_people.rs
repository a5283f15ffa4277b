//! Notifying people of incidents and approvals: as many per e-mail as fit, and no more e-mails than the policy permits.

mod approval_record;
mod approvals;
mod at_once;
mod claimed;
mod claims;
mod send_email;
mod unnotified;

use std::collections::VecDeque;

use age_model::{ActionItem, Clock, RateLimit, StoreError, Timestamp};
use age_notify::{Message, Topic};
use age_store::{Decisions, EmailBudget, EmailRateLimiter, Events, NotifiedLine, SystemAlerts, SystemHealthStore};
pub(crate) use claimed::ClaimedAtOnce;
use claimed::{Attempt, Claimed};
use futures_util::stream::{self, StreamExt};
use unnotified::Unnotified;

use crate::action_lifecycle::ActionLifecycle;
use crate::due_notification::{DueNotification, in_fair_order};
use crate::policy_cache::PolicyCache;

/// The most incidents and approvals of one e-mail, so that people can read it.
const ENTRIES_PER_EMAIL: usize = 100;

/// How many rows are claimed, read or recorded at the same time.
const CONCURRENT_CALLS: usize = 16;

/// Notifies people. Build one per execution environment.
#[derive(Debug, Clone)]
pub struct Notifier {
    topic: Topic,
    stores: NotifierStores,
    actions: ActionLifecycle,
    policies: PolicyCache,
    public_url: Option<String>,
    /// None: the notifier has no part in approvals of operations.
    decisions: Option<Decisions>,
}

/// What a [`Notifier`] reads and writes besides actions and incidents.
#[derive(Debug, Clone)]
pub struct NotifierStores {
    /// Limits the rate of e-mails.
    pub rate_limiter: EmailRateLimiter,
    /// What AGE knows of itself.
    pub health: SystemHealthStore,
    /// Where a notification that cannot be sent is shown.
    pub alerts: SystemAlerts,
    /// The events that incidents began with.
    pub events: Events,
}

/// What people were notified of while a caller waited.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotifiedAtOnce {
    /// When people were notified of the incident, if they were.
    pub incident_notified_at: Option<Timestamp>,
    /// The actions that are pending approval, of which people were notified, as they are then.
    pub approvals: Vec<ActionItem>,
}

/// The result of sending notifications.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SendSummary {
    /// Number of e-mails sent.
    pub emails: u64,
    /// Number of incidents and approvals in them.
    pub notified: u64,
    /// Number of incidents and approvals that wait for a later e-mail, because of the rate limit or the end of the run.
    pub held: u64,
    /// Number of incidents and approvals that wait because something failed.
    pub failed: u64,
    /// Number of incidents and approvals that were set aside, because the topic refuses a message about them.
    pub undeliverable: u64,
    /// Since when the oldest has been waiting that nobody has been notified of.
    pub oldest_unnotified: Option<Timestamp>,
}

impl Notifier {
    /// Publishes to `topic`, to which the first line subscribes. `public_url` is the address of the API for links, if it is
    /// configured.
    #[must_use]
    pub fn new(
        topic: Topic,
        stores: NotifierStores,
        actions: &ActionLifecycle,
        policies: &PolicyCache,
        public_url: Option<String>,
    ) -> Self {
        Self { topic, stores, actions: actions.clone(), policies: policies.clone(), public_url, decisions: None }
    }

    /// Makes the notifier notify people of the approvals of operations as well, which `decisions` leaves to responders.
    #[must_use]
    pub fn with_decisions(self, decisions: Decisions) -> Self {
        Self { decisions: Some(decisions), ..self }
    }

    /// The topic to which the first line subscribes.
    #[must_use]
    pub const fn topic(&self) -> &Topic {
        &self.topic
    }

    /// The record of what AGE knows of itself.
    #[must_use]
    pub const fn health(&self) -> &SystemHealthStore {
        &self.stores.health
    }

    /// Sends all of `due`, in a fair order, to the subscribers of `topic`, who are the `line`. No e-mail is begun after `end`.
    ///
    /// If the topic refuses an e-mail, its halves are sent, and so on, until the one that is refused is alone and is set aside.
    pub async fn notify_all(
        &self,
        line: NotifiedLine,
        topic: &Topic,
        due: Vec<DueNotification>,
        end: Timestamp,
        clock: &dyn Clock,
    ) -> SendSummary {
        let mut unnotified = Unnotified::of(&due);
        let mut queue: VecDeque<DueNotification> = in_fair_order(due).into();
        let mut parts: Vec<Vec<Claimed>> = Vec::new();
        let mut summary = SendSummary::default();
        loop {
            let waiting = (queue.len() + parts.iter().map(Vec::len).sum::<usize>()) as u64;
            if waiting == 0 {
                break;
            }
            let permit = if clock.now() <= end { self.acquire_permit(line, 0, clock).await } else { Ok(false) };
            match permit {
                Ok(true) => {}
                Ok(false) => {
                    tracing::info!(waiting, "{waiting} notifications wait for a later e-mail");
                    summary.held += waiting;
                    break;
                }
                Err(error) => {
                    tracing::error!(%error, waiting, "cannot send {waiting} notifications: {error}");
                    summary.failed += waiting;
                    break;
                }
            }
            let part = match parts.pop() {
                Some(part) => part,
                None => self.claim_next(&mut queue, &mut unnotified, &mut summary, clock).await,
            };
            let rest = match self.attempt(topic, part, None, None, clock).await {
                Attempt::Sent { sent, rest, .. } => {
                    summary.emails += 1;
                    summary.notified += sent.len() as u64;
                    unnotified.remove(&sent);
                    rest
                }
                Attempt::Refused { mut part, reason, rest } => {
                    self.release_permit(line, clock).await;
                    let half = part.split_off(part.len() / 2);
                    if part.is_empty() {
                        unnotified.remove(&half);
                        self.set_aside_all(&half, &reason, &mut summary, clock).await;
                        rest
                    } else {
                        parts.extend([rest, half]);
                        part
                    }
                }
                Attempt::NotSent { waiting } => {
                    self.release_permit(line, clock).await;
                    summary.failed += waiting;
                    Vec::new()
                }
            };
            parts.push(rest);
            parts.retain(|part| !part.is_empty());
        }
        summary.oldest_unnotified = unnotified.oldest();
        summary
    }

    /// Publishes `message` to the first line, within the rate limit, leaving `reserved` permits to others. Returns whether it was
    /// sent.
    ///
    /// # Errors
    /// [`StoreError`] if the rate limiter cannot be read or written.
    pub async fn send_notice(&self, message: &Message, reserved: u32, clock: &dyn Clock) -> Result<bool, StoreError> {
        if !self.acquire_permit(NotifiedLine::First, reserved, clock).await? {
            return Ok(false);
        }
        let published = self.topic.publish(message).await;
        if let Err(error) = &published {
            tracing::warn!(%error, "cannot send a notice about AGE itself: {error}");
            self.release_permit(NotifiedLine::First, clock).await;
        }
        Ok(published.is_ok())
    }

    fn rate_limit(&self) -> RateLimit {
        let active = self.policies.current();
        let rules = &active.policy.incidents;
        RateLimit::new(rules.email_interval_seconds.saturating_mul(1000), rules.email_burst)
    }

    /// Takes a permit to send one e-mail to `line`, leaving `reserved` to others.
    async fn acquire_permit(&self, line: NotifiedLine, reserved: u32, clock: &dyn Clock) -> Result<bool, StoreError> {
        self.stores.rate_limiter.acquire(EmailBudget::Line(line), self.rate_limit(), reserved, clock).await
    }

    /// Gives back a permit with which no e-mail was sent.
    async fn release_permit(&self, line: NotifiedLine, clock: &dyn Clock) {
        self.release(EmailBudget::Line(line), self.rate_limit(), clock).await;
    }

    async fn release(&self, budget: EmailBudget, limit: RateLimit, clock: &dyn Clock) {
        if let Err(error) = self.stores.rate_limiter.release(budget, limit, clock).await {
            tracing::warn!(%error, "cannot give back the permit of an e-mail that was not sent: {error}");
        }
    }

    /// Claims the next of `queue`, as many as one e-mail may be about.
    async fn claim_next(
        &self,
        queue: &mut VecDeque<DueNotification>,
        unnotified: &mut Unnotified,
        summary: &mut SendSummary,
        clock: &dyn Clock,
    ) -> Vec<Claimed> {
        let next: Vec<DueNotification> = queue.drain(..queue.len().min(ENTRIES_PER_EMAIL)).collect();
        let claims: Vec<_> = next.iter().map(|due| self.claim(due, clock)).collect();
        let claims = stream::iter(claims).buffered(CONCURRENT_CALLS).collect::<Vec<_>>().await;
        let mut claimed = Vec::new();
        for (due, claim) in next.iter().zip(claims) {
            match claim {
                Ok(Some(claim)) => claimed.push(claim),
                // It is no longer due, or another sender notifies people of it.
                Ok(None) => unnotified.remove_due(due),
                Err(_) => summary.failed += 1,
            }
        }
        claimed
    }

    async fn set_aside_all(&self, refused: &[Claimed], reason: &str, summary: &mut SendSummary, clock: &dyn Clock) {
        for one in refused {
            summary.undeliverable += 1;
            if let Err(error) = self.set_aside(one, reason, clock).await {
                tracing::error!(%error, "cannot set aside a notification that its topic refuses: {error}");
                summary.failed += 1;
            }
        }
    }
}
