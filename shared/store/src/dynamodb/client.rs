//! The connection to DynamoDB, and one table of it.

use std::collections::HashMap;
use std::time::Duration;

use age_model::StoreError;
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::dynamodb::attribute::Item;
use crate::dynamodb::endpoint::ConstantEndpoint;
use crate::dynamodb::error::{built, read_failed, write_failed};
use crate::dynamodb::user_agent::ConstantUserAgent;

/// The most keys of one `BatchGetItem` (DynamoDB).
const MAX_BATCH_KEYS: usize = 100;

/// How many batches of keys are read concurrently.
const CONCURRENT_BATCHES: usize = 4;

/// The errors with which DynamoDB refuses a table that does not exist, or that a role may not read.
const ERRORS_OF_A_TABLE: [&str; 2] = ["ResourceNotFoundException", "AccessDeniedException"];

/// How often a batch is asked for the keys that DynamoDB left out.
const MAX_BATCH_ATTEMPTS: usize = 10;

/// A DynamoDB client with the timeouts of a request that a caller waits for. Build one per execution environment.
#[derive(Debug, Clone)]
pub struct DynamoDb(Client);

impl DynamoDb {
    /// Builds a client with the credentials, region and endpoint of `aws`.
    #[must_use]
    pub fn new(aws: &SdkConfig) -> Self {
        // DynamoDB responds in milliseconds. Three attempts must fit well within a function's ten seconds.
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_millis(500))
            .operation_attempt_timeout(Duration::from_millis(1500))
            .operation_timeout(Duration::from_secs(4))
            .build();
        let retries = RetryConfig::standard()
            .with_max_attempts(3)
            .with_initial_backoff(Duration::from_millis(50))
            .with_max_backoff(Duration::from_millis(500));
        let config = Builder::from(aws).timeout_config(timeouts).retry_config(retries);
        let config = config.interceptor(ConstantUserAgent).endpoint_resolver(ConstantEndpoint::default());
        Self(Client::from_conf(config.build()))
    }

    /// Returns the table `name`, whose primary key has the attributes `key`.
    pub(crate) fn table(&self, name: impl Into<String>, key: &'static [&'static str]) -> Table {
        Table { client: self.0.clone(), name: name.into(), key }
    }
}

/// One table, and the client that reaches it.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) client: Client,
    pub(crate) name: String,
    /// The attributes of the primary key. Errors name a row by them.
    pub(crate) key: &'static [&'static str],
}

impl Table {
    /// Returns the item under `key`, if it exists.
    pub(crate) async fn get<const N: usize>(
        &self,
        key: [(&str, AttributeValue); N],
        consistency: Consistency,
    ) -> Result<Option<Item>, StoreError> {
        let mut get = self.client.get_item().table_name(&self.name).consistent_read(consistency.is_strong());
        for (name, value) in key {
            get = get.key(name, value);
        }
        let got = get.send().await.map_err(|error| read_failed("GetItem", &self.name, error))?;
        Ok(got.item)
    }

    /// Returns the items under `keys` that exist, read strongly, in no particular order.
    pub(crate) async fn get_all(&self, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let batches: Vec<Vec<Item>> = keys.chunks(MAX_BATCH_KEYS).map(<[Item]>::to_vec).collect();
        let reads = stream::iter(batches).map(|batch| self.get_batch(batch)).buffer_unordered(CONCURRENT_BATCHES);
        Ok(reads.try_collect::<Vec<_>>().await?.into_iter().flatten().collect())
    }

    /// Returns the item under each of `keys`, read strongly. None: there is no such item.
    pub(crate) async fn get_each(&self, keys: Vec<Item>) -> Result<Vec<Option<Item>>, StoreError> {
        let key_of =
            |item: &Item| self.key.iter().map(|name| item.get(*name)?.as_s().ok().cloned()).collect::<Option<Vec<_>>>();
        let wanted: Vec<_> = keys.iter().map(key_of).collect();
        let items = self.get_all(keys).await?.into_iter();
        let mut found: HashMap<_, _> = items.map(|item| (key_of(&item), item)).collect();
        Ok(wanted.iter().map(|key| found.remove(key)).collect())
    }

    async fn get_batch(&self, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let [items] = read_batch([(self, keys)]).await?;
        Ok(items)
    }

    /// Returns all items of `query`, page after page.
    pub(crate) async fn all(&self, query: QueryFluentBuilder) -> Result<Vec<Item>, StoreError> {
        let pages = query.table_name(&self.name).into_paginator().items().send();
        let all: Result<Vec<Item>, _> = pages.collect().await;
        all.map_err(|error| read_failed("Query", &self.name, error))
    }

    /// Sends a conditional update. Returns false, and nothing is written, if its condition does not hold.
    pub(crate) async fn update_if(&self, update: UpdateItemFluentBuilder) -> Result<bool, StoreError> {
        let Err(error) = update.send().await else { return Ok(true) };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(write_failed("UpdateItem", &self.name, error)),
        }
    }
}

/// Returns the items under some keys of each table that exist, read strongly by one call, in no particular order. The tables are
/// different ones, and have at most 100 keys together.
pub(crate) async fn read_batch<const N: usize>(tables: [(&Table, Vec<Item>); N]) -> Result<[Vec<Item>; N], BatchError> {
    let names: Vec<&str> = tables.iter().map(|(table, _)| table.name.as_str()).collect();
    let names = names.join(", ");
    let of_table = |(table, keys): &(&Table, Vec<Item>)| {
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys.clone())).consistent_read(true).build();
        Ok((table.name.clone(), built(&table.name, wanted)?))
    };
    let mut wanted: HashMap<String, KeysAndAttributes> =
        tables.iter().map(of_table).collect::<Result<_, StoreError>>()?;
    let mut items = [const { Vec::new() }; N];
    // A response has up to 16 MB, and may leave out keys that were throttled.
    for _ in 0..MAX_BATCH_ATTEMPTS {
        let Some((first, _)) = tables.first() else { return Ok(items) };
        let got = first.client.batch_get_item().set_request_items(Some(wanted)).send().await;
        let mut got = got.map_err(|error| BatchError {
            is_of_a_table: error.code().is_some_and(|code| ERRORS_OF_A_TABLE.contains(&code)),
            error: read_failed("BatchGetItem", &names, error),
        })?;
        for ((table, _), items) in tables.iter().zip(&mut items) {
            items.extend(got.responses.as_mut().and_then(|tables| tables.remove(&table.name)).unwrap_or_default());
        }
        wanted = got.unprocessed_keys.unwrap_or_default();
        if wanted.is_empty() {
            return Ok(items);
        }
    }
    let cause = "DynamoDB left keys out of each response".into();
    Err(StoreError::Unavailable { operation: "BatchGetItem", table: names, cause }.into())
}

/// Why a batch cannot be read.
#[derive(Debug)]
pub(crate) struct BatchError {
    pub(crate) error: StoreError,
    /// Whether DynamoDB refuses one of the tables, so that the others may be readable without it.
    pub(crate) is_of_a_table: bool,
}

impl From<StoreError> for BatchError {
    fn from(error: StoreError) -> Self {
        Self { error, is_of_a_table: false }
    }
}

impl From<BatchError> for StoreError {
    fn from(BatchError { error, .. }: BatchError) -> Self {
        error
    }
}

/// Whether a read sees all earlier writes. A strong read costs twice as much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consistency {
    /// Sees every write that was acknowledged before.
    Strong,
    /// May miss the writes of the last second.
    Eventual,
}

impl Consistency {
    pub(crate) const fn is_strong(self) -> bool {
        matches!(self, Self::Strong)
    }
}
