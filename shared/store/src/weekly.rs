//! Weekly reports: stored once, together with the action that sends them out.

use std::time::Duration;

use age_model::{Action, ActionStatus, Clock, Report, ReportId, Timestamp};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use serde::{Deserialize, Serialize};

use crate::actions::KEY;
use crate::row::{RowName, text};
use crate::transaction::{self, Attempt};
use crate::{Actions, Consistency, Reports, StoreError};

/// How long a sender has the report to itself, in seconds: longer than the function may run.
const LEASE_SECONDS: i64 = 30;

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

/// The action that sends a report out. It is not for an event, so it is no `ActionItem`, and nobody's to sweep: the
/// schedule's own tries finish it.
#[derive(Debug, Serialize, Deserialize)]
struct SummaryRow {
    /// The report it is for.
    event_id: ReportId,
    action: Action,
    status: ActionStatus,
    policy_hash: String,
    created_at: Timestamp,
    leased_until: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dispatched_at: Option<Timestamp>,
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

    /// The report called `id`, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn get(&self, id: ReportId) -> Result<Option<Report>, StoreError> {
        self.reports.get(id, Consistency::Strong).await
    }

    /// The stored report called `id`, if there is one. Whose lease to send it has run out passes to the caller.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn find(&self, id: ReportId, clock: &dyn Clock) -> Result<Option<WeeklyReport>, StoreError> {
        let Some(report) = self.reports.get(id, Consistency::Strong).await? else { return Ok(None) };
        let to_send = match self.summary(id).await? {
            Some(row) if row.status == ActionStatus::Pending => {
                row.leased_until <= clock.now() && self.claim(&row, clock.now()).await?
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
        let mut in_progress = false;
        for attempt in 1..=MAX_ATTEMPTS {
            let items = vec![self.reports.put(&report)?, self.put_summary(&report, clock.now())?];
            match transaction::send(&self.reports.0.client, &self.reports.0.name, items).await? {
                Attempt::Committed => return Ok(WeeklyReport { report, to_send: true }),
                Attempt::Exists(..) => break,
                Attempt::InProgress => in_progress = true,
                Attempt::Conflict(_) | Attempt::Stale => {}
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

    /// Records that the report called `id` was sent out: its topic has it, which is all that was to be done.
    ///
    /// # Errors
    /// [`StoreError`] if it could not be recorded.
    pub async fn mark_sent(&self, id: ReportId, clock: &dyn Clock) -> Result<bool, StoreError> {
        let (from, to) = (ActionStatus::Pending, ActionStatus::Pending.transition_to(ActionStatus::Succeeded)?);
        let update = self
            .update(id)
            .update_expression("SET #status = :to, dispatched_at = :now")
            .condition_expression("#status = :from")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":to", text(to))
            .expression_attribute_values(":now", text(clock.now()));
        self.applied(update).await
    }

    async fn summary(&self, id: ReportId) -> Result<Option<SummaryRow>, StoreError> {
        let key = [("event_id", text(id)), ("action", text(Action::AutomatedGovernanceSummary))];
        let item = self.actions.0.get(key, Consistency::Strong).await?;
        item.map(|item| self.row_name().read(&item)).transpose()
    }

    fn put_summary(&self, report: &Report, now: Timestamp) -> Result<TransactWriteItem, StoreError> {
        let row = SummaryRow {
            event_id: report.id,
            action: Action::AutomatedGovernanceSummary,
            status: ActionStatus::Pending,
            policy_hash: report.policy_hash.clone(),
            created_at: now,
            leased_until: now.plus_seconds(LEASE_SECONDS),
            dispatched_at: None,
        };
        transaction::put(&self.actions.0.name, Put::builder().set_item(Some(self.row_name().write(&row)?)))
    }

    /// Takes over the sending. False if somebody else was first.
    async fn claim(&self, row: &SummaryRow, now: Timestamp) -> Result<bool, StoreError> {
        let update = self
            .update(row.event_id)
            .update_expression("SET leased_until = :until")
            .condition_expression("#status = :pending AND leased_until = :seen")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":pending", text(ActionStatus::Pending))
            .expression_attribute_values(":seen", text(row.leased_until))
            .expression_attribute_values(":until", text(now.plus_seconds(LEASE_SECONDS)));
        self.applied(update).await
    }

    fn update(&self, id: ReportId) -> UpdateItemFluentBuilder {
        let table = &self.actions.0;
        let key = table.client.update_item().table_name(&table.name).key("event_id", text(id));
        key.key("action", text(Action::AutomatedGovernanceSummary))
    }

    async fn applied(&self, update: UpdateItemFluentBuilder) -> Result<bool, StoreError> {
        let Err(error) = update.send().await else { return Ok(true) };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(StoreError::unwritten("UpdateItem", &self.actions.0.name, error)),
        }
    }

    const fn row_name(&self) -> RowName<'_> {
        RowName { table: self.actions.0.name.as_str(), key: KEY }
    }
}
