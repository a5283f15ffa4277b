//! Trigger: API Gateway, `/api/governance/actions` and the outcome and approval of one.
//! May: read credentials and events; read and write actions, incidents and rollups; publish to the escalations topic.
//! State: the clients, the credentials, the policy and the key of its cursors.

use actions::App;
use age_dispatch::Escalations;
use age_notify::Sns;
use age_platform::{CursorKey, Error, Gate, Rate, SystemClock, env};
use age_scoring::Policy;
use age_store::{Actions, Credentials, Db, EventSearch, Events, IncidentStates, Life, Rollups};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    age_platform::logs::init();
    let aws = age_platform::aws::config().await;
    let (db, policy, clock) = (Db::new(&aws), Policy::compiled()?, SystemClock::from_env()?);
    let gate = Gate::open(Credentials::new(&db, env::required("CREDENTIALS_TABLE")?), Rate::from_env()?, clock).await;
    let events = Events::new(&db, env::required("EVENTS_TABLE")?, env::parsed("EVENT_RETENTION_DAYS")?);
    let rollups = Rollups::new(&db, env::required("ROLLUPS_TABLE")?);
    let listing = EventSearch::new(events.clone(), rollups.clone());
    let (actions, watches) = (env::required("ACTIONS_TABLE")?, env::required("INCIDENTS_TABLE")?);
    let life = Life::new(Actions::new(&db, actions), IncidentStates::new(&db, watches), rollups);
    let cursors = CursorKey::new(&env::required("CURSOR_KEY")?)?;
    let people = Sns::new(&aws).topic(env::required("NOTIFICATIONS_TOPIC_ARN")?);
    let escalations = Escalations::new(people, events, &life, &policy, env::optional("PUBLIC_URL"));
    let app = App::new(listing, life, cursors, policy, escalations, clock);
    age_platform::serve(actions::routes().behind(&gate, app)).await
}
