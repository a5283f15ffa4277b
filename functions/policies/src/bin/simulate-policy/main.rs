//! Trigger: the topic of simulations.
//! Permissions: read policies, events, rollups, actions, incidents, decisions and credentials; write simulations.
//! State: clients.

use age_governance::{PolicySimulator, SimulationInput, SimulatorTables, run_simulation};
use age_model::SimulationId;
use age_runtime::{Error, SystemClock, TopicEvent, aws, config, logs};
use age_store::{
    Actions, Credentials, Decisions, DynamoDb, EventSearch, Events, Incidents, Policies, Rollups, SystemHealthStore,
};

config! {
    /// The configuration of the function.
    struct Config {
        clock: SystemClock,
        credentials_table: String,
        policies_table: String,
        events_table: String,
        event_retention_days: i64,
        rollups_table: String,
        actions_table: String,
        incidents_table: String,
        decisions_table: String,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logs::init();
    let config = Config::from_env()?;
    let clock = config.clock;
    let db = DynamoDb::new(&aws::config().await);
    let policies = Policies::new(&db, config.policies_table);
    let rollups = Rollups::new(&db, config.rollups_table);
    let events = Events::new(&db, config.events_table, config.event_retention_days);
    let simulator = PolicySimulator::new(SimulatorTables {
        search: EventSearch::new(events, rollups.clone()),
        rollups,
        actions: Actions::new(&db, config.actions_table),
        incidents: Incidents::new(&db, config.incidents_table.clone()),
        health: SystemHealthStore::new(&db, config.incidents_table),
        credentials: Credentials::new(&db, config.credentials_table),
        decisions: Decisions::new(&db, config.decisions_table, config.event_retention_days),
        policies: policies.clone(),
    });
    age_runtime::on_invocation(async |event: TopicEvent| {
        // A message that is not an id is not AGE's.
        for id in event.messages().filter_map(|message| message.parse::<SimulationId>().ok()) {
            let simulate = async |input: SimulationInput| {
                let SimulationInput { active, active_hash, draft, engines, from, to } = input;
                let hash = active_hash.to_string();
                let simulated = simulator.simulate((&active, &hash), &draft, &engines, (from, to), &clock).await;
                simulated
                    .map_err(|error| error.to_string())
                    .and_then(|simulation| serde_json::to_string(&simulation).map_err(|error| error.to_string()))
            };
            run_simulation(&policies, id, &clock, simulate).await?;
        }
        Ok::<(), age_model::StoreError>(())
    })
    .await
}
