//! Sending one e-mail.

use std::collections::BTreeMap;

use age_model::{Action, ActionItem, Clock, Event, EventId, FailedRemediation, StoreError, Timestamp};
use age_notify::{Notified, Topic, count_fitting, notification_message};
use age_policy::ActivePolicy;
use age_store::Consistency;
use futures_util::stream::{self, StreamExt};

use super::claimed::{Attempt, Claimed};
use super::{CONCURRENT_CALLS, Notifier};

/// An e-mail is sent only if this much of the lease is left, in seconds: the store and SNS may take as long.
const MIN_LEASE_SECONDS: i64 = 10;

/// What workers said about failed remediations.
type WorkerDetails = BTreeMap<(EventId, Action), String>;

impl Notifier {
    /// Sends one e-mail about as many of `claimed`, from the first on, as fit, and records it. The caller has a permit. `about` is
    /// the event that the caller has just stored, with its actions; `origin` is the address of the API for links, if the notifier
    /// has none.
    pub(super) async fn attempt(
        &self,
        topic: &Topic,
        mut claimed: Vec<Claimed>,
        about: Option<(&Event, &[ActionItem])>,
        origin: Option<&str>,
        clock: &dyn Clock,
    ) -> Attempt {
        let details = self.worker_details(&claimed).await;
        let about = about.filter(|(event, _)| is_cause(&claimed, event));
        let found = if about.is_none() { self.cause_of(&claimed).await } else { None };
        let about = about.or(found.as_ref().map(|(event, actions)| (event, actions.as_slice())));
        let now = clock.now();
        // Claiming the others may have taken most of the lease of the first.
        let until = now.plus_seconds(MIN_LEASE_SECONDS);
        claimed.retain(|claimed| claimed.lease_expires_at().is_some_and(|lease| lease >= until));
        if claimed.is_empty() {
            return Attempt::NotSent { waiting: 0 };
        }
        let api = self.public_url.as_deref().or(origin);
        let active = self.policies.current();
        let fitting = count_fitting(&active.policy, &for_message(&claimed, &details, &active, now), api);
        let rest = claimed.split_off(fitting.min(claimed.len()));
        claimed.sort_by_key(Claimed::since);
        let message = notification_message(&active.policy, &for_message(&claimed, &details, &active, now), about, api);
        if let Err(error) = topic.publish(&message).await {
            let number = claimed.len();
            // They are due again when the lease ends, unless the caller sends them otherwise.
            tracing::warn!(%error, notifications = number, "cannot send an e-mail with {number} notifications: {error}");
            return if error.is_message_rejected {
                Attempt::Refused { part: claimed, reason: error.cause, rest }
            } else {
                Attempt::NotSent { waiting: (number + rest.len()) as u64 }
            };
        }
        let at = clock.now();
        let incidents = claimed.iter().filter(|claimed| claimed.as_incident().is_some()).count() as u64;
        let records: Vec<_> = claimed.iter().map(|claimed| self.record(claimed, incidents, at, clock)).collect();
        let recorded = stream::iter(records).buffer_unordered(CONCURRENT_CALLS).collect::<Vec<_>>().await;
        Attempt::Sent { at, sent: claimed, recorded: recorded.into_iter().flatten().collect(), rest }
    }

    /// Returns the event that the only incident of an e-mail began with, and its actions.
    async fn cause_of(&self, claimed: &[Claimed]) -> Option<(Event, Vec<ActionItem>)> {
        let [Claimed::Incident(only)] = claimed else { return None };
        let id = only.incident()?.event_id?;
        // A notification without its event is better than none.
        let unread = |error: &StoreError| {
            tracing::error!(%error, incident.id = %only.id, "the notification of incident {} lacks its event: {error}", only.id);
        };
        let event = self.stores.events.get(id, Consistency::Strong).await.inspect_err(unread).ok()??;
        let actions = self.actions.actions().of_event(id).await.inspect_err(unread).ok()?;
        Some((event, actions.items))
    }

    /// Returns what workers said about the failed remediations that the e-mail names.
    async fn worker_details(&self, claimed: &[Claimed]) -> WorkerDetails {
        let read = async |failed: FailedRemediation| {
            let item = self.actions.actions().get(failed.event_id, failed.action).await;
            // A notification without the worker's words is better than none.
            let item = item.inspect_err(|error| {
                tracing::warn!(%error, event.id = %failed.event_id, action.id = %failed.action, "a notification lacks the words of a worker: {error}");
            });
            Some(((failed.event_id, failed.action), item.ok()??.detail?))
        };
        let reads: Vec<_> = claimed.iter().filter_map(Claimed::quoted_remediation).map(read).collect();
        stream::iter(reads).buffer_unordered(CONCURRENT_CALLS).filter_map(std::future::ready).collect().await
    }
}

fn for_message<'a>(
    claimed: &'a [Claimed],
    details: &'a WorkerDetails,
    active: &ActivePolicy,
    now: Timestamp,
) -> Vec<Notified<'a>> {
    let detail = |claimed: &Claimed| {
        let failed = claimed.quoted_remediation()?;
        details.get(&(failed.event_id, failed.action)).map(String::as_str)
    };
    claimed.iter().filter_map(|one| one.for_message(detail(one), active, now)).collect()
}

/// Whether the only incident of an e-mail began with `event`.
fn is_cause(claimed: &[Claimed], event: &Event) -> bool {
    let mut incidents = claimed.iter().filter_map(Claimed::as_incident);
    match (incidents.next(), incidents.next()) {
        (Some(only), None) => only.incident().is_some_and(|incident| incident.event_id == Some(event.id)),
        _ => false,
    }
}
