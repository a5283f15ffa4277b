//! Trigger: API Gateway, `/dashboard` and all below it.
//! May: read credentials, events, rollups, actions, incidents and reports; write incidents with their `notify_admin`, what is
//! decided about an action, and reports.
//! State: the client, the credentials, the policy and the keys of its cursors and forms.

use age_platform::{CursorKey, Error, Gate, Rate, SystemClock, env};
use age_scoring::Policy;
use age_store::{Actions, Credentials, Db, EventSearch, Events, IncidentStates, Incidents, Life, Reports, Rollups};
use dashboard::{App, FormKey, Tables};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    age_platform::logs::init();
    let (db, clock) = (Db::new(&age_platform::aws::config().await), SystemClock::from_env()?);
    let gate = Gate::open(Credentials::new(&db, env::required("CREDENTIALS_TABLE")?), Rate::from_env()?, clock).await;
    let events = Events::new(&db, env::required("EVENTS_TABLE")?, env::parsed("EVENT_RETENTION_DAYS")?);
    let rollups = Rollups::new(&db, env::required("ROLLUPS_TABLE")?);
    let listing = EventSearch::new(events, rollups.clone());
    let (actions, table) = (env::required("ACTIONS_TABLE")?, env::required("INCIDENTS_TABLE")?);
    let incidents = Incidents::new(&db, &table);
    let life = Life::new(Actions::new(&db, actions), IncidentStates::new(&db, table), rollups);
    let cursors = CursorKey::new(&env::required("CURSOR_KEY")?)?;
    let forms = FormKey::new(&env::required("FORM_KEY")?)?;
    let reports = Reports::new(&db, env::required("REPORTS_TABLE")?);
    let tables = Tables { listing, life, incidents, reports };
    let app = App::new(tables, gate, (cursors, forms), Policy::compiled()?, clock);
    age_platform::serve(dashboard::router(app)).await
}
