//! Weekly reports: stored once, together with the action that sends them out.

use std::time::Duration;

use model::{Action, ActionRecord, ActionStatus, Clock, Report, ReportId};

use crate::actions::ActionRow;
use crate::transaction::{self, Attempt};
use crate::{Actions, Consistency, Reports, StoreError};

/// Firings of the schedule that collide are few: more than this is not contention.
const MAX_ATTEMPTS: u32 = 8;

/// A weekly report that is stored, and what the caller has to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeeklyReport {
    /// The one report of its period.
    pub report: Report,
    /// Whether sending it out is now the caller's.
    pub to_send: bool,
}

/// Stores weekly reports.
#[derive(Debug, Clone)]
pub struct WeeklyReports {
    reports: Reports,
    actions: Actions,
}

impl WeeklyReports {
    /// Writes to these tables.
    #[must_use]
    pub const fn new(reports: Reports, actions: Actions) -> Self {
        Self { reports, actions }
    }

    /// The stored report called `id`, if there is one. Whose lease to send it has run out passes to the caller.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn find(&self, id: ReportId, clock: &dyn Clock) -> Result<Option<WeeklyReport>, StoreError> {
        let Some(report) = self.reports.get(id, Consistency::Strong).await? else { return Ok(None) };
        let to_send = match self.actions.get(&id.to_string(), Action::AutomatedGovernanceSummary).await? {
            Some(row) if row.status == ActionStatus::Pending => {
                let due = row.due_at.unwrap_or(row.created_at);
                due <= clock.now() && self.actions.claim(&row, due, clock.now()).await?
            }
            _ => false,
        };
        Ok(Some(WeeklyReport { report, to_send }))
    }

    /// Stores `report` and the action that sends it, both or neither, unless its period has one; that one is answered.
    ///
    /// # Errors
    /// [`StoreError`] if neither was stored.
    pub async fn add(&self, report: Report, clock: &dyn Clock) -> Result<WeeklyReport, StoreError> {
        let record = ActionRecord { action: Action::AutomatedGovernanceSummary, status: ActionStatus::Pending };
        let owed = ActionRow::new(report.id.to_string(), record, clock.now(), &report.policy_hash);
        let mut in_progress = false;
        for attempt in 1..=MAX_ATTEMPTS {
            let items = vec![self.reports.put(&report)?, self.actions.put(&owed)?];
            match transaction::send(&self.reports.0.client, &self.reports.0.name, items).await? {
                Attempt::Committed => return Ok(WeeklyReport { report, to_send: true }),
                Attempt::Exists(_) => break,
                Attempt::InProgress => in_progress = true,
                Attempt::Conflict(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(20 << attempt)).await;
        }
        match self.find(report.id, clock).await? {
            // Our own, of a try whose answer was lost: its lease is ours.
            Some(stored) if in_progress && stored.report == report => Ok(WeeklyReport { to_send: true, ..stored }),
            Some(stored) => Ok(stored),
            None => Err(StoreError::Contended { table: self.reports.0.name.clone(), attempts: MAX_ATTEMPTS }),
        }
    }

    /// Records that the report called `id` was sent out.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be recorded.
    pub async fn mark_sent(&self, id: ReportId, clock: &dyn Clock) -> Result<bool, StoreError> {
        self.actions.mark_dispatched(&id.to_string(), Action::AutomatedGovernanceSummary, clock.now()).await
    }
}
