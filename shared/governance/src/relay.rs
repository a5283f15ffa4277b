//! Delivering AGE's messages to channels. A message is queued for each channel that selects it; then each channel's queue is worked off,
//! oldest first, by one sender at a time. Channels do not wait for each other.

mod channel_request;
mod failing_channels;
mod pager_changes;
mod queue_message;
mod work_off;

use std::sync::Arc;
use std::time::Duration;

use age_model::{Channel, ChannelSender, Clock, StoreError, TargetOpener};
use age_notify::channels::UnreadableMessage;
use age_store::{Channels, Deliveries, Incidents};
use futures_util::future::join_all;
use thiserror::Error;

/// How long a run sends messages before it leaves the rest to the next.
const RUN_TIME: Duration = Duration::from_secs(35);

/// The parts of a [`Relay`].
pub struct RelayParts {
    /// The channels.
    pub channels: Channels,
    /// Their queues.
    pub deliveries: Deliveries,
    /// The incidents, whose changes a pager gets.
    pub incidents: Incidents,
    /// Decrypts the targets of channels.
    pub opener: Box<dyn TargetOpener>,
    /// Sends the requests.
    pub sender: Box<dyn ChannelSender>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

/// Delivers messages to channels. Build one per execution environment.
pub struct Relay(RelayParts);

/// A message was not queued.
#[derive(Debug, Error)]
pub enum RelayError {
    /// The message is none of AGE's.
    #[error(transparent)]
    Unreadable(#[from] UnreadableMessage),
    /// The tables cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Relay {
    /// Combines the parts.
    #[must_use]
    pub const fn new(parts: RelayParts) -> Self {
        Self(parts)
    }

    /// Queues the changes of incidents for pagers, notifies people of channels that fail, and works off all queues.
    ///
    /// # Errors
    /// The first [`StoreError`], after all channels had their turn.
    pub async fn run(&self) -> Result<(), StoreError> {
        let channels = self.active_channels().await?;
        let changes = self.queue_pager_changes(&channels).await;
        let alerts = self.queue_failure_alerts(&channels).await;
        changes.and(alerts).and(self.work_off_all(&channels).await)
    }

    /// Works off the queues of all channels at the same time.
    ///
    /// # Errors
    /// The first [`StoreError`], after all channels had their turn.
    pub async fn work_off(&self) -> Result<(), StoreError> {
        self.work_off_all(&self.active_channels().await?).await
    }

    async fn work_off_all(&self, channels: &[Channel]) -> Result<(), StoreError> {
        let deadline = self.0.clock.now().plus(RUN_TIME);
        let runs = join_all(channels.iter().map(|channel| self.work_off_channel(channel, deadline))).await;
        runs.into_iter().collect()
    }

    /// Returns the channels that are not paused and whose kind this version knows. Those that cannot be read are logged.
    async fn active_channels(&self) -> Result<Vec<Channel>, StoreError> {
        let channels = self.0.channels.all().await?.items;
        Ok(channels.into_iter().filter(|channel| !channel.is_paused && channel.kind.is_known()).collect())
    }
}
