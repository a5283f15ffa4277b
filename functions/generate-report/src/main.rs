//! Trigger: API Gateway, `/api/governance/report`.
//! May: read rollups and incidents, write reports.
//! State: the client and the policy.

use generate_report::Reporter;
use platform::{Error, SystemClock, env};
use scoring::Policy;
use store::{Db, Incidents, Reports, Rollups};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    platform::logs::init();
    let db = Db::new(&platform::aws::config().await);
    let rollups = Rollups::new(&db, env::required("ROLLUPS_TABLE")?);
    let incidents = Incidents::new(&db, env::required("INCIDENTS_TABLE")?);
    let reports = Reports::new(&db, env::required("REPORTS_TABLE")?);
    platform::warm(rollups.warm()).await;
    let reporter = Reporter::new(rollups, incidents, Policy::compiled()?, SystemClock::from_env()?);
    platform::serve(generate_report::router(reporter, reports)).await
}
