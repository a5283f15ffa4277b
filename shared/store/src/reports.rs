//! The `reports` table.

use std::collections::BTreeSet;

use age_model::{Report, ReportId, ReportKind, StoreError, Timestamp, UnreadableItem};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use crate::dynamodb::attribute::{Item, text};
use crate::dynamodb::client::{Consistency, DynamoDb, Table};
use crate::dynamodb::error::{read_failed, write_failed};
use crate::dynamodb::keys::Position;
use crate::dynamodb::sort_key_range::SortKeyRange;
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

/// The reports to list: those that meet every condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportFilter {
    /// Only reports of these kinds; of any if empty.
    pub kinds: BTreeSet<ReportKind>,
    /// Only reports generated at this time or later.
    pub from: Option<Timestamp>,
    /// Only reports generated before this time.
    pub to: Option<Timestamp>,
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

    /// Returns up to `limit` reports that match `filter` and come after `before` in the list, newest first. Each kind is a
    /// partition of the index, of which up to `limit + 1` reports are read.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be read.
    pub async fn list(
        &self,
        filter: &ReportFilter,
        limit: usize,
        before: Option<&Position>,
    ) -> Result<ReportPage, StoreError> {
        let ReportFilter { kinds, from, to } = filter;
        let [from, to] = [from, to].map(|time| time.map(|time| time.to_string()));
        let range = SortKeyRange::new(from, [to, before.map(ToString::to_string)]);
        // One more than requested, which shows whether the list has more.
        let of_kind = |kind: &ReportKind| self.rows(*kind, limit + 1, range.clone());
        let kinds = ReportKind::ALL.iter().filter(|kind| kinds.is_empty() || kinds.contains(kind));
        let mut rows: Vec<Item> = try_join_all(kinds.map(of_kind)).await?.into_iter().flatten().collect();
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
            let ReportPage { mut reports, next, .. } = self.list(&ReportFilter::default(), 1, before.as_ref()).await?;
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
        let rows = self.rows(kind, limit, SortKeyRange::default()).await?;
        Ok(Found::of(rows.iter().map(|row| self.parse(row)))?.items)
    }

    async fn rows(&self, kind: ReportKind, limit: usize, range: SortKeyRange) -> Result<Vec<Item>, StoreError> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let Table { client, name, .. } = &self.0;
        let query = client
            .query()
            .table_name(name)
            .index_name("by_generated")
            .expression_attribute_values(":kind", text(kind))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let query = range.apply(query, "kind = :kind", "generated_at");
        let mut items = query.into_paginator().items().send();
        let mut rows = Vec::new();
        while rows.len() < limit {
            let Some(item) = items.next().await else { break };
            let item = item.map_err(|error| read_failed("Query", name, error))?;
            let generated_at = item.get("generated_at").and_then(|at| at.as_s().ok());
            if generated_at.is_some_and(|at| range.contains(at)) {
                rows.push(item);
            }
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
