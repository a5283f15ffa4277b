//! Trigger: an operator with rights on AWS invokes the function with `{"kid": "…"}` when no admin is live, or with
//! `{"kid": "…", "revoke": ["…"]}` when all tokens of the live admins are lost.
//! Permissions: read and write credentials.
//! State: client.

use age_governance::create_first_admin;
use age_model::{KeyId, Role};
use age_runtime::{Error, SystemClock, aws, config, logs, metrics};
use age_store::{Credentials, DynamoDb};
use credentials::FirstAdmin;
use serde::Serialize;

config! {
    /// The configuration of the function.
    struct Config {
        clock: SystemClock,
        credentials_table: String,
    }
}

/// The new credential with its token, which is shown once.
#[derive(Serialize)]
struct IssuedAdmin {
    kid: KeyId,
    role: Role,
    token: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logs::init();
    let config = Config::from_env()?;
    let credentials = Credentials::new(&DynamoDb::new(&aws::config().await), config.credentials_table);
    age_runtime::on_invocation(async |FirstAdmin { kid, revoke }: FirstAdmin| {
        let issued = create_first_admin(&credentials, kid, &revoke, &config.clock).await?;
        metrics::emit(&[("AdminsMadeByOperator".to_owned(), 1)], &config.clock);
        let (kid, role) = (issued.token.kid().clone(), issued.record.credential.grant.role);
        Ok::<_, age_governance::CredentialError>(IssuedAdmin { kid, role, token: issued.token.reveal() })
    })
    .await
}
