//! Trigger: API Gateway, `/api/governance/actions` and the outcome and approval of one.
//! May: read events and rollups; read and write actions and watches.
//! State: the client, the policy and the key of its cursors.

use actions::App;
use platform::{CursorKey, Error, SystemClock, env};
use scoring::Policy;
use store::{Actions, Db, Events, Life, Listing, Rollups, Watches};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    platform::logs::init();
    let db = Db::new(&platform::aws::config().await);
    let events = Events::new(&db, env::required("EVENTS_TABLE")?, env::parsed("EVENT_RETENTION_DAYS")?);
    let listing = Listing::new(events, Rollups::new(&db, env::required("ROLLUPS_TABLE")?));
    let actions = Actions::new(&db, env::required("ACTIONS_TABLE")?);
    let life = Life::new(actions, Watches::new(&db, env::required("INCIDENTS_TABLE")?));
    let cursors = CursorKey::new(&env::required("CURSOR_KEY")?)?;
    platform::warm(life.warm()).await;
    platform::serve(actions::router(App::new(listing, life, cursors, Policy::compiled()?, SystemClock::from_env()?)))
        .await
}
