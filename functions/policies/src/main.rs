//! Trigger: API Gateway, `/api/governance/policies` and the paths below it.
//! Permissions: read credentials, read and write policy versions, add AGE's own events.
//! State: client and credentials.

use age_governance::{OwnEvents, PolicyActivator};
use age_http::{Authentication, RequestRate, verify_origin};
use age_runtime::{AuthenticationConfig, Error, SystemClock, aws, config, logs};
use age_store::{Credentials, DynamoDb, Events, Policies, Rollups};
use policies::App;

config! {
    /// The configuration of the function.
    struct Config {
        authentication: AuthenticationConfig,
        clock: SystemClock,
        policies_table: String,
        events_table: String,
        rollups_table: String,
        event_retention_days: i64,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logs::init();
    let config = Config::from_env()?;
    let clock = config.clock;
    let db = DynamoDb::new(&aws::config().await);

    let credentials = Credentials::new(&db, config.authentication.credentials_table);
    let rate = RequestRate::new(config.authentication.requests_per_second, config.authentication.requests_burst);
    let authentication = Authentication::new(credentials, rate, clock).await;
    let policies = Policies::new(&db, config.policies_table);
    let events = Events::new(&db, config.events_table, config.event_retention_days);
    let own_events = OwnEvents::new(events, Rollups::new(&db, config.rollups_table));
    let activator = PolicyActivator::new(policies.clone(), own_events);
    let app = App::new(policies, activator, clock);
    let routes = policies::routes().authenticated(&authentication, app);
    age_runtime::serve(verify_origin(config.authentication.origin_secrets, routes)).await
}
