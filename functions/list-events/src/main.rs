//! Trigger: API Gateway, `/api/governance/events` and `/api/governance/events/{id}`.
//! May: read events, rollups and actions.
//! State: the client and the key of its cursors.

use list_events::App;
use platform::{CursorKey, Error, SystemClock, env};
use store::{Actions, Db, Events, Listing, Rollups};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    platform::logs::init();
    let db = Db::new(&platform::aws::config().await);
    let events = Events::new(&db, env::required("EVENTS_TABLE")?, env::parsed("EVENT_RETENTION_DAYS")?);
    let listing = Listing::new(events.clone(), Rollups::new(&db, env::required("ROLLUPS_TABLE")?));
    let actions = Actions::new(&db, env::required("ACTIONS_TABLE")?);
    let cursors = CursorKey::new(&env::required("CURSOR_KEY")?)?;
    platform::warm(events.warm()).await;
    platform::serve(list_events::router(App::new(events, listing, actions, cursors, SystemClock::from_env()?))).await
}
