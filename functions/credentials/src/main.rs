//! Trigger: API Gateway, `/api/governance/credentials`, a credential and its rotation, `/api/governance/whoami`.
//! Permissions: read and write credentials.
//! State: client and credentials.

use age_governance::PolicyCache;
use age_http::{Authentication, RequestRate, verify_origin};
use age_runtime::{AuthenticationConfig, Error, SystemClock, aws, config, logs};
use age_store::{Credentials, DynamoDb, Policies};
use credentials::App;

config! {
    /// The configuration of the function.
    struct Config {
        authentication: AuthenticationConfig,
        clock: SystemClock,
        policies_table: String,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logs::init();
    let config = Config::from_env()?;
    let clock = config.clock;
    let db = DynamoDb::new(&aws::config().await);

    let credentials = Credentials::new(&db, config.authentication.credentials_table);
    let policies = PolicyCache::new(Policies::new(&db, config.policies_table))?;
    let rate = RequestRate::new(config.authentication.requests_per_second, config.authentication.requests_burst);
    let authentication = Authentication::new(policies.with_credentials(credentials.clone()), rate, clock).await;
    let app = App::new(credentials, policies, clock);
    let routes = credentials::routes().authenticated(&authentication, app);
    age_runtime::serve(verify_origin(config.authentication.origin_secrets, routes)).await
}
