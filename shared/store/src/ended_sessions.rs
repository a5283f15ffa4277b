//! The sessions of the dashboard that were ended, one row of the `incidents` table: the dashboard may not write the credentials.

use age_model::{Clock, CredentialSource, DashboardSession, EndedSessions, KeyringFuture, StoreError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use futures_util::future::try_join;
use serde::{Deserialize, Serialize};

use crate::dynamodb::attribute::{Item, number, text};
use crate::dynamodb::backoff;
use crate::dynamodb::client::{Consistency, DynamoDb, Table};
use crate::dynamodb::error::write_failed;
use crate::dynamodb::keys;
use crate::dynamodb::merge::merge_maps;
use crate::incident_rows::KEY;

/// Attempts while others sign out at the same time.
const MAX_ATTEMPTS: u32 = 8;

/// The row, except for its key and attributes of a later version.
#[derive(Debug, Default, Serialize, Deserialize)]
struct EndedSessionsRow {
    version: u64,
    sessions: EndedSessions,
}

/// The row with the sessions that were ended.
#[derive(Debug, Clone)]
pub struct EndedSessionsStore(Table);

impl EndedSessionsStore {
    /// Uses the row in the table `name`.
    #[must_use]
    pub fn new(db: &DynamoDb, name: impl Into<String>) -> Self {
        Self(db.table(name, KEY))
    }

    /// Returns the sessions that were ended, read strongly.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    pub async fn all(&self) -> Result<EndedSessions, StoreError> {
        Ok(self.read().await?.1.sessions)
    }

    /// Ends `session`. A session that was ended stays so.
    ///
    /// # Errors
    /// [`StoreError`] if that was not stored.
    pub async fn end(&self, session: &DashboardSession, clock: &dyn Clock) -> Result<(), StoreError> {
        for attempt in 1..=MAX_ATTEMPTS {
            let (item, old) = self.read().await?;
            if old.sessions.contains(session) {
                return Ok(());
            }
            let mut sessions = old.sessions.clone();
            sessions.end(session, clock.now());
            let new = EndedSessionsRow { version: old.version + 1, sessions };
            if self.put(item.as_ref(), &old, &new).await? {
                return Ok(());
            }
            backoff::wait_before_retry(attempt, clock).await;
        }
        Err(StoreError::Contended { table: self.0.name.clone(), attempts: MAX_ATTEMPTS })
    }

    async fn read(&self) -> Result<(Option<Item>, EndedSessionsRow), StoreError> {
        let key = [("fingerprint", text(keys::AGE)), ("opened_at", text(keys::ENDED_SESSIONS))];
        let item = self.0.get(key, Consistency::Strong).await?;
        let row = item.as_ref().map(|item| self.0.parse(item)).transpose()?;
        Ok((item, row.unwrap_or_default()))
    }

    /// Stores `new` in place of `old`, with all that this version does not know. Returns false, and nothing is written, if the row
    /// no longer has the version that was read.
    async fn put(
        &self,
        item: Option<&Item>,
        old: &EndedSessionsRow,
        new: &EndedSessionsRow,
    ) -> Result<bool, StoreError> {
        let Table { client, name, .. } = &self.0;
        let mut row = self.0.serialize(new)?;
        if let Some(item) = item {
            row = merge_maps(item, &self.0.serialize(old)?, &row);
        }
        let put = client
            .put_item()
            .table_name(name)
            .set_item(Some(row))
            .item("fingerprint", text(keys::AGE))
            .item("opened_at", text(keys::ENDED_SESSIONS))
            .condition_expression("attribute_not_exists(version) OR version = :seen")
            .expression_attribute_values(":seen", number(old.version));
        let Err(error) = put.send().await else { return Ok(true) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(write_failed("PutItem", name, error)),
        }
    }
}

/// The credentials together with the sessions that were ended, for the function that has sessions. Both are read at the same time.
#[derive(Debug, Clone)]
pub struct CredentialsWithSessions<S> {
    /// The credentials.
    pub credentials: S,
    /// The sessions that were ended.
    pub ended_sessions: EndedSessionsStore,
}

impl<S: CredentialSource> CredentialSource for CredentialsWithSessions<S> {
    fn keyring(&self) -> KeyringFuture<'_> {
        Box::pin(async {
            let (keyring, ended) = try_join(self.credentials.keyring(), self.ended_sessions.all()).await?;
            Ok(keyring.with_ended_sessions(ended))
        })
    }
}
