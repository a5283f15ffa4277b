//! The KMS key of targets.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use age_model::{
    ChannelName, ChannelTarget, OpenedFuture, SealedFuture, SealedTarget, SealingError, TargetOpener, TargetSealer,
};
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_kms::Client;
use aws_sdk_kms::config::Builder;
use aws_sdk_kms::error::DisplayErrorContext;
use aws_sdk_kms::primitives::Blob;

/// The name in the encryption context.
const CONTEXT: &str = "channel";

/// The most targets that an environment keeps decrypted.
const MAX_OPENED: usize = 128;

/// A key of KMS. Which of its operations succeed is for the role to say: the API of channels may encrypt, the relay decrypt.
#[derive(Debug)]
pub struct TargetKey {
    client: Client,
    key: String,
    /// The targets that were decrypted, by their encrypted form.
    opened: Mutex<HashMap<Vec<u8>, ChannelTarget>>,
}

impl TargetKey {
    /// Uses the key with this ARN. Build one per execution environment.
    #[must_use]
    pub fn new(aws: &SdkConfig, arn: impl Into<String>) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_millis(1500))
            .operation_attempt_timeout(Duration::from_secs(2))
            .operation_timeout(Duration::from_secs(4))
            .build();
        let retries = RetryConfig::standard().with_max_attempts(2).with_initial_backoff(Duration::from_millis(50));
        let config = Builder::from(aws).timeout_config(timeouts).retry_config(retries).build();
        Self { client: Client::from_conf(config), key: arn.into(), opened: Mutex::default() }
    }

    async fn encrypt(&self, name: &ChannelName, target: &ChannelTarget) -> Result<SealedTarget, SealingError> {
        let plain = serde_json::to_vec(target).map_err(|_| SealingError::Corrupt(name.clone()))?;
        let encrypt = self.client.encrypt().key_id(&self.key).encryption_context(CONTEXT, name.as_str());
        let encrypted = encrypt.plaintext(Blob::new(plain)).send().await;
        let encrypted =
            encrypted.map_err(|error| SealingError::Unavailable(DisplayErrorContext(&error).to_string()))?;
        let sealed = encrypted.ciphertext_blob.map(Blob::into_inner);
        sealed
            .map(SealedTarget)
            .ok_or_else(|| SealingError::Unavailable("the response lacks the ciphertext".to_owned()))
    }

    async fn decrypt(&self, name: &ChannelName, sealed: &SealedTarget) -> Result<ChannelTarget, SealingError> {
        let known = self.opened.lock().unwrap_or_else(PoisonError::into_inner).get(&sealed.0).cloned();
        if let Some(target) = known {
            return Ok(target);
        }
        let decrypt = self.client.decrypt().key_id(&self.key).encryption_context(CONTEXT, name.as_str());
        let decrypted = decrypt.ciphertext_blob(Blob::new(sealed.0.clone())).send().await.map_err(|error| {
            let is_corrupt = error
                .as_service_error()
                .is_some_and(|error| error.is_invalid_ciphertext_exception() || error.is_incorrect_key_exception());
            if is_corrupt {
                SealingError::Corrupt(name.clone())
            } else {
                SealingError::Unavailable(DisplayErrorContext(&error).to_string())
            }
        })?;
        let plain = decrypted.plaintext.map(Blob::into_inner).unwrap_or_default();
        let target: ChannelTarget = serde_json::from_slice(&plain).map_err(|_| SealingError::Corrupt(name.clone()))?;
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.len() >= MAX_OPENED {
            opened.clear();
        }
        opened.insert(sealed.0.clone(), target.clone());
        Ok(target)
    }
}

impl TargetSealer for TargetKey {
    fn seal<'a>(&'a self, name: &'a ChannelName, target: &'a ChannelTarget) -> SealedFuture<'a> {
        Box::pin(self.encrypt(name, target))
    }
}

impl TargetOpener for TargetKey {
    fn open<'a>(&'a self, name: &'a ChannelName, sealed: &'a SealedTarget) -> OpenedFuture<'a> {
        Box::pin(self.decrypt(name, sealed))
    }
}
