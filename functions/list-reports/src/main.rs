//! Trigger: API Gateway, `/api/governance/reports` and `/api/governance/reports/{id}`.
//! May: read reports.
//! State: the client and the key of its cursors.

use list_reports::App;
use platform::{CursorKey, Error, env};
use store::{Db, Reports};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    platform::logs::init();
    let db = Db::new(&platform::aws::config().await);
    let reports = Reports::new(&db, env::required("REPORTS_TABLE")?);
    let cursors = CursorKey::new(&env::required("CURSOR_KEY")?)?;
    platform::warm(reports.warm()).await;
    platform::serve(list_reports::router(App::new(reports, cursors))).await
}
