//! Policy versions: their documents, each under its hash, and the list of versions without documents, each under its number.

use std::fmt::Display;

use age_model::{Clock, KeyId, PolicyHash, PolicyVersion, StoreError, Timestamp, UnreadableItem};
use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure};
use serde::{Deserialize, Serialize};

use crate::dynamodb::attribute::{Item, number, text};
use crate::dynamodb::backoff;
use crate::dynamodb::client::read_batch;
use crate::dynamodb::keys;
use crate::dynamodb::transaction::{self, TransactionResult, Write};
use crate::dynamodb::update::UpdateExpression;
use crate::found::unreadable;
use crate::policies::{Page, Policies, ReadPointers, key};

/// Attempts while other admins store versions. Admins do so by hand, so more attempts would not help.
const MAX_ATTEMPTS: u32 = 8;

const ID_IS_NEW: &str = "attribute_not_exists(id)";

/// The row of a document, except for its key and attributes of a later version.
#[derive(Debug, Serialize, Deserialize)]
struct DocumentRow {
    /// Canonical JSON.
    document: String,
    number: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    author: Option<KeyId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_at: Option<Timestamp>,
}

/// The row of a version in the list, except for its key and attributes of a later version.
#[derive(Debug, Serialize, Deserialize)]
struct VersionRow {
    hash: PolicyHash,
    number: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    author: Option<KeyId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_at: Option<Timestamp>,
    #[serde(default)]
    activations: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_activated_at: Option<Timestamp>,
}

/// A policy version with its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPolicy {
    /// The version.
    pub version: PolicyVersion,
    /// The document as canonical JSON.
    pub document: String,
}

/// The result of adding a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddedPolicy {
    /// The version is stored now.
    Created(PolicyVersion),
    /// The version was stored before.
    Exists(PolicyVersion),
}

/// A version in the list, with its use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPolicyVersion {
    /// The version.
    pub version: PolicyVersion,
    /// How often it was activated.
    pub activations: u64,
    /// When it was last activated, if ever.
    pub last_activated_at: Option<Timestamp>,
}

/// A page of versions, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVersionPage {
    /// The versions.
    pub versions: Vec<ListedPolicyVersion>,
    /// The versions of the page that cannot be read.
    pub unreadable: Vec<UnreadableItem>,
    /// The position of the next page, if there are more.
    pub next: Option<String>,
}

impl Policies {
    /// Returns the document of the version `hash`, read by `parse`.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if there is none, or `parse` fails; another [`StoreError`] if it cannot be read now.
    pub async fn document<T, E: Display>(
        &self,
        hash: &PolicyHash,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, StoreError> {
        let key = key(keys::DOCUMENT, &hash.to_string());
        let [items] = read_batch([(&self.0, vec![key])]).await?;
        let Some(item) = items.first() else { return Err(self.corrupt_document(hash, &"is missing")) };
        let DocumentRow { document, .. } = self.0.parse(item)?;
        parse(&document).map_err(|error| self.0.corrupt(item, "document", error))
    }

    /// Returns the version `hash`, if it is stored, and the active version and the shadow, read strongly by one call.
    ///
    /// # Errors
    /// [`StoreError`] if the version cannot be read.
    pub async fn get_with_active(&self, hash: &PolicyHash) -> Result<(Option<StoredPolicy>, ReadPointers), StoreError> {
        let wanted = vec![key(keys::DOCUMENT, &hash.to_string()), key(keys::ACTIVE, keys::ACTIVE_ID)];
        let [items] = read_batch([(&self.0, wanted)]).await?;
        let of_kind = |kind: &str| {
            items.iter().find(|item| item.get("kind").is_some_and(|it| it.as_s().is_ok_and(|it| it == kind)))
        };
        let stored = of_kind(keys::DOCUMENT).map(|item| self.stored(hash, item)).transpose()?;
        Ok((stored, self.pointers_of(of_kind(keys::ACTIVE))))
    }

    /// Stores the `document`, canonical JSON whose hash is `hash`, unless it is stored. Its version has the next number.
    ///
    /// # Errors
    /// [`StoreError`] if it was not stored, or that is unknown.
    pub async fn add(
        &self,
        hash: PolicyHash,
        document: &str,
        author: &KeyId,
        clock: &dyn Clock,
    ) -> Result<AddedPolicy, StoreError> {
        for attempt in 1..=MAX_ATTEMPTS {
            let version = PolicyVersion {
                hash,
                number: self.newest_number().await?.saturating_add(1),
                author: Some(author.clone()),
                created_at: Some(clock.now()),
            };
            match self.0.commit(self.insertion(&version, document)?).await {
                Ok(TransactionResult::Committed) => return Ok(AddedPolicy::Created(version)),
                Ok(TransactionResult::Exists(rows)) => {
                    let Some(row) = rows.first() else { continue };
                    return Ok(AddedPolicy::Exists(self.stored(&hash, &row.item)?.version));
                }
                // Another admin was faster with the number.
                Ok(TransactionResult::Stale | TransactionResult::Conflict(_) | TransactionResult::InProgress) => {}
                Err(error @ StoreError::UnknownOutcome { .. }) => match self.get_with_active(&hash).await {
                    Ok((Some(stored), _)) if stored.version == version => return Ok(AddedPolicy::Created(version)),
                    Ok((Some(stored), _)) => return Ok(AddedPolicy::Exists(stored.version)),
                    Ok((None, _)) => return Err(error.not_stored()),
                    Err(_) => return Err(error),
                },
                Err(error) => return Err(error),
            }
            backoff::wait_before_retry(attempt, clock).await;
        }
        Err(self.contended(MAX_ATTEMPTS))
    }

    /// Returns a version as the list has it. A default policy is listed if it was ever activated or replaced.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn listed_version(
        &self,
        hash: &PolicyHash,
        number: u64,
    ) -> Result<Option<ListedPolicyVersion>, StoreError> {
        let [items] = read_batch([(&self.0, vec![key(keys::VERSION, &keys::policy_version(number, hash))])]).await?;
        items.first().map(|item| self.listed(item)).transpose()
    }

