//! The targets of channels, on behalf of admins: creating channels, and replacing their targets.

use age_model::{
    Channel, ChannelFilter, ChannelKind, ChannelName, ChannelTarget, Clock, DeliveryLane, KeyId, SealingError,
    StoreError, TargetSealer,
};
use age_store::AddedChannel;
use thiserror::Error;

use crate::manage_channels::{ChannelManager, ListedChannel};

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

/// Why a channel was not created, or its target not replaced.
#[derive(Debug, Error)]
pub enum ChannelError {
    /// Another channel has the name.
    #[error("channel {0} exists; remove it first, or choose another name")]
    NameTaken(ChannelName),
    /// There are as many channels as there may be.
    #[error("there are {MAX_CHANNELS} channels, the most that there may be; remove one first")]
    TooMany,
    /// The target was not encrypted.
    #[error(transparent)]
    Sealing(#[from] SealingError),
    /// The tables cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Stores the targets of channels, encrypted. Build one per execution environment.
pub struct ChannelConfigurator {
    manager: ChannelManager,
    sealer: Box<dyn TargetSealer>,
}

impl ChannelConfigurator {
    /// Combines the parts.
    #[must_use]
    pub fn new(manager: ChannelManager, sealer: impl TargetSealer + 'static) -> Self {
        Self { manager, sealer: Box::new(sealer) }
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
        if self.manager.channels.all().await?.items.len() >= MAX_CHANNELS {
            return Err(ChannelError::TooMany);
        }
        let ChannelDraft { name, kind, host, target, filter } = draft;
        let target = self.sealer.seal(&name, &target).await?;
        let created_at = clock.now();
        let channel = Channel { name, kind, host, target, filter, is_paused: false, created_at, created_by: by };
        match self.manager.channels.create(&channel).await? {
            AddedChannel::Created => Ok(ListedChannel::new(channel, DeliveryLane::default())),
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
        self.manager.channels.set_target(name, host, &sealed).await?;
        Ok(self.manager.get(name).await?)
    }
}
