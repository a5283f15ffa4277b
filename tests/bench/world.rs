//! A DynamoDB in this process with the tables of the template, and people who may call: those of the tests.

#[path = "../it/world/people.rs"]
pub(crate) mod people;
#[path = "../it/world/proxy.rs"]
#[expect(dead_code, reason = "nothing fails here")]
mod proxy;
#[path = "../it/world/tables.rs"]
pub(crate) mod tables;
