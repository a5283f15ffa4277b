//! The credentials of the tests: one or more of each role, one expired and one revoked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use age_http::SessionKey;
use age_model::{
    Clock, CredentialRegistry, DashboardSession, Engine, Grant, KeyringError, ManualClock, Role, StoreError, Timestamp,
    Token,
};
use age_store::Credentials;

/// The admin with whose credential tests send requests by default.
pub(crate) const TESTS: &str = "tests";

/// A credential of role engine for billing.
pub(crate) const BILLING: &str = "billing-engine";

/// A credential of role engine for qa and maos.
pub(crate) const ANOTHER_ENGINE: &str = "another-engine";

pub(crate) const READER: &str = "reader";
/// A responder, like [`DAY_DESK`].
pub(crate) const NIGHT_DESK: &str = "night-desk";

pub(crate) const DAY_DESK: &str = "day-desk";
pub(crate) const ADMIN: &str = "admin";
pub(crate) const EXPIRED: &str = "expired";
pub(crate) const REVOKED: &str = "revoked";

/// Creates the credentials in the table. Returns the token of each, by its key id.
pub(crate) async fn create(table: &Credentials, clock: &Arc<ManualClock>) -> BTreeMap<String, String> {
    let now = clock.now();
    let wanted = [
        (TESTS, Role::Admin, &[][..], None),
        (ADMIN, Role::Admin, &[], None),
        (NIGHT_DESK, Role::Responder, &[], None),
        (DAY_DESK, Role::Responder, &[], None),
        (READER, Role::Reader, &[], None),
        (BILLING, Role::Engine, &[Engine::from_static("billing")], None),
        (ANOTHER_ENGINE, Role::Engine, &[Engine::from_static("qa"), Engine::from_static("maos")], None),
        (EXPIRED, Role::Admin, &[], Some(now)),
        (REVOKED, Role::Admin, &[], None),
    ];
    let tokens: Vec<Token> =
        wanted.iter().map(|(kid, ..)| Token::fresh(kid.parse().unwrap(), clock.as_ref()).unwrap()).collect();
    let change = table.change(tokens.iter().map(Token::kid), clock.as_ref(), |registry| {
        for ((_, role, engines, expires_at), token) in wanted.iter().zip(&tokens) {
            add(registry, token, *role, engines, *expires_at, now)?;
        }
        registry.revoke(&REVOKED.parse().unwrap(), Some(tokens[0].kid()), now).unwrap();
        Ok::<_, CreateError>(())
    });
    change.await.unwrap();
    tokens.iter().map(|token| (token.kid().to_string(), token.reveal())).collect()
}

/// Returns `session`, sealed with the key of the table.
pub(crate) async fn seal(table: &Credentials, session: &DashboardSession) -> String {
    let key = table.all().await.unwrap().sealing_key().unwrap();
    SessionKey::derive(&key).seal(session)
}

fn add(
    registry: &mut CredentialRegistry,
    token: &Token,
    role: Role,
    engines: &[Engine],
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), CreateError> {
    let engines: BTreeSet<Engine> = engines.iter().copied().collect();
    registry.create(token, Grant { role, engines, expires_at }, None, now).map(drop).map_err(CreateError::Keyring)
}

/// The reason why the credentials could not be created.
#[derive(Debug)]
pub(crate) enum CreateError {
    Keyring(#[expect(dead_code, reason = "shown by the panic of a failed test")] KeyringError),
    Store(#[expect(dead_code, reason = "shown by the panic of a failed test")] StoreError),
}

impl From<StoreError> for CreateError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
