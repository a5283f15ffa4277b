//! AGE's own health: whether its messages would reach anybody, and whether last week has its report.

use std::collections::BTreeMap;

use age_model::{
    ChannelMessage, Period, ReportId, StoreError, SubscriptionCounts, TopicName, TopicStatus, is_subscriber_notice_due,
};
use age_notify::{Topic, subscriber_notice};
use age_store::{Consistency, SystemHealth};
use futures_util::future::join_all;

use super::{Sweep, SweepReport};

/// How long after Monday's midnight the weekly report must exist, in seconds: it is generated at 00:05 and retried.
const REPORT_DUE_SECONDS: i64 = 20 * 60;

impl Sweep {
    /// Checks whether the messages of each topic that people rely on would reach anybody, and records that this sweep ran.
    pub(super) async fn record_health(&self, report: &mut SweepReport) -> Result<SystemHealth, StoreError> {
        let subscriptions = self.subscribers().await;
        let notifications = subscriptions.get(&TopicName::Notifications);
        report.notifications_reachable = notifications.map(|counts| counts.confirmed > 0);
        let health = self.notifier.health().record(self.now(), &subscriptions).await?;
        let has_no_subscriber = |topic: &TopicName| health.topic(*topic).status(*topic) == TopicStatus::NoSubscriber;
        report.topics_without_subscriber = TopicName::ALL.iter().copied().filter(has_no_subscriber).collect();
        Ok(health)
    }

    /// Returns the numbers of subscriptions of the topics, as far as AWS tells. That of the relay counts if a channel gets the messages of
    /// the topic.
    async fn subscribers(&self) -> BTreeMap<TopicName, SubscriptionCounts> {
        let mut subscriptions = self.subscriptions().await;
        if self.relay_subscriptions == 0 {
            return subscriptions;
        }
        let channels = match self.channels.all().await {
            Ok(channels) => channels.items,
            Err(error) => {
                tracing::warn!(%error, "cannot tell whether channels get the messages of topics: {error}");
                subscriptions.retain(|topic, _| message_for_channels(*topic).is_none());
                return subscriptions;
            }
        };
        for (topic, counts) in &mut subscriptions {
            let Some(message) = message_for_channels(*topic) else { continue };
            if !channels.iter().any(|channel| channel.gets(message)) {
                counts.confirmed = counts.confirmed.saturating_sub(self.relay_subscriptions);
            }
        }
        subscriptions
    }

    /// Returns the numbers of subscriptions of the topics that AWS tells.
    async fn subscriptions(&self) -> BTreeMap<TopicName, SubscriptionCounts> {
        let count = async |name: TopicName, topic: &Topic| {
            let counts = topic.subscriptions().await;
            let counts = counts.inspect_err(|error| {
                tracing::warn!(%error, topic = %name, "cannot tell whether anybody is subscribed to the topic {name}: {error}");
            });
            Some((name, counts.ok()?))
        };
        let topics = [
            (TopicName::Notifications, self.notifier.topic()),
            (TopicName::SecondLine, &self.second_line),
            (TopicName::Reports, &self.reports_topic),
            (TopicName::Alarms, &self.alarms_topic),
        ];
        let counts = topics.into_iter().map(|(name, topic)| count(name, topic));
        join_all(counts).await.into_iter().flatten().collect()
    }

    /// Notifies people that nobody receives alarms, once a day: the alarm about it would reach nobody.
    pub(super) async fn send_subscriber_notice(
        &self,
        health: &SystemHealth,
        report: &mut SweepReport,
    ) -> Result<(), StoreError> {
        let (now, last, topics) = (self.now(), health.subscriber_notice_at, &report.topics_without_subscriber);
        let is_needed = topics.contains(&TopicName::Alarms) && report.notifications_reachable == Some(true);
        if !is_needed || !is_subscriber_notice_due(last, now) {
            return Ok(());
        }
        let store = self.notifier.health();
        if !store.set_subscriber_notice(last, Some(now)).await? {
            return Ok(()); // Another run sends it.
        }
        if self.notifier.send_notice(&subscriber_notice(topics), 0, self.clock.as_ref()).await? {
            report.emails_sent += 1;
        } else {
            store.set_subscriber_notice(Some(now), last).await?;
        }
        Ok(())
    }

    /// Checks whether the report of last week exists.
    pub(super) async fn check_weekly_report(
        &self,
        health: &SystemHealth,
        report: &mut SweepReport,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let monday = now.day().monday();
        // Before the first sweep AGE was not installed, so no report was due.
        let was_installed = health.installed_at <= monday.start();
        if was_installed && now >= monday.start().plus_seconds(REPORT_DUE_SECONDS) {
            let id = ReportId::weekly(Period::week_before(monday));
            report.weekly_report_missing = self.reports.get(id, Consistency::Eventual).await?.is_none();
        }
        Ok(())
    }
}

/// Returns the kind of messages of `topic` that the relay delivers to channels, if it does.
const fn message_for_channels(topic: TopicName) -> Option<ChannelMessage> {
    match topic {
        TopicName::Notifications | TopicName::SecondLine => Some(ChannelMessage::Incident),
        TopicName::Reports => Some(ChannelMessage::Report),
        TopicName::Alarms => None,
    }
}
