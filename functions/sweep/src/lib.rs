//! Finishes what was left: hands over what is owed, ends what nobody answered, says which remedies have helped, writes to
//! people about incidents, and notices which engines are silent.
//!
//! Every change is a conditional write, so two sweeps at once, or one that dies anywhere, do no harm: what is not on record
//! is still due.

mod owed;
mod people;
mod silence;
mod vitals;

use std::collections::BTreeMap;

use age_dispatch::{Dispatcher, Escalations, Mailed};
use age_model::{ActionStatus, Clock, Timestamp};
use age_notify::Topic;
use age_platform::{Tick, metrics};
use age_store::{EventSearch, OpenAction, Reports, StoreError};
use serde::Serialize;
use thiserror::Error;

/// A run begins nothing new after so many seconds. The function may run for 90; the next run begins after 60, and may.
const RUN_SECONDS: i64 = 40;

/// How many are looked at in the same moment, so that a slow one does not hold up the others.
const STEPS_AT_ONCE: usize = 16;

/// Sweeps. Made once per execution environment.
pub struct Sweep {
    /// What actions are for, and who has reported lately.
    pub listing: EventSearch,
    /// Hands actions over.
    pub dispatcher: Dispatcher,
    /// Writes to people.
    pub escalations: Escalations,
    /// The first line listens here.
    pub people: Topic,
    /// The second line listens here.
    pub second_line: Topic,
    /// Where the weekly report must be.
    pub reports: Reports,
    /// The time.
    pub clock: Box<dyn Clock>,
}

/// What a run has done and found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Swept {
    /// How many actions went to each status.
    pub transitions: BTreeMap<ActionStatus, u64>,
    /// How much could not be done; it is still due.
    pub failed: u64,
    /// How many actions have not ended, by status as the index of what is due has it.
    pub open_actions: BTreeMap<ActionStatus, u64>,
    /// How long the action that is to be looked at first has waited for that, in seconds: up to a minute is the time between
    /// two runs. One that cannot be handed over waits since it was owed.
    pub oldest_due_seconds: i64,
    /// How many e-mails were sent.
    pub emails_sent: u64,
    /// How many incidents wait for a later e-mail.
    pub emails_held: u64,
    /// Whether anybody has confirmed to get escalations, if it could be told.
    pub notifications_reachable: Option<bool>,
    /// Whether the report of last week should be there, and is not.
    pub weekly_report_missing: bool,
    /// What kept a whole part of the run from being done.
    #[serde(skip)]
    pub errors: Vec<StoreError>,
}

/// A part of a run could not be done. The next run does it.
#[derive(Debug, Error)]
#[error("{} parts of the sweep were not done; the first: {first}", others + 1)]
pub struct SweepFailed {
    /// Why the first was not.
    pub first: StoreError,
    /// How many more there were.
    pub others: usize,
}

impl Sweep {
    /// One firing of the schedule: sweeps, and emits what alarms watch.
    ///
    /// # Errors
    /// [`SweepFailed`] if a part of the run could not be done.
    pub async fn tick(&self, _: Tick) -> Result<Swept, SweepFailed> {
        let swept = self.run().await;
        metrics::emit(&swept.metrics(), self.clock.as_ref());
        swept.finish()
    }

    /// Does what is due, the longest due first. One part that fails keeps no other from being done.
    pub async fn run(&self) -> Swept {
        let began = self.clock.now();
        let mut swept = Swept::default();
        let report = self.report_is_missing(&mut swept).await;
        let vitals = self.vitals(&mut swept).await;
        let owed = self.owed(began.plus_seconds(RUN_SECONDS), &mut swept).await;
        let heard = match &vitals {
            Ok(health) => self.silence(health.installed_at, &mut swept).await,
            Err(_) => Ok(()),
        };
        let people = self.people(began.plus_seconds(RUN_SECONDS), &mut swept).await;
        let errors = [report.err(), vitals.err(), owed.err(), heard.err(), people.err()];
        swept.errors = errors.into_iter().flatten().collect();
        tracing::info!(transitions = ?swept.transitions, failed = swept.failed, mails = swept.emails_sent, held = swept.emails_held, "swept");
        swept
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Swept {
    /// What was done, or that not all of it was.
    ///
    /// # Errors
    /// [`SweepFailed`] if a part of the run could not be done.
    pub fn finish(mut self) -> Result<Self, SweepFailed> {
        let mut errors = std::mem::take(&mut self.errors).into_iter();
        match errors.next() {
            Some(first) => Err(SweepFailed { first, others: errors.len() }),
            None => Ok(self),
        }
    }

    /// The figures that alarms watch, by name.
    #[must_use]
    pub fn metrics(&self) -> Vec<(String, i64)> {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        // Of those that have not ended, how many there are; of those that have, how many this run has seen end.
        let transitions = ActionStatus::ALL.iter().map(|status| {
            let words = status.as_str().split('_').map(capitalised).collect::<String>();
            let of_status = if status.is_final() { &self.transitions } else { &self.open_actions };
            (format!("Actions{words}"), number(of_status.get(status).copied().unwrap_or_default()))
        });
        let mut metrics: Vec<(String, i64)> = transitions.collect();
        metrics.extend(
            [
                ("OldestDueSeconds", self.oldest_due_seconds),
                ("SweepFailures", number(self.failed)),
                ("EmailsSent", number(self.emails_sent)),
                ("EmailsHeld", number(self.emails_held)),
                ("NotificationsUnreachable", i64::from(self.notifications_reachable == Some(false))),
                ("WeeklyReportMissing", i64::from(self.weekly_report_missing)),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        metrics
    }

    /// Takes note of what has not ended.
    fn state(&mut self, open_actions: &[Result<OpenAction, StoreError>], now: Timestamp) {
        let rows = || open_actions.iter().filter_map(|row| row.as_ref().ok());
        for row in rows() {
            *self.open_actions.entry(row.status).or_default() += 1;
        }
        let since = rows().map(|row| if row.waits { row.created_at } else { row.due_at }).min();
        self.oldest_due_seconds = since.map_or(0, |since| (now.seconds() - since.seconds()).max(0));
    }

    fn transitions(&mut self, status: ActionStatus) {
        *self.transitions.entry(status).or_default() += 1;
    }

    fn mailed(&mut self, mailed: &Mailed) {
        self.emails_sent += mailed.mails;
        self.emails_held += mailed.held;
        self.failed += mailed.failed;
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_named_as_the_alarms_have_them() {
        let mut swept = Swept { notifications_reachable: Some(false), oldest_due_seconds: 7, ..Swept::default() };
        swept.transitions.insert(ActionStatus::TimedOut, 3);
        swept.transitions.insert(ActionStatus::Dispatched, 9);
        swept.open_actions.insert(ActionStatus::Dispatched, 4);
        let metrics = swept.metrics();
        for expected in [
            ("ActionsTimedOut", 3),
            ("ActionsDispatched", 4),
            ("ActionsUndeliverable", 0),
            ("OldestDueSeconds", 7),
            ("NotificationsUnreachable", 1),
        ] {
            assert!(metrics.contains(&(expected.0.to_owned(), expected.1)), "{expected:?} in {metrics:?}");
        }
    }
}
