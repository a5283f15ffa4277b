//! Deliveries of messages to channels: their results, and when a failed one is repeated.

use std::pin::Pin;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use crate::channel::{ChannelKind, ChannelMessage};
use crate::channel_name::ChannelName;
use crate::time::Timestamp;

crate::string_enum::open_string_enum! {
    /// The result of an attempt to deliver a message.
    DeliveryResult {
        /// The channel accepted the message.
        Delivered = "delivered",
        /// The channel did not accept the message now. It is delivered again later.
        Failed = "failed",
        /// The message is not delivered: the channel refused it, or did not accept it for 24 hours.
        GivenUp = "given_up",
    }
}

/// An attempt to deliver a message to a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryAttempt {
    /// When the attempt ended.
    pub at: Timestamp,
    /// The channel.
    pub channel: ChannelName,
    /// The kind that the channel had.
    pub kind: ChannelKind,
    /// The result of the attempt.
    pub result: DeliveryResult,
    /// The status of the response, or why there was none, such as `404` or `no response within 10 seconds`.
    pub detail: String,
}

/// Returns an attempt to deliver a message to `channel`, with its `result` and `detail`, in words.
#[must_use]
pub fn describe_delivery(channel: &str, result: DeliveryResult, detail: &str) -> String {
    match result {
        DeliveryResult::Delivered => format!("Delivered to channel {channel}"),
        DeliveryResult::Failed => format!("Channel {channel} did not accept the message: {detail}; AGE tries again"),
        DeliveryResult::GivenUp => format!("Channel {channel} did not accept the message: {detail}; given up"),
        DeliveryResult::Unknown(_) => format!("Channel {channel}: {result}, {detail}"),
    }
}

/// The response to a message: the HTTP status, and how long the receiver asks to wait before the next message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelResponse {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After`, at most 24 hours.
    pub retry_after: Option<Duration>,
}

/// Why there was no response. The text may be shown to people: it has no part of the address but its host.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct SendError(pub String);

/// A request to a channel.
#[derive(Clone, PartialEq, Eq)]
pub struct ChannelRequest {
    /// The `https` address, a secret.
    pub url: String,
    /// Headers besides those of every request.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: Vec<u8>,
}

/// The pending result of [`ChannelSender::send`].
pub type SentFuture<'a> = Pin<Box<dyn Future<Output = Result<ChannelResponse, SendError>> + Send + 'a>>;

/// Sends requests to channels.
pub trait ChannelSender: Send + Sync {
    /// Sends `request` once, within 10 seconds.
    ///
    /// # Errors
    /// [`SendError`] if there was no response. The receiver may have the message all the same.
    fn send(&self, request: ChannelRequest) -> SentFuture<'_>;
}

/// How long a message is tried to be delivered.
pub const MAX_DELIVERY_AGE: Duration = Duration::from_hours(24);

/// The pause after the first failure, and the longest one.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_mins(15);

/// How long a channel fails before people are notified of it on the others.
pub const ALERT_AFTER: Duration = Duration::from_mins(15);

/// Returns what the status of a response, or None without one, means for a message of the age `age`: 2xx is delivered; 408, 425, 429,
/// 5xx and no response are tried again for 24 hours; everything else is given up at once.
#[must_use]
pub fn delivery_result(status: Option<u16>, age: Duration) -> DeliveryResult {
    match status {
        Some(200..=299) => DeliveryResult::Delivered,
        Some(408 | 425 | 429 | 500..) | None if age < MAX_DELIVERY_AGE => DeliveryResult::Failed,
        _ => DeliveryResult::GivenUp,
    }
}

/// Returns the pause after the `failures`-th failure in a row, from 1: 5 seconds, three times as long after each, at most 15 minutes;
/// longer if the receiver asked for it. `random` shortens it by up to a quarter, so that channels that failed together do not return
/// together.
#[must_use]
pub fn pause_after(failures: u32, retry_after: Option<Duration>, random: u128) -> Duration {
    let factor = 3_u32.saturating_pow(failures.saturating_sub(1).min(10));
    let pause = FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE);
    let quarter = u64::try_from((pause / 4).as_millis()).unwrap_or(0).max(1);
    let shorter = u64::try_from(random % u128::from(quarter)).unwrap_or(0);
    pause.saturating_sub(Duration::from_millis(shorter)).max(retry_after.unwrap_or_default())
}

impl ChannelKind {
    /// Whether a channel of this kind gets messages of the kind `message`. A pager's alert ends when its incident does: a report or an
    /// approval has no such end.
    #[must_use]
    pub const fn carries(self, message: ChannelMessage) -> bool {
        match self {
            Self::PagerDuty => !matches!(message, ChannelMessage::Report | ChannelMessage::Approval),
            Self::Slack | Self::MicrosoftTeams | Self::Webhook => true,
            Self::Unknown(_) => false,
        }
    }

    /// The shortest time between two messages. Slack: one a second for an incoming webhook; `PagerDuty`: 120 a minute for an
    /// integration key; Teams: four a second for a webhook.
    #[must_use]
    pub const fn min_interval(self) -> Duration {
        match self {
            Self::Slack | Self::Unknown(_) => Duration::from_secs(1),
            Self::PagerDuty => Duration::from_millis(500),
            Self::MicrosoftTeams => Duration::from_millis(250),
            Self::Webhook => Duration::from_millis(100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = MAX_DELIVERY_AGE;

    #[test]
    fn status_says_whether_a_message_is_delivered_tried_again_or_given_up() {
        for (status, expected) in [
            (Some(200), DeliveryResult::Delivered),
            (Some(202), DeliveryResult::Delivered),
            (Some(301), DeliveryResult::GivenUp),
            (Some(400), DeliveryResult::GivenUp),
            (Some(404), DeliveryResult::GivenUp),
            (Some(410), DeliveryResult::GivenUp),
            (Some(429), DeliveryResult::Failed),
            (Some(500), DeliveryResult::Failed),
            (Some(503), DeliveryResult::Failed),
            (None, DeliveryResult::Failed),
        ] {
            assert_eq!(delivery_result(status, Duration::ZERO), expected, "{status:?}");
        }
        assert_eq!(delivery_result(Some(503), DAY), DeliveryResult::GivenUp);
        assert_eq!(delivery_result(None, DAY), DeliveryResult::GivenUp);
        assert_eq!(delivery_result(Some(200), DAY), DeliveryResult::Delivered);
    }

    #[test]
    fn pauses_grow_up_to_a_quarter_of_an_hour_and_are_as_long_as_the_receiver_asks() {
        let pauses: Vec<u64> = (1..=7).map(|failures| pause_after(failures, None, 0).as_secs()).collect();
        assert_eq!(pauses, [5, 15, 45, 135, 405, 900, 900]);
        assert_eq!(pause_after(u32::MAX, None, 0).as_secs(), 900);
        assert_eq!(pause_after(1, Some(Duration::from_secs(90)), 0).as_secs(), 90);
        assert_eq!(pause_after(3, Some(Duration::from_secs(1)), 0).as_secs(), 45);
        assert!((1..200).all(|random| pause_after(2, None, random * 97).as_millis() > 11_250));
    }
}
