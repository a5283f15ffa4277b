//! The configuration of AWS SDK clients: credentials, region, endpoint and HTTP client.
//!
//! Lambda supplies credentials and region in the environment. The other sources of the SDK (files, other services, other machines)
//! are not linked; TLS uses ring instead of AWS-LC.

use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::meta::region::ProvideRegion;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::Builder as Http;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_types::sdk_config::Builder;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

use crate::config::Variables;

/// The configuration of every SDK client. Build it once per execution environment: its clients share connections.
pub async fn config() -> SdkConfig {
    let region = EnvironmentVariableRegionProvider::new().region().await;
    let credentials = SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new());
    let https = Http::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let mut config =
        builder().http_client(https).region(region).credentials_provider(credentials).service_config(ServiceVariables);
    config.set_endpoint_url(Variables::of_process().optional("AWS_ENDPOINT_URL"));
    config.build()
}

/// A configuration for clients of an AWS emulator at `url`, an `http` address, that accepts any credentials.
#[must_use]
pub fn local(url: &str) -> SdkConfig {
    let credentials = SharedCredentialsProvider::new(Credentials::new("local", "local", None, None, "local"));
    // Without the certificates of the operating system: tests build many clients.
    let http = Http::new().build_http();
    let config = builder().http_client(http).region(Region::from_static("us-east-1")).endpoint_url(url);
    config.credentials_provider(credentials).build()
}

fn builder() -> Builder {
    // Each client limits the time of an attempt, which ends with the last byte of the response. Nothing is streamed.
    let stalled_streams = StalledStreamProtectionConfig::disabled();
    SdkConfig::builder().behavior_version(BehaviorVersion::latest()).stalled_stream_protection(stalled_streams)
}

/// Reads variables of a single service, such as `AWS_ENDPOINT_URL_SNS`, which take precedence.
#[derive(Debug)]
struct ServiceVariables;

impl LoadServiceConfig for ServiceVariables {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_uppercase().replace(' ', "_");
        std::env::var(format!("{}_{service}", key.env())).ok().filter(|value| !value.is_empty())
    }
}
