//! The topics that people rely on, and whether anybody subscribes to them.

use crate::time::Timestamp;

crate::string_enum::string_enum! {
    /// A topic from which people get messages.
    TopicName {
        /// Notifications to the first line.
        Notifications = "notifications",
        /// Escalations to the second line.
        SecondLine = "second_line",
        /// Weekly reports.
        Reports = "reports",
        /// Alarms about AGE itself.
        Alarms = "alarms",
    }
}

crate::string_enum::string_enum! {
    /// Whether the messages of a topic reach anybody.
    TopicStatus {
        /// Somebody has confirmed a subscription.
        Subscribed = "subscribed",
        /// Nobody has confirmed a subscription, and the messages of the topic are expected to reach somebody.
        NoSubscriber = "no_subscriber",
        /// The topic never had a subscription, so nobody expects its messages.
        NotUsed = "not_used",
        /// AWS did not say.
        Unknown = "unknown",
    }
}

/// The number of subscriptions to a topic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SubscriptionCounts {
    /// Subscriptions that their owners have confirmed.
    pub confirmed: u64,
    /// Subscriptions that wait for a confirmation.
    pub pending: u64,
}

/// What AGE knows about the subscriptions to a topic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TopicHealth {
    /// Whether the topic has a confirmed subscription; None if that is unknown.
    pub is_subscribed: Option<bool>,
    /// Whether the topic has ever had a subscription, confirmed or not.
    pub was_used: bool,
}

impl TopicHealth {
    /// Returns the status of `topic`. The first line is always expected to have a subscriber; other topics once they had a
    /// subscription.
    #[must_use]
    pub const fn status(self, topic: TopicName) -> TopicStatus {
        match self.is_subscribed {
            None => TopicStatus::Unknown,
            Some(true) => TopicStatus::Subscribed,
            Some(false) if self.was_used || matches!(topic, TopicName::Notifications) => TopicStatus::NoSubscriber,
            Some(false) => TopicStatus::NotUsed,
        }
    }
}

impl TopicName {
    /// Returns the message kind of the topic, for a sentence.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Notifications => "notifications to the first line",
            Self::SecondLine => "escalations to the second line",
            Self::Reports => "weekly reports",
            Self::Alarms => "alarms about AGE itself",
        }
    }
}

/// How often people are told that the alarms topic has no subscriber, in seconds: once a day.
const NOTICE_INTERVAL_SECONDS: i64 = 86_400;

/// Whether a notice about missing subscribers is due at `now`, if the latest was sent at `last`.
#[must_use]
pub fn is_subscriber_notice_due(last: Option<Timestamp>, now: Timestamp) -> bool {
    last.is_none_or(|last| last.plus_seconds(NOTICE_INTERVAL_SECONDS) <= now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topic_that_never_had_a_subscription_is_not_used_except_notifications() {
        let health = |is_subscribed, was_used| TopicHealth { is_subscribed, was_used };
        for (topic, health, status) in [
            (TopicName::SecondLine, health(Some(false), false), TopicStatus::NotUsed),
            (TopicName::SecondLine, health(Some(false), true), TopicStatus::NoSubscriber),
            (TopicName::Notifications, health(Some(false), false), TopicStatus::NoSubscriber),
            (TopicName::Alarms, health(Some(true), false), TopicStatus::Subscribed),
            (TopicName::Reports, health(None, true), TopicStatus::Unknown),
        ] {
            assert_eq!(health.status(topic), status, "{topic}");
        }
    }
}
