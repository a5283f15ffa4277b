//! Trigger: API Gateway, `/api/governance/credentials`, one of them and its rotation.
//! May: read and write credentials.
//! State: the client and the credentials.

use credentials::App;
use platform::{Error, Gate, Rate, SystemClock, env};
use store::{Credentials, Db};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    platform::logs::init();
    let (db, clock) = (Db::new(&platform::aws::config().await), SystemClock::from_env()?);
    let credentials = Credentials::new(&db, env::required("CREDENTIALS_TABLE")?);
    let gate = Gate::open(credentials.clone(), Rate::from_env()?, clock).await;
    platform::serve(credentials::routes().behind(&gate, App::new(credentials, clock))).await
}
