//! Decisions that are due: approvals that nobody has given or denied in time expire, people are notified of pending ones, and permits have
//! waited for their event long enough.

use std::collections::BTreeMap;

use age_model::{ApprovalNotificationKind, Engine, StoreError, Timestamp, take_turns};
use age_policy::DecisionStep;
use age_store::{DueDecision, DueItems, DueStep};
use futures_util::stream::{self, StreamExt};

use super::posture::FleetReading;
use super::{CONCURRENT_STEPS, Sweep, SweepReport, seconds_since};
use crate::due_notification::DueNotification;

/// The most due approvals of an engine that one run reads, and the most permits. The next run, a minute later, reads further.
const MAX_DUE_PER_ENGINE: usize = 5000;

/// The decisions for which something is due.
#[derive(Debug, Default)]
pub(super) struct DueDecisions {
    /// Those whose approvals are due, the earliest first.
    pub(super) approvals: Vec<Result<DueDecision, StoreError>>,
    /// The permits of each engine whose event should have been reported, the earliest first.
    pub(super) permits: BTreeMap<Engine, Vec<DueDecision>>,
    /// Since when the earliest is due that was not read.
    pub(super) unread_since: Option<Timestamp>,
}

/// The result of the step that was due for a decision.
enum Step {
    /// People are to be notified of its approval, or of the end of its approval.
    Notify(DueNotification),
    /// Nothing is due any more.
    None,
    /// The time was up; the next run does it.
    LeftOver(DueDecision),
}

impl Sweep {
    /// Returns the decisions for which something is due. If no engine has asked in the running week, none is: an approval waits for a day,
    /// and a permit for its event for six.
    pub(super) async fn read_due_decisions(&self, fleet: &FleetReading) -> Result<DueDecisions, StoreError> {
        if fleet.engines_with_decisions().is_some_and(|engines| engines.is_empty()) {
            return Ok(DueDecisions::default());
        }
        let DueItems { items, unread_since } = self.decisions.due(self.now(), |_, _| Some(MAX_DUE_PER_ENGINE)).await?;
        let mut due = DueDecisions { unread_since, ..DueDecisions::default() };
        for item in items {
            match item {
                Ok(permit) if permit.step == DueStep::Event => {
                    due.permits.entry(permit.engine).or_default().push(permit);
                }
                approval => due.approvals.push(approval),
            }
        }
        Ok(due)
    }

    /// Does what is due for approvals of operations, whose engines take turns; begins nothing after `end`. Returns the notifications
    /// that are due.
    pub(super) async fn process_due_decisions(
        &self,
        due: Vec<Result<DueDecision, StoreError>>,
        end: Timestamp,
        report: &mut SweepReport,
    ) -> Vec<DueNotification> {
        let due = take_turns(due, |due| due.as_ref().ok().map(|due| due.engine));
        let steps: Vec<_> = due.into_iter().map(|due| self.process_due_decision(due, end)).collect();
        let mut approvals = Vec::new();
        for step in stream::iter(steps).buffered(CONCURRENT_STEPS).collect::<Vec<_>>().await {
            match step {
                Ok(Step::Notify(due)) => approvals.push(due),
                Ok(Step::None) => {}
                Ok(Step::LeftOver(due)) => {
                    report.emails_held += 1;
                    report.leave_decision(due, self.now());
                }
                Err(error) => {
                    tracing::error!(%error, "a decision is left to the next sweep: {error}");
                    self.report_unreadable(&error).await;
                    report.failed += 1;
                }
            }
        }
        approvals
    }

    /// Does what is due for a decision, unless it is after `end`.
    async fn process_due_decision(
        &self,
        due: Result<DueDecision, StoreError>,
        end: Timestamp,
    ) -> Result<Step, StoreError> {
        let (due, now) = (due?, self.now());
        if now > end {
            return Ok(Step::LeftOver(due));
        }
        let Some(record) = self.decisions.get_record(due.id).await? else { return Ok(Step::None) };
        // The index is behind the row.
        let is_due = record.due_at.is_some_and(|due_at| due_at <= now);
        // A later version knows what is due.
        let is_understood = record.decision.approval.as_ref().is_none_or(|approval| approval.status.is_known());
        if !is_due || !is_understood {
            return Ok(Step::None);
        }
        Ok(match self.dispatcher.active_policy().policy.next_decision_step(&record, now) {
            DecisionStep::Notify(kind) => Step::Notify(DueNotification::about_operation(&record.decision, kind)),
            DecisionStep::Expire(expired) => {
                let is_expired = self.decisions.replace_approval(&record, &expired).await?;
                let kind = ApprovalNotificationKind::Expiry;
                if is_expired {
                    Step::Notify(DueNotification::about_operation(&expired.decision, kind))
                } else {
                    Step::None
                }
            }
            DecisionStep::Postpone(new) => {
                self.decisions.replace_approval(&record, &new).await?;
                Step::None
            }
        })
    }
}

impl SweepReport {
    /// Notes that the run has no time for `due`.
    pub(super) fn leave_decision(&mut self, due: DueDecision, now: Timestamp) {
        self.decisions_behind_seconds = self.decisions_behind_seconds.max(seconds_since(Some(due.due_at), now));
    }
}
