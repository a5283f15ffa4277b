//! The `policies` table: versions, their activations, and the pointer to the active one, which is here.

use std::collections::BTreeSet;
use std::fmt::Display;

use age_model::{Engine, KeyId, Keyring, PolicyHash, PolicyPointer, PolicyShadow, StoreError, Timestamp};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::ConditionCheck;
use serde::{Deserialize, Serialize};

use crate::credentials::Credentials;
use crate::dynamodb::attribute::{Item, text};
use crate::dynamodb::client::{BatchError, DynamoDb, Table, read_batch};
use crate::dynamodb::error::read_failed;
use crate::dynamodb::keys;
use crate::dynamodb::transaction::{self, Write};

/// The attributes of the table's key.
const KEY: &[&str] = &["kind", "id"];

/// The attribute of the row of the pointer that has the shadow, so that it is read together with the active version.
pub(crate) const SHADOW: &str = "shadow";

/// The row of the pointer, except for its key, the shadow and attributes of a later version.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PointerRow {
    pub(crate) number: u64,
    pub(crate) hash: PolicyHash,
    pub(crate) activated_at: Timestamp,
    pub(crate) activated_by: KeyId,
    pub(crate) previous: PolicyHash,
    pub(crate) engines: BTreeSet<Engine>,
}

/// The `policies` table.
#[derive(Debug, Clone)]
pub struct Policies(pub(crate) Table);

/// The pointer to the active version. Ok(None) before the first activation; the error does not keep the credentials from being used.
pub type ReadPointer = Result<Option<PolicyPointer>, StoreError>;

/// The versions that the one row of the pointer names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyPointers {
    /// The active version; None before the first activation.
    pub active: Option<PolicyPointer>,
    /// The shadow, which may have ended by its time. None if no version is the shadow, or the shadow cannot be read.
    pub shadow: Option<PolicyShadow>,
}

/// The versions that the row of the pointer names; the error does not keep the credentials from being used.
pub type ReadPointers = Result<PolicyPointers, StoreError>;

