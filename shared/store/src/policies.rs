//! The `policies` table: the documents of policy versions, and the pointer to the active one.

use std::collections::BTreeSet;
use std::fmt::Display;

use age_model::{Engine, Keyring, PolicyPointer, StoreError, Timestamp};
use serde::{Deserialize, Serialize};

use crate::credentials::Credentials;
use crate::dynamodb::attribute::{Item, text};
use crate::dynamodb::client::{DynamoDb, Table, read_batch};
use crate::dynamodb::keys;

/// The attributes of the table's key.
const KEY: &[&str] = &["kind", "id"];

/// The row of the pointer, except for its key and attributes of a later version.
#[derive(Debug, Serialize, Deserialize)]
struct PointerRow {
    number: u64,
    hash: String,
    activated_at: Timestamp,
    previous: String,
    engines: BTreeSet<Engine>,
}

#[derive(Debug, Deserialize)]
struct DocumentRow {
    document: String,
}

/// The `policies` table.
#[derive(Debug, Clone)]
pub struct Policies(Table);

/// The pointer to the active version. Ok(None) before the first activation; the error does not keep the credentials from being used.
pub type ReadPointer = Result<Option<PolicyPointer>, StoreError>;

impl Policies {
    /// Uses the table `name`.
    #[must_use]
    pub fn new(db: &DynamoDb, name: impl Into<String>) -> Self {
        Self(db.table(name, KEY))
    }

    /// Returns the pointer to the active version, read strongly; None before the first activation.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn active(&self) -> ReadPointer {
        let [items] = read_batch([(&self.0, vec![key(keys::ACTIVE, keys::ACTIVE_ID)])]).await?;
        self.pointer(items)
    }

    /// Returns all `credentials` and the pointer to the active version, read strongly by one call. If only the pointer cannot be
    /// read, the credentials are returned.
    ///
    /// # Errors
    /// [`StoreError`] if the credentials cannot be read.
    pub async fn active_with(&self, credentials: &Credentials) -> Result<(Keyring, ReadPointer), StoreError> {
        let (keyring, pointer) = (Credentials::key_of_keyring(), key(keys::ACTIVE, keys::ACTIVE_ID));
        let both = read_batch([(credentials.table(), vec![keyring.clone()]), (&self.0, vec![pointer])]).await;
        let ([keyring], pointer) = match both {
            Ok([keyring, pointer]) => ([keyring], self.pointer(pointer)),
            Err(error) => (read_batch([(credentials.table(), vec![keyring])]).await?, Err(error)),
        };
        Ok((credentials.keyring_of_row(keyring.into_iter().next())?, pointer))
    }

    /// Returns the document of the version `hash`, read by `parse`.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if there is none, or `parse` fails; another [`StoreError`] if it cannot be read now.
    pub async fn document<T, E: Display>(
        &self,
        hash: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, StoreError> {
        let key = key(keys::DOCUMENT, hash);
        let [items] = read_batch([(&self.0, vec![key.clone()])]).await?;
        let Some(item) = items.first() else { return Err(self.0.corrupt(&key, "document", "is missing")) };
        let DocumentRow { document } = self.0.parse(item)?;
        parse(&document).map_err(|error| self.0.corrupt(item, "document", error))
    }

    fn pointer(&self, items: Vec<Item>) -> ReadPointer {
        let Some(item) = items.into_iter().next() else { return Ok(None) };
        let PointerRow { number, hash, activated_at, previous, engines } = self.0.parse(&item)?;
        Ok(Some(PolicyPointer { number, hash, activated_at, previous, engines }))
    }
}

fn key(kind: &str, id: &str) -> Item {
    Item::from([("kind".to_owned(), text(kind)), ("id".to_owned(), text(id))])
}
