//! Trigger: API Gateway, GET `/api/governance/stats`, `/api/governance/openapi.json`, and every path of no other function.
//! Permissions: read credentials, rollups and the list of reports.
//! State: client, credentials and policy.

use age_governance::PolicyCache;
use age_http::{Authentication, RequestRate, verify_origin};
use age_runtime::{AuthenticationConfig, Error, SystemClock, aws, config, logs};
use age_store::{Credentials, DynamoDb, Policies, Reports, Rollups};
use get_stats::App;

config! {
    /// The configuration of the function.
    struct Config {
        authentication: AuthenticationConfig,
        clock: SystemClock,
        policies_table: String,
        rollups_table: String,
        reports_table: String,
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
    let credentials = policies.with_credentials(credentials);
    let rate = RequestRate::new(config.authentication.requests_per_second, config.authentication.requests_burst);
    let authentication = Authentication::new(credentials, rate, clock).await;
    let rollups = Rollups::new(&db, config.rollups_table);
    let reports = Reports::new(&db, config.reports_table);
    let app = App::new(rollups, reports, policies, clock);
    let routes = get_stats::routes().authenticated(&authentication, app);
    age_runtime::serve(verify_origin(config.authentication.origin_secrets, routes)).await
}
