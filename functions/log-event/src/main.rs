//! Trigger: API Gateway, `/api/governance/event`, POST `/api/governance/events`, `/api/governance/intake/alertmanager`.
//! May: read credentials; write events, rollups, actions and incidents; publish to the actions and escalations topics.
//! State: the clients, the credentials, the policy, and how widely this environment spreads its counters.

use age_dispatch::{Dispatcher, Escalations};
use age_notify::Sns;
use age_platform::{Error, Gate, Rate, SystemClock, env};
use age_scoring::Policy;
use age_store::{Actions, Credentials, Db, Events, IncidentStates, Intake, Life, Rollups};
use log_event::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    age_platform::logs::init();
    let aws = age_platform::aws::config().await;
    let (db, sns, clock) = (Db::new(&aws), Sns::new(&aws), SystemClock::from_env()?);
    let gate = Gate::open(Credentials::new(&db, env::required("CREDENTIALS_TABLE")?), Rate::from_env()?, clock).await;
    let events = Events::new(&db, env::required("EVENTS_TABLE")?, env::parsed("EVENT_RETENTION_DAYS")?);
    let rollups = Rollups::new(&db, env::required("ROLLUPS_TABLE")?);
    let (actions, watches) = (env::required("ACTIONS_TABLE")?, env::required("INCIDENTS_TABLE")?);
    let life = Life::new(Actions::new(&db, actions), IncidentStates::new(&db, watches), rollups);
    let intake = Intake::new(events.clone(), life.clone());
    let policy = Policy::compiled()?;
    let dispatcher = Dispatcher::new(sns.topic(env::required("ACTIONS_TOPIC_ARN")?), &life, &policy);
    let people = sns.topic(env::required("NOTIFICATIONS_TOPIC_ARN")?);
    let escalations = Escalations::new(people, events, &life, &policy, env::optional("PUBLIC_URL"));
    let app = App::new(intake, dispatcher, escalations, clock);
    age_platform::serve(log_event::routes().behind(&gate, app)).await
}
