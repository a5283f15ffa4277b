//! A channel in responses: all but its target.

use std::collections::BTreeSet;

use age_governance::ListedChannel;
use age_model::{
    Channel, ChannelFilter, ChannelKind, ChannelMessage, ChannelName, DeliveryAttempt, DeliveryResult, Engine, KeyId,
    Severity, Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

/// Whether a channel gets messages.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChannelStatus {
    /// The channel gets the messages that it selects.
    Active,
    /// The channel gets no messages.
    Paused,
}

/// The latest attempt to deliver a message to a channel.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LatestDelivery {
    at: Timestamp,
    result: DeliveryResult,
    /// The status of the response, or why there was none.
    detail: String,
}

/// A place that AGE's messages are delivered to besides e-mail.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Channel)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChannelView {
    pub(crate) name: ChannelName,
    kind: ChannelKind,
    /// The host of its address. The rest of the address is never shown.
    host: String,
    /// The severities that it gets; all, if empty. Messages without one, such as reports, are not filtered by it.
    severities: BTreeSet<Severity>,
    /// The engines that it gets messages about; all, if empty. Messages about no engine are not filtered by it.
    engines: BTreeSet<Engine>,
    /// The kinds of messages that it gets; all, if empty.
    messages: BTreeSet<ChannelMessage>,
    status: ChannelStatus,
    created_at: Timestamp,
    /// The credential of the admin who created it.
    created_by: KeyId,
    /// Absent before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    last_delivery: Option<LatestDelivery>,
    /// Since when it has accepted no message. Absent if the latest attempt succeeded, or was refused for its message alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    failing_since: Option<Timestamp>,
}

impl From<ListedChannel> for ChannelView {
    fn from(listed: ListedChannel) -> Self {
        let latest =
            |DeliveryAttempt { at, result, detail, .. }: DeliveryAttempt| LatestDelivery { at, result, detail };
        let last_delivery = listed.latest_attempt().cloned().map(latest);
        let failing_since = listed.failing_since();
        let Channel { name, kind, host, filter, is_paused, created_at, created_by, .. } = listed.channel;
        let ChannelFilter { severities, engines, messages } = filter;
        Self {
            name,
            kind,
            host,
            severities,
            engines,
            messages,
            status: if is_paused { ChannelStatus::Paused } else { ChannelStatus::Active },
            created_at,
            created_by,
            last_delivery,
            failing_since,
        }
    }
}
