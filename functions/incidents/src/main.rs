//! Trigger: API Gateway, `/api/governance/incidents`, an incident, and its changes; `/api/governance/holds` and one of them;
//! `/api/governance/health`.
//! Permissions: read credentials, events, rollups, actions, deliveries and incidents; write incidents and their action `notify_admin`, and
//! holds.
//! State: client, credentials and policy.

use age_governance::{IncidentLifecycle, PolicyCache};
use age_http::{Authentication, RequestRate, verify_origin};
use age_runtime::{AuthenticationConfig, Error, SystemClock, aws, config, logs};
use age_store::{
    Actions, Credentials, Deliveries, DynamoDb, EventSearch, Events, FleetStateStore, IncidentStates, Incidents,
    Policies, Rollups, SystemAlerts, SystemHealthStore,
};
use incidents::{App, Tables};

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
        incidents_table: String,
        deliveries_table: String,
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
    let alerts = SystemAlerts::new(&db, config.incidents_table.clone());
    let authentication = Authentication::with_alerts(credentials, rate, clock, alerts).await;
    let events = Events::new(&db, config.events_table, config.event_retention_days);
    let rollups = Rollups::new(&db, config.rollups_table);
    let actions = Actions::new(&db, config.actions_table);
    let states = IncidentStates::new(&db, config.incidents_table.clone(), config.event_retention_days);
    let lifecycle = IncidentLifecycle::new(states, actions.clone());
    let tables = Tables {
        search: EventSearch::new(events.clone(), rollups),
        events,
        actions,
        incidents: Incidents::new(&db, config.incidents_table.clone()),
        deliveries: Deliveries::new(&db, config.deliveries_table),
        fleet_state: FleetStateStore::new(&db, config.incidents_table.clone()),
        health: SystemHealthStore::new(&db, config.incidents_table.clone()),
        system_alerts: SystemAlerts::new(&db, config.incidents_table),
    };
    let app = App::new(tables, lifecycle, policies, clock);
    let routes = incidents::routes().authenticated(&authentication, app);
    age_runtime::serve(verify_origin(config.authentication.origin_secrets, routes)).await
}
