//! Credentials, region and endpoint.

use aws_config::{BehaviorVersion, SdkConfig};

/// What every SDK client is made from. Read it once per execution environment.
pub async fn config() -> SdkConfig {
    aws_config::load_defaults(BehaviorVersion::latest()).await
}
