//! Decisions whose approvals are due: those that nobody has given or denied in time expire, and people are notified.

use std::collections::BTreeSet;

use age_model::{ApprovalNotificationKind, Engine, StoreError, Timestamp, take_turns};
use age_policy::DecisionStep;
use age_store::{DueDecision, DueStep};
use futures_util::stream::{self, StreamExt};

use super::{CONCURRENT_STEPS, Sweep, SweepReport};
use crate::due_notification::DueNotification;

/// The most due decisions of an engine that one run reads. The next run, a minute later, reads further.
const MAX_DUE_PER_ENGINE: i32 = 500;

/// The result of the step that was due for a decision.
enum Step {
    /// People are to be notified of its approval, or of the end of its approval.
    Notify(DueNotification),
    /// Nothing is due any more.
    None,
    /// The time was up; the next run does it.
    LeftOver,
}

impl Sweep {
    /// Does what is due for the approvals of the operations of `engines`, which take turns; begins nothing after `end`. Returns the
    /// notifications that are due.
    pub(super) async fn process_due_decisions(
        &self,
        engines: BTreeSet<Engine>,
        end: Timestamp,
        report: &mut SweepReport,
    ) -> Result<Vec<DueNotification>, StoreError> {
        let due = self.decisions.due(DueStep::Approval, engines.into_iter(), self.now(), MAX_DUE_PER_ENGINE).await?;
        let due = take_turns(due, |due| due.as_ref().ok().map(|due| due.engine));
        let steps: Vec<_> = due.into_iter().map(|due| self.process_due_decision(due, end)).collect();
        let mut approvals = Vec::new();
        for step in stream::iter(steps).buffered(CONCURRENT_STEPS).collect::<Vec<_>>().await {
            match step {
                Ok(Step::Notify(due)) => approvals.push(due),
                Ok(Step::None) => {}
                Ok(Step::LeftOver) => report.emails_held += 1,
                Err(error) => {
                    tracing::error!(%error, "a decision is left to the next sweep: {error}");
                    self.report_unreadable(&error).await;
                    report.failed += 1;
                }
            }
        }
        Ok(approvals)
    }

    /// Does what is due for a decision, unless it is after `end`.
    async fn process_due_decision(
        &self,
        due: Result<DueDecision, StoreError>,
        end: Timestamp,
    ) -> Result<Step, StoreError> {
        let (due, now) = (due?, self.now());
        if now > end {
            return Ok(Step::LeftOver);
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
