//! Conversion between rows and DynamoDB items.

use std::fmt::Display;

use age_model::StoreError;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::dynamodb::attribute::{Item, SCHEMA_VERSION, number};
use crate::dynamodb::client::Table;

impl Table {
    /// Returns the error of a row of this table whose `field` cannot be read.
    pub(crate) fn corrupt(&self, item: &Item, field: impl Into<String>, detail: impl Display) -> StoreError {
        let part = |name: &&str| item.get(*name).and_then(|value| value.as_s().ok()).map_or("?", String::as_str);
        StoreError::Corrupt {
            table: self.name.clone(),
            key: self.key.iter().map(part).collect::<Vec<_>>().join("/"),
            field: field.into(),
            detail: detail.to_string(),
        }
    }

    /// Parses a row of this table.
    pub(crate) fn parse<T: DeserializeOwned>(&self, item: &Item) -> Result<T, StoreError> {
        let map = item.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        let source = serde_dynamo::Deserializer::from_attribute_value(serde_dynamo::AttributeValue::M(map));
        serde_path_to_error::deserialize(source)
            .map_err(|error| self.corrupt(item, error.path().to_string(), error.inner()))
    }

    /// Serializes a new row for this table, with its schema version.
    pub(crate) fn serialize<T: Serialize>(&self, row: &T) -> Result<Item, StoreError> {
        let mut item: Item = serde_dynamo::to_item(row).map_err(|error| self.corrupt(&Item::new(), "", error))?;
        item.insert("v".to_owned(), number(SCHEMA_VERSION));
        Ok(item)
    }

    /// Serializes one attribute of a row of this table.
    pub(crate) fn attribute<T: Serialize>(&self, value: &T) -> Result<AttributeValue, StoreError> {
        serde_dynamo::to_attribute_value(value).map_err(|error| self.corrupt(&Item::new(), "", error))
    }
}
