//! The first admin, whom no other admin can make.

use std::collections::BTreeSet;

use age_model::{Clock, Grant, KeyId, KeyringError, RandomnessUnavailable, Role, Token};
use age_store::{Credentials, StoreError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What an operator asks for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirstAdmin {
    /// What the admin is called.
    pub kid: KeyId,
}

/// The admin, with the token that is shown this once.
#[derive(Serialize)]
pub struct Made {
    kid: KeyId,
    role: Role,
    token: String,
}

/// Why there is no admin.
#[derive(Debug, Error)]
pub enum FirstAdminError {
    /// The rules say no.
    #[error("{0}; choose another name for the admin")]
    Not(#[from] KeyringError),
    /// There is no secret to be had.
    #[error(transparent)]
    Secret(#[from] RandomnessUnavailable),
    /// It was not stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl FirstAdmin {
    /// Makes an admin, whoever else there is: an operator with rights on AWS could write the table, too.
    ///
    /// # Errors
    /// [`FirstAdminError`] if its name was given before, or it could not be stored.
    pub async fn make(self, credentials: &Credentials, clock: &dyn Clock) -> Result<Made, FirstAdminError> {
        let token = Token::fresh(self.kid.clone(), clock)?;
        let grant = Grant { role: Role::Admin, engines: BTreeSet::new(), expires_at: None };
        let made = credentials.change::<_, FirstAdminError>(clock, |keyring| {
            keyring.create(&token, grant.clone(), None, clock.now())?;
            Ok(())
        });
        made.await?;
        tracing::warn!(kid = %self.kid, "an operator made an admin");
        Ok(Made { kid: self.kid, role: Role::Admin, token: token.reveal() })
    }
}
