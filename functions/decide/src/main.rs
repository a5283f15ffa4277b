//! Trigger: API Gateway, `/access/v1`, `/.well-known/authzen-configuration` and `/api/governance/decisions`.
//! Permissions: read credentials, policy versions, the posture and holds; read and write decisions; write rollups.
//! State: client, credentials and policy.

use age_governance::{DecisionMaker, PolicyCache};
use age_http::{Authentication, RequestRate, verify_origin};
use age_runtime::{AuthenticationConfig, Error, PublicUrl, SystemClock, aws, config, logs};
use age_store::{Credentials, Decisions, DynamoDb, FleetStateStore, Policies, Rollups};
use decide::App;

config! {
    /// The configuration of the function.
    struct Config {
        authentication: AuthenticationConfig,
        clock: SystemClock,
        policies_table: String,
        decisions_table: String,
        rollups_table: String,
        incidents_table: String,
        event_retention_days: i64,
        public_url: Option<PublicUrl>,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logs::init();
    let config = Config::from_env()?;
    let clock = config.clock;
    let db = DynamoDb::new(&aws::config().await);

    let policies = PolicyCache::with_shadow(Policies::new(&db, config.policies_table))?;
    let credentials = Credentials::new(&db, config.authentication.credentials_table);
    let rate = RequestRate::new(config.authentication.requests_per_second, config.authentication.requests_burst);
    let authentication = Authentication::new(policies.with_credentials(credentials), rate, clock).await;
    let decisions = Decisions::new(&db, config.decisions_table, config.event_retention_days);
    let fleet = FleetStateStore::new(&db, config.incidents_table);
    let rollups = Rollups::new(&db, config.rollups_table);
    let app = App::new(DecisionMaker::new(decisions, rollups, fleet, policies), config.public_url, clock);
    let routes = decide::routes().authenticated(&authentication, app);
    age_runtime::serve(verify_origin(config.authentication.origin_secrets, routes)).await
}
