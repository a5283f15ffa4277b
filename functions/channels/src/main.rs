//! Trigger: API Gateway, `/api/governance/channels`, a channel, its target and its test.
//! Permissions: read and write channels; encrypt with their key, not decrypt; read the state of deliveries; publish to the relay's topic;
//! read credentials and policies.
//! State: clients, credentials and policy.

use age_governance::{ChannelManager, PolicyCache};
use age_http::{Authentication, RequestRate, verify_origin};
use age_notify::Sns;
use age_runtime::{AuthenticationConfig, Error, SystemClock, aws, config, logs};
use age_secrets::TargetKey;
use age_store::{Channels, Credentials, Deliveries, DynamoDb, Policies};
use channels::App;

config! {
    /// The configuration of the function.
    struct Config {
        authentication: AuthenticationConfig,
        clock: SystemClock,
        policies_table: String,
        channels_table: String,
        channels_key_arn: String,
        deliveries_table: String,
        relay_topic_arn: String,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logs::init();
    let config = Config::from_env()?;
    let clock = config.clock;
    let aws = aws::config().await;
    let db = DynamoDb::new(&aws);

    let policies = PolicyCache::new(Policies::new(&db, config.policies_table))?;
    let credentials = Credentials::new(&db, config.authentication.credentials_table);
    let rate = RequestRate::new(config.authentication.requests_per_second, config.authentication.requests_burst);
    let authentication = Authentication::new(policies.with_credentials(credentials), rate, clock).await;
    let manager = ChannelManager::new(
        Channels::new(&db, config.channels_table),
        Deliveries::new(&db, config.deliveries_table),
        Sns::new(&aws).topic(config.relay_topic_arn),
    );
    let app = App::new(manager, TargetKey::new(&aws, config.channels_key_arn), policies, clock);
    let routes = channels::routes().authenticated(&authentication, app);
    age_runtime::serve(verify_origin(config.authentication.origin_secrets, routes)).await
}
