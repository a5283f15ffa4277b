//! Channels as they are, and what needs no target: listing, testing, pausing, resuming and removing them.

use age_model::{
    Channel, ChannelName, Clock, DeliveryAttempt, DeliveryLane, KeyId, StoreError, Timestamp, UnreadableItem,
};
use age_notify::{PublishError, Topic, channel_test_message};
use age_store::{Channels, Deliveries};
use thiserror::Error;

/// A channel, and the state of its deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedChannel {
    /// The channel.
    pub channel: Channel,
    lane: DeliveryLane,
}

impl ListedChannel {
    pub(crate) const fn new(channel: Channel, lane: DeliveryLane) -> Self {
        Self { channel, lane }
    }

    /// Returns the latest attempt to deliver a message. An attempt of an earlier channel of the same name says nothing of this one.
    #[must_use]
    pub fn latest_attempt(&self) -> Option<&DeliveryAttempt> {
        self.lane.last_attempt.as_ref().filter(|attempt| attempt.at >= self.channel.created_at)
    }

    /// Returns since when the channel has accepted no message. None if the latest attempt succeeded, or was refused for its message
    /// alone.
    #[must_use]
    pub fn failing_since(&self) -> Option<Timestamp> {
        self.lane.failing_since.filter(|_| self.latest_attempt().is_some())
    }
}

/// Why a channel was not tested.
#[derive(Debug, Error)]
pub enum ChannelTestError {
    /// The channel is paused.
    #[error("channel {0} is paused; resume it first")]
    Paused(ChannelName),
    /// The test message was not published.
    #[error(transparent)]
    NotPublished(#[from] PublishError),
    /// The tables cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Manages channels. Knows no targets: `ChannelConfigurator` stores these. Build one per execution environment.
#[derive(Debug, Clone)]
pub struct ChannelManager {
    pub(crate) channels: Channels,
    deliveries: Deliveries,
    relay: Topic,
}

impl ChannelManager {
    /// Combines the parts. `relay` is the topic of messages to the relay alone.
    #[must_use]
    pub const fn new(channels: Channels, deliveries: Deliveries, relay: Topic) -> Self {
        Self { channels, deliveries, relay }
    }

    /// Returns all channels by name, and those that this version cannot read.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    pub async fn list(&self) -> Result<(Vec<ListedChannel>, Vec<UnreadableItem>), StoreError> {
        let found = self.channels.all().await?;
        let names: Vec<ChannelName> = found.items.iter().map(|channel| channel.name.clone()).collect();
        let lanes = self.deliveries.lanes(&names).await?;
        let listed = found.items.into_iter().zip(lanes).map(|(channel, lane)| ListedChannel::new(channel, lane));
        Ok((listed.collect(), found.unreadable))
    }

    /// Returns the channel `name`, if it exists.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn get(&self, name: &ChannelName) -> Result<Option<ListedChannel>, StoreError> {
        let Some(channel) = self.channels.get(name).await? else { return Ok(None) };
        let lane = self.deliveries.lanes(std::slice::from_ref(name)).await?.pop().unwrap_or_default();
        Ok(Some(ListedChannel::new(channel, lane)))
    }

    /// Pauses the channel `name`, or resumes it. Returns None if it does not exist.
    ///
    /// # Errors
    /// [`StoreError`] if that was not stored.
    pub async fn set_paused(&self, name: &ChannelName, is_paused: bool) -> Result<Option<ListedChannel>, StoreError> {
        self.channels.set_paused(name, is_paused).await?;
        self.get(name).await
    }

    /// Removes the channel `name` with its target. Returns the channel as it was, or None if it does not exist.
    ///
    /// # Errors
    /// [`StoreError`] if it was not removed.
    pub async fn remove(&self, name: &ChannelName) -> Result<Option<ListedChannel>, StoreError> {
        let listed = self.get(name).await?;
        if listed.is_some() {
            self.channels.remove(name).await?;
        }
        Ok(listed)
    }

    /// Has the relay send a test message to the channel `name`. Returns None if it does not exist.
    ///
    /// # Errors
    /// [`ChannelTestError`] if the relay was not asked.
    pub async fn test(
        &self,
        name: &ChannelName,
        by: &KeyId,
        clock: &dyn Clock,
    ) -> Result<Option<ListedChannel>, ChannelTestError> {
        let Some(listed) = self.get(name).await? else { return Ok(None) };
        if listed.channel.is_paused {
            return Err(ChannelTestError::Paused(name.clone()));
        }
        self.relay.publish(&channel_test_message(name, by, clock.now())).await?;
        Ok(Some(listed))
    }
}
