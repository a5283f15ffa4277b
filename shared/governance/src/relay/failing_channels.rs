//! A channel that fails for a quarter of an hour is a message on the others.

use age_model::{ALERT_AFTER, Channel, ChannelName, DeliveryLane, StoreError};
use age_notify::channel_failing_message;

use super::{Relay, RelayError};

impl Relay {
    /// Queues a message for the other channels about each channel that people are to be notified of.
    pub(super) async fn queue_failure_alerts(&self, channels: &[Channel]) -> Result<(), StoreError> {
        let names: Vec<ChannelName> = channels.iter().map(|channel| channel.name.clone()).collect();
        if names.is_empty() {
            return Ok(());
        }
        let now = self.0.clock.now();
        for (channel, lane) in channels.iter().zip(self.0.deliveries.lanes(&names).await?) {
            // Else it is the state of a channel of the same name that was removed.
            let is_its_own = lane.failing_since.is_some_and(|since| since >= channel.created_at);
            if is_its_own && lane.awaits_alert(now) {
                self.queue_failure_alert(channels, channel, &lane).await?;
            }
        }
        Ok(())
    }

    async fn queue_failure_alert(
        &self,
        channels: &[Channel],
        channel: &Channel,
        lane: &DeliveryLane,
    ) -> Result<(), StoreError> {
        let Some(since) = lane.failing_since else { return Ok(()) };
        let detail = lane.last_attempt.as_ref().map_or("no response", |result| result.detail.as_str());
        tracing::error!(channel = %channel.name, "channel {} has failed since {since}: {detail}", channel.name);
        let message = channel_failing_message(&channel.name, channel.kind, since, detail);
        let others = channels.iter().filter(|other| other.name != channel.name);
        // A time that depends on the first failure alone, so that it is queued once however often it is tried.
        match self.queue_for(others, &message, since.plus(ALERT_AFTER)).await {
            Ok(()) => self.0.deliveries.set_alerted(&channel.name, since).await,
            Err(RelayError::Store(error)) => Err(error),
            // INVARIANT: AGE's own message is readable.
            Err(RelayError::Unreadable(_)) => Ok(()),
        }
    }
}
