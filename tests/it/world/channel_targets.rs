//! The targets of channels without a key service: reversed instead of encrypted, so that no row has them as they are.

use age_model::{
    ChannelName, ChannelTarget, OpenedFuture, SealedFuture, SealedTarget, SealingError, TargetOpener, TargetSealer,
};

/// Seals targets by reversing them. Like a key, it opens a target only for the channel that it was sealed for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReversedTargets;

impl TargetSealer for ReversedTargets {
    fn seal<'a>(&'a self, name: &'a ChannelName, target: &'a ChannelTarget) -> SealedFuture<'a> {
        let mut text = serde_json::to_vec(&(name, target)).unwrap();
        text.reverse();
        Box::pin(std::future::ready(Ok(SealedTarget(text))))
    }
}

impl TargetOpener for ReversedTargets {
    fn open<'a>(&'a self, name: &'a ChannelName, sealed: &'a SealedTarget) -> OpenedFuture<'a> {
        let text: Vec<u8> = sealed.0.iter().rev().copied().collect();
        let (of, target): (ChannelName, ChannelTarget) = serde_json::from_slice(&text).unwrap();
        let opened = if of == *name { Ok(target) } else { Err(SealingError::Corrupt(name.clone())) };
        Box::pin(std::future::ready(opened))
    }
}
