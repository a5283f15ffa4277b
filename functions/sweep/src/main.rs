//! Trigger: EventBridge Scheduler, every minute, at least once.
//! Permissions: read channels, credentials, policies, rollups and reports; write actions, decisions, events, incidents and rollups; publish
//! to the actions, notifications and second-line topics; read the number of subscriptions of the topics that people rely on.
//! State: clients and policy.

mod metrics;

use age_governance::{
    ActionDispatcher, ActionLifecycle, CredentialMonitor, IncidentLifecycle, Notifier, NotifierStores, OwnEvents,
    PolicyCache, PolicyNotifier, Sweep,
};
use age_notify::Sns;
use age_runtime::{Error, PublicUrl, ScheduledEvent, SystemClock, aws, config, logs};
use age_store::{
    Actions, Channels, CredentialNotifications, Credentials, Decisions, DynamoDb, EmailRateLimiter, Events,
    FleetStateStore, IncidentStates, Incidents, Policies, PolicyNotifications, Reports, Rollups, SystemAlerts,
    SystemHealthStore,
};

config! {
    /// The configuration of the function.
    struct Config {
        clock: SystemClock,
        credentials_table: String,
        events_table: String,
        event_retention_days: i64,
        rollups_table: String,
        actions_table: String,
        decisions_table: String,
        incidents_table: String,
        policies_table: String,
        channels_table: String,
        relay_subscriptions: i64,
        reports_table: String,
        actions_topic_arn: String,
        notifications_topic_arn: String,
        second_line_topic_arn: String,
        reports_topic_arn: String,
        alarms_topic_arn: String,
        /// The address of the API for links.
        public_url: Option<PublicUrl>,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logs::init();
    let config = Config::from_env()?;
    let aws = aws::config().await;
    let db = DynamoDb::new(&aws);
    let sns = Sns::new(&aws);
    let policies = PolicyCache::new(Policies::new(&db, config.policies_table))?;
    let actions = Actions::new(&db, config.actions_table);
    age_runtime::warm(actions.warm()).await;

    let events = Events::new(&db, config.events_table, config.event_retention_days);
    let decisions = Decisions::new(&db, config.decisions_table, config.event_retention_days);
    let rollups = Rollups::new(&db, config.rollups_table);
    let states = IncidentStates::new(&db, config.incidents_table.clone(), config.event_retention_days);
    let incidents = IncidentLifecycle::new(states, actions.clone());
    let own_events = OwnEvents::new(events.clone(), rollups.clone());
    let lifecycle = ActionLifecycle::new(actions, incidents, rollups);
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
    )
    .with_decisions(decisions.clone());
    let credentials = CredentialMonitor::new(
        Credentials::new(&db, config.credentials_table),
        SystemAlerts::new(&db, config.incidents_table.clone()),
        CredentialNotifications::new(&db, config.incidents_table.clone()),
    );
    let sweep = Sweep {
        events,
        decisions,
        incidents: Incidents::new(&db, config.incidents_table.clone()),
        fleet_state: FleetStateStore::new(&db, config.incidents_table.clone()),
        dispatcher: ActionDispatcher::new(sns.topic(config.actions_topic_arn), &lifecycle, &policies),
        notifier,
        credentials,
        system_alerts: SystemAlerts::new(&db, config.incidents_table.clone()),
        own_events,
        policy_notifications: PolicyNotifier::new(PolicyNotifications::new(&db, config.incidents_table)),
        second_line: sns.topic(config.second_line_topic_arn),
        reports_topic: sns.topic(config.reports_topic_arn),
        alarms_topic: sns.topic(config.alarms_topic_arn),
        reports: Reports::new(&db, config.reports_table),
        channels: Channels::new(&db, config.channels_table),
        relay_subscriptions: u64::try_from(config.relay_subscriptions).unwrap_or(0),
        clock: Box::new(config.clock),
    };
    age_runtime::on_invocation(async |_: ScheduledEvent| {
        let report = sweep.run().await;
        age_runtime::metrics::emit(&metrics::of(&report), sweep.clock.as_ref());
        report.into_result()
    })
    .await
}
