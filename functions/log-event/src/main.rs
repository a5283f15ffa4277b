//! Trigger: API Gateway, `/api/governance/event`.
//! May: write events, rollups, actions and watches; publish to the actions and escalations topics.
//! State: the clients, the policy, and how widely this environment spreads its counters.

use dispatch::Dispatcher;
use log_event::App;
use notify::Sns;
use platform::{Error, SystemClock, env};
use scoring::Policy;
use store::{Actions, Db, Events, Intake, Life, Rollups, Watches};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    platform::logs::init();
    let aws = platform::aws::config().await;
    let (db, sns) = (Db::new(&aws), Sns::new(&aws));
    let events = Events::new(&db, env::required("EVENTS_TABLE")?, env::parsed("EVENT_RETENTION_DAYS")?);
    let actions = Actions::new(&db, env::required("ACTIONS_TABLE")?);
    let life = Life::new(actions, Watches::new(&db, env::required("INCIDENTS_TABLE")?));
    let intake = Intake::new(events, Rollups::new(&db, env::required("ROLLUPS_TABLE")?), life.clone());
    let actions = sns.topic(env::required("ACTIONS_TOPIC_ARN")?);
    let escalations = sns.topic(env::required("ESCALATIONS_TOPIC_ARN")?);
    let (policy, api) = (Policy::compiled()?, env::optional("PUBLIC_URL"));
    platform::warm(intake.warm()).await;
    let dispatcher = Dispatcher { actions, escalations, life, policy, api };
    platform::serve(log_event::router(App::new(intake, dispatcher, SystemClock::from_env()?))).await
}
