//! The steps that are due without a request: recording the posture, dispatching and ending actions, ending approvals, comparing permits
//! with events, notifications, silent engines, credentials that expire, activations of policy versions, and AGE's own health and events.
//!
//! Every change is a conditional write, so concurrent sweeps, or one that dies at any point, do no harm: what is not recorded
//! stays due.

mod credentials;
mod dispatches;
mod due_actions;
mod due_decisions;
mod health;
mod heartbeats;
mod notifications;
mod occurrences;
mod operations;
mod own_events;
mod permits;
mod policies;
mod policy_holds;
mod posture;

use std::collections::BTreeMap;

use age_model::{ActionStatus, Clock, StoreError, Timestamp, TopicName};
use age_notify::Topic;
use age_store::{Channels, Decisions, Events, FleetStateStore, Incidents, OpenAction, Reports, SystemAlerts};
use serde::Serialize;
use thiserror::Error;

use crate::credential_monitor::CredentialMonitor;
use crate::dispatch_action::ActionDispatcher;
use crate::notify_people::{Notifier, SendSummary};
use crate::own_events::OwnEvents;
use crate::policy_notifier::PolicyNotifier;

/// How long a run begins new steps, in seconds. The function may run for 90; the next run begins after 60, and may overlap.
const RUN_SECONDS: i64 = 40;

/// How long a run begins new steps for actions, in seconds. People are notified before pending actions are dispatched, which takes
/// the rest of the run.
const ACTIONS_SECONDS: i64 = 10;

/// How long a run begins new steps for decisions, in seconds.
const DECISIONS_SECONDS: i64 = 5;

/// How long after its beginning a run notifies people at most, in seconds: the rest is for dispatching actions.
const NOTIFICATIONS_SECONDS: i64 = 30;

/// How long a run begins to compare permits with events, in seconds: the rest of its time is for notifications.
const PERMITS_SECONDS: i64 = 5;

/// How many rows are examined at the same time.
const CONCURRENT_STEPS: usize = 16;

/// Sweeps. Build one per execution environment.
pub struct Sweep {
    /// The events that actions are for, and that report operations.
    pub events: Events,
    /// The incidents, whose numbers are a part of the posture.
    pub incidents: Incidents,
    /// The posture and the holds.
    pub fleet_state: FleetStateStore,
    /// The decisions: some leave an operation to a responder, and permits await events.
    pub decisions: Decisions,
    /// Dispatches actions.
    pub dispatcher: ActionDispatcher,
    /// Notifies the first line, also of the approvals of operations.
    pub notifier: Notifier,
    /// Watches the credentials.
    pub credentials: CredentialMonitor,
    /// The system alerts, of which AGE records its own events.
    pub system_alerts: SystemAlerts,
    /// Records them.
    pub own_events: OwnEvents,
    /// The notifications of activations of policy versions.
    pub policy_notifications: PolicyNotifier,
    /// The topic to which the second line subscribes.
    pub second_line: Topic,
    /// The topic to which readers of weekly reports subscribe.
    pub reports_topic: Topic,
    /// The topic to which operators subscribe.
    pub alarms_topic: Topic,
    /// The reports, among which the weekly one must be.
    pub reports: Reports,
    /// The channels: people get messages by them as well.
    pub channels: Channels,
    /// How many subscriptions of the relay each topic of people has: none of them is a person's.
    pub relay_subscriptions: u64,
    /// The clock.
    pub clock: Box<dyn Clock>,
}

