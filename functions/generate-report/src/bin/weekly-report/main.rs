//! Trigger: EventBridge Scheduler, Mondays 00:05 UTC, at least once.
//! Permissions: read rollups and incidents; write reports and their deliveries; publish to the reports topic.
//! State: clients and policy.

use age_governance::{PolicyCache, ReportGenerator, WeeklyReporter};
use age_model::Timestamp;
use age_notify::Sns;
use age_runtime::{Error, PublicUrl, SystemClock, aws, config, logs};
use age_store::{Actions, DynamoDb, Incidents, Policies, ReportDeliveries, Reports, Rollups};
use serde::Deserialize;

config! {
    /// The configuration of the function.
    struct Config {
        clock: SystemClock,
        rollups_table: String,
        incidents_table: String,
        reports_table: String,
        actions_table: String,
        policies_table: String,
        reports_topic_arn: String,
        /// The address of the API for links.
        public_url: Option<PublicUrl>,
    }
}

/// The input of the schedule.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WeeklySchedule {
    /// When the run was scheduled: a run that is late, or retried the next day, is still for its own week.
    scheduled_time: Option<Timestamp>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logs::init();
    let config = Config::from_env()?;
    let aws = aws::config().await;
    let db = DynamoDb::new(&aws);
    let rollups = Rollups::new(&db, config.rollups_table);
    age_runtime::warm(rollups.warm()).await;

    let policies = PolicyCache::new(Policies::new(&db, config.policies_table))?;
    let incidents = Incidents::new(&db, config.incidents_table);
    let generator = ReportGenerator::new(rollups, incidents, policies, config.clock);
    let reports = Reports::new(&db, config.reports_table);
    let deliveries = ReportDeliveries::new(&Actions::new(&db, config.actions_table));
    let topic = Sns::new(&aws).topic(config.reports_topic_arn);
    let weekly = WeeklyReporter::new(generator, reports, deliveries, topic, config.public_url.map(String::from));
    age_runtime::on_invocation(async |input: WeeklySchedule| weekly.run(input.scheduled_time).await).await
}
