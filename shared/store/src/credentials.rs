//! The `credentials` table: all credentials in one row, so that one read by key knows every one, and a change that
//! depends on others (the last admin stays) is made on all of them or not at all.

use age_model::{Clock, Keyring};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use serde::{Deserialize, Serialize};

use crate::db::{Db, Table};
use crate::row::{RowName, number, text};
use crate::{Consistency, StoreError, backoff, keys};

const KEY: &[&str] = &["kid"];

/// Admins change credentials by hand; more often than this somebody else is never first.
const MAX_ATTEMPTS: u32 = 12;

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct RegistryRow {
    kid: String,
    version: u64,
    credentials: Keyring,
}

/// The `credentials` table.
#[derive(Debug, Clone)]
pub struct Credentials(Table);

impl Credentials {
    /// The table called `name`.
    #[must_use]
    pub fn new(db: &Db, name: impl Into<String>) -> Self {
        Self(db.table(name))
    }

    /// Every credential, as of now.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    pub async fn all(&self) -> Result<Keyring, StoreError> {
        Ok(self.row().await?.credentials)
    }

    /// Changes the keyring by `apply`, which is asked again if somebody else changes it meanwhile, or if it cannot be told
    /// whether it was changed: so `apply` must know its own doing when it sees it.
    ///
    /// # Errors
    /// What `apply` says, or [`StoreError`] if it was not stored.
    pub async fn change<T, E: From<StoreError>>(
        &self,
        clock: &dyn Clock,
        apply: impl Fn(&mut Keyring) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut lost: Option<StoreError> = None;
        for attempt in 1..=MAX_ATTEMPTS {
            let RegistryRow { version, mut credentials, .. } = match (self.row().await, lost) {
                (Ok(row), _) => row,
                // The last word on what was lost is that nobody can say.
                (Err(_), Some(lost)) => return Err(lost.into()),
                (Err(error), None) => return Err(error.into()),
            };
            let before = credentials.clone();
            let applied = apply(&mut credentials)?;
            if credentials == before {
                return Ok(applied);
            }
            let next = RegistryRow { kid: keys::REGISTRY.to_owned(), version: version + 1, credentials };
            lost = match self.put(&next, version).await {
                Ok(true) => return Ok(applied),
                Ok(false) => None,
                Err(error @ StoreError::Unknown { .. }) => Some(error),
                Err(error) => return Err(error.into()),
            };
            backoff::wait(attempt, clock).await;
        }
        let contended = StoreError::Contended { table: self.0.name.clone(), attempts: MAX_ATTEMPTS };
        Err(lost.unwrap_or(contended).into())
    }

    async fn row(&self) -> Result<RegistryRow, StoreError> {
        let item = self.0.get([("kid", text(keys::REGISTRY))], Consistency::Strong).await?;
        Ok(item.map(|item| self.row_name().read(&item)).transpose()?.unwrap_or_default())
    }

    /// False if somebody else was first.
    async fn put(&self, row: &RegistryRow, seen: u64) -> Result<bool, StoreError> {
        let Table { client, name } = &self.0;
        let put = client.put_item().table_name(name).set_item(Some(self.row_name().write(row)?));
        let put = put
            .condition_expression("attribute_not_exists(kid) OR version = :seen")
            .expression_attribute_values(":seen", number(seen));
        let Err(error) = put.send().await else { return Ok(true) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(StoreError::unwritten("PutItem", name, error)),
        }
    }

    const fn row_name(&self) -> RowName<'_> {
        RowName { table: self.0.name.as_str(), key: KEY }
    }
}
