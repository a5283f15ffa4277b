//! Trigger: EventBridge Scheduler, Mondays 00:05 UTC, at least once.
//! May: read rollups and incidents, write reports and their actions, publish to the reports topic.
//! State: the clients and the policy.

use age_notify::Sns;
use age_platform::{Error, SystemClock, env};
use age_scoring::Policy;
use age_store::{Actions, Db, Incidents, Reports, Rollups, WeeklyReports};
use generate_report::{Reporter, Weekly};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    age_platform::logs::init();
    let aws = age_platform::aws::config().await;
    let db = Db::new(&aws);
    let rollups = Rollups::new(&db, env::required("ROLLUPS_TABLE")?);
    let incidents = Incidents::new(&db, env::required("INCIDENTS_TABLE")?);
    let reports = Reports::new(&db, env::required("REPORTS_TABLE")?);
    let actions = Actions::new(&db, env::required("ACTIONS_TABLE")?);
    age_platform::warm(rollups.warm()).await;
    let weekly = Weekly {
        reporter: Reporter::new(rollups, incidents, Policy::compiled()?, SystemClock::from_env()?),
        reports: WeeklyReports::new(reports, actions),
        topic: Sns::new(&aws).topic(env::required("REPORTS_TOPIC_ARN")?),
        api: env::optional("PUBLIC_URL"),
    };
    age_platform::on_invocation(async |firing| weekly.run(firing).await).await
}
