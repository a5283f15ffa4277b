//! System alerts: one row per kind, sender and subject in the `incidents` table.

use age_model::{RecordedFuture, StoreError, SystemAlert, SystemAlertKind, SystemAlertRecorder, Timestamp};
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::Update;
use serde::Deserialize;

use crate::dynamodb::attribute::{SCHEMA_VERSION, number, text};
use crate::dynamodb::client::{DynamoDb, Table};
use crate::dynamodb::keys;
use crate::dynamodb::transaction::{self, TransactionResult, Write};
use crate::found::Found;
use crate::incident_rows::KEY;

#[derive(Debug, Deserialize)]
struct SystemAlertRow {
    kind: SystemAlertKind,
    sender: String,
    subject: String,
    detail: String,
    count: u64,
    first_at: Timestamp,
    last_at: Timestamp,
    /// The `first_at` of which AGE's own event is recorded.
    #[serde(default)]
    event_of: Option<Timestamp>,
}

impl From<SystemAlertRow> for SystemAlert {
    fn from(SystemAlertRow { kind, sender, subject, detail, count, first_at, last_at, .. }: SystemAlertRow) -> Self {
        Self { kind, sender, subject, detail, count, first_at, last_at }
    }
}

/// The system alerts.
#[derive(Debug, Clone)]
pub struct SystemAlerts(Table);

impl SystemAlertRecorder for SystemAlerts {
    fn record_alert(&self, alert: SystemAlert) -> RecordedFuture<'_> {
        Box::pin(async move { self.record(&alert).await })
    }
}

impl SystemAlerts {
    /// Uses the table `name`.
    #[must_use]
    pub fn new(db: &DynamoDb, name: impl Into<String>) -> Self {
        Self(db.table(name, KEY))
    }

    pub(crate) fn in_table(incidents: &Table) -> Self {
        Self(incidents.clone())
    }

    /// Adds the occurrences of `alert` to those of the same kind, sender and subject. Counting begins again after a quiet day.
    ///
    /// # Errors
    /// [`StoreError`] if it was not written.
    pub async fn record(&self, alert: &SystemAlert) -> Result<(), StoreError> {
        let quiet_since = text(SystemAlert::quiet_since(alert.last_at));
        let continued = self
            .update(alert, "SET v = if_not_exists(v, :v), first_at = if_not_exists(first_at, :at), last_at = :at, expires_at = :expires_at, kind = :kind, sender = :sender, subject = :subject, detail = :detail ADD #count :count")
            .condition_expression("attribute_not_exists(last_at) OR last_at > :quiet_since")
            .expression_attribute_values(":quiet_since", quiet_since.clone());
        if self.0.update_if(continued).await? {
            return Ok(());
        }
        let restarted = self
            .update(alert, "SET v = if_not_exists(v, :v), first_at = :at, last_at = :at, expires_at = :expires_at, kind = :kind, sender = :sender, subject = :subject, detail = :detail, #count = :count")
            .condition_expression("last_at <= :quiet_since")
            .expression_attribute_values(":quiet_since", quiet_since);
        self.0.update_if(restarted).await.map(drop)
    }

    fn update(&self, alert: &SystemAlert, expression: &str) -> UpdateItemFluentBuilder {
        let SystemAlert { kind, sender, subject, detail, count, last_at, .. } = alert;
        self.0
            .client
            .update_item()
            .table_name(&self.0.name)
            .key("fingerprint", text(keys::SYSTEM_ALERTS))
            .key("opened_at", text(keys::system_alert(*kind, sender, subject)))
            .update_expression(expression)
            .expression_attribute_names("#count", "count")
            .expression_attribute_values(":v", number(SCHEMA_VERSION))
            .expression_attribute_values(":at", text(last_at))
            .expression_attribute_values(":expires_at", number(alert.shown_until().millis() / 1000))
            .expression_attribute_values(":kind", text(kind))
            .expression_attribute_values(":sender", text(sender))
            .expression_attribute_values(":subject", text(subject))
            .expression_attribute_values(":detail", text(detail))
            .expression_attribute_values(":count", number(count))
    }

    /// Returns the stored system alerts that have begun and of which AGE's own event is not recorded. May miss those of the last second.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be read.
    pub async fn without_event(&self) -> Result<Vec<SystemAlert>, StoreError> {
        let query = self
            .0
            .client
            .query()
            .key_condition_expression("fingerprint = :alerts")
            .expression_attribute_values(":alerts", text(keys::SYSTEM_ALERTS));
        let rows = self.0.all(query).await?;
        let alerts: Found<SystemAlertRow> = Found::of(rows.iter().map(|row| self.0.parse(row)))?;
        let is_new = |row: &SystemAlertRow| row.event_of != Some(row.first_at);
        Ok(alerts.items.into_iter().filter(is_new).map(SystemAlert::from).collect())
    }

    /// Returns the write which notes that AGE's own event of `alert` is recorded, on the condition that it is the same alert.
    ///
    /// # Errors
    /// [`StoreError`] if the request cannot be built.
    pub fn event_recorded(&self, alert: &SystemAlert) -> Result<Write, StoreError> {
        let update = Update::builder()
            .key("fingerprint", text(keys::SYSTEM_ALERTS))
            .key("opened_at", text(keys::system_alert(alert.kind, &alert.sender, &alert.subject)))
            .update_expression("SET event_of = :first_at")
            .condition_expression("first_at = :first_at")
            .expression_attribute_values(":first_at", text(alert.first_at));
        transaction::update(&self.0.name, update)
    }

    /// Sends `writes` of this and other tables once as one transaction.
    ///
    /// # Errors
    /// [`StoreError`] if the result is unknown, or DynamoDB refused the transaction for another reason than its conditions.
    pub async fn commit(&self, writes: Vec<Write>) -> Result<TransactionResult, StoreError> {
        self.0.commit(writes).await
    }

    /// Returns the stored system alerts of `kind`, in the order of sender and subject. May miss those of the last second.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    pub async fn of_kind(&self, kind: SystemAlertKind) -> Result<Vec<SystemAlert>, StoreError> {
        let query = self
            .0
            .client
            .query()
            .key_condition_expression("fingerprint = :alerts AND begins_with(opened_at, :kind)")
            .expression_attribute_values(":alerts", text(keys::SYSTEM_ALERTS))
            .expression_attribute_values(":kind", text(keys::system_alerts(kind)));
        let rows = self.0.all(query).await?;
        rows.iter().map(|row| self.0.parse::<SystemAlertRow>(row).map(SystemAlert::from)).collect()
    }

    /// Returns the system alerts that are shown at `now`, in the order of kind, sender and subject. A row that cannot be read is
    /// logged and left out, so that it does not hide the others.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be read.
    pub async fn shown(&self, now: Timestamp) -> Result<Vec<SystemAlert>, StoreError> {
        let query = self
            .0
            .client
            .query()
            .key_condition_expression("fingerprint = :alerts")
            .expression_attribute_values(":alerts", text(keys::SYSTEM_ALERTS))
            .consistent_read(true);
        let rows = self.0.all(query).await?;
        let alerts: Found<SystemAlertRow> = Found::of(rows.iter().map(|row| self.0.parse(row)))?;
        Ok(alerts.items.into_iter().map(SystemAlert::from).filter(|alert| alert.shown_until() > now).collect())
    }
}
