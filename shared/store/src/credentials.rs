//! The `credentials` table: the keyring with all credentials in one row, so that one read by key returns all of them, and a rule
//! about several of them (the last admin cannot be revoked) holds under concurrent changes; and a record of each credential that
//! ever was.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{
    Clock, Credential, CredentialRecord, CredentialRegistry, CredentialSource, KeyId, Keyring, KeyringFuture,
    SealingKey, StoreError, StoredRecord,
};
use aws_sdk_dynamodb::types::{AttributeValue, Put};
use serde::Deserialize;

use crate::credential_rows::{CredentialAttributes, KEY, KeyringRow, RecordRow};
use crate::dynamodb::attribute::{Item, binary, number, text};
use crate::dynamodb::backoff;
use crate::dynamodb::client::{Consistency, DynamoDb, Table};
use crate::dynamodb::keys;
use crate::dynamodb::merge::merge_maps;
use crate::dynamodb::transaction::{TransactionResult, Write, put};
use crate::found::{Found, unreadable};

/// Attempts while other admins change credentials. Admins do so by hand, so more attempts would not help.
const MAX_ATTEMPTS: u32 = 12;

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

/// The keyring and records of credentials, with their rows as they were read.
struct StoredRegistry {
    keyring: StoredKeyring,
    registry: CredentialRegistry,
    records: BTreeMap<KeyId, Item>,
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
        Self(db.table(name, KEY))
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

