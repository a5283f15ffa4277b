//! The `credentials` table: all credentials in one row, so that one read by key returns all of them, and a rule about several
//! of them (the last admin cannot be revoked) holds under concurrent changes.

use age_model::{Clock, CredentialSource, Keyring, KeyringFuture, StoreError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use serde::{Deserialize, Serialize};

use crate::dynamodb::attribute::{number, text};
use crate::dynamodb::backoff;
use crate::dynamodb::client::{Consistency, DynamoDb, Table};
use crate::dynamodb::error::write_failed;
use crate::dynamodb::keys;

/// Attempts while other admins change credentials. Admins do so by hand, so more attempts would not help.
const MAX_ATTEMPTS: u32 = 12;

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct KeyringRow {
    kid: String,
    version: u64,
    credentials: Keyring,
}

/// The `credentials` table.
#[derive(Debug, Clone)]
pub struct Credentials(Table);

impl CredentialSource for Credentials {
    fn keyring(&self) -> KeyringFuture<'_> {
        Box::pin(self.all())
    }
}

impl Credentials {
    /// Uses the table `name`.
    #[must_use]
    pub fn new(db: &DynamoDb, name: impl Into<String>) -> Self {
        Self(db.table(name, &["kid"]))
    }

    /// Returns all credentials, read strongly.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    pub async fn all(&self) -> Result<Keyring, StoreError> {
        Ok(self.row(Consistency::Strong).await?.credentials)
    }

    /// Returns all credentials, which may miss the changes of the last second. Costs half as much as [`Credentials::all`].
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    pub async fn recent(&self) -> Result<Keyring, StoreError> {
        Ok(self.row(Consistency::Eventual).await?.credentials)
    }

    /// Changes the keyring by `apply`. `apply` is called again if another writer was faster or the response to the write was
    /// lost, so it must recognize a change that it has made before.
    ///
    /// # Errors
    /// The error of `apply`, or [`StoreError`] if the change was not stored.
    pub async fn change<T, E: From<StoreError>>(
        &self,
        clock: &dyn Clock,
        apply: impl Fn(&mut Keyring) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut lost: Option<StoreError> = None;
        for attempt in 1..=MAX_ATTEMPTS {
            let KeyringRow { version, mut credentials, .. } = match (self.row(Consistency::Strong).await, lost) {
                (Ok(row), _) => row,
                // The outcome of the previous write stays unknown.
                (Err(_), Some(lost)) => return Err(lost.into()),
                (Err(error), None) => return Err(error.into()),
            };
            let before = credentials.clone();
            let applied = apply(&mut credentials)?;
            if credentials == before {
                return Ok(applied);
            }
            let next = KeyringRow { kid: keys::KEYRING.to_owned(), version: version + 1, credentials };
            lost = match self.put(&next, version).await {
                Ok(true) => return Ok(applied),
                Ok(false) => None,
                Err(error @ StoreError::UnknownOutcome { .. }) => Some(error),
                Err(error) => return Err(error.into()),
            };
            backoff::wait_before_retry(attempt, clock).await;
        }
        let contended = StoreError::Contended { table: self.0.name.clone(), attempts: MAX_ATTEMPTS };
        Err(lost.unwrap_or(contended).into())
    }

    async fn row(&self, consistency: Consistency) -> Result<KeyringRow, StoreError> {
        let item = self.0.get([("kid", text(keys::KEYRING))], consistency).await?;
        Ok(item.map(|item| self.0.parse(&item)).transpose()?.unwrap_or_default())
    }

    /// Returns false if the row no longer has the version `seen`.
    async fn put(&self, row: &KeyringRow, seen: u64) -> Result<bool, StoreError> {
        let Table { client, name, .. } = &self.0;
        let put = client.put_item().table_name(name).set_item(Some(self.0.serialize(row)?));
        let put = put
            .condition_expression("attribute_not_exists(kid) OR version = :seen")
            .expression_attribute_values(":seen", number(seen));
        let Err(error) = put.send().await else { return Ok(true) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(write_failed("PutItem", name, error)),
        }
    }
}
