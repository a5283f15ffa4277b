//! How many e-mails may be sent: one bucket for all of AGE, because it is one inbox that fills up.

use age_model::{Clock, Timestamp};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use serde::Deserialize;

use crate::db::Table;
use crate::incidents::KEY;
use crate::row::{RowName, text};
use crate::{Consistency, StoreError, backoff, keys};

/// Others may be taking at the same moment; more often than this there is nothing left.
const MAX_ATTEMPTS: u32 = 8;

/// How far the clocks of two environments may be apart. Lambda keeps them within milliseconds.
const CLOCK_SKEW_SECONDS: i64 = 10;

#[derive(Debug, Deserialize)]
struct MailerRow {
    /// When the bucket is full again (the theoretical arrival time of the generic cell rate algorithm).
    full_at: Timestamp,
}

/// The bucket.
#[derive(Debug, Clone)]
pub struct EmailRateLimiter(pub(crate) Table);

impl EmailRateLimiter {
    /// Takes the right to send one e-mail now, if one may be sent in `every_seconds`, and `burst` at once after a pause, of
    /// which `reserved` are left for others.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be told; then none may be sent.
    pub async fn take(
        &self,
        every_seconds: i64,
        burst: u32,
        reserved: u32,
        clock: &dyn Clock,
    ) -> Result<bool, StoreError> {
        for attempt in 1..=MAX_ATTEMPTS {
            let full_at = self.full_at().await?;
            let now = clock.now();
            let of = |mails: u32| now.plus_seconds(i64::from(mails) * every_seconds);
            let last = of(burst.saturating_sub(reserved + 1));
            let begin = full_at.map_or(now, |full_at| full_at.max(now));
            // No right clock can have emptied the bucket further than that: one that was ahead must not silence AGE.
            let begin = if begin > of(burst).plus_seconds(CLOCK_SKEW_SECONDS) { last } else { begin };
            if begin > last {
                return Ok(false);
            }
            if self.fill(full_at, begin.plus_seconds(every_seconds)).await? {
                return Ok(true);
            }
            backoff::wait(attempt, clock).await;
        }
        Ok(false)
    }

    async fn full_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let key = [("fingerprint", text(keys::AGE)), ("opened_at", text(keys::MAILER))];
        let Some(item) = self.0.get(key, Consistency::Strong).await? else { return Ok(None) };
        Ok(Some(RowName { table: &self.0.name, key: KEY }.read::<MailerRow>(&item)?.full_at))
    }

    /// False if somebody else was first.
    async fn fill(&self, seen: Option<Timestamp>, full_at: Timestamp) -> Result<bool, StoreError> {
        let update = self
            .0
            .client
            .update_item()
            .table_name(&self.0.name)
            .key("fingerprint", text(keys::AGE))
            .key("opened_at", text(keys::MAILER))
            .update_expression("SET full_at = :full_at")
            .expression_attribute_values(":full_at", text(full_at));
        let update = match seen {
            Some(seen) => {
                update.condition_expression("full_at = :seen").expression_attribute_values(":seen", text(seen))
            }
            None => update.condition_expression("attribute_not_exists(full_at)"),
        };
        let Err(error) = update.send().await else { return Ok(true) };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(StoreError::unwritten("UpdateItem", &self.0.name, error)),
        }
    }
}
