//! Trigger: API Gateway, `/api/governance/stats`, and every path that no other function has.
//! May: read credentials, rollups and the list of reports.
//! State: the client, the credentials and the policy.

use age_platform::{Error, Gate, Rate, SystemClock, env};
use age_scoring::Policy;
use age_store::{Credentials, Db, Reports, Rollups};
use get_stats::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    age_platform::logs::init();
    let (db, clock) = (Db::new(&age_platform::aws::config().await), SystemClock::from_env()?);
    let gate = Gate::open(Credentials::new(&db, env::required("CREDENTIALS_TABLE")?), Rate::from_env()?, clock).await;
    let rollups = Rollups::new(&db, env::required("ROLLUPS_TABLE")?);
    let reports = Reports::new(&db, env::required("REPORTS_TABLE")?);
    let app = App::new(rollups, reports, Policy::compiled()?, clock);
    age_platform::serve(get_stats::routes().behind(&gate, app)).await
}