    /// Returns the records of all credentials that ever were, by name, read strongly.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    pub async fn records(&self) -> Result<Found<(KeyId, CredentialRecord)>, StoreError> {
        let query = self.0.client.query().consistent_read(true).key_condition_expression("kind = :record");
        let rows = self.0.all(query.expression_attribute_values(":record", text(keys::RECORD))).await?;
        let mut found = Found::default();
        for row in rows {
            match self.0.parse::<RecordRow>(&row) {
                Ok(record) => found.items.push((record.kid.clone(), record.into())),
                Err(error) => {
                    let kid = row.get("kid").and_then(|kid| kid.as_s().ok()).cloned();
                    found.unreadable.push(unreadable(kid, error)?);
                }
            }
        }
        Ok(found)
    }

    /// Returns the record of the credential named `kid`, if it has one that can be read.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read now.
    pub async fn record(&self, kid: &KeyId) -> Result<Option<CredentialRecord>, StoreError> {
        let read = self.read_records([kid]).await?;
        Ok(read.into_values().find_map(|(record, _)| match record {
            StoredRecord::Readable(record) => Some(*record),
            StoredRecord::Unreadable => None,
        }))
    }

    /// Changes the credentials named `kids` by `apply`. `apply` is called again if another writer was faster or the response to
    /// the write was lost, so it must recognize a change that it has made before.
    ///
    /// # Errors
    /// The error of `apply`, or [`StoreError`] if the change was not stored.
    pub async fn change<'a, T, E: From<StoreError>>(
        &self,
        kids: impl IntoIterator<Item = &'a KeyId> + Clone,
        clock: &dyn Clock,
        apply: impl Fn(&mut CredentialRegistry) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut lost: Option<StoreError> = None;
        for attempt in 1..=MAX_ATTEMPTS {
            let stored = match (self.read_registry(kids.clone()).await, lost) {
                (Ok(stored), _) => stored,
                // The outcome of the previous write stays unknown.
                (Err(_), Some(lost)) => return Err(lost.into()),
                (Err(error), None) => return Err(error.into()),
            };
            let mut registry = stored.registry.clone();
            let applied = apply(&mut registry)?;
            if registry == stored.registry {
                return Ok(applied);
            }
            lost = match self.0.commit(self.writes(&stored, &registry, clock)?).await {
                Ok(TransactionResult::Committed) => return Ok(applied),
                Ok(_) => None,
                Err(error @ StoreError::UnknownOutcome { .. }) => Some(error),
                Err(error) => return Err(error.into()),
            };
            backoff::wait_before_retry(attempt, clock).await;
        }
        let contended = StoreError::Contended { table: self.0.name.clone(), attempts: MAX_ATTEMPTS };
        Err(lost.unwrap_or(contended).into())
    }

    async fn read_registry(&self, kids: impl IntoIterator<Item = &KeyId>) -> Result<StoredRegistry, StoreError> {
        // INVARIANT: the keyring is read first. Every change writes it, so if it has not changed when it is written, the records
        // have not changed since they were read.
        let keyring = self.read(Consistency::Strong).await?;
        let read = self.read_records(kids).await?;
        let records = read.iter().map(|(kid, (record, _))| (kid.clone(), record.clone())).collect();
        let registry = CredentialRegistry::stored(keyring.keyring.clone(), records);
        let records = read.into_iter().map(|(kid, (_, item))| (kid, item)).collect();
        Ok(StoredRegistry { keyring, registry, records })
    }

    /// Returns the stored records of `kids`, each with its row.
    async fn read_records(
        &self,
        kids: impl IntoIterator<Item = &KeyId>,
    ) -> Result<BTreeMap<KeyId, (StoredRecord, Item)>, StoreError> {
        let mut records = BTreeMap::new();
        for kid in kids {
            let key = [("kind", text(keys::RECORD)), ("kid", text(kid))];
            let Some(item) = self.0.get(key, Consistency::Strong).await? else { continue };
            let record = match self.0.parse::<RecordRow>(&item) {
                Ok(record) => StoredRecord::Readable(Box::new(record.into())),
                Err(error) => unreadable(None, error).map(|_| StoredRecord::Unreadable)?,
            };
            records.insert(kid.clone(), (record, item));
        }
        Ok(records)
    }

    async fn read(&self, consistency: Consistency) -> Result<StoredKeyring, StoreError> {
        let key = [("kind", text(keys::KEYRING)), ("kid", text(keys::KEYRING_KID))];
        self.stored_keyring(self.0.get(key, consistency).await?)
    }

    /// Returns the table.
    pub(crate) const fn table(&self) -> &Table {
        &self.0
    }

    /// Returns the key of the row with all credentials.
    pub(crate) fn key_of_keyring() -> Item {
        Item::from([("kind".to_owned(), text(keys::KEYRING)), ("kid".to_owned(), text(keys::KEYRING_KID))])
    }

    /// Returns the credentials of their row.
    pub(crate) fn keyring_of_row(&self, item: Option<Item>) -> Result<Keyring, StoreError> {
        Ok(self.stored_keyring(item)?.keyring)
    }

    fn stored_keyring(&self, item: Option<Item>) -> Result<StoredKeyring, StoreError> {
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
        let credential: Result<CredentialAttributes, _> = serde_dynamo::from_attribute_value(value.clone());
        Ok((kid, credential.map_err(|error| self.0.corrupt(item, field(), error))?.into()))
    }

    /// Returns the writes that store `registry` in place of `stored`, with all that this version does not know. They hold only if
    /// the keyring still has the version that was read.
    fn writes(
        &self,
        stored: &StoredRegistry,
        registry: &CredentialRegistry,
        clock: &dyn Clock,
    ) -> Result<Vec<Write>, StoreError> {
        let StoredKeyring { version, keyring, item } = &stored.keyring;
        let row = |version, keyring: &Keyring| self.0.serialize(&KeyringRow::new(version, keyring));
        let mut next = row(version + 1, registry.keyring())?;
        if let Some(item) = item {
            next = merge_maps(item, &row(*version, keyring)?, &next);
        }
        // INVARIANT: the key is made once. Another one would end all sessions and cursors.
        if !next.contains_key(keys::SEALING_KEY) {
            next.insert(keys::SEALING_KEY.to_owned(), binary(self.fresh_sealing_key(clock)?.reveal()));
        }
        let keyring = Put::builder()
            .set_item(Some(next))
            .condition_expression("attribute_not_exists(kid) OR version = :seen")
            .expression_attribute_values(":seen", number(version));
        let mut writes = vec![put(&self.0.name, keyring)?];
        for (kid, record) in registry.records() {
            let (old, item) = (stored.registry.record(kid), stored.records.get(kid));
            if old == Some(record) {
                continue;
            }
            let row = |record| self.0.serialize(&RecordRow::new(kid, record));
            let mut next = row(record)?;
            if let (Some(old), Some(item)) = (old, item) {
                next = merge_maps(item, &row(old)?, &next);
            }
            writes.push(put(&self.0.name, Put::builder().set_item(Some(next)))?);
        }
        Ok(writes)
    }

    fn fresh_sealing_key(&self, clock: &dyn Clock) -> Result<SealingKey, StoreError> {
        SealingKey::fresh(clock).map_err(|error| StoreError::Unavailable {
            operation: "making a key",
            table: self.0.name.clone(),
            cause: error.to_string(),
        })
    }
}
