//! Notifying people while the caller waits: of a new incident, and of actions that are pending approval.

use age_model::{
    ActionItem, ActionStatus, ApprovalNotificationKind, Clock, Engine, Event, IncidentKey, IncidentState,
    NotificationKind, RateLimit, StoreError, Timestamp,
};
use age_policy::{IncidentRules, NextStep};
use age_store::{
    EmailBudget, IncidentStateRecord, NotifiedLine, TransactionResult, UsedPermits, Write, wait_before_retry,
};
use futures_util::future::{join, try_join, try_join3};

use super::approval_record::{ApprovalRecord, ClaimedApproval};
use super::claimed::{Attempt, Claimed, ClaimedAtOnce, ClaimedIncident, Permit};
use super::{NotifiedAtOnce, Notifier};
use crate::incident_lifecycle::{MAX_ATTEMPTS, NextState};

/// The e-mails of an engine that are sent at once however many others are: one a minute.
const ENGINE_RATE: RateLimit = RateLimit::single(60_000);

/// How many of them are sent beyond the budget of the line: three at once, and one a second. With the burst of the line they stay below
/// the 10 a second with which SNS suspends a subscription.
fn all_engines_rate() -> RateLimit {
    RateLimit::new(1000, 3)
}

/// The permits that are used of the budgets from which an e-mail takes its own.
#[derive(Clone, Copy)]
struct UsedBudgets {
    engine: UsedPermits,
    line: UsedPermits,
    all_engines: UsedPermits,
}

impl Notifier {
    /// Sends the initial notification of the incident of `key`, if none was sent. If sending fails or the rate limit is reached, the sweep
    /// sends it.
    pub async fn notify_at_once(&self, key: &IncidentKey, origin: Option<&str>, clock: &dyn Clock) {
        let claimed = self.claim_at_once(key.engine, Some((key.clone(), None)), &[], clock).await;
        if let Some(claimed) = claimed {
            self.send_at_once(claimed, None, origin, clock).await;
        }
    }

    /// Claims the initial notification of `incident`, if none was sent, and those of the approvals that are pending among `actions`, with the
    /// permits for one e-mail about `engine`. The caller has just stored the actions, whose lease it holds. The record of the incident
    /// key is read if it is None.
    ///
    /// Returns None if nothing is to be sent or the rate limit is reached: incident and approvals stay due for the sweep.
    pub(crate) async fn claim_at_once(
        &self,
        engine: Engine,
        incident: Option<(IncidentKey, Option<IncidentStateRecord>)>,
        actions: &[ActionItem],
        clock: &dyn Clock,
    ) -> Option<ClaimedAtOnce> {
        let is_pending = |item: &&ActionItem| item.status == ActionStatus::PendingApproval;
        let kind = ApprovalNotificationKind::Request;
        let claim =
            |item: &ActionItem| ClaimedApproval { record: ApprovalRecord::Action(Box::new(item.clone())), kind };
        let approvals = actions.iter().filter(is_pending).map(claim).map(Claimed::Approval).collect();
        let claim = self.claim_with_permits(engine, incident, approvals, clock);
        let (health, claimed) = Box::pin(join(self.stores.health.get(), claim)).await;
        let claimed = claimed.inspect_err(|error| {
            tracing::warn!(%error, %engine, "initial notification of engine {engine} is left to the sweep: {error}");
        });
        let claimed = claimed.ok().flatten()?;
        let health = health.inspect_err(|error| {
            tracing::warn!(%error, %engine, "cannot read whether the notifications topic has subscribers: {error}");
        });
        if health.ok().flatten().is_some_and(|health| health.notifications_reachable() == Some(false)) {
            // SNS would accept an e-mail that nobody receives. The notification is due again when the lease ends.
            self.release_permit_at_once(claimed.permit, clock).await;
            return None;
        }
        Some(claimed)
    }

    /// Sends one e-mail about what was `claimed`. `about` is the event that the caller has just stored, with its actions; `origin` is the
    /// address of the API for links, if the notifier has none. If sending fails, the sweep sends it.
    pub(crate) async fn send_at_once(
        &self,
        ClaimedAtOnce { claimed, permit }: ClaimedAtOnce,
        about: Option<(&Event, &[ActionItem])>,
        origin: Option<&str>,
        clock: &dyn Clock,
    ) -> NotifiedAtOnce {
        match self.attempt(&self.topic, claimed, about, origin, clock).await {
            Attempt::Sent { at, sent, recorded, .. } => {
                let has_incident = sent.iter().any(|claimed| claimed.as_incident().is_some());
                NotifiedAtOnce { incident_notified_at: has_incident.then_some(at), approvals: recorded }
            }
            Attempt::Refused { .. } | Attempt::NotSent { .. } => {
                self.release_permit_at_once(permit, clock).await;
                NotifiedAtOnce::default()
            }
        }
    }

