//! An in-memory DynamoDB with the tables of the template.

use std::sync::LazyLock;

use dynoxide::Database;
use serde_json::{Map, Value};

use super::emulator;

/// The properties of a table in the template that `CreateTable` gets. The emulator does not support the others.
const PROPERTIES: [&str; 4] = ["AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode"];

/// Creates a database with all tables.
pub(crate) fn create_database() -> Database {
    let database = Database::memory().unwrap();
    for (name, properties) in &*TEMPLATE_TABLES {
        let mut table = Map::from_iter([("TableName".to_owned(), Value::from(name.clone()))]);
        table.extend(PROPERTIES.iter().filter_map(|name| Some(((*name).to_owned(), properties.get(*name)?.clone()))));
        emulator::call(&database, "CreateTable", Value::Object(table));
    }
    database
}

/// The name and the properties of each table.
static TEMPLATE_TABLES: LazyLock<Vec<(String, Value)>> = LazyLock::new(template_tables);

fn template_tables() -> Vec<(String, Value)> {
    let template = include_str!("../../../infra/template.yaml");
    let template: yaml_serde::Value = yaml_serde::from_str(template).unwrap();
    let resources = template.get("Resources").and_then(yaml_serde::Value::as_mapping).unwrap();
    let tables = resources.iter().filter(|(_, resource)| {
        resource.get("Type").and_then(yaml_serde::Value::as_str) == Some("AWS::DynamoDB::Table")
    });
    let tables: Vec<_> = tables
        .map(|(name, table)| {
            (
                name.as_str().unwrap().trim_end_matches("Table").to_owned(),
                serde_json::to_value(table.get("Properties")).unwrap(),
            )
        })
        .collect();
    assert!(tables.len() >= 4, "the template has too few tables");
    tables
}
