//! The rate limit of e-mails: one for all of AGE, because one mailbox receives them.

use age_model::{Clock, RateLimit, StoreError, Timestamp};
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

#[derive(Debug, Deserialize)]
struct RateLimiterRow {
    /// When all permits are available again, see [`RateLimit`].
    full_at: Timestamp,
}

/// The rate limiter, one row of the `incidents` table.
#[derive(Debug, Clone)]
pub struct EmailRateLimiter(Table);

impl EmailRateLimiter {
    /// Uses the row in the table `name`.
    #[must_use]
    pub fn new(db: &DynamoDb, name: impl Into<String>) -> Self {
        Self(db.table(name, KEY))
    }

    /// Takes a permit of `limit`, in milliseconds, to send one e-mail now, leaving `reserved` of its burst to others. Returns false
    /// if none is available.
    ///
    /// # Errors
    /// [`StoreError`] if the row cannot be read or written; no e-mail may be sent then.
    pub async fn acquire(&self, limit: RateLimit, reserved: u32, clock: &dyn Clock) -> Result<bool, StoreError> {
        for attempt in 1..=MAX_ATTEMPTS {
            let seen = self.full_at().await?;
            let now = clock.now().millis();
            let full_at = seen.map(|seen| match seen.millis() {
                full_at if limit.is_plausible(full_at, now, CLOCK_SKEW_MILLIS) => full_at,
                _ => limit.latest(now, reserved),
            });
            let Ok(next) = limit.acquire(full_at, now, reserved) else { return Ok(false) };
            if self.set_full_at(seen, Timestamp::from_millis(next)).await? {
                return Ok(true);
            }
            backoff::wait_before_retry(attempt, clock).await;
        }
        Ok(false)
    }

    async fn full_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let key = [("fingerprint", text(keys::AGE)), ("opened_at", text(keys::EMAIL_RATE_LIMITER))];
        let Some(item) = self.0.get(key, Consistency::Strong).await? else { return Ok(None) };
        Ok(Some(self.0.parse::<RateLimiterRow>(&item)?.full_at))
    }

    /// Returns false if another environment has changed the row since `seen` was read.
    async fn set_full_at(&self, seen: Option<Timestamp>, full_at: Timestamp) -> Result<bool, StoreError> {
        let update = self
            .0
            .client
            .update_item()
            .table_name(&self.0.name)
            .key("fingerprint", text(keys::AGE))
            .key("opened_at", text(keys::EMAIL_RATE_LIMITER))
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
