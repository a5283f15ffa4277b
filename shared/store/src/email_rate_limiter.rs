//! The rate limits of e-mails: one for all e-mails to the first line, because one mailbox receives them, one for those to the second
//! line, and one of each engine, so that none uses up what another needs.

use age_model::{Clock, Engine, RateLimit, StoreError, Timestamp};
use serde::Deserialize;

use crate::dynamodb::attribute::{SCHEMA_VERSION, number, text};
use crate::dynamodb::backoff;
use crate::dynamodb::client::{Consistency, DynamoDb, Table};
use crate::dynamodb::keys;
use crate::incident_rows::KEY;

/// Attempts while other environments take permits at the same time. After as many, no permit is left.
const MAX_ATTEMPTS: u32 = 8;

/// How far the clocks of two environments may differ. Lambda keeps them within milliseconds.
const CLOCK_SKEW_MILLIS: i64 = 10_000;

/// The people who get an e-mail. Each line has a budget of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotifiedLine {
    /// Those who are notified at once.
    First,
    /// Those who are notified if nobody acknowledges.
    Second,
}

/// What an e-mail takes a permit of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailBudget {
    /// The budget of a line.
    Line(NotifiedLine),
    /// What an engine may send to the first line at once, however much others send.
    Engine(Engine),
    /// What all engines together may send so beyond the budget of the line.
    AllEngines,
}

impl EmailBudget {
    /// Returns the key of the budget's row.
    fn key(self) -> String {
        match self {
            Self::Line(NotifiedLine::First) => keys::EMAIL_RATE_LIMITER.to_owned(),
            Self::Line(NotifiedLine::Second) => keys::SECOND_LINE_RATE_LIMITER.to_owned(),
            Self::Engine(engine) => keys::engine_rate_limiter(engine),
            Self::AllEngines => keys::ENGINES_RATE_LIMITER.to_owned(),
        }
    }
}

#[derive(Debug, Deserialize)]
struct RateLimiterRow {
    /// When all permits are available again, see [`RateLimit`].
    full_at: Timestamp,
}

/// The rate limiters, one row of the `incidents` table each.
#[derive(Debug, Clone)]
pub struct EmailRateLimiter(Table);

impl EmailRateLimiter {
    /// Uses the rows in the table `name`.
    #[must_use]
    pub fn new(db: &DynamoDb, name: impl Into<String>) -> Self {
        Self(db.table(name, KEY))
    }

    /// Takes a permit of `budget`, whose rate is `limit` in milliseconds, to send one e-mail now, leaving `reserved` of its burst to others.
    /// Returns false if none is available.
    ///
    /// # Errors
    /// [`StoreError`] if the row cannot be read or written; no e-mail may be sent then.
    pub async fn acquire(
        &self,
        budget: EmailBudget,
        limit: RateLimit,
        reserved: u32,
        clock: &dyn Clock,
    ) -> Result<bool, StoreError> {
        for attempt in 1..=MAX_ATTEMPTS {
            let seen = self.full_at(budget).await?;
            let now = clock.now().millis();
            let full_at = seen.map(|seen| match seen.millis() {
                full_at if limit.is_plausible(full_at, now, CLOCK_SKEW_MILLIS) => full_at,
                _ => limit.latest(now, reserved),
            });
            let Ok(next) = limit.acquire(full_at, now, reserved) else { return Ok(false) };
            if self.set_full_at(budget, seen, Timestamp::from_millis(next)).await? {
                return Ok(true);
            }
            backoff::wait_before_retry(attempt, clock).await;
        }
        Ok(false)
    }

    /// Gives back a permit of `budget` with which no e-mail was sent.
    ///
    /// # Errors
    /// [`StoreError`] if the row cannot be read or written. The permit is lost then, and available again after its interval.
    pub async fn release(&self, budget: EmailBudget, limit: RateLimit, clock: &dyn Clock) -> Result<(), StoreError> {
        for attempt in 1..=MAX_ATTEMPTS {
            let Some(seen) = self.full_at(budget).await? else { return Ok(()) };
            let full_at = Timestamp::from_millis(limit.release(seen.millis()));
            if self.set_full_at(budget, Some(seen), full_at).await? {
                return Ok(());
            }
            backoff::wait_before_retry(attempt, clock).await;
        }
        Ok(())
    }

    async fn full_at(&self, budget: EmailBudget) -> Result<Option<Timestamp>, StoreError> {
        let key = [("fingerprint", text(keys::AGE)), ("opened_at", text(budget.key()))];
        let Some(item) = self.0.get(key, Consistency::Strong).await? else { return Ok(None) };
        Ok(Some(self.0.parse::<RateLimiterRow>(&item)?.full_at))
    }

    /// Returns false if another environment has changed the row since `seen` was read.
    async fn set_full_at(
        &self,
        budget: EmailBudget,
        seen: Option<Timestamp>,
        full_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = self
            .0
            .client
            .update_item()
            .table_name(&self.0.name)
            .key("fingerprint", text(keys::AGE))
            .key("opened_at", text(budget.key()))
            .update_expression("SET v = if_not_exists(v, :v), full_at = :full_at")
            .expression_attribute_values(":v", number(SCHEMA_VERSION))
            .expression_attribute_values(":full_at", text(full_at));
        let update = match seen {
            Some(seen) => {
                update.condition_expression("full_at = :seen").expression_attribute_values(":seen", text(seen))
            }
            None => update.condition_expression("attribute_not_exists(full_at)"),
        };
        self.0.update_if(update).await
    }
}
