//! Trigger: API Gateway, `/api/governance/event`.
//! May: write events, rollups and actions in one transaction; publish to the actions and escalations topics.
//! State: the clients, the policy, and how widely this environment spreads its counters.

use log_event::{App, Dispatcher};
use notify::Sns;
use platform::{Error, SystemClock, env};
use scoring::Policy;
use store::{Actions, Db, Events, Intake, Rollups};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    platform::logs::init();
    let aws = platform::aws::config().await;
    let (db, sns) = (Db::new(&aws), Sns::new(&aws));
    let intake = Intake::new(
        Events::new(&db, env::required("EVENTS_TABLE")?, env::parsed("EVENT_RETENTION_DAYS")?),
        Rollups::new(&db, env::required("ROLLUPS_TABLE")?),
        Actions::new(&db, env::required("ACTIONS_TABLE")?),
    );
    let dispatcher = Dispatcher {
        actions: sns.topic(env::required("ACTIONS_TOPIC_ARN")?),
        escalations: sns.topic(env::required("ESCALATIONS_TOPIC_ARN")?),
        api: env::optional("PUBLIC_URL"),
    };
    platform::warm(intake.warm()).await;
    platform::serve(log_event::router(App::new(intake, dispatcher, Policy::compiled()?, SystemClock::from_env()?)))
        .await
}
