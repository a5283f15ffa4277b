//! Trigger: API Gateway, POST `/api/governance/event`, `/api/governance/events`, `/api/governance/intake/alertmanager`, `/api/governance/intake/cloudevents`.
//! Permissions: read credentials; write events, rollups, actions, incidents and system alerts; publish to the actions and
//! notifications topics.
//! State: clients, credentials, policy, and the shards that this environment writes.

use age_governance::{
    ActionDispatcher, ActionLifecycle, EventRecorder, EventWriter, IncidentLifecycle, Notifier, NotifierStores,
    PolicyCache,
};
use age_http::{Authentication, RequestRate, verify_origin};
use age_notify::Sns;
use age_runtime::{AuthenticationConfig, Error, PublicUrl, SystemClock, aws, config, logs};
use age_store::{
    Actions, Credentials, DynamoDb, EmailRateLimiter, Events, IncidentStates, Policies, Rollups, SystemAlerts,
    SystemHealthStore,
};
use log_event::App;

config! {
    /// The configuration of the function.
    struct Config {
        authentication: AuthenticationConfig,
        clock: SystemClock,
        policies_table: String,
        events_table: String,
        event_retention_days: i64,
        rollups_table: String,
        actions_table: String,
        incidents_table: String,
        actions_topic_arn: String,
        notifications_topic_arn: String,
        /// The address of the API for links; that of the request if absent.
        public_url: Option<PublicUrl>,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logs::init();
    let config = Config::from_env()?;
    let clock = config.clock;
    let aws = aws::config().await;
    let db = DynamoDb::new(&aws);
    let sns = Sns::new(&aws);

    let credentials = Credentials::new(&db, config.authentication.credentials_table);
    let policies = PolicyCache::new(Policies::new(&db, config.policies_table))?;
    let credentials = policies.with_credentials(credentials);
    let rate = RequestRate::new(config.authentication.requests_per_second, config.authentication.requests_burst);
    let alerts = SystemAlerts::new(&db, config.incidents_table.clone());
    let authentication = Authentication::with_alerts(credentials, rate, clock, alerts).await;
    let events = Events::new(&db, config.events_table, config.event_retention_days);
    let actions = Actions::new(&db, config.actions_table);
    let incidents = IncidentLifecycle::new(
        IncidentStates::new(&db, config.incidents_table.clone(), config.event_retention_days),
        actions.clone(),
    );
    let lifecycle = ActionLifecycle::new(actions, incidents, Rollups::new(&db, config.rollups_table));
    let notifier = Notifier::new(
        sns.topic(config.notifications_topic_arn),
        NotifierStores {
            rate_limiter: EmailRateLimiter::new(&db, config.incidents_table.clone()),
            health: SystemHealthStore::new(&db, config.incidents_table.clone()),
            alerts: SystemAlerts::new(&db, config.incidents_table.clone()),
            events: events.clone(),
        },
        &lifecycle,
        &policies,
        config.public_url.map(String::from),
    );
    let dispatcher = ActionDispatcher::new(sns.topic(config.actions_topic_arn), &lifecycle, &policies);
    let recorder = EventRecorder::new(EventWriter::new(events, lifecycle), dispatcher, notifier);
    let app = App::new(recorder, SystemAlerts::new(&db, config.incidents_table), clock);
    let routes = log_event::routes().authenticated(&authentication, app);
    age_runtime::serve(verify_origin(config.authentication.origin_secrets, routes)).await
}
