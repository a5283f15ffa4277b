//! Trigger: API Gateway, `/api/governance/incidents`, one of them, its acknowledgement and resolution, and the health.
//! May: read credentials, events, rollups, actions and incidents; write incidents and the `notify_admin` that goes with each.
//! State: the client, the credentials, the policy and the key of its cursors.

use age_platform::{CursorKey, Error, Gate, Rate, SystemClock, env};
use age_scoring::Policy;
use age_store::{Actions, Credentials, Db, EventSearch, Events, IncidentStates, Incidents, Life, Rollups};
use incidents::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    age_platform::logs::init();
    let (db, clock) = (Db::new(&age_platform::aws::config().await), SystemClock::from_env()?);
    let gate = Gate::open(Credentials::new(&db, env::required("CREDENTIALS_TABLE")?), Rate::from_env()?, clock).await;
    let events = Events::new(&db, env::required("EVENTS_TABLE")?, env::parsed("EVENT_RETENTION_DAYS")?);
    let rollups = Rollups::new(&db, env::required("ROLLUPS_TABLE")?);
    let listing = EventSearch::new(events, rollups.clone());
    let (actions, table) = (env::required("ACTIONS_TABLE")?, env::required("INCIDENTS_TABLE")?);
    let incidents = Incidents::new(&db, &table);
    let life = Life::new(Actions::new(&db, actions), IncidentStates::new(&db, table), rollups);
    let cursors = CursorKey::new(&env::required("CURSOR_KEY")?)?;
    let app = App::new(incidents, listing, life, cursors, Policy::compiled()?, clock);
    age_platform::serve(incidents::routes().behind(&gate, app)).await
}
