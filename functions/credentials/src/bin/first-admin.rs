//! Trigger: none. An operator with rights on AWS invokes it, with `{"kid": "…"}`, to make an admin when there is none, or none
//! that anybody has the token of.
//! May: read and write credentials.
//! State: the client.

use age_platform::{Error, SystemClock, env};
use age_store::{Credentials, Db};
use credentials::FirstAdmin;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    age_platform::logs::init();
    let (db, clock) = (Db::new(&age_platform::aws::config().await), SystemClock::from_env()?);
    let credentials = Credentials::new(&db, env::required("CREDENTIALS_TABLE")?);
    age_platform::on_invocation(async |wanted: FirstAdmin| wanted.make(&credentials, &clock).await).await
}
