//! The `reports` table.

use age_model::{Report, ReportId, ReportKind, StoreError, UnreadableItem};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use crate::dynamodb::attribute::{Item, text};
use crate::dynamodb::client::{Consistency, DynamoDb, Table};
use crate::dynamodb::error::{read_failed, write_failed};
use crate::dynamodb::keys::Position;
use crate::dynamodb::transaction::{self, TransactionResult, Write};
use crate::found::{Found, unreadable};

const ID_IS_NEW: &str = "attribute_not_exists(id)";

#[derive(Debug, Serialize, Deserialize)]
struct ReportRow {
    id: ReportId,
    kind: ReportKind,
    generated_at: String,
    /// The report as JSON: it is read as a whole or not at all.
    report: String,
}

/// A page of reports, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportPage {
    /// The reports.
    pub reports: Vec<Report>,
    /// The reports of the page that cannot be read.
    pub unreadable: Vec<UnreadableItem>,
    /// The position of the next page, if there are more.
    pub next: Option<Position>,
}

/// The `reports` table.
#[derive(Debug, Clone)]
pub struct Reports(Table);

impl Reports {
    /// Uses the table `name`.
    #[must_use]
    pub fn new(db: &DynamoDb, name: impl Into<String>) -> Self {
        Self(db.table(name, &["id"]))
    }

    /// Returns the report `id`, if it exists.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn get(&self, id: ReportId, consistency: Consistency) -> Result<Option<Report>, StoreError> {
        let item = self.0.get([("id", text(id))], consistency).await?;
        item.map(|item| self.parse(&item)).transpose()
    }

    /// Inserts a report. A report with the same id, of an attempt whose response was lost, is not written again.
    ///
    /// # Errors
    /// [`StoreError`] if it was not stored.
    pub async fn add(&self, report: &Report) -> Result<(), StoreError> {
        let Table { client, name, .. } = &self.0;
        let put = client.put_item().table_name(name).set_item(Some(self.serialize(report)?));
        let Err(error) = put.condition_expression(ID_IS_NEW).send().await else { return Ok(()) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(()),
            _ => Err(write_failed("PutItem", name, error)),
        }
    }

    /// Returns up to `limit` reports of all kinds that come after `before` in the list, newest first.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be read.
    pub async fn list(&self, limit: usize, before: Option<&Position>) -> Result<ReportPage, StoreError> {
        // One more than requested, which shows whether the list has more.
        let of_kind = |kind: &ReportKind| self.rows(*kind, limit + 1, before.cloned());
        let mut rows: Vec<Item> =
            try_join_all(ReportKind::ALL.iter().map(of_kind)).await?.into_iter().flatten().collect();
        let position =
            |row: &Item| row.get("generated_at").and_then(|at| at.as_s().ok()).map(|at| Position::stored(at));
        rows.sort_by_key(|row| std::cmp::Reverse(position(row)));
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().and_then(position) } else { None };
        let mut page = ReportPage { reports: Vec::new(), unreadable: Vec::new(), next };
        for row in &rows {
            match self.parse(row) {
                Ok(report) => page.reports.push(report),
                Err(error) => page.unreadable.push(unreadable(None, error)?),
            }
        }
        Ok(page)
    }

    /// Returns the newest report that can be read.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be read.
    pub async fn latest(&self) -> Result<Option<Report>, StoreError> {
        let mut before = None;
        loop {
            let ReportPage { mut reports, next, .. } = self.list(1, before.as_ref()).await?;
            if !reports.is_empty() || next.is_none() {
                return Ok(reports.pop());
            }
            before = next;
        }
    }

    /// Returns the newest reports of `kind`, newest first: of up to `limit`, those that can be read.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be read.
    pub async fn newest(&self, kind: ReportKind, limit: usize) -> Result<Vec<Report>, StoreError> {
        let rows = self.rows(kind, limit, None).await?;
        Ok(Found::of(rows.iter().map(|row| self.parse(row)))?.items)
    }

    async fn rows(&self, kind: ReportKind, limit: usize, before: Option<Position>) -> Result<Vec<Item>, StoreError> {
        let Table { client, name, .. } = &self.0;
        let mut query = client
            .query()
            .table_name(name)
            .index_name("by_generated")
            .expression_attribute_values(":kind", text(kind))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        query = match before {
            Some(before) => query
                .key_condition_expression("kind = :kind AND generated_at < :before")
                .expression_attribute_values(":before", text(before)),
            None => query.key_condition_expression("kind = :kind"),
        };
        let mut items = query.into_paginator().items().send();
        let mut rows = Vec::new();
        while rows.len() < limit {
            let Some(item) = items.next().await else { break };
            rows.push(item.map_err(|error| read_failed("Query", name, error))?);
        }
        Ok(rows)
    }

    fn parse(&self, item: &Item) -> Result<Report, StoreError> {
        let row: ReportRow = self.0.parse(item)?;
        let source = &mut serde_json::Deserializer::from_str(&row.report);
        serde_path_to_error::deserialize(source)
            .map_err(|error| self.0.corrupt(item, format!("report.{}", error.path()), error.inner()))
    }

    fn serialize(&self, report: &Report) -> Result<Item, StoreError> {
        let json = serde_json::to_string(report).map_err(|error| self.0.corrupt(&Item::new(), "report", error))?;
        let generated_at = Position::of_report(report.generated_at, report.id).to_string();
        self.0.serialize(&ReportRow { id: report.id, kind: report.kind, generated_at, report: json })
    }

    /// Returns the write that inserts `report`, on the condition that its id is new.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be serialized.
    pub fn insertion(&self, report: &Report) -> Result<Write, StoreError> {
        let put = Put::builder()
            .set_item(Some(self.serialize(report)?))
            .condition_expression(ID_IS_NEW)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        transaction::put(&self.0.name, put)
    }

    /// Sends `writes` of this and other tables once as one transaction.
    ///
    /// # Errors
    /// [`StoreError`] if the result is unknown, or DynamoDB refused the transaction for another reason than its conditions.
    pub async fn commit(&self, writes: Vec<Write>) -> Result<TransactionResult, StoreError> {
        self.0.commit(writes).await
    }

    /// Returns the error of a transaction that conflicted with others in each of `attempts`.
    #[must_use]
    pub fn contended(&self, attempts: u32) -> StoreError {
        StoreError::Contended { table: self.0.name.clone(), attempts }
    }
}
