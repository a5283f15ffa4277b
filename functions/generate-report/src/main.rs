//! Trigger: API Gateway, `/api/governance/report`.
//! May: read credentials, rollups and incidents, write reports.
//! State: the client, the credentials and the policy.

use age_platform::{Error, Gate, Rate, SystemClock, env};
use age_scoring::Policy;
use age_store::{Credentials, Db, Incidents, Reports, Rollups};
use generate_report::Reporter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    age_platform::logs::init();
    let (db, clock) = (Db::new(&age_platform::aws::config().await), SystemClock::from_env()?);
    let gate = Gate::open(Credentials::new(&db, env::required("CREDENTIALS_TABLE")?), Rate::from_env()?, clock).await;
    let rollups = Rollups::new(&db, env::required("ROLLUPS_TABLE")?);
    let incidents = Incidents::new(&db, env::required("INCIDENTS_TABLE")?);
    let reports = Reports::new(&db, env::required("REPORTS_TABLE")?);
    let reporter = Reporter::new(rollups, incidents, Policy::compiled()?, clock);
    age_platform::serve(generate_report::routes().behind(&gate, (reporter, reports))).await
}
