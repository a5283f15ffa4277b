//! Rows to items and back.

use std::collections::HashMap;
use std::fmt::Display;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;

/// A row as the SDK has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// What a row is called in an error.
pub(crate) struct RowName<'a> {
    pub(crate) table: &'a str,
    pub(crate) key: &'static [&'static str],
}

impl RowName<'_> {
    /// The error for a row whose `field` is wrong.
    pub(crate) fn corrupt(&self, item: &Item, field: impl Into<String>, detail: impl Display) -> StoreError {
        let part = |name: &&str| item.get(*name).and_then(|value| value.as_s().ok()).map_or("?", String::as_str);
        StoreError::Corrupt {
            table: self.table.to_owned(),
            key: self.key.iter().map(part).collect::<Vec<_>>().join("/"),
            field: field.into(),
            detail: detail.to_string(),
        }
    }

    /// Reads a row into its type.
    pub(crate) fn read<T: DeserializeOwned>(&self, item: &Item) -> Result<T, StoreError> {
        let map = item.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        let source = serde_dynamo::Deserializer::from_attribute_value(serde_dynamo::AttributeValue::M(map));
        serde_path_to_error::deserialize(source)
            .map_err(|error| self.corrupt(item, error.path().to_string(), error.inner()))
    }

    /// Writes a row as an item.
    pub(crate) fn write<T: Serialize>(&self, row: &T) -> Result<Item, StoreError> {
        serde_dynamo::to_item(row).map_err(|error| self.corrupt(&Item::new(), "", error))
    }
}

/// Anything as one attribute.
pub(crate) fn value<T: Serialize>(name: &RowName<'_>, value: &T) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(value).map_err(|error| name.corrupt(&Item::new(), "", error))
}

/// A string attribute.
#[expect(clippy::needless_pass_by_value, reason = "one word at each of many calls")]
pub(crate) fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// A number attribute.
#[expect(clippy::needless_pass_by_value, reason = "one word at each of many calls")]
pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
