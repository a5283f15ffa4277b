//! The `credentials` table: all credentials in one row, so that one read by key returns all of them, and a rule about several
//! of them (the last admin cannot be revoked) holds under concurrent changes.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{Clock, Credential, CredentialSource, KeyId, Keyring, KeyringFuture, SealingKey, StoreError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use crate::dynamodb::attribute::{Item, binary, number, text};
use crate::dynamodb::backoff;
use crate::dynamodb::client::{Consistency, DynamoDb, Table};
use crate::dynamodb::error::write_failed;
use crate::dynamodb::keys;
use crate::dynamodb::merge::merge_maps;

/// Attempts while other admins change credentials. Admins do so by hand, so more attempts would not help.
const MAX_ATTEMPTS: u32 = 12;

/// The row, except for attributes of a later version.
#[derive(Debug, Serialize)]
struct KeyringRow<'a> {
    kid: &'static str,
    version: u64,
    credentials: &'a Keyring,
}

#[derive(Debug, Deserialize)]
struct Version {
    version: u64,
}

/// The keyring as it is stored.
#[derive(Debug, Default)]
struct StoredKeyring {
    version: u64,
    keyring: Keyring,
    /// The row as it was read, if there is one.
    item: Option<Item>,
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
        Ok(self.read(Consistency::Strong).await?.keyring)
    }

    /// Returns all credentials, which may miss the changes of the last second. Costs half as much as [`Credentials::all`].
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    pub async fn recent(&self) -> Result<Keyring, StoreError> {
        Ok(self.read(Consistency::Eventual).await?.keyring)
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
            let stored = match (self.read(Consistency::Strong).await, lost) {
                (Ok(stored), _) => stored,
                // The outcome of the previous write stays unknown.
                (Err(_), Some(lost)) => return Err(lost.into()),
                (Err(error), None) => return Err(error.into()),
            };
            let mut keyring = stored.keyring.clone();
            let applied = apply(&mut keyring)?;
            if keyring == stored.keyring {
                return Ok(applied);
            }
            lost = match self.put(&stored, &keyring, clock).await {
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

    async fn read(&self, consistency: Consistency) -> Result<StoredKeyring, StoreError> {
        let item = self.0.get([("kid", text(keys::KEYRING))], consistency).await?;
        let Some(item) = item else { return Ok(StoredKeyring::default()) };
        let Version { version } = self.0.parse(&item)?;
        let credentials = item.get("credentials").and_then(|credentials| credentials.as_m().ok());
        let credentials = credentials.ok_or_else(|| self.0.corrupt(&item, "credentials", "must be a map"))?;
        let keyring = self.keyring_of(&item, credentials).with_sealing_key(self.sealing_key_of(&item));
        Ok(StoredKeyring { version, keyring, item: Some(item) })
    }

    /// A key that cannot be read must not keep the credentials from being used. Nothing can be sealed without it.
    fn sealing_key_of(&self, item: &Item) -> Option<SealingKey> {
        let bytes = item.get(keys::SEALING_KEY)?.as_b().map(AsRef::as_ref).unwrap_or_default();
        let key = SealingKey::try_from(bytes).map_err(|error| self.0.corrupt(item, keys::SEALING_KEY, error));
        key.inspect_err(|error| tracing::error!(%error, "AGE's key cannot be read, so nothing is sealed: {error}")).ok()
    }

    /// Reads each credential by itself: one that cannot be read must not keep the others from being used.
    fn keyring_of(&self, item: &Item, stored: &Item) -> Keyring {
        let (mut credentials, mut unreadable) = (BTreeMap::new(), BTreeSet::new());
        for (name, value) in stored {
            match self.parse_credential(item, name, value) {
                Ok((kid, credential)) => {
                    credentials.insert(kid, credential);
                }
                Err(error) => {
                    tracing::error!(%error, credential.kid = name, "the credential {name} cannot be read and permits nothing: {error}");
                    unreadable.insert(name.clone());
                }
            }
        }
        Keyring::stored(credentials, unreadable)
    }

    fn parse_credential(
        &self,
        item: &Item,
        name: &str,
        value: &AttributeValue,
    ) -> Result<(KeyId, Credential), StoreError> {
        let field = || format!("credentials.{name}");
        let kid = name.parse().map_err(|error| self.0.corrupt(item, field(), error))?;
        let credential = serde_dynamo::from_attribute_value(value.clone());
        Ok((kid, credential.map_err(|error| self.0.corrupt(item, field(), error))?))
    }

    /// Stores `keyring` in place of `stored`, with all that this version does not know. Returns false, and nothing is written, if
    /// the row no longer has the version that was read.
    async fn put(&self, stored: &StoredKeyring, keyring: &Keyring, clock: &dyn Clock) -> Result<bool, StoreError> {
        let Table { client, name, .. } = &self.0;
        let row = |version, credentials| self.0.serialize(&KeyringRow { kid: keys::KEYRING, version, credentials });
        let mut next = row(stored.version + 1, keyring)?;
        if let Some(item) = &stored.item {
            next = merge_maps(item, &row(stored.version, &stored.keyring)?, &next);
        }
        // INVARIANT: the key is made once. Another one would end all sessions and cursors.
        if !next.contains_key(keys::SEALING_KEY) {
            next.insert(keys::SEALING_KEY.to_owned(), binary(self.fresh_sealing_key(clock)?.reveal()));
        }
        let put = client
            .put_item()
            .table_name(name)
            .set_item(Some(next))
            .condition_expression("attribute_not_exists(kid) OR version = :seen")
            .expression_attribute_values(":seen", number(stored.version));
        let Err(error) = put.send().await else { return Ok(true) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(write_failed("PutItem", name, error)),
        }
    }

    fn fresh_sealing_key(&self, clock: &dyn Clock) -> Result<SealingKey, StoreError> {
        SealingKey::fresh(clock).map_err(|error| StoreError::Unavailable {
            operation: "making a key",
            table: self.0.name.clone(),
            cause: error.to_string(),
        })
    }
}
