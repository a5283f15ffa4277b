//! The weekly report: generated once per week however often the schedule fires, and sent once.

use age_model::{Action, ActionStatus, Period, Report, ReportId, ReportKind, RiskLevel, StoreError, Timestamp};
use age_notify::{PublishError, Topic, report_message};
use age_store::{Consistency, ReportDeliveries, ReportDelivery, Reports, TransactionResult, wait_before_retry};
use serde::Serialize;
use thiserror::Error;

use crate::generate_report::ReportGenerator;

/// How long one sender has the delivery of a report for itself, in seconds: longer than the function may run.
const LEASE_SECONDS: i64 = 30;

/// Attempts to store a report. Schedules fire at most a few times at once.
const MAX_ATTEMPTS: u32 = 8;

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WeeklyResult {
    /// The one report of the week.
    pub id: ReportId,
    /// Its period, as the report has it.
    pub report_period: String,
    /// Its risk score, 0 to 100.
    pub risk_score: u32,
    /// Its risk level.
    pub risk_level: RiskLevel,
}

/// Why a run failed. The schedule retries it; the last failure goes to the dead-letter queue.
#[derive(Debug, Error)]
pub enum WeeklyError {
    /// The week is not over, so a report of it would not be final.
    #[error("the week before {0} is not over yet")]
    WeekNotOver(Timestamp),
    /// The store failed. A report is stored only if everything it counts was read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The report is stored but was not sent. The next run sends it.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// A stored weekly report.
struct StoredReport {
    report: Report,
    /// Whether this caller holds the lease to send it.
    is_leased: bool,
}

/// Generates and sends weekly reports. Build one per execution environment.
pub struct WeeklyReporter {
    generator: ReportGenerator,
    reports: Reports,
    deliveries: ReportDeliveries,
    topic: Topic,
    public_url: Option<String>,
}

impl WeeklyReporter {
    /// Publishes to `topic`. `public_url` is the address of the API for links, if it is configured.
    #[must_use]
    pub const fn new(
        generator: ReportGenerator,
        reports: Reports,
        deliveries: ReportDeliveries,
        topic: Topic,
        public_url: Option<String>,
    ) -> Self {
        Self { generator, reports, deliveries, topic, public_url }
    }

    /// Generates, stores and sends the report of the seven whole days before `scheduled_at`, unless that is done. A run that is
    /// late is for the week in which it was scheduled; None is now.
    ///
    /// # Errors
    /// [`WeeklyError`] if a part of that failed. The next run continues where this one stopped.
    pub async fn run(&self, scheduled_at: Option<Timestamp>) -> Result<WeeklyResult, WeeklyError> {
        self.generator.policies().refresh().await;
        let now = self.generator.clock().now();
        let scheduled_at = scheduled_at.unwrap_or(now);
        let week = Period::week_before(scheduled_at.day());
        if week.to() > now {
            return Err(WeeklyError::WeekNotOver(scheduled_at));
        }
        let stored = match self.find(ReportId::weekly(week)).await? {
            Some(stored) => stored,
            None => self.generate(week).await?,
        };
        if stored.is_leased {
            self.send(&stored.report).await?;
        }
        let Report { id, report_period, risk_score, risk_level, .. } = stored.report;
        tracing::info!(report.id = %id, report.period = report_period, sent = stored.is_leased, "weekly report {id} is stored");
        Ok(WeeklyResult { id, report_period, risk_score, risk_level })
    }

    /// Returns the stored report `id`. If its delivery is pending and no sender holds the lease, this caller takes it.
    async fn find(&self, id: ReportId) -> Result<Option<StoredReport>, StoreError> {
        let Some(report) = self.reports.get(id, Consistency::Strong).await? else { return Ok(None) };
        let now = self.generator.clock().now();
        let is_leased = match self.deliveries.get(id).await? {
            Some(delivery) if delivery.status == ActionStatus::Pending && delivery.leased_until <= now => {
                self.deliveries.lease(&delivery, now.plus_seconds(LEASE_SECONDS)).await?
            }
            _ => false,
        };
        Ok(Some(StoredReport { report, is_leased }))
    }

    async fn generate(&self, week: Period) -> Result<StoredReport, WeeklyError> {
        // The report of the week before only saves reading that week's rollups again; if it is corrupt, they are read.
        let last_week = match self.reports.get(ReportId::weekly(week.previous_week()), Consistency::Strong).await {
            Err(error @ StoreError::Corrupt { .. }) => {
                tracing::warn!(%error, "counting the week before again, its report is corrupt: {error}");
                None
            }
            read => read?,
        };
        let report = self.generator.generate(ReportKind::Weekly, week, last_week).await?;
        Ok(self.store(report).await?)
    }

    /// Stores `report` and its delivery, both or neither, unless the week has a report. Returns the stored one.
    async fn store(&self, report: Report) -> Result<StoredReport, StoreError> {
        let clock = self.generator.clock();
        let mut may_be_stored = false;
        for attempt in 1..=MAX_ATTEMPTS {
            let delivery = pending_delivery(&report, clock.now());
            let writes = vec![self.reports.insertion(&report)?, self.deliveries.insertion(&delivery)?];
            match self.reports.commit(writes).await? {
                TransactionResult::Committed => return Ok(StoredReport { report, is_leased: true }),
                TransactionResult::Exists(_) => break,
                TransactionResult::InProgress => may_be_stored = true,
                TransactionResult::Conflict(_) | TransactionResult::Stale => {}
            }
            wait_before_retry(attempt, clock).await;
        }
        match self.find(report.id).await? {
            // An attempt of this run stored it, and its response was lost: the lease is this run's.
            Some(stored) if may_be_stored && stored.report == report => Ok(StoredReport { is_leased: true, ..stored }),
            Some(stored) => Ok(stored),
            None => Err(self.reports.contended(MAX_ATTEMPTS)),
        }
    }

    async fn send(&self, report: &Report) -> Result<(), WeeklyError> {
        let active = self.generator.policies().current();
        let message = report_message(&active.policy, report, self.public_url.as_deref());
        self.topic.publish(&message).await?;
        self.deliveries.mark_sent(report.id, self.generator.clock().now()).await?;
        Ok(())
    }
}

fn pending_delivery(report: &Report, now: Timestamp) -> ReportDelivery {
    ReportDelivery {
        report_id: report.id,
        action: Action::AutomatedGovernanceSummary,
        status: ActionStatus::Pending,
        policy_hash: report.policy_hash.clone(),
        created_at: now,
        leased_until: now.plus_seconds(LEASE_SECONDS),
        dispatched_at: None,
    }
}
