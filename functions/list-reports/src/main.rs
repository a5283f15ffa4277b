//! Trigger: API Gateway, `/api/governance/reports` and `/api/governance/reports/{id}`.
//! May: read credentials and reports.
//! State: the client, the credentials and the key of its cursors.

use age_platform::{CursorKey, Error, Gate, Rate, SystemClock, env};
use age_store::{Credentials, Db, Reports};
use list_reports::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    age_platform::logs::init();
    let (db, clock) = (Db::new(&age_platform::aws::config().await), SystemClock::from_env()?);
    let gate = Gate::open(Credentials::new(&db, env::required("CREDENTIALS_TABLE")?), Rate::from_env()?, clock).await;
    let reports = Reports::new(&db, env::required("REPORTS_TABLE")?);
    let cursors = CursorKey::new(&env::required("CURSOR_KEY")?)?;
    age_platform::serve(list_reports::routes().behind(&gate, App::new(reports, cursors))).await
}
