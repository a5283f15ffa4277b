//! Trigger: API Gateway, GET `/api/governance/actions`, POST the outcome and the approval of an action.
//! Permissions: read credentials and events; read and write actions, incidents and rollups; publish to the notifications topic.
//! State: clients, credentials, policy and the key of cursors.

use actions::App;
use age_governance::{ActionLifecycle, IncidentLifecycle, Notifier};
use age_http::{Authentication, CursorKey, RequestRate};
use age_notify::Sns;
use age_policy::Policy;
use age_runtime::{AuthenticationConfig, Error, SystemClock, aws, config, logs};
use age_store::{
    Actions, Credentials, DynamoDb, EmailRateLimiter, EventSearch, Events, IncidentStates, Rollups, SystemHealthStore,
};

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
        notifications_topic_arn: String,
        /// The secret that seals cursors.
        cursor_key: String,
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

    let credentials = Credentials::new(&db, config.authentication.credentials_table);
    let rate = RequestRate::new(config.authentication.requests_per_second, config.authentication.requests_burst);
    let authentication = Authentication::new(credentials, rate, clock).await;
    let events = Events::new(&db, config.events_table, config.event_retention_days);
    let rollups = Rollups::new(&db, config.rollups_table);
    let search = EventSearch::new(events.clone(), rollups.clone());
    let actions = Actions::new(&db, config.actions_table);
    let incidents = IncidentLifecycle::new(
        IncidentStates::new(&db, config.incidents_table.clone(), config.event_retention_days),
        actions.clone(),
    );
    let lifecycle = ActionLifecycle::new(actions, incidents, rollups);
    let notifier = Notifier::new(
        Sns::new(&aws).topic(config.notifications_topic_arn),
        EmailRateLimiter::new(&db, config.incidents_table.clone()),
        SystemHealthStore::new(&db, config.incidents_table),
        events,
        &lifecycle,
        &policy,
        config.public_url,
    );
    let cursors = CursorKey::new(&config.cursor_key)?;
    let app = App::new(search, lifecycle, notifier, policy, cursors, clock);
    age_runtime::serve(actions::routes().authenticated(&authentication, app)).await
}
