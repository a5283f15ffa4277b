//! Credentials, region and endpoint, and the way to AWS.
//!
//! Lambda puts all of it into the environment. What the SDK has besides, to search for it in files, in other services and on
//! other machines, is not linked; nor is AWS-LC, where ring will do.

use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::meta::region::ProvideRegion;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::Builder as Http;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_types::sdk_config::Builder;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

use crate::env;

/// What every SDK client is made from. Make it once per execution environment: its clients share their connections.
pub async fn config() -> SdkConfig {
    let region = EnvironmentVariableRegionProvider::new().region().await;
    let credentials = SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new());
    let mut config = builder().region(region).credentials_provider(credentials).service_config(OfService);
    config.set_endpoint_url(env::optional("AWS_ENDPOINT_URL"));
    config.build()
}

/// What SDK clients are made from that call an AWS at `url` which takes whoever comes.
#[must_use]
pub fn local(url: &str) -> SdkConfig {
    let credentials = SharedCredentialsProvider::new(Credentials::new("local", "local", None, None, "local"));
    builder().region(Region::from_static("us-east-1")).credentials_provider(credentials).endpoint_url(url).build()
}

fn builder() -> Builder {
    let http = Http::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    SdkConfig::builder().behavior_version(BehaviorVersion::latest()).http_client(http)
}

/// A service's own variables, such as `AWS_ENDPOINT_URL_SNS`, which go before those of all.
#[derive(Debug)]
struct OfService;

impl LoadServiceConfig for OfService {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_uppercase().replace(' ', "_");
        std::env::var(format!("{}_{service}", key.env())).ok().filter(|value| !value.is_empty())
    }
}
