//! Trigger: API Gateway, GET `/api/governance/events` and `/api/governance/events/{id}`.
//! Permissions: read credentials, events, rollups and actions.
//! State: client and credentials.

use age_governance::PolicyCache;
use age_http::{Authentication, RequestRate, verify_origin};
use age_runtime::{AuthenticationConfig, Error, SystemClock, aws, config, logs};
use age_store::{Actions, Credentials, DynamoDb, EventSearch, Events, Policies, Rollups};
use list_events::App;

config! {
    /// The configuration of the function.
    struct Config {
        authentication: AuthenticationConfig,
        clock: SystemClock,
        policies_table: String,
        events_table: String,
        event_retention_days: i64,
        rollups_table: String,
        actions_table: String,
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
    let events = Events::new(&db, config.events_table, config.event_retention_days);
    let search = EventSearch::new(events.clone(), Rollups::new(&db, config.rollups_table));
    let actions = Actions::new(&db, config.actions_table);
    let app = App::new(events, search, actions, policies, clock);
    let routes = list_events::routes().authenticated(&authentication, app);
    age_runtime::serve(verify_origin(config.authentication.origin_secrets, routes)).await
}
