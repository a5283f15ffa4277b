//! The address and the secrets of a channel, and the interface that keeps them.

use std::fmt;
use std::pin::Pin;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::channel_name::ChannelName;

/// Where a channel's messages go, and the secrets that they need. All of it is secret: whoever knows the address of a chat can write
/// to it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelTarget {
    /// The `https` address.
    pub url: String,
    /// The integration key of a `PagerDuty` service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing_key: Option<String>,
    /// The secrets that sign messages to a webhook, the newest first: one, or two during a rotation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
}

impl fmt::Debug for ChannelTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChannelTarget")
    }
}

/// The target of a channel, encrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedTarget(pub Vec<u8>);

impl fmt::Debug for SealedTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedTarget")
    }
}

/// A target was neither encrypted nor decrypted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SealingError {
    /// The service that has the key did not respond, or refused.
    #[error("the key of channels cannot be used now: {0}")]
    Unavailable(String),
    /// The stored target is of another channel, or is none.
    #[error("the stored target of channel {0} cannot be decrypted")]
    Corrupt(ChannelName),
}

/// The pending result of [`TargetSealer::seal`].
pub type SealedFuture<'a> = Pin<Box<dyn Future<Output = Result<SealedTarget, SealingError>> + Send + 'a>>;

/// The pending result of [`TargetOpener::open`].
pub type OpenedFuture<'a> = Pin<Box<dyn Future<Output = Result<ChannelTarget, SealingError>> + Send + 'a>>;

/// Encrypts targets. The API of channels has one: it can write targets and not read them.
pub trait TargetSealer: Send + Sync {
    /// Encrypts `target` for the channel `name` alone.
    ///
    /// # Errors
    /// [`SealingError`] if the key cannot be used.
    fn seal<'a>(&'a self, name: &'a ChannelName, target: &'a ChannelTarget) -> SealedFuture<'a>;
}

/// Decrypts targets. Only the relay has one.
pub trait TargetOpener: Send + Sync {
    /// Decrypts the target of the channel `name`.
    ///
    /// # Errors
    /// [`SealingError`] if the key cannot be used, or the target is not of this channel.
    fn open<'a>(&'a self, name: &'a ChannelName, sealed: &'a SealedTarget) -> OpenedFuture<'a>;
}
