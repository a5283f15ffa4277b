//! The rate limits of e-mails: one for all e-mails to the first line, because one mailbox receives them, one for those to the second
//! line, and one of each engine, so that none uses up what another needs.

use age_model::{Clock, Engine, RateLimit, StoreError, Timestamp};
use serde::Deserialize;

use crate::dynamodb::attribute::text;
use crate::dynamodb::backoff;
use crate::dynamodb::client::{Consistency, DynamoDb, Table};
use crate::dynamodb::keys;
use crate::dynamodb::transaction::{self, Write};
use crate::dynamodb::update::UpdateExpression;
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

/// The permits of a budget that are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsedPermits {
    /// No permit was ever taken.
    Never,
    /// All permits are available again at this time.
    Until(Timestamp),
    /// All permits are available at this time: an assumption, which holds unless an e-mail was sent lately.
    NoneAt(Timestamp),
}

impl UsedPermits {
    /// Returns when all permits are available again if one is taken at `now`; None if none is available.
    fn next(self, limit: RateLimit, reserved: u32, now: Timestamp) -> Option<Timestamp> {
        let now = now.millis();
        let full_at = match self {
            Self::Never | Self::NoneAt(_) => None,
            Self::Until(full_at) if limit.is_plausible(full_at.millis(), now, CLOCK_SKEW_MILLIS) => {
                Some(full_at.millis())
            }
            Self::Until(_) => Some(limit.latest(now, reserved)),
        };
        limit.acquire(full_at, now, reserved).ok().map(Timestamp::from_millis)
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
            let used = self.used(budget).await?;
            let Some(next) = used.next(limit, reserved, clock.now()) else { return Ok(false) };
            if self.set_full_at(budget, used, next).await? {
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
            let used = self.used(budget).await?;
            let UsedPermits::Until(seen) = used else { return Ok(()) };
            let full_at = Timestamp::from_millis(limit.release(seen.millis()));
            if self.set_full_at(budget, used, full_at).await? {
                return Ok(());
            }
            backoff::wait_before_retry(attempt, clock).await;
        }
        Ok(())
    }

    /// Returns the permits of `budget` that are used, read strongly.
    ///
    /// # Errors
    /// [`StoreError`] if the row cannot be read.
    pub async fn used(&self, budget: EmailBudget) -> Result<UsedPermits, StoreError> {
        let key = [("fingerprint", text(keys::AGE)), ("opened_at", text(budget.key()))];
        let Some(item) = self.0.get(key, Consistency::Strong).await? else { return Ok(UsedPermits::Never) };
        Ok(UsedPermits::Until(self.0.parse::<RateLimiterRow>(&item)?.full_at))
    }

    /// Returns the write that takes a permit of `budget` in a transaction, if its permits are as `used` says. None if none is available.
    ///
    /// # Errors
    /// [`StoreError`] if the write cannot be built.
    pub fn permit(
        &self,
        budget: EmailBudget,
        (limit, reserved): (RateLimit, u32),
        used: UsedPermits,
        now: Timestamp,
    ) -> Result<Option<Write>, StoreError> {
        let Some(next) = used.next(limit, reserved, now) else { return Ok(None) };
        let (expression, condition) = change(used, next);
        let update = expression
            .into_update()
            .key("fingerprint", text(keys::AGE))
            .key("opened_at", text(budget.key()))
            .condition_expression(condition);
        transaction::update(&self.0.name, update).map(Some)
    }

    /// Returns false if another environment has changed the row since it was `used` so.
    async fn set_full_at(
        &self,
        budget: EmailBudget,
        used: UsedPermits,
        full_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let (expression, condition) = change(used, full_at);
        let update = self.0.client.update_item().table_name(&self.0.name);
        let update = update.key("fingerprint", text(keys::AGE)).key("opened_at", text(budget.key()));
        self.0.update_if(expression.apply(update).condition_expression(condition)).await
    }
}

/// The change of a row that is `used` so, and its condition.
fn change(used: UsedPermits, full_at: Timestamp) -> (UpdateExpression, String) {
    let mut expression = UpdateExpression::default();
    expression.set_schema_version();
    expression.set(&["full_at"], text(full_at));
    let path = expression.path(&["full_at"]);
    let condition = match used {
        UsedPermits::Never => format!("attribute_not_exists({path})"),
        UsedPermits::Until(seen) => format!("{path} = {}", expression.value(text(seen))),
        UsedPermits::NoneAt(now) => {
            format!("attribute_not_exists({path}) OR {path} <= {}", expression.value(text(now)))
        }
    };
    (expression, condition)
}
