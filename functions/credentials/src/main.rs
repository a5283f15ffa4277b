//! Trigger: API Gateway, `/api/governance/credentials`, one of them and its rotation.
//! May: read and write credentials.
//! State: the client and the credentials.

use age_platform::{Error, Gate, Rate, SystemClock, env};
use age_store::{Credentials, Db};
use credentials::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    age_platform::logs::init();
    let (db, clock) = (Db::new(&age_platform::aws::config().await), SystemClock::from_env()?);
    let credentials = Credentials::new(&db, env::required("CREDENTIALS_TABLE")?);
    let gate = Gate::open(credentials.clone(), Rate::from_env()?, clock).await;
    age_platform::serve(credentials::routes().behind(&gate, App::new(credentials, clock))).await
}
