//! Trigger: API Gateway, `/api/governance/stats`, and every path that no other function has.
//! May: read credentials, rollups and the list of reports.
//! State: the client, the credentials and the policy.

use get_stats::App;
use platform::{Error, Gate, Rate, SystemClock, env};
use scoring::Policy;
use store::{Credentials, Db, Reports, Rollups};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    platform::logs::init();
    let (db, clock) = (Db::new(&platform::aws::config().await), SystemClock::from_env()?);
    let gate = Gate::open(Credentials::new(&db, env::required("CREDENTIALS_TABLE")?), Rate::from_env()?, clock).await;
    let rollups = Rollups::new(&db, env::required("ROLLUPS_TABLE")?);
    let reports = Reports::new(&db, env::required("REPORTS_TABLE")?);
    let app = App::new(rollups, reports, Policy::compiled()?, clock);
    platform::serve(get_stats::routes().behind(&gate, app)).await
}
