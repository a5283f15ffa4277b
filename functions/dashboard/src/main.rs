//! Trigger: API Gateway, `/dashboard` and every path below it.
//! Permissions: read credentials, events, rollups, actions, decisions, channels, deliveries, holds, incidents, reports and policies; write
//! incidents with their `notify_admin` actions, approvals of actions and of decisions, reports, simulations, and ended sessions; pause and
//! remove channels, without the key of their targets; start simulations; publish to the relay's topic.
//! State: clients, credentials with ended sessions, and policy.

use age_governance::{ActionLifecycle, ChannelManager, IncidentLifecycle, PolicyCache, SimulationJobs};
use age_http::{Authentication, RequestRate, verify_origin};
use age_notify::Sns;
use age_runtime::{AuthenticationConfig, Error, SystemClock, aws, config, logs};
use age_store::{
    ActionSearch, Actions, Channels, Credentials, CredentialsWithSessions, Decisions, Deliveries, DynamoDb,
    EndedSessionsStore, EventSearch, Events, FleetStateStore, IncidentStates, Incidents, Policies, Reports, Rollups,
    SystemAlerts, SystemHealthStore,
};
use dashboard::{App, Tables};

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
        decisions_table: String,
        incidents_table: String,
        channels_table: String,
        deliveries_table: String,
        reports_table: String,
        simulations_topic_arn: String,
        relay_topic_arn: String,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logs::init();
    let config = Config::from_env()?;
    let clock = config.clock;
    let aws = aws::config().await;
    let db = DynamoDb::new(&aws);

    let ended_sessions = EndedSessionsStore::new(&db, config.incidents_table.clone());
    let credentials = Credentials::new(&db, config.authentication.credentials_table);
    let policies_table = Policies::new(&db, config.policies_table);
    let policies = PolicyCache::new(policies_table.clone())?;
    let credentials = policies.with_credentials(credentials);
    let credentials = CredentialsWithSessions { credentials, ended_sessions: ended_sessions.clone() };
    let rate = RequestRate::new(config.authentication.requests_per_second, config.authentication.requests_burst);
    let alerts = SystemAlerts::new(&db, config.incidents_table.clone());
    let authentication = Authentication::with_alerts(credentials, rate, clock, alerts).await;
    let events = Events::new(&db, config.events_table, config.event_retention_days);
    let rollups = Rollups::new(&db, config.rollups_table);
    let actions = Actions::new(&db, config.actions_table);
    let states = IncidentStates::new(&db, config.incidents_table.clone(), config.event_retention_days);
    let incidents = IncidentLifecycle::new(states, actions.clone());
    let lifecycle = ActionLifecycle::new(actions.clone(), incidents, rollups.clone());
    let sns = Sns::new(&aws);
    let simulations = SimulationJobs::new(policies_table.clone(), sns.topic(config.simulations_topic_arn));
    let deliveries = Deliveries::new(&db, config.deliveries_table);
    let channels = Channels::new(&db, config.channels_table);
    let channels = ChannelManager::new(channels, deliveries.clone(), sns.topic(config.relay_topic_arn));
    let tables = Tables {
        search: EventSearch::new(events.clone(), rollups.clone()),
        events,
        action_search: ActionSearch::new(actions.clone(), rollups.clone(), config.event_retention_days),
        actions,
        incidents: Incidents::new(&db, config.incidents_table.clone()),
        rollups,
        policies: policies_table,
        reports: Reports::new(&db, config.reports_table),
        decisions: Decisions::new(&db, config.decisions_table, config.event_retention_days),
        deliveries,
        fleet_state: FleetStateStore::new(&db, config.incidents_table.clone()),
        health: SystemHealthStore::new(&db, config.incidents_table.clone()),
        system_alerts: SystemAlerts::new(&db, config.incidents_table),
        ended_sessions,
    };
    let app = App::new(tables, lifecycle, simulations, channels, authentication, policies, clock);
    let routes = dashboard::router(app);
    age_runtime::serve(verify_origin(config.authentication.origin_secrets, routes)).await
}
