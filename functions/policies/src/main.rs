//! Trigger: API Gateway, `/api/governance/policies` and the paths below it.
//! Permissions: read credentials, events, rollups, actions, incidents and decisions, read and write policy versions, add AGE's own
//! events, start simulations.
//! State: clients and credentials.

use age_governance::{OwnEvents, PolicyActivator, PolicySimulator, SimulationJobs, SimulatorTables};
use age_http::{Authentication, RequestRate, verify_origin};
use age_notify::Sns;
use age_runtime::{AuthenticationConfig, Error, SystemClock, aws, config, logs};
use age_store::{
    Actions, Credentials, Decisions, DynamoDb, EventSearch, Events, Incidents, Policies, Rollups, SystemHealthStore,
};
use policies::App;

config! {
    /// The configuration of the function.
    struct Config {
        authentication: AuthenticationConfig,
        clock: SystemClock,
        policies_table: String,
        events_table: String,
        rollups_table: String,
        actions_table: String,
        incidents_table: String,
        decisions_table: String,
        event_retention_days: i64,
        simulations_topic_arn: String,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logs::init();
    let config = Config::from_env()?;
    let clock = config.clock;
    let aws = aws::config().await;
    let db = DynamoDb::new(&aws);

    let credentials = Credentials::new(&db, config.authentication.credentials_table);
    let rate = RequestRate::new(config.authentication.requests_per_second, config.authentication.requests_burst);
    let authentication = Authentication::new(credentials.clone(), rate, clock).await;
    let policies = Policies::new(&db, config.policies_table);
    let events = Events::new(&db, config.events_table, config.event_retention_days);
    let rollups = Rollups::new(&db, config.rollups_table);
    let own_events = OwnEvents::new(events.clone(), rollups.clone());
    let activator = PolicyActivator::new(policies.clone(), own_events);
    let simulations = SimulationJobs::new(policies.clone(), Sns::new(&aws).topic(config.simulations_topic_arn));
    let simulator = PolicySimulator::new(SimulatorTables {
        search: EventSearch::new(events, rollups.clone()),
        rollups: rollups.clone(),
        actions: Actions::new(&db, config.actions_table),
        incidents: Incidents::new(&db, config.incidents_table.clone()),
        health: SystemHealthStore::new(&db, config.incidents_table),
        credentials,
        decisions: Decisions::new(&db, config.decisions_table, config.event_retention_days),
        policies: policies.clone(),
    });
    let app = App::new(policies, activator, simulations, simulator, rollups, clock);
    let routes = policies::routes().authenticated(&authentication, app);
    age_runtime::serve(verify_origin(config.authentication.origin_secrets, routes)).await
}