    /// Leases the incident and takes the permits, in one transaction. Its first attempt assumes that no e-mail was sent lately, and reads
    /// nothing.
    async fn claim_with_permits(
        &self,
        engine: Engine,
        incident: Option<(IncidentKey, Option<IncidentStateRecord>)>,
        approvals: Vec<Claimed>,
        clock: &dyn Clock,
    ) -> Result<Option<ClaimedAtOnce>, StoreError> {
        let incidents = self.actions.incidents();
        let (key, mut known) = incident.map_or((None, None), |(key, known)| (Some(key), known));
        for attempt in 1..=MAX_ATTEMPTS {
            if attempt > 1 {
                wait_before_retry(attempt, clock).await;
            }
            let read = async {
                Ok::<_, StoreError>(match (&key, known.take()) {
                    // The events in shards are left to the digest.
                    (Some(key), None) => Some(incidents.states().get_without_shards(key).await?),
                    (_, known) => known,
                })
            };
            let (record, used) = if attempt == 1 {
                (read.await?, UsedBudgets::none_at(clock.now()))
            } else {
                Box::pin(try_join(read, self.used_budgets(engine))).await?
            };
            let (now, active) = (clock.now(), self.policies.current());
            let lease = record.as_ref().and_then(|record| self.leased(record, now).map(|state| (record, state)));
            if lease.is_none() && approvals.is_empty() {
                return Ok(None);
            }
            let Some((permit, mut writes)) = self.take_permit(engine, used, now)? else { return Ok(None) };
            let mut claimed = Vec::new();
            if let (Some(key), Some((record, state))) = (&key, &lease) {
                let next = NextState { state: Some(state), ..NextState::default() };
                writes.extend(incidents.writes(key, record, &next, &active.hash, now)?);
                let leased = incidents.record_after(record, &next, &active.hash, now)?;
                claimed.extend(
                    ClaimedIncident::new(key, NotificationKind::Initial, leased).map(Box::new).map(Claimed::Incident),
                );
            }
            if let TransactionResult::Committed = incidents.states().commit(writes).await? {
                // The incident first, as the e-mail says.
                claimed.extend(approvals);
                return Ok(Some(ClaimedAtOnce { claimed, permit }));
            }
        }
        Ok(None)
    }

    /// Returns the state of `record` with the lease of the initial notification of its incident, if that is due.
    fn leased(&self, record: &IncidentStateRecord, now: Timestamp) -> Option<IncidentState> {
        let active = self.policies.current();
        let rules = &active.policy.incidents;
        let mut state = record.state.clone();
        let incident = state.incident.as_mut()?;
        if rules.next_step(incident, record.counters, now) != NextStep::Notify(NotificationKind::Initial) {
            return None;
        }
        rules.lease(incident, now);
        state.version = record.state.version.saturating_add(1);
        Some(state)
    }

    /// Returns the writes that take the permits for an e-mail about `engine`; None if they are not available. One e-mail of each engine in a
    /// minute needs none of the line, so that no other engine delays it; it takes one all the same if there is one, which is then less for
    /// the others.
    fn take_permit(
        &self,
        engine: Engine,
        used: UsedBudgets,
        now: Timestamp,
    ) -> Result<Option<(Permit, Vec<Write>)>, StoreError> {
        let (limiter, line) = (&self.stores.rate_limiter, EmailBudget::Line(NotifiedLine::First));
        let of_line = |reserved| limiter.permit(line, (self.rate_limit(), reserved), used.line, now);
        let of_engine = limiter.permit(EmailBudget::Engine(engine), (ENGINE_RATE, 0), used.engine, now)?;
        let Some(of_engine) = of_engine else {
            let write = of_line(IncidentRules::EMAILS_RESERVED_FOR_SWEEP)?;
            return Ok(write.map(|write| (Permit { of_line: true, of_engine: None }, vec![write])));
        };
        let (is_of_line, write) = match of_line(0)? {
            Some(write) => (true, Some(write)),
            None => (false, limiter.permit(EmailBudget::AllEngines, (all_engines_rate(), 0), used.all_engines, now)?),
        };
        let permit = Permit { of_line: is_of_line, of_engine: Some(engine) };
        Ok(write.map(|write| (permit, vec![of_engine, write])))
    }

    async fn used_budgets(&self, engine: Engine) -> Result<UsedBudgets, StoreError> {
        let limiter = &self.stores.rate_limiter;
        let line = EmailBudget::Line(NotifiedLine::First);
        let (engine, line, all_engines) = Box::pin(try_join3(
            limiter.used(EmailBudget::Engine(engine)),
            limiter.used(line),
            limiter.used(EmailBudget::AllEngines),
        ))
        .await?;
        Ok(UsedBudgets { engine, line, all_engines })
    }

    async fn release_permit_at_once(&self, permit: Permit, clock: &dyn Clock) {
        if permit.of_line {
            self.release_permit(NotifiedLine::First, clock).await;
        }
        if let Some(engine) = permit.of_engine {
            self.release(EmailBudget::Engine(engine), ENGINE_RATE, clock).await;
        }
    }
}

impl UsedBudgets {
    const fn none_at(now: Timestamp) -> Self {
        let none = UsedPermits::NoneAt(now);
        Self { engine: none, line: none, all_engines: none }
    }
}
