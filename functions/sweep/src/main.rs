//! Trigger: EventBridge Scheduler, every minute, at least once.
//! May: read events, rollups and reports; write actions, incidents and rollups; publish to all topics but the reports'.
//! State: the clients and the policy.

use age_dispatch::{Dispatcher, Escalations};
use age_notify::Sns;
use age_platform::{Error, SystemClock, env};
use age_scoring::Policy;
use age_store::{Actions, Db, EventSearch, Events, IncidentStates, Life, Reports, Rollups};
use sweep::Sweep;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    age_platform::logs::init();
    let aws = age_platform::aws::config().await;
    let (db, sns, clock) = (Db::new(&aws), Sns::new(&aws), Box::new(SystemClock::from_env()?));
    let events = Events::new(&db, env::required("EVENTS_TABLE")?, env::parsed("EVENT_RETENTION_DAYS")?);
    let rollups = Rollups::new(&db, env::required("ROLLUPS_TABLE")?);
    let listing = EventSearch::new(events.clone(), rollups.clone());
    let (actions, watches) = (env::required("ACTIONS_TABLE")?, env::required("INCIDENTS_TABLE")?);
    let life = Life::new(Actions::new(&db, actions), IncidentStates::new(&db, watches), rollups);
    let reports = Reports::new(&db, env::required("REPORTS_TABLE")?);
    let (policy, people) = (Policy::compiled()?, sns.topic(env::required("NOTIFICATIONS_TOPIC_ARN")?));
    age_platform::warm(life.warm()).await;
    let dispatcher = Dispatcher::new(sns.topic(env::required("ACTIONS_TOPIC_ARN")?), &life, &policy);
    let escalations = Escalations::new(people.clone(), events, &life, &policy, env::optional("PUBLIC_URL"));
    let second_line = sns.topic(env::required("SECOND_LINE_TOPIC_ARN")?);
    let sweep = Sweep { listing, dispatcher, escalations, people, second_line, reports, clock };
    age_platform::on_invocation(async |tick| sweep.tick(tick).await).await
}
