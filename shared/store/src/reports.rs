//! The `reports` table.

use age_model::{Report, ReportId, ReportKind};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use crate::db::{Db, Table};
use crate::keys::Position;
use crate::row::{Item, RowName, text};
use crate::{Consistency, StoreError, transaction};

const KEY: &[&str] = &["id"];
const UNLESS_TAKEN: &str = "attribute_not_exists(id)";

#[derive(Debug, Serialize, Deserialize)]
struct ReportRow {
    id: ReportId,
    kind: ReportKind,
    generated_at: String,
    /// The report as JSON: it is read whole or not at all.
    report: String,
}

/// Some reports, newest first, and where the next ones begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportPage {
    /// The reports.
    pub reports: Vec<Report>,
    /// Where to go on, if there are more.
    pub next: Option<Position>,
}

/// The `reports` table.
#[derive(Debug, Clone)]
pub struct Reports(pub(crate) Table);

impl Reports {
    /// The table called `name`.
    #[must_use]
    pub fn new(db: &Db, name: impl Into<String>) -> Self {
        Self(db.table(name))
    }

    /// The report called `id`.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn get(&self, id: ReportId, consistency: Consistency) -> Result<Option<Report>, StoreError> {
        let item = self.0.get([("id", text(id))], consistency).await?;
        item.map(|item| self.parse(&item)).transpose()
    }

    /// Stores a new report. A report that is there already, from a try whose answer was lost, is not written again.
    ///
    /// # Errors
    /// [`StoreError`] if it was not stored.
    pub async fn add(&self, report: &Report) -> Result<(), StoreError> {
        let Table { client, name } = &self.0;
        let put = client.put_item().table_name(name).set_item(Some(self.write(report)?));
        let Err(error) = put.condition_expression(UNLESS_TAKEN).send().await else { return Ok(()) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(()),
            _ => Err(StoreError::unwritten("PutItem", name, error)),
        }
    }

    /// Up to `limit` reports of all kinds that stand before `before`, newest first.
    ///
    /// # Errors
    /// [`StoreError`] if any cannot be read.
    pub async fn list(&self, limit: usize, before: Option<&Position>) -> Result<ReportPage, StoreError> {
        // One more than asked for tells whether there are more.
        let of_kind = |kind: &ReportKind| self.newest(*kind, limit + 1, before.cloned());
        let mut reports: Vec<Report> =
            try_join_all(ReportKind::ALL.iter().map(of_kind)).await?.into_iter().flatten().collect();
        let position = |report: &Report| Position::of_report(report.generated_at, report.id);
        reports.sort_by_key(|report| std::cmp::Reverse(position(report)));
        let more = reports.len() > limit;
        reports.truncate(limit);
        let next = if more { reports.last().map(position) } else { None };
        Ok(ReportPage { reports, next })
    }

    /// The newest `limit` reports of `kind`, newest first.
    ///
    /// # Errors
    /// [`StoreError`] if any cannot be read.
    pub async fn newest(
        &self,
        kind: ReportKind,
        limit: usize,
        before: Option<Position>,
    ) -> Result<Vec<Report>, StoreError> {
        let Table { client, name } = &self.0;
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
        let mut reports = Vec::new();
        while reports.len() < limit {
            let Some(item) = items.next().await else { break };
            reports.push(self.parse(&item.map_err(|error| StoreError::unavailable("Query", name, error))?)?);
        }
        Ok(reports)
    }

    fn parse(&self, item: &Item) -> Result<Report, StoreError> {
        let name = self.row_name();
        let row: ReportRow = name.read(item)?;
        let source = &mut serde_json::Deserializer::from_str(&row.report);
        serde_path_to_error::deserialize(source)
            .map_err(|error| name.corrupt(item, format!("report.{}", error.path()), error.inner()))
    }

    fn write(&self, report: &Report) -> Result<Item, StoreError> {
        let name = self.row_name();
        let json = serde_json::to_string(report).map_err(|error| name.corrupt(&Item::new(), "report", error))?;
        let generated_at = Position::of_report(report.generated_at, report.id).to_string();
        name.write(&ReportRow { id: report.id, kind: report.kind, generated_at, report: json })
    }

    /// Stores a report, as part of a transaction, unless its id is taken.
    pub(crate) fn put(&self, report: &Report) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .set_item(Some(self.write(report)?))
            .condition_expression(UNLESS_TAKEN)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        transaction::put(&self.0.name, put)
    }

    const fn row_name(&self) -> RowName<'_> {
        RowName { table: self.0.name.as_str(), key: KEY }
    }
}
