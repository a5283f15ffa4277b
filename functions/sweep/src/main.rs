//! Trigger: EventBridge Scheduler, every minute, at least once.
//! Permissions: read events, rollups and reports; write actions, incidents and rollups; publish to the actions, notifications and
//! second-line topics.
//! State: clients and policy.

mod metrics;

use age_governance::{ActionDispatcher, ActionLifecycle, IncidentLifecycle, Notifier, Sweep};
use age_notify::Sns;
use age_policy::Policy;
use age_runtime::{Error, ScheduledEvent, SystemClock, aws, config, logs};
use age_store::{
    Actions, DynamoDb, EmailRateLimiter, EventSearch, Events, IncidentStates, Reports, Rollups, SystemHealthStore,
};

config! {
    /// The configuration of the function.
    struct Config {
        clock: SystemClock,
        events_table: String,
        event_retention_days: i64,
        rollups_table: String,
        actions_table: String,
        incidents_table: String,
        reports_table: String,
        actions_topic_arn: String,
        notifications_topic_arn: String,
        second_line_topic_arn: String,
        /// The address of the API for links.
        public_url: Option<String>,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logs::init();
    let config = Config::from_env()?;
    let policy = Policy::compiled()?;
    let aws = aws::config().await;
    let db = DynamoDb::new(&aws);
    let sns = Sns::new(&aws);
    let actions = Actions::new(&db, config.actions_table);
    age_runtime::warm(actions.warm()).await;

    let events = Events::new(&db, config.events_table, config.event_retention_days);
    let rollups = Rollups::new(&db, config.rollups_table);
    let states = IncidentStates::new(&db, config.incidents_table.clone(), config.event_retention_days);
    let incidents = IncidentLifecycle::new(states, actions.clone());
    let lifecycle = ActionLifecycle::new(actions, incidents, rollups.clone());
    let notifier = Notifier::new(
        sns.topic(config.notifications_topic_arn),
        EmailRateLimiter::new(&db, config.incidents_table.clone()),
        SystemHealthStore::new(&db, config.incidents_table),
        events.clone(),
        &lifecycle,
        &policy,
        config.public_url,
    );
    let sweep = Sweep {
        search: EventSearch::new(events.clone(), rollups),
        events,
        dispatcher: ActionDispatcher::new(sns.topic(config.actions_topic_arn), &lifecycle, &policy),
        notifier,
        second_line: sns.topic(config.second_line_topic_arn),
        reports: Reports::new(&db, config.reports_table),
        clock: Box::new(config.clock),
    };
    age_runtime::on_invocation(async |_: ScheduledEvent| {
        let report = sweep.run().await;
        age_runtime::metrics::emit(&metrics::of(&report), sweep.clock.as_ref());
        report.into_result()
    })
    .await
}