    /// Returns up to `limit` versions that come after `before` in the list, the newest first. Default policies come last.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be read.
    pub async fn versions(&self, limit: usize, before: Option<&str>) -> Result<PolicyVersionPage, StoreError> {
        let Page { rows, next } = self.newest(keys::VERSION, limit, before).await?;
        let mut page = PolicyVersionPage { versions: Vec::new(), unreadable: Vec::new(), next };
        for row in &rows {
            match self.listed(row) {
                Ok(version) => page.versions.push(version),
                Err(error) => page.unreadable.push(unreadable(None, error)?),
            }
        }
        Ok(page)
    }

    /// Returns the number of the newest version; 0 if none is stored.
    async fn newest_number(&self) -> Result<u64, StoreError> {
        let Page { rows, .. } = self.newest(keys::VERSION, 1, None).await?;
        let Some(row) = rows.first() else { return Ok(0) };
        // By the key, so that a row that cannot be read does not keep versions from being stored.
        let id = row.get("id").and_then(|id| id.as_s().ok()).map(String::as_str).unwrap_or_default();
        let number = id.split('#').next().unwrap_or_default().parse();
        number.map_err(|error| self.0.corrupt(row, "id", error))
    }

    /// The writes that insert a version. The document comes first, so that one that exists is told from a number that is taken.
    fn insertion(&self, version: &PolicyVersion, document: &str) -> Result<Vec<Write>, StoreError> {
        let PolicyVersion { hash, number, author, created_at } = version.clone();
        let row = DocumentRow { document: document.to_owned(), number, author: author.clone(), created_at };
        let put = Put::builder()
            .set_item(Some(self.0.serialize(&row)?))
            .item("kind", text(keys::DOCUMENT))
            .item("id", text(hash))
            .condition_expression(ID_IS_NEW)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let row = VersionRow { hash, number, author, created_at, activations: 0, last_activated_at: None };
        let listed = Put::builder()
            .set_item(Some(self.0.serialize(&row)?))
            .item("kind", text(keys::VERSION))
            .item("id", text(keys::policy_version(number, &hash)))
            .condition_expression(ID_IS_NEW);
        Ok(vec![transaction::put(&self.0.name, put)?, transaction::put(&self.0.name, listed)?])
    }

    /// Returns the write that stores the document of a default policy, unless it is stored: a later release has another default.
    pub(crate) fn default_document(&self, hash: &PolicyHash, document: &str) -> Result<Write, StoreError> {
        let mut expression = UpdateExpression::default();
        expression.set_schema_version();
        expression.set(&["document"], text(document));
        expression.set(&["number"], number(0));
        self.update(expression, &key(keys::DOCUMENT, &hash.to_string()))
    }

    /// Returns the write that lists a default policy, or counts an activation of `version` at `activated_at`.
    pub(crate) fn listing(
        &self,
        version: &PolicyVersion,
        activated_at: Option<Timestamp>,
    ) -> Result<Write, StoreError> {
        let mut expression = UpdateExpression::default();
        expression.set_schema_version();
        expression.set(&["hash"], text(version.hash));
        expression.set(&["number"], number(version.number));
        if let Some(at) = activated_at {
            expression.set(&["last_activated_at"], text(at));
            expression.add("activations", 1);
        }
        self.update(expression, &key(keys::VERSION, &keys::policy_version(version.number, &version.hash)))
    }

    pub(crate) fn update(&self, expression: UpdateExpression, key: &Item) -> Result<Write, StoreError> {
        transaction::update(&self.0.name, expression.into_update().set_key(Some(key.clone())))
    }

    fn stored(&self, hash: &PolicyHash, item: &Item) -> Result<StoredPolicy, StoreError> {
        let DocumentRow { document, number, author, created_at } = self.0.parse(item)?;
        Ok(StoredPolicy { version: PolicyVersion { hash: *hash, number, author, created_at }, document })
    }

    fn listed(&self, item: &Item) -> Result<ListedPolicyVersion, StoreError> {
        let VersionRow { hash, number, author, created_at, activations, last_activated_at } = self.0.parse(item)?;
        let version = PolicyVersion { hash, number, author, created_at };
        Ok(ListedPolicyVersion { version, activations, last_activated_at })
    }
}
