//! The filter of a query: conditions on attributes, all of which must hold.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::dynamodb::attribute::text;

/// Conditions on attributes that are no part of the index's key. DynamoDB reads, and charges for, what does not match as well.
#[derive(Debug, Clone, Default)]
pub(crate) struct QueryFilter {
    conditions: Vec<String>,
    attributes: BTreeSet<String>,
    values: Vec<AttributeValue>,
}

impl QueryFilter {
    /// Returns the name by which conditions refer to `attribute`, which may be a reserved word of DynamoDB.
    pub(crate) fn attribute(&mut self, attribute: &str) -> String {
        self.attributes.insert(attribute.to_owned());
        format!("#filter_{attribute}")
    }

    /// Returns the name by which conditions refer to `value`.
    pub(crate) fn value(&mut self, value: impl ToString) -> String {
        self.values.push(text(value));
        format!(":filter_{}", self.values.len())
    }

    /// Adds a condition.
    pub(crate) fn require(&mut self, condition: String) {
        self.conditions.push(condition);
    }

    /// Requires that `attribute` is one of `values`, unless there are none. DynamoDB allows 100.
    pub(crate) fn one_of<T: ToString>(&mut self, attribute: &str, values: impl IntoIterator<Item = T>) {
        let values: Vec<_> = values.into_iter().map(|value| self.value(value)).collect();
        if !values.is_empty() {
            let attribute = self.attribute(attribute);
            self.require(format!("{attribute} IN ({})", values.join(", ")));
        }
    }

    /// Requires that `attribute` exists.
    pub(crate) fn require_attribute(&mut self, attribute: &str) {
        let attribute = self.attribute(attribute);
        self.require(format!("attribute_exists({attribute})"));
    }

    /// Requires that `attribute` begins with one of `prefixes`, unless there are none.
    pub(crate) fn begins_with_one_of<T: ToString>(&mut self, attribute: &str, prefixes: impl IntoIterator<Item = T>) {
        let prefixes: Vec<_> = prefixes.into_iter().map(|prefix| self.value(prefix)).collect();
        if !prefixes.is_empty() {
            let attribute = self.attribute(attribute);
            let conditions: Vec<_> =
                prefixes.iter().map(|prefix| format!("begins_with({attribute}, {prefix})")).collect();
            self.require(format!("({})", conditions.join(" OR ")));
        }
    }

    /// Adds the conditions to `query`, of which the caller wants `limit` items.
    pub(crate) fn apply(self, mut query: QueryFluentBuilder, limit: usize) -> QueryFluentBuilder {
        if self.conditions.is_empty() {
            return query.limit(i32::try_from(limit).unwrap_or(i32::MAX));
        }
        for attribute in self.attributes {
            query = query.expression_attribute_names(format!("#filter_{attribute}"), attribute);
        }
        for (number, value) in (1..).zip(self.values) {
            query = query.expression_attribute_values(format!(":filter_{number}"), value);
        }
        // DynamoDB's limit counts items before the filter. A filtered page ends after a megabyte instead.
        query.filter_expression(self.conditions.join(" AND "))
    }
}
