//! Activations of policy versions: the pointer to the active version, and the history.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{Engine, KeyId, PolicyActivation, PolicyHash, PolicyPointer, PolicyVersion, StoreError, Timestamp};
use aws_sdk_dynamodb::types::Put;
use serde::{Deserialize, Serialize};

use crate::dynamodb::attribute::{Item, number, text};
use crate::dynamodb::client::read_batch;
use crate::dynamodb::keys;
use crate::dynamodb::transaction::{self, TransactionResult, Write};
use crate::dynamodb::update::UpdateExpression;
use crate::found::Found;
use crate::policies::{Page, PointerRow, Policies, SHADOW, key};

/// The row of an activation, except for its key and attributes of a later version.
#[derive(Debug, Serialize, Deserialize)]
struct ActivationRow {
    number: u64,
    hash: PolicyHash,
    version: u64,
    previous: PolicyHash,
    by: KeyId,
    at: Timestamp,
    reason: String,
}

/// An activation that is to be stored.
#[derive(Debug, Clone)]
pub struct ActivationChange<'a> {
    /// The pointer that it was decided on.
    pub before: Option<&'a PolicyPointer>,
    /// The activation.
    pub activation: &'a PolicyActivation,
    /// The activated version.
    pub version: &'a PolicyVersion,
    /// Every engine that an active version has or had, this one included.
    pub engines: &'a BTreeSet<Engine>,
    /// Whether the activated version is the shadow, which ends then.
    pub ends_shadow: bool,
    /// The default policy, if it is the version that is activated or replaced: hash and document.
    pub default_policy: Option<(PolicyHash, &'a str)>,
}

/// A page of activations, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyActivationPage {
    /// The activations.
    pub activations: Found<PolicyActivation>,
    /// The position of the next page, if there are more.
    pub next: Option<String>,
}

impl Policies {
    /// Returns the writes of an activation. They hold only if the pointer is still the one that it was decided on.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be serialized.
    pub fn activation_writes(&self, change: &ActivationChange<'_>) -> Result<Vec<Write>, StoreError> {
        let ActivationChange { before, activation, version, engines, ends_shadow, default_policy } = change;
        let pointer = self.pointer_write(*before, activation, engines, *ends_shadow)?;
        let mut writes = vec![pointer, self.activation_insertion(activation)?];
        writes.push(self.listing(version, Some(activation.at))?);
        if let Some((hash, document)) = default_policy {
            writes.push(self.default_document(hash, document)?);
            if *hash != version.hash {
                writes.push(self.listing(&PolicyVersion::default_policy(*hash), None)?);
            }
        }
        Ok(writes)
    }

    /// Sends `writes` of this and other tables once as one transaction.
    ///
    /// # Errors
    /// [`StoreError`] if the result is unknown, or DynamoDB refused the transaction for another reason than its conditions.
    pub async fn commit(&self, writes: Vec<Write>) -> Result<TransactionResult, StoreError> {
        self.0.commit(writes).await
    }

    fn pointer_write(
        &self,
        before: Option<&PolicyPointer>,
        activation: &PolicyActivation,
        engines: &BTreeSet<Engine>,
        ends_shadow: bool,
    ) -> Result<Write, StoreError> {
        let row = PointerRow {
            number: activation.number,
            hash: activation.hash,
            activated_at: activation.at,
            activated_by: activation.by.clone(),
            previous: activation.previous,
            engines: engines.clone(),
        };
        let mut expression = UpdateExpression::default();
        for (name, value) in self.0.serialize(&row)?.into_iter().collect::<BTreeMap<_, _>>() {
            if name != "v" {
                expression.set(&[&name], value);
            }
        }
        expression.set_schema_version();
        let name = expression.path(&["number"]);
        let is_before = match before {
            None => format!("attribute_not_exists({name})"),
            Some(before) => {
                let hash = expression.path(&["hash"]);
                let (seen, version) = (expression.value(number(before.number)), expression.value(text(before.hash)));
                format!("{name} = {seen} AND {hash} = {version}")
            }
        };
        // INVARIANT: the active version is not the shadow.
        let shadow = expression.path(&[SHADOW, "hash"]);
        let activated = expression.value(text(activation.hash));
        let condition = if ends_shadow {
            expression.remove(&[SHADOW]);
            format!("{is_before} AND {shadow} = {activated}")
        } else {
            format!("{is_before} AND (attribute_not_exists({shadow}) OR {shadow} <> {activated})")
        };
        let update =
            expression.into_update().set_key(Some(key(keys::ACTIVE, keys::ACTIVE_ID))).condition_expression(condition);
        transaction::update(&self.0.name, update)
    }

    fn activation_insertion(&self, activation: &PolicyActivation) -> Result<Write, StoreError> {
        let PolicyActivation { number, hash, version, previous, by, at, reason } = activation.clone();
        let row = ActivationRow { number, hash, version, previous, by, at, reason };
        let put = Put::builder()
            .set_item(Some(self.0.serialize(&row)?))
            .item("kind", text(keys::ACTIVATION))
            .item("id", text(keys::numbered(number)))
            .condition_expression("attribute_not_exists(id)");
        transaction::put(&self.0.name, put)
    }

    /// Returns the activation `number`, if there is one, read strongly.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn activation(&self, number: u64) -> Result<Option<PolicyActivation>, StoreError> {
        let [items] = read_batch([(&self.0, vec![key(keys::ACTIVATION, &keys::numbered(number))])]).await?;
        items.first().map(|item| self.activation_of(item)).transpose()
    }

    /// Returns up to `limit` activations that come after `before` in the list, the newest first.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be read.
    pub async fn activations(&self, limit: usize, before: Option<&str>) -> Result<PolicyActivationPage, StoreError> {
        let Page { rows, next } = self.newest(keys::ACTIVATION, limit, before).await?;
        let activations = Found::of(rows.iter().map(|row| self.activation_of(row)))?;
        Ok(PolicyActivationPage { activations, next })
    }

    fn activation_of(&self, item: &Item) -> Result<PolicyActivation, StoreError> {
        let ActivationRow { number, hash, version, previous, by, at, reason } = self.0.parse(item)?;
        Ok(PolicyActivation { number, hash, version, previous, by, at, reason })
    }
}
