//! The lane of a channel: the state of its queue, leased to one sender at a time.

use age_model::{Channel, ChannelName, DeliveryAttempt, DeliveryLane, MessageId, StoreError, Timestamp, hexadecimal};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValue;
use serde::{Deserialize, Serialize};

use crate::deliveries::Deliveries;
use crate::dynamodb::attribute::{Item, text};
use crate::dynamodb::client::Table;
use crate::dynamodb::error::write_failed;
use crate::dynamodb::keys;
use crate::dynamodb::update::UpdateExpression;
use crate::found::unreadable;

/// The row, except for its key, the lease and attributes of a later version.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct LaneRow {
    failures: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<Timestamp>,
    /// The `failing_since` of the failures that people were notified of. Senders do not write it: a run may notify people while a sender
    /// has the lane.
    #[serde(skip_serializing)]
    alerted_since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paced_until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_attempt: Option<DeliveryAttempt>,
}

/// The attributes that a lane may lack.
const OPTIONAL: [&str; 4] = ["failing_since", "retry_at", "paced_until", "last_attempt"];

/// The attribute with the fingerprint of the target that the lane is about.
const TARGET: &str = "target";

impl Deliveries {
    /// Leases the lane of `channel` until `until`. Returns None if another sender has it, or the channel is not to be tried yet. A lane
    /// whose channel has another target than at the last lease begins anew: how deliveries to the old one went says nothing of the new.
    ///
    /// # Errors
    /// [`StoreError`] if it was not leased, or that is unknown.
    pub async fn lease(
        &self,
        channel: &Channel,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<DeliveryLane>, StoreError> {
        let Table { client, name, .. } = &self.0;
        let target = target_fingerprint(channel);
        let mut expression = UpdateExpression::default();
        expression.set_schema_version();
        expression.set(&["leased_until"], text(until));
        expression.set(&[TARGET], text(&target));
        let [lease, retry, of] = [["leased_until"], ["retry_at"], [TARGET]].map(|path| expression.path(&path));
        let (now, of_channel) = (expression.value(text(now)), expression.value(text(&target)));
        let is_free = format!("attribute_not_exists({lease}) OR {lease} <= {now}");
        let is_due = format!("attribute_not_exists({retry}) OR {retry} <= {now} OR {of} <> {of_channel}");
        let update =
            client.update_item().table_name(name).key("scope", text(&channel.name)).key("id", text(keys::LANE));
        let update = expression.apply(update).condition_expression(format!("({is_free}) AND ({is_due})"));
        let leased = match update.return_values(ReturnValue::AllOld).send().await {
            Ok(leased) => leased,
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => return Ok(None),
                _ => return Err(write_failed("UpdateItem", name, error)),
            },
        };
        let Some(before) = leased.attributes else { return Ok(Some(DeliveryLane::default())) };
        let lane = self.lane_of(&before)?;
        let is_same_target = before.get(TARGET).and_then(|of| of.as_s().ok()) == Some(&target);
        let new = DeliveryLane { paced_until: lane.paced_until, ..DeliveryLane::default() };
        Ok(Some(if is_same_target { lane } else { new }))
    }

    /// Ends the lease until `until` of the lane of `channel`, and stores its state. Nothing is written if another sender has leased it
    /// since.
    ///
    /// # Errors
    /// [`StoreError`] if that was not stored.
    pub async fn release(
        &self,
        channel: &ChannelName,
        lane: &DeliveryLane,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let DeliveryLane { failures, failing_since, retry_at, paced_until, last_attempt, .. } = lane.clone();
        let row = LaneRow { failures, failing_since, retry_at, paced_until, last_attempt, ..LaneRow::default() };
        let row = self.0.serialize(&row)?;
        let mut expression = UpdateExpression::default();
        let mut names: Vec<&String> = row.keys().filter(|name| *name != "v").collect();
        names.sort();
        for name in names {
            if let Some(value) = row.get(name) {
                expression.set(&[name.as_str()], value.clone());
            }
        }
        for absent in OPTIONAL.iter().filter(|name| !row.contains_key(**name)) {
            expression.remove(&[absent]);
        }
        expression.remove(&["leased_until"]);
        let lease = expression.path(&["leased_until"]);
        let condition = format!("{lease} = {}", expression.value(text(until)));
        let Table { client, name, .. } = &self.0;
        let update = client.update_item().table_name(name).key("scope", text(channel)).key("id", text(keys::LANE));
        self.0.update_if(expression.apply(update).condition_expression(condition)).await.map(drop)
    }

    /// Stores that people were notified that `channel` fails since `since`, unless it has recovered.
    ///
    /// # Errors
    /// [`StoreError`] if that was not stored.
    pub async fn set_alerted(&self, channel: &ChannelName, since: Timestamp) -> Result<(), StoreError> {
        let Table { client, name, .. } = &self.0;
        let update = client
            .update_item()
            .table_name(name)
            .key("scope", text(channel))
            .key("id", text(keys::LANE))
            .update_expression("SET alerted_since = :since")
            .condition_expression("failing_since = :since")
            .expression_attribute_values(":since", text(since));
        self.0.update_if(update).await.map(drop)
    }

    /// Returns the state of the lanes of `channels`, in their order, read strongly. One that this version cannot read is logged, and begins
    /// anew.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    pub async fn lanes(&self, channels: &[ChannelName]) -> Result<Vec<DeliveryLane>, StoreError> {
        let key =
            |name: &ChannelName| Item::from([("scope".to_owned(), text(name)), ("id".to_owned(), text(keys::LANE))]);
        let rows = self.0.get_all(channels.iter().map(key).collect()).await?;
        let of = |name: &ChannelName| {
            let is_of = |row: &&Item| {
                row.get("scope").and_then(|scope| scope.as_s().ok()).is_some_and(|it| it == name.as_str())
            };
            rows.iter().find(is_of).map_or(Ok(DeliveryLane::default()), |row| self.lane_of(row))
        };
        channels.iter().map(of).collect()
    }

    fn lane_of(&self, item: &Item) -> Result<DeliveryLane, StoreError> {
        let row: LaneRow = match self.0.parse(item) {
            Ok(row) => row,
            Err(error) => {
                unreadable(None, error)?;
                LaneRow::default()
            }
        };
        let LaneRow { failures, failing_since, alerted_since, retry_at, paced_until, last_attempt } = row;
        let is_alerted = failing_since.is_some() && alerted_since == failing_since;
        Ok(DeliveryLane { failures, failing_since, is_alerted, retry_at, paced_until, last_attempt })
    }
}

/// Returns a text that is another one for another channel of the same name, and after a change of the target.
fn target_fingerprint(channel: &Channel) -> String {
    MessageId::of(&format!("{}\n{}", channel.created_at, hexadecimal(&channel.target.0))).to_string()
}
