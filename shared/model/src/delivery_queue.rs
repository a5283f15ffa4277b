//! The queue of messages that a channel has yet to get.

use std::time::Duration;

use crate::channel_name::ChannelName;
use crate::delivery::{ALERT_AFTER, DeliveryAttempt, DeliveryResult, delivery_result, pause_after};
use crate::id::MessageId;
use crate::time::Timestamp;

/// A message, or a part of one, that a channel has yet to get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The channel.
    pub channel: ChannelName,
    /// When the message was queued for the channels. Deliveries are made in this order.
    pub queued_at: Timestamp,
    /// The message.
    pub message: MessageId,
    /// The number of the part, from 0. A message to a webhook has one.
    pub part: u32,
    /// The ids of the incidents that it is about. Their timelines have the results.
    pub incidents: Vec<String>,
    /// The content, in a form that the kind of the channel determines.
    pub content: String,
}

impl Delivery {
    /// Returns for how long it has waited at `now`.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> Duration {
        now.since(self.queued_at)
    }
}

/// The state of a channel's queue, which one sender at a time has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryLane {
    /// Failures in a row.
    pub failures: u32,
    /// When the first of them was.
    pub failing_since: Option<Timestamp>,
    /// Whether people were notified of these failures.
    pub is_alerted: bool,
    /// No message is sent before: the channel has failed, or asked to wait.
    pub retry_at: Option<Timestamp>,
    /// When the rate of the channel allows the next message.
    pub paced_until: Option<Timestamp>,
    /// The result of the latest attempt.
    pub last_attempt: Option<DeliveryAttempt>,
}

impl DeliveryLane {
    /// Records the attempt to deliver a message of the age `age`, which ended at `now` with `status`, or without a response. Returns what
    /// came of it.
    pub fn record(
        &mut self,
        status: Option<u16>,
        retry_after: Option<Duration>,
        age: Duration,
        now: Timestamp,
        random: u128,
    ) -> DeliveryResult {
        let result = delivery_result(status, age);
        // A message that is given up because it is too old says nothing new of the channel, which fails all the same.
        let has_failed = delivery_result(status, Duration::ZERO) == DeliveryResult::Failed;
        if has_failed {
            self.failures = self.failures.saturating_add(1);
            self.failing_since.get_or_insert(now);
            let pause = pause_after(self.failures, retry_after, random);
            self.retry_at = Some(now.plus(pause));
        } else {
            (self.failures, self.failing_since, self.is_alerted, self.retry_at) = (0, None, false, None);
        }
        result
    }

    /// Whether people are to be notified at `now` that the channel fails.
    #[must_use]
    pub fn awaits_alert(&self, now: Timestamp) -> bool {
        !self.is_alerted && self.failing_since.is_some_and(|since| now.since(since) >= ALERT_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn failing_channel_pauses_longer_each_time_and_begins_anew_after_a_success() {
        let (start, young) = (at("2026-11-23T00:00:00Z"), Duration::from_secs(1));
        let mut lane = DeliveryLane::default();
        assert_eq!(lane.record(Some(503), None, young, start, 0), DeliveryResult::Failed);
        assert_eq!(lane.retry_at, Some(start.plus_millis(5000)));
        let later = start.plus_millis(5000);
        assert_eq!(lane.record(None, None, young, later, 0), DeliveryResult::Failed);
        assert_eq!((lane.failures, lane.failing_since), (2, Some(start)));
        assert_eq!(lane.retry_at, Some(later.plus_millis(15_000)));
        assert_eq!(lane.record(Some(204), None, young, later, 0), DeliveryResult::Delivered);
        assert_eq!(lane, DeliveryLane::default());
    }

    #[test]
    fn refused_message_does_not_hold_up_the_next() {
        let mut lane = DeliveryLane::default();
        let result = lane.record(Some(404), None, Duration::ZERO, at("2026-11-23T00:00:00Z"), 0);
        assert_eq!((result, lane.retry_at, lane.failing_since), (DeliveryResult::GivenUp, None, None));
    }

    #[test]
    fn message_of_a_day_is_given_up_and_the_channel_still_fails() {
        let mut lane = DeliveryLane::default();
        let result = lane.record(Some(500), None, Duration::from_hours(24), at("2026-11-23T00:00:00Z"), 0);
        assert_eq!((result, lane.failures), (DeliveryResult::GivenUp, 1));
    }

    #[test]
    fn people_are_notified_once_of_a_channel_that_fails_for_a_quarter_of_an_hour() {
        let start = at("2026-11-23T00:00:00Z");
        let mut lane = DeliveryLane { failing_since: Some(start), ..DeliveryLane::default() };
        assert!(!lane.awaits_alert(start.plus_millis(899_999)));
        assert!(lane.awaits_alert(start.plus_millis(900_000)));
        lane.is_alerted = true;
        assert!(!lane.awaits_alert(start.plus_millis(9_000_000)));
    }
}