/// What a run has done and found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SweepReport {
    /// Number of actions that went to each status.
    pub transitions: BTreeMap<ActionStatus, u64>,
    /// Number of steps that failed; they stay due.
    pub failed: u64,
    /// Number of actions that have not ended, by status as the index of due actions has it.
    pub open_actions: BTreeMap<ActionStatus, u64>,
    /// How long the action that is due first has been due, in seconds; up to 60 is the time between two runs. An action that
    /// awaits another dispatch has been due since it was planned.
    pub oldest_due_seconds: i64,
    /// How long the oldest action has been due that this run had no time for, in seconds; 0 if it had time for all.
    pub actions_behind_seconds: i64,
    /// The same of decisions, whose approvals or events are due.
    pub decisions_behind_seconds: i64,
    /// The same of incidents.
    pub incidents_behind_seconds: i64,
    /// Number of permits that an event has followed.
    pub permits_followed: u64,
    /// Number of permits that no event has followed in time.
    pub permits_without_event: u64,
    /// Number of events that report an operation that no decision permitted.
    pub operations_without_permit: u64,
    /// Number of events that report an operation without a decision that engines run while AGE cannot be asked.
    pub operations_while_unavailable: u64,
    /// Number of e-mails sent.
    pub emails_sent: u64,
    /// Number of incidents and approvals that this run has found due, and that wait for a later e-mail.
    pub emails_held: u64,
    /// Number of notifications that were set aside, because their topic refuses them.
    pub notifications_undeliverable: u64,
    /// How long the oldest incident or pending approval has been waiting that nobody has been notified of, in seconds.
    pub oldest_unnotified_seconds: i64,
    /// Whether a notification would reach anybody; None if that is unknown.
    pub notifications_reachable: Option<bool>,
    /// The topics whose messages are expected to reach somebody and reach nobody.
    pub topics_without_subscriber: Vec<TopicName>,
    /// Whether the report of last week should exist and does not.
    pub weekly_report_missing: bool,
    /// Whether the active policy version cannot be read, so that AGE goes on with another one.
    pub policy_unreadable: bool,
    /// Why whole parts of the run were not done.
    #[serde(skip)]
    pub errors: Vec<StoreError>,
}

/// A part of a run could not be done. The next run does it.
#[derive(Debug, Error)]
#[error("{} parts of the sweep were not done; first error: {first}", others + 1)]
pub struct SweepFailed {
    /// Why the first part was not done.
    pub first: StoreError,
    /// Number of other parts that were not done.
    pub others: usize,
}

impl Sweep {
    /// Does what is due, the longest due first. A part that fails keeps no other part from being done.
    pub async fn run(&self) -> SweepReport {
        let end = self.now().plus_seconds(RUN_SECONDS);
        let notifications_end = self.now().plus_seconds(NOTIFICATIONS_SECONDS);
        self.dispatcher.policies().refresh().await;
        let mut report = SweepReport::default();
        let fleet = self.read_fleet(&self.dispatcher.active_policy()).await;
        let (posture, holds) = Box::pin(self.update_fleet_state(&fleet, &mut report)).await;
        let policy = self.check_policy(&mut report).await;
        let health = self.record_health(&mut report).await;
        let weekly_report = match &health {
            Ok(health) => self.check_weekly_report(health, &mut report).await,
            Err(_) => Ok(()),
        };
        let actions_end = self.now().plus_seconds(ACTIONS_SECONDS);
        let actions = Box::pin(self.process_due_actions(actions_end, &mut report)).await;
        let (found, actions) = value_and_result(actions);
        let (mut approvals, pending) = found;
        let due = self.read_due_decisions(&fleet).await;
        let (due, decisions) = value_and_result(due);
        report.decisions_behind_seconds = seconds_since(due.unread_since, self.now());
        let decisions_end = self.now().plus_seconds(DECISIONS_SECONDS);
        approvals.extend(Box::pin(self.process_due_decisions(due.approvals, decisions_end, &mut report)).await);
        let keyring = self.credentials.keyring(self.now()).await;
        let heartbeats = match &health {
            Ok(health) => {
                self.check_heartbeats(health.installed_at, keyring.as_deref().ok(), &fleet, &mut report).await
            }
            Err(_) => Ok(()),
        };
        let permits_end = self.now().plus_seconds(PERMITS_SECONDS);
        let permits = Box::pin(self.compare_permits(&fleet, due.permits, permits_end, &mut report)).await;
        let notifications = Box::pin(self.process_due_notifications(approvals, notifications_end, &mut report)).await;
        let notice = match &health {
            Ok(health) => self.send_subscriber_notice(health, &mut report).await,
            Err(_) => Ok(()),
        };
        let expiring = match &keyring {
            Ok(keyring) => self.notify_about_credentials(keyring, end, &mut report).await,
            Err(_) => Ok(()),
        };
        let activations = self.notify_about_policies(end, &mut report).await;
        let own_events = self.record_system_alerts(end).await;
        Box::pin(self.dispatch_pending(pending, end, &mut report)).await;
        // An action that could not be dispatched opens an incident.
        let has_opened = report.transitions.contains_key(&ActionStatus::Undeliverable);
        let late = if has_opened {
            Box::pin(self.process_due_notifications(Vec::new(), end, &mut report)).await
        } else {
            Ok(())
        };
        let failed = [
            posture.err(),
            holds.err(),
            policy.err(),
            own_events.err(),
            weekly_report.err(),
            health.err(),
            actions.err(),
            decisions.err(),
            keyring.err(),
            heartbeats.err(),
            permits.err(),
        ];
        let unsent = [notifications.err(), late.err(), notice.err(), expiring.err(), activations.err()];
        report.errors = failed.into_iter().chain(unsent).flatten().collect();
        report.log();
        report
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Raises a system alert if `error` is about a row that cannot be read.
    async fn report_unreadable(&self, error: &StoreError) {
        self.dispatcher.lifecycle().incidents().report_unreadable(error, self.clock.as_ref()).await;
    }
}

impl SweepReport {
    /// Returns the report of a complete run.
    ///
    /// # Errors
    /// [`SweepFailed`] if a part of the run could not be done.
    pub fn into_result(mut self) -> Result<Self, SweepFailed> {
        let mut errors = std::mem::take(&mut self.errors).into_iter();
        match errors.next() {
            Some(first) => Err(SweepFailed { first, others: errors.len() }),
            None => Ok(self),
        }
    }

