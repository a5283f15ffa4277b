//! The delivery of weekly reports: one row per report in the `actions` table. A delivery belongs to a report and not to an event,
//! so it is not an `ActionItem`, and the sweep does not read it.

use age_model::{Action, ActionStatus, ReportId, StoreError, Timestamp};
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::Put;
use serde::{Deserialize, Serialize};

use crate::actions::Actions;
use crate::dynamodb::attribute::text;
use crate::dynamodb::client::{Consistency, Table};
use crate::dynamodb::transaction::{self, Write};

/// The delivery of one report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportDelivery {
    /// The report. The attribute is the partition key of the table.
    #[serde(rename = "event_id")]
    pub report_id: ReportId,
    /// Always [`Action::AutomatedGovernanceSummary`].
    pub action: Action,
    /// `pending` until the report is published to its topic, then `succeeded`.
    pub status: ActionStatus,
    /// The policy version that scored the report.
    pub policy_hash: String,
    /// When the report was made.
    pub created_at: Timestamp,
    /// When the lease of the current sender ends.
    pub leased_until: Timestamp,
    /// When the report was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispatched_at: Option<Timestamp>,
}

/// The deliveries in the `actions` table.
#[derive(Debug, Clone)]
pub struct ReportDeliveries(Table);

impl ReportDeliveries {
    /// Uses the table of `actions`.
    #[must_use]
    pub fn new(actions: &Actions) -> Self {
        Self(actions.table().clone())
    }

    /// Returns the delivery of the report `id`, read strongly.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn get(&self, id: ReportId) -> Result<Option<ReportDelivery>, StoreError> {
        let key = [("event_id", text(id)), ("action", text(Action::AutomatedGovernanceSummary))];
        let item = self.0.get(key, Consistency::Strong).await?;
        item.map(|item| self.0.parse(&item)).transpose()
    }

    /// Returns the write that inserts `delivery`.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be serialized.
    pub fn insertion(&self, delivery: &ReportDelivery) -> Result<Write, StoreError> {
        transaction::put(&self.0.name, Put::builder().set_item(Some(self.0.serialize(delivery)?)))
    }

    /// Leases `delivery`, which is pending, until `until`. Returns false if another sender was faster.
    ///
    /// # Errors
    /// [`StoreError`] if it was not written.
    pub async fn lease(&self, delivery: &ReportDelivery, until: Timestamp) -> Result<bool, StoreError> {
        let update = self
            .update(delivery.report_id)
            .update_expression("SET leased_until = :until")
            .condition_expression("#status = :pending AND leased_until = :seen")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":pending", text(ActionStatus::Pending))
            .expression_attribute_values(":seen", text(delivery.leased_until))
            .expression_attribute_values(":until", text(until));
        self.0.update_if(update).await
    }

    /// Records that the report `id` was published at `now`. Returns false if that is recorded already.
    ///
    /// # Errors
    /// [`StoreError`] if it was not written.
    pub async fn mark_sent(&self, id: ReportId, now: Timestamp) -> Result<bool, StoreError> {
        let from = ActionStatus::Pending;
        let update = self
            .update(id)
            .update_expression("SET #status = :to, dispatched_at = :now")
            .condition_expression("#status = :from")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":to", text(from.transition_to(ActionStatus::Succeeded)?))
            .expression_attribute_values(":now", text(now));
        self.0.update_if(update).await
    }

    fn update(&self, id: ReportId) -> UpdateItemFluentBuilder {
        let update = self.0.client.update_item().table_name(&self.0.name).key("event_id", text(id));
        update.key("action", text(Action::AutomatedGovernanceSummary))
    }
}
