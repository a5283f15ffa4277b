//! The only crate that depends on the KMS SDK: the targets of channels, encrypted with a key that never leaves KMS.
//!
//! The name of the channel is the encryption context, so that the target of one channel is not that of another. A target is encrypted
//! directly, without a data key: it has fewer than the 4,096 bytes that KMS takes.

mod target_key;

pub use target_key::TargetKey;
