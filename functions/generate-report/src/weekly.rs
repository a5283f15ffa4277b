//! The report of the week, made once however often the schedule fires, and sent out once.

use age_model::{Period, Report, ReportId, ReportKind, RiskLevel, Timestamp};
use age_notify::{PublishError, Topic, weekly_message};
use age_store::{StoreError, WeeklyReport, WeeklyReports};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Reporter;

/// What the schedule says when it fires.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Firing {
    /// When it was to fire. A firing that is late, or tried again the next day, is still for its own week.
    pub scheduled_time: Option<Timestamp>,
}

/// What came of a firing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    /// The one report of the week.
    pub id: ReportId,
    /// Its period.
    pub report_period: String,
    /// Its score.
    pub risk_score: u32,
    /// Its level.
    pub risk_level: RiskLevel,
}

/// Why a firing failed. The schedule tries again, and in the end leaves it in the dead-letter queue.
#[derive(Debug, Error)]
pub enum WeeklyError {
    /// The week is not over: its report would not be its last word.
    #[error("the week before {0} is not over yet")]
    NotOver(Timestamp),
    /// Something could not be read or written. There is no report unless all of it was.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The report is stored, but nobody was told. The next try tells them.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The report cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// Makes and sends weekly reports. Made once per execution environment.
pub struct Weekly {
    /// Makes the report.
    pub reporter: Reporter,
    /// Keeps it.
    pub reports: WeeklyReports,
    /// Sends it.
    pub topic: Topic,
    /// The address of the API, for links.
    pub api: Option<String>,
}

impl Weekly {
    /// Makes, stores and sends the report of the seven whole days before the firing, unless that is done.
    ///
    /// # Errors
    /// [`WeeklyError`] if any part of that failed. Firing again goes on where it stopped.
    pub async fn run(&self, firing: Firing) -> Result<Made, WeeklyError> {
        let clock = self.reporter.clock();
        let now = clock.now();
        let scheduled = firing.scheduled_time.unwrap_or(now);
        let week = Period::week_before(scheduled.day());
        if week.to() > now {
            return Err(WeeklyError::NotOver(scheduled));
        }
        let stored = match self.reports.find(ReportId::weekly(week), clock).await? {
            Some(stored) => stored,
            None => self.make(week).await?,
        };
        if stored.to_send {
            self.send(&stored.report).await?;
        }
        let WeeklyReport { report, .. } = stored;
        tracing::info!(id = %report.id, period = report.report_period, sent = stored.to_send, "weekly report");
        Ok(Made {
            id: report.id,
            report_period: report.report_period,
            risk_score: report.risk_score,
            risk_level: report.risk_level,
        })
    }

    async fn make(&self, week: Period) -> Result<WeeklyReport, WeeklyError> {
        // It only spares reading what it was made from: damaged, it is gone by.
        let before = match self.reports.get(ReportId::weekly(week.previous_week())).await {
            Err(error @ StoreError::Corrupt { .. }) => {
                tracing::warn!(%error, "the report of the week before is damaged; its events are counted anew");
                None
            }
            read => read?,
        };
        let report = self.reporter.report(ReportKind::Weekly, week, before).await?;
        Ok(self.reports.add(report, self.reporter.clock()).await?)
    }

    async fn send(&self, report: &Report) -> Result<(), WeeklyError> {
        self.topic.publish(&weekly_message(self.reporter.policy(), report, self.api.as_deref())?).await?;
        self.reports.mark_sent(report.id, self.reporter.clock()).await?;
        Ok(())
    }
}
