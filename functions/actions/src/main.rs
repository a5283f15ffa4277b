//! Trigger: API Gateway, GET `/api/governance/actions`, POST the outcome and the approval of an action.
//! Permissions: read credentials and events; read and write actions, incidents and rollups; publish to the notifications topic.
//! State: clients, credentials and policy.

use actions::App;
use age_governance::{ActionLifecycle, IncidentLifecycle, Notifier, NotifierStores, PolicyCache};
use age_http::{Authentication, RequestRate, verify_origin};
use age_notify::Sns;
use age_runtime::{AuthenticationConfig, Error, PublicUrl, SystemClock, aws, config, logs};
use age_store::{
    ActionSearch, Actions, Credentials, DynamoDb, EmailRateLimiter, Events, IncidentStates, Policies, Rollups,
    SystemAlerts, SystemHealthStore,
};

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

    let credentials = Credentials::new(&db, config.authentication.credentials_table);
    let policies = PolicyCache::new(Policies::new(&db, config.policies_table))?;
    let credentials = policies.with_credentials(credentials);
    let rate = RequestRate::new(config.authentication.requests_per_second, config.authentication.requests_burst);
    let alerts = SystemAlerts::new(&db, config.incidents_table.clone());
    let authentication = Authentication::with_alerts(credentials, rate, clock, alerts).await;
    let events = Events::new(&db, config.events_table, config.event_retention_days);
    let rollups = Rollups::new(&db, config.rollups_table);
    let actions = Actions::new(&db, config.actions_table);
    let search = ActionSearch::new(actions.clone(), rollups.clone(), config.event_retention_days);
    let incidents = IncidentLifecycle::new(
        IncidentStates::new(&db, config.incidents_table.clone(), config.event_retention_days),
        actions.clone(),
    );
    let lifecycle = ActionLifecycle::new(actions, incidents, rollups);
    let notifier = Notifier::new(
        Sns::new(&aws).topic(config.notifications_topic_arn),
        NotifierStores {
            rate_limiter: EmailRateLimiter::new(&db, config.incidents_table.clone()),
            health: SystemHealthStore::new(&db, config.incidents_table.clone()),
            alerts: SystemAlerts::new(&db, config.incidents_table),
            events,
        },
        &lifecycle,
        &policies,
        config.public_url.map(String::from),
    );
    let app = App::new(search, lifecycle, notifier, policies, clock);
    let routes = actions::routes().authenticated(&authentication, app);
    age_runtime::serve(verify_origin(config.authentication.origin_secrets, routes)).await
}
