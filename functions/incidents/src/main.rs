//! Trigger: API Gateway, `/api/governance/incidents`, one of them, its acknowledgement and resolution, and the health.
//! May: read events, rollups, actions and incidents; write incidents and the `notify_admin` that goes with each.
//! State: the client, the policy and the key of its cursors.

use incidents::App;
use platform::{CursorKey, Error, SystemClock, env};
use scoring::Policy;
use store::{Actions, Db, Events, Incidents, Life, Listing, Rollups, Watches};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    platform::logs::init();
    let db = Db::new(&platform::aws::config().await);
    let events = Events::new(&db, env::required("EVENTS_TABLE")?, env::parsed("EVENT_RETENTION_DAYS")?);
    let rollups = Rollups::new(&db, env::required("ROLLUPS_TABLE")?);
    let listing = Listing::new(events, rollups.clone());
    let (actions, table) = (env::required("ACTIONS_TABLE")?, env::required("INCIDENTS_TABLE")?);
    let incidents = Incidents::new(&db, &table);
    let life = Life::new(Actions::new(&db, actions), Watches::new(&db, table), rollups);
    let cursors = CursorKey::new(&env::required("CURSOR_KEY")?)?;
    platform::warm(incidents.warm()).await;
    let app = App::new(incidents, listing, life, cursors, Policy::compiled()?, SystemClock::from_env()?);
    platform::serve(incidents::router(app)).await
}