    fn count_open(&mut self, open: &[Result<OpenAction, StoreError>], now: Timestamp) {
        let rows = || open.iter().filter_map(|row| row.as_ref().ok());
        for row in rows() {
            *self.open_actions.entry(row.status).or_default() += 1;
        }
        let since = rows().filter(|row| row.action.is_known() && row.status.is_known());
        let since = since.map(|row| if row.awaits_retry { row.created_at } else { row.due_at }).min();
        self.oldest_due_seconds = seconds_since(since, now);
    }

    /// Returns how long the item has been due that is left to the next run the longest, in seconds; 0 if none is left.
    #[must_use]
    pub fn behind_seconds(&self) -> i64 {
        self.actions_behind_seconds.max(self.decisions_behind_seconds).max(self.incidents_behind_seconds)
    }

    fn log(&self) {
        let Self { transitions, failed, emails_sent, emails_held, .. } = self;
        let Self { actions_behind_seconds, decisions_behind_seconds, incidents_behind_seconds, .. } = self;
        let behind = self.behind_seconds();
        let left = if behind > 0 { format!(", {behind} seconds behind") } else { String::new() };
        tracing::info!(
            ?transitions,
            failed,
            emails_sent,
            emails_held,
            actions_behind_seconds,
            decisions_behind_seconds,
            incidents_behind_seconds,
            "sweep done{left}"
        );
    }

    fn count_transition(&mut self, status: ActionStatus) {
        *self.transitions.entry(status).or_default() += 1;
    }

    fn add(&mut self, sent: &SendSummary, now: Timestamp) {
        self.emails_sent += sent.emails;
        self.emails_held += sent.held;
        self.failed += sent.failed;
        self.notifications_undeliverable += sent.undeliverable;
        self.set_oldest_unnotified(sent.oldest_unnotified, now);
    }

    fn set_oldest_unnotified(&mut self, since: Option<Timestamp>, now: Timestamp) {
        self.oldest_unnotified_seconds = self.oldest_unnotified_seconds.max(seconds_since(since, now));
    }
}

/// Returns the seconds from `since` to `now`; 0 without `since`.
fn seconds_since(since: Option<Timestamp>, now: Timestamp) -> i64 {
    since.map_or(0, |since| (now.seconds() - since.seconds()).max(0))
}

/// Returns the value of `result`, or an empty one with the error: a part of a run that fails does not end the run.
fn value_and_result<T: Default>(result: Result<T, StoreError>) -> (T, Result<(), StoreError>) {
    result.map_or_else(|error| (T::default(), Err(error)), |value| (value, Ok(())))
}
