//! Trigger: API Gateway, `/api/governance/events` and `/api/governance/events/{id}`.
//! May: read credentials, events, rollups and actions.
//! State: the client, the credentials and the key of its cursors.

use age_platform::{CursorKey, Error, Gate, Rate, SystemClock, env};
use age_store::{Actions, Credentials, Db, EventSearch, Events, Rollups};
use list_events::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    age_platform::logs::init();
    let (db, clock) = (Db::new(&age_platform::aws::config().await), SystemClock::from_env()?);
    let gate = Gate::open(Credentials::new(&db, env::required("CREDENTIALS_TABLE")?), Rate::from_env()?, clock).await;
    let events = Events::new(&db, env::required("EVENTS_TABLE")?, env::parsed("EVENT_RETENTION_DAYS")?);
    let listing = EventSearch::new(events.clone(), Rollups::new(&db, env::required("ROLLUPS_TABLE")?));
    let actions = Actions::new(&db, env::required("ACTIONS_TABLE")?);
    let cursors = CursorKey::new(&env::required("CURSOR_KEY")?)?;
    let app = App::new(events, listing, actions, cursors, clock);
    age_platform::serve(list_events::routes().behind(&gate, app)).await
}
