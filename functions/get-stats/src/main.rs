//! Trigger: API Gateway, `/api/governance/stats`, and every path that no other function has.
//! May: read rollups and the list of reports.
//! State: the client and the policy.

use get_stats::App;
use platform::{Error, SystemClock, env};
use scoring::Policy;
use store::{Db, Reports, Rollups};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    platform::logs::init();
    let db = Db::new(&platform::aws::config().await);
    let rollups = Rollups::new(&db, env::required("ROLLUPS_TABLE")?);
    let reports = Reports::new(&db, env::required("REPORTS_TABLE")?);
    platform::warm(rollups.warm()).await;
    platform::serve(get_stats::router(App::new(rollups, reports, Policy::compiled()?, SystemClock::from_env()?))).await
}
