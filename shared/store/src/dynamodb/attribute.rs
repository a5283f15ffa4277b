//! Attributes of items.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

/// An item as the SDK represents it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The version of the schema of every row, its attribute `v`. A later version may add attributes and words to rows of this one.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// An item as it was read, from which a write takes what this version does not know; empty if there was none. It is no part of
/// the value that was read, so all of them are equal.
#[derive(Clone, Default)]
pub(crate) struct StoredItem(Option<Arc<Item>>);

impl StoredItem {
    /// Returns the item, if there was one.
    pub(crate) fn get(&self) -> Option<&Item> {
        self.0.as_deref()
    }
}

impl From<Item> for StoredItem {
    fn from(item: Item) -> Self {
        Self(Some(Arc::new(item)))
    }
}

impl PartialEq for StoredItem {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for StoredItem {}

impl fmt::Debug for StoredItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredItem")
    }
}

/// Returns `value` as a string attribute.
#[expect(clippy::needless_pass_by_value, reason = "callers pass values, which keeps many calls short")]
pub(crate) fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// Returns `value` as a number attribute.
#[expect(clippy::needless_pass_by_value, reason = "callers pass values, which keeps many calls short")]
pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Returns `bytes` as a binary attribute.
pub(crate) fn binary(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}
