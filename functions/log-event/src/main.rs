//! Trigger: API Gateway, POST `/api/governance/event`, `/api/governance/events`, `/api/governance/intake/alertmanager`.
//! Permissions: read credentials; write events, rollups, actions and incidents; publish to the actions and notifications topics.
//! State: clients, credentials, policy, and the shards that this environment writes.

use age_governance::{ActionDispatcher, ActionLifecycle, EventRecorder, EventWriter, IncidentLifecycle, Notifier};
use age_http::{Authentication, RequestRate};
use age_notify::Sns;
use age_policy::Policy;
use age_runtime::{AuthenticationConfig, Error, SystemClock, aws, config, logs};
use age_store::{Actions, Credentials, DynamoDb, EmailRateLimiter, Events, IncidentStates, Rollups, SystemHealthStore};
use log_event::App;

config! {
    /// The configuration of the function.
    struct Config {
        authentication: AuthenticationConfig,
        clock: SystemClock,
        events_table: String,
        event_retention_days: i64,
        rollups_table: String,
        actions_table: String,
        incidents_table: String,
        actions_topic_arn: String,
        notifications_topic_arn: String,
        /// The address of the API for links; that of the request if absent.
        public_url: Option<String>,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logs::init();
    let config = Config::from_env()?;
    let policy = Policy::compiled()?;
    let clock = config.clock;
    let aws = aws::config().await;
    let db = DynamoDb::new(&aws);
    let sns = Sns::new(&aws);

    let credentials = Credentials::new(&db, config.authentication.credentials_table);
    let rate = RequestRate::new(config.authentication.requests_per_second, config.authentication.requests_burst);
    let authentication = Authentication::new(credentials, rate, clock).await;
    let events = Events::new(&db, config.events_table, config.event_retention_days);
    let actions = Actions::new(&db, config.actions_table);
    let incidents = IncidentLifecycle::new(
        IncidentStates::new(&db, config.incidents_table.clone(), config.event_retention_days),
        actions.clone(),
    );
    let lifecycle = ActionLifecycle::new(actions, incidents, Rollups::new(&db, config.rollups_table));
    let notifier = Notifier::new(
        sns.topic(config.notifications_topic_arn),
        EmailRateLimiter::new(&db, config.incidents_table.clone()),
        SystemHealthStore::new(&db, config.incidents_table),
        events.clone(),
        &lifecycle,
        &policy,
        config.public_url,
    );
    let dispatcher = ActionDispatcher::new(sns.topic(config.actions_topic_arn), &lifecycle, &policy);
    let recorder = EventRecorder::new(EventWriter::new(events, lifecycle), dispatcher, notifier);
    age_runtime::serve(log_event::routes().authenticated(&authentication, App::new(recorder, clock))).await
}
