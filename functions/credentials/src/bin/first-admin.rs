//! Trigger: none. An operator with rights on AWS invokes it, with `{"kid": "…"}`, to make an admin when there is none, or none
//! that anybody has the token of.
//! May: read and write credentials.
//! State: the client.

use credentials::FirstAdmin;
use platform::{Error, SystemClock, env};
use store::{Credentials, Db};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    platform::logs::init();
    let (db, clock) = (Db::new(&platform::aws::config().await), SystemClock::from_env()?);
    let credentials = Credentials::new(&db, env::required("CREDENTIALS_TABLE")?);
    platform::on_invocation(async |wanted: FirstAdmin| wanted.make(&credentials, &clock).await).await
}
