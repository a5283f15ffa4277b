//! Trigger: EventBridge Scheduler, every minute, at least once.
//! May: read events; read and write actions and watches; publish to the actions and escalations topics.
//! State: the clients and the policy.

use dispatch::Dispatcher;
use notify::Sns;
use platform::{Error, SystemClock, env};
use scoring::Policy;
use store::{Actions, Db, Events, Life, Watches};
use sweep::Sweep;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    platform::logs::init();
    let aws = platform::aws::config().await;
    let (db, sns) = (Db::new(&aws), Sns::new(&aws));
    let events = Events::new(&db, env::required("EVENTS_TABLE")?, env::parsed("EVENT_RETENTION_DAYS")?);
    let actions = Actions::new(&db, env::required("ACTIONS_TABLE")?);
    let life = Life::new(actions, Watches::new(&db, env::required("INCIDENTS_TABLE")?));
    let actions = sns.topic(env::required("ACTIONS_TOPIC_ARN")?);
    let escalations = sns.topic(env::required("ESCALATIONS_TOPIC_ARN")?);
    let (policy, api) = (Policy::compiled()?, env::optional("PUBLIC_URL"));
    platform::warm(life.warm()).await;
    let sweep = Sweep::new(events, Dispatcher { actions, escalations, life, policy, api }, SystemClock::from_env()?);
    platform::on_schedule(async |_: platform::Tick| sweep.run().await).await
}
