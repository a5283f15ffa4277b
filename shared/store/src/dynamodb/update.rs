//! Update expressions that change only what differs.

use std::collections::HashMap;
use std::fmt;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue::{self, M};
use aws_sdk_dynamodb::types::Update;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;

use crate::dynamodb::attribute::{SCHEMA_VERSION, number};
use crate::dynamodb::merge::is_same_object;

/// The clauses of an update, with the names and values that they use.
#[derive(Debug, Default)]
pub(crate) struct UpdateExpression {
    set: Vec<String>,
    remove: Vec<String>,
    add: Vec<String>,
    /// The placeholder of each name, such as `#n0`.
    names: HashMap<String, String>,
    values: Vec<AttributeValue>,
}

impl UpdateExpression {
    /// Sets the attribute at `path`.
    pub(crate) fn set(&mut self, path: &[&str], value: AttributeValue) {
        let clause = format!("{} = {}", self.path(path), self.value(value));
        self.set.push(clause);
    }

    /// Removes the attribute at `path`, if it exists.
    pub(crate) fn remove(&mut self, path: &[&str]) {
        let path = self.path(path);
        self.remove.push(path);
    }

    /// Adds `by` to the number `name`.
    pub(crate) fn add(&mut self, name: &str, by: i64) {
        let clause = format!("{} {}", self.path(&[name]), self.value(number(by)));
        self.add.push(clause);
    }

    /// Gives a new row its schema version. A row keeps the one that it has.
    pub(crate) fn set_schema_version(&mut self) {
        let (name, value) = (self.path(&["v"]), self.value(number(SCHEMA_VERSION)));
        self.set.push(format!("{name} = if_not_exists({name}, {value})"));
    }

    /// Changes the attribute at `path` from `old` to `new`: in maps of the same object, only the attributes that differ.
    pub(crate) fn change(&mut self, path: &[&str], old: &AttributeValue, new: &AttributeValue) {
        match (old, new) {
            _ if old == new => {}
            (M(old), M(new)) if is_same_object(old, new) => {
                // In the order of names, so that equal changes have equal expressions.
                let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
                names.sort();
                names.dedup();
                for name in names {
                    let path = [path, &[name.as_str()]].concat();
                    match (old.get(name), new.get(name)) {
                        (Some(old), Some(new)) => self.change(&path, old, new),
                        (None, Some(new)) => self.set(&path, new.clone()),
                        (_, None) => self.remove(&path),
                    }
                }
            }
            _ => self.set(path, new.clone()),
        }
    }

    /// Makes it an update, which lacks its table, key and condition.
    pub(crate) fn into_update(self) -> UpdateBuilder {
        let expression = self.to_string();
        let names = self.names.into_iter().map(|(name, placeholder)| (placeholder, name)).collect();
        let values: HashMap<_, _> =
            self.values.into_iter().enumerate().map(|(index, value)| (format!(":v{index}"), value)).collect();
        let values = Some(values).filter(|values| !values.is_empty());
        Update::builder()
            .update_expression(expression)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(values)
    }

    /// Adds it to an update that is sent alone, which lacks its table, key and condition.
    pub(crate) fn apply(self, update_item: UpdateItemFluentBuilder) -> UpdateItemFluentBuilder {
        let update = self.into_update();
        update_item
            .set_update_expression(update.get_update_expression().clone())
            .set_expression_attribute_names(update.get_expression_attribute_names().clone())
            .set_expression_attribute_values(update.get_expression_attribute_values().clone())
    }

    /// Returns the attribute at `path`, for a condition.
    pub(crate) fn path(&mut self, path: &[&str]) -> String {
        let names: Vec<String> = path.iter().map(|name| self.name(name)).collect();
        names.join(".")
    }

    fn name(&mut self, name: &str) -> String {
        let next = self.names.len();
        self.names.entry(name.to_owned()).or_insert_with(|| format!("#n{next}")).clone()
    }

    /// Returns the placeholder of `value`, for a condition.
    pub(crate) fn value(&mut self, value: AttributeValue) -> String {
        self.values.push(value);
        format!(":v{}", self.values.len() - 1)
    }
}

impl fmt::Display for UpdateExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clauses = [("SET", &self.set), ("REMOVE", &self.remove), ("ADD", &self.add)];
        let clauses = clauses.into_iter().filter(|(_, parts)| !parts.is_empty());
        let clauses: Vec<String> = clauses.map(|(verb, parts)| format!("{verb} {}", parts.join(", "))).collect();
        f.write_str(&clauses.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn changes(old: &Value, new: &Value) -> String {
        let attribute = |value: &Value| serde_dynamo::to_attribute_value(value).unwrap();
        let mut expression = UpdateExpression::default();
        expression.change(&["item"], &attribute(old), &attribute(new));
        let mut text = expression.to_string();
        for (name, placeholder) in &expression.names {
            text = text.replace(placeholder, name);
        }
        text
    }

    #[test]
    fn only_attributes_that_differ_are_written() {
        let old = json!({"status": "pending", "attempt": 1, "dueAt": "1", "deep": {"a": 1, "b": 2}, "list": [1]});
        let new = json!({"status": "dispatched", "attempt": 1, "deep": {"a": 1, "b": 3}, "list": [2], "at": null});
        assert_eq!(changes(&old, &old), "");
        let new_without_at = json!({"status": "dispatched", "attempt": 1, "deep": {"a": 1, "b": 3}, "list": [2]});
        assert_eq!(
            changes(&old, &new_without_at),
            "SET item.deep.b = :v0, item.list = :v1, item.status = :v2 REMOVE item.dueAt"
        );
        assert_eq!(changes(&old, &new), "SET item = :v0", "another object");
    }
}