/// A page of rows, the newest first, and the `id` after which the next page begins, if there is one.
pub(crate) struct Page {
    pub(crate) rows: Vec<Item>,
    pub(crate) next: Option<String>,
}

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
        self.pointers().await.map(|pointers| pointers.active)
    }

    /// Returns the active version and the shadow, read strongly by one call.
    ///
    /// # Errors
    /// [`StoreError`] if the active version cannot be read.
    pub async fn pointers(&self) -> ReadPointers {
        let [items] = read_batch([(&self.0, vec![key(keys::ACTIVE, keys::ACTIVE_ID)])]).await?;
        self.pointers_of(items.first())
    }

    /// Returns all `credentials`, and the active version and the shadow, read strongly by one call. If only these cannot be read, the
    /// credentials are returned.
    ///
    /// # Errors
    /// [`StoreError`] if the credentials cannot be read.
    pub async fn active_with(&self, credentials: &Credentials) -> Result<(Keyring, ReadPointers), StoreError> {
        let (keyring, pointer) = (Credentials::key_of_keyring(), key(keys::ACTIVE, keys::ACTIVE_ID));
        let both = read_batch([(credentials.table(), vec![keyring.clone()]), (&self.0, vec![pointer])]).await;
        let ([keyring], pointer) = match both {
            Ok([keyring, pointer]) => ([keyring], self.pointers_of(pointer.first())),
            Err(BatchError { error, is_of_a_table: true }) => {
                (read_batch([(credentials.table(), vec![keyring])]).await?, Err(error))
            }
            Err(BatchError { error, .. }) => return Err(error),
        };
        Ok((credentials.keyring_of_row(keyring.into_iter().next())?, pointer))
    }

    /// Returns the part of a transaction by which it holds only while `hash` is the active version. Before the first activation, every
    /// version counts as active: an environment knows no other than the compiled one.
    ///
    /// # Errors
    /// [`StoreError`] if the request cannot be built.
    pub(crate) fn is_active(&self, hash: &PolicyHash) -> Result<Write, StoreError> {
        let check = ConditionCheck::builder()
            .set_key(Some(key(keys::ACTIVE, keys::ACTIVE_ID)))
            .condition_expression("attribute_not_exists(#hash) OR #hash = :hash")
            .expression_attribute_names("#hash", "hash")
            .expression_attribute_values(":hash", text(hash));
        transaction::check(&self.0.name, check)
    }

    /// Returns the error of the document of the version `hash`, which cannot be read.
    #[must_use]
    pub fn corrupt_document(&self, hash: &PolicyHash, detail: &dyn Display) -> StoreError {
        self.0.corrupt(&key(keys::DOCUMENT, &hash.to_string()), "document", detail)
    }

    /// Returns the error of a transaction that conflicted with others in each of `attempts`.
    #[must_use]
    pub fn contended(&self, attempts: u32) -> StoreError {
        StoreError::Contended { table: self.0.name.clone(), attempts }
    }

    pub(crate) fn pointers_of(&self, item: Option<&Item>) -> ReadPointers {
        let Some(item) = item else { return Ok(PolicyPointers::default()) };
        let active = if names_active_version(item) { Some(self.active_of(item)?) } else { None };
        Ok(PolicyPointers { active, shadow: self.shadow_of(item) })
    }

    /// Returns the shadow that the row of the pointer names. One that cannot be read is none: it has no effect on answers.
    pub(crate) fn shadow_of(&self, item: &Item) -> Option<PolicyShadow> {
        let read = serde_dynamo::from_attribute_value(item.get(SHADOW)?.clone());
        let unreadable = |error: &serde_dynamo::Error| {
            let error = self.0.corrupt(item, SHADOW, error);
            tracing::warn!(%error, "no decision is compared with the shadow of the policy, which cannot be read: {error}");
        };
        read.inspect_err(unreadable).ok()
    }

    fn active_of(&self, item: &Item) -> Result<PolicyPointer, StoreError> {
        let PointerRow { number, hash, activated_at, activated_by, previous, engines } = self.0.parse(item)?;
        Ok(PolicyPointer { number, hash, activated_at, activated_by, previous, engines })
    }

    /// Returns up to `limit` rows of `kind`, the highest `id` first, of those below `before`.
    pub(crate) async fn newest(&self, kind: &str, limit: usize, before: Option<&str>) -> Result<Page, StoreError> {
        // One more than requested, which shows whether the list has more.
        let mut items = self.query(kind, limit + 1, before).into_paginator().items().send();
        let mut rows: Vec<Item> = Vec::new();
        while rows.len() <= limit {
            let Some(item) = items.next().await else { break };
            rows.push(item.map_err(|error| read_failed("Query", &self.0.name, error))?);
        }
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let id = |row: &Item| row.get("id").and_then(|id| id.as_s().ok()).cloned();
        let next = if has_more { rows.last().and_then(id) } else { None };
        Ok(Page { rows, next })
    }

    fn query(&self, kind: &str, limit: usize, before: Option<&str>) -> QueryFluentBuilder {
        let Table { client, name, .. } = &self.0;
        let query = client
            .query()
            .table_name(name)
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .expression_attribute_values(":kind", text(kind));
        match before {
            Some(before) => query
                .key_condition_expression("kind = :kind AND id < :before")
                .expression_attribute_values(":before", text(before)),
            None => query.key_condition_expression("kind = :kind"),
        }
    }
}

/// Whether the row of the pointer names an active version. Before the first activation, it may name the shadow alone.
fn names_active_version(item: &Item) -> bool {
    item.contains_key("number") || item.contains_key("hash") || !item.contains_key(SHADOW)
}

pub(crate) fn key(kind: &str, id: &str) -> Item {
    Item::from([("kind".to_owned(), text(kind)), ("id".to_owned(), text(id))])
}
