//! Channels on behalf of admins: creating, listing, testing, pausing, changing the target, and removing.

use age_model::{
    Channel, ChannelFilter, ChannelKind, ChannelName, ChannelTarget, Clock, DeliveryLane, KeyId, SealingError,
    StoreError, TargetSealer, UnreadableItem,
};
use age_notify::{PublishError, Topic, channel_test_message};
use age_store::{AddedChannel, Channels, Deliveries};
use thiserror::Error;

/// The most channels.
const MAX_CHANNELS: usize = 50;

/// A channel that an admin wants to create. All of it is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelDraft {
    /// The name.
    pub name: ChannelName,
    /// The form of its messages.
    pub kind: ChannelKind,
    /// The host of the address.
    pub host: String,
    /// Address and secrets.
    pub target: ChannelTarget,
    /// Which messages it gets.
    pub filter: ChannelFilter,
}

/// A channel, and the state of its deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedChannel {
    /// The channel.
    pub channel: Channel,
    /// The state of its deliveries.
    pub lane: DeliveryLane,
}

/// Why a channel was not created, changed or tested.
#[derive(Debug, Error)]
pub enum ChannelError {
    /// Another channel has the name.
    #[error("channel {0} exists; remove it first, or choose another name")]
    NameTaken(ChannelName),
    /// There are as many channels as there may be.
    #[error("there are {MAX_CHANNELS} channels, the most that there may be; remove one first")]
    TooMany,
    /// The channel is paused.
    #[error("channel {0} is paused; resume it first")]
    Paused(ChannelName),
    /// The target was not encrypted.
    #[error(transparent)]
    Sealing(#[from] SealingError),
    /// The test message was not published.
    #[error(transparent)]
    NotPublished(#[from] PublishError),
    /// The tables cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Manages channels. Build one per execution environment.
pub struct ChannelManager {
    channels: Channels,
    deliveries: Deliveries,
    sealer: Box<dyn TargetSealer>,
    relay: Topic,
}

impl ChannelManager {
    /// Combines the parts. `relay` is the topic of messages to the relay alone.
    #[must_use]
    pub fn new(channels: Channels, deliveries: Deliveries, sealer: impl TargetSealer + 'static, relay: Topic) -> Self {
        Self { channels, deliveries, sealer: Box::new(sealer), relay }
    }

    /// Returns all channels by name, and those that this version cannot read.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    pub async fn list(&self) -> Result<(Vec<ListedChannel>, Vec<UnreadableItem>), StoreError> {
        let found = self.channels.all().await?;
        let names: Vec<ChannelName> = found.items.iter().map(|channel| channel.name.clone()).collect();
        let lanes = self.deliveries.lanes(&names).await?;
        let listed = found.items.into_iter().zip(lanes).map(|(channel, lane)| ListedChannel { channel, lane });
        Ok((listed.collect(), found.unreadable))
    }

    /// Returns the channel `name`, if it exists.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn get(&self, name: &ChannelName) -> Result<Option<ListedChannel>, StoreError> {
        let Some(channel) = self.channels.get(name).await? else { return Ok(None) };
        let lane = self.deliveries.lanes(std::slice::from_ref(name)).await?.pop().unwrap_or_default();
        Ok(Some(ListedChannel { channel, lane }))
    }

    /// Creates a channel on behalf of `by`.
    ///
    /// # Errors
    /// [`ChannelError`] if it was not created, or that is unknown.
    pub async fn create(
        &self,
        draft: ChannelDraft,
        by: KeyId,
        clock: &dyn Clock,
    ) -> Result<ListedChannel, ChannelError> {
        if self.channels.all().await?.items.len() >= MAX_CHANNELS {
            return Err(ChannelError::TooMany);
        }
        let ChannelDraft { name, kind, host, target, filter } = draft;
        let target = self.sealer.seal(&name, &target).await?;
        let created_at = clock.now();
        let channel = Channel { name, kind, host, target, filter, is_paused: false, created_at, created_by: by };
        match self.channels.create(&channel).await? {
            AddedChannel::Created => Ok(ListedChannel { channel, lane: DeliveryLane::default() }),
            AddedChannel::NameTaken => Err(ChannelError::NameTaken(channel.name)),
        }
    }

    /// Replaces the target of the channel `name`. Returns None if it does not exist.
    ///
    /// # Errors
    /// [`ChannelError`] if it was not replaced, or that is unknown.
    pub async fn set_target(
        &self,
        name: &ChannelName,
        host: &str,
        target: &ChannelTarget,
    ) -> Result<Option<ListedChannel>, ChannelError> {
        let sealed = self.sealer.seal(name, target).await?;
        self.channels.set_target(name, host, &sealed).await?;
        Ok(self.get(name).await?)
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
    /// [`ChannelError`] if the relay was not asked.
    pub async fn test(
        &self,
        name: &ChannelName,
        by: &KeyId,
        clock: &dyn Clock,
    ) -> Result<Option<ListedChannel>, ChannelError> {
        let Some(listed) = self.get(name).await? else { return Ok(None) };
        if listed.channel.is_paused {
            return Err(ChannelError::Paused(name.clone()));
        }
        self.relay.publish(&channel_test_message(name, by, clock.now())).await?;
        Ok(Some(listed))
    }
}
