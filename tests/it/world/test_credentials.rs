//! Those who call in the tests: a credential of each role, and of each kind that is not taken.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use age_model::StoreError;
use age_model::{Clock, Engine, Grant, Keyring, KeyringError, ManualClock, Role, Timestamp, Token};
use age_store::Credentials;

/// The admin that the tests are, unless they say otherwise.
pub(crate) const TESTS: &str = "tests";

/// An engine's credential, bound to billing.
pub(crate) const BILLING: &str = "billing-engine";

/// An engine's credential, bound to qa and maos.
pub(crate) const ANOTHER_ENGINE: &str = "another-engine";

pub(crate) const READER: &str = "reader";
/// A responder, as is the day desk.
pub(crate) const NIGHT_DESK: &str = "night-desk";

pub(crate) const DAY_DESK: &str = "day-desk";
pub(crate) const ADMIN: &str = "admin";
pub(crate) const EXPIRED: &str = "expired";
pub(crate) const REVOKED: &str = "revoked";

/// Puts them into the table, and answers the token of each.
pub(crate) async fn credentials(table: &Credentials, clock: &Arc<ManualClock>) -> BTreeMap<String, String> {
    let now = clock.now();
    let wanted = [
        (TESTS, Role::Admin, &[][..], None),
        (ADMIN, Role::Admin, &[], None),
        (NIGHT_DESK, Role::Responder, &[], None),
        (DAY_DESK, Role::Responder, &[], None),
        (READER, Role::Reader, &[], None),
        (BILLING, Role::Engine, &[Engine::Billing], None),
        (ANOTHER_ENGINE, Role::Engine, &[Engine::Qa, Engine::Maos], None),
        (EXPIRED, Role::Admin, &[], Some(now)),
        (REVOKED, Role::Admin, &[], None),
    ];
    let tokens: Vec<Token> =
        wanted.iter().map(|(kid, ..)| Token::fresh(kid.parse().unwrap(), clock.as_ref()).unwrap()).collect();
    let made = table.change(clock.as_ref(), |keyring| {
        for ((_, role, engines, expires_at), token) in wanted.iter().zip(&tokens) {
            add(keyring, token, *role, engines, *expires_at, now)?;
        }
        let by = tokens[0].kid();
        keyring.revoke(&REVOKED.parse().unwrap(), by, now).unwrap();
        Ok::<_, Failed>(())
    });
    made.await.unwrap();
    tokens.iter().map(|token| (token.kid().to_string(), token.reveal())).collect()
}

fn add(
    keyring: &mut Keyring,
    token: &Token,
    role: Role,
    engines: &[Engine],
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Failed> {
    let engines: BTreeSet<Engine> = engines.iter().copied().collect();
    keyring.create(token, Grant { role, engines, expires_at }, None, now).map(drop).map_err(Failed::Not)
}

/// Why a keyring could not be changed.
#[derive(Debug)]
pub(crate) enum Failed {
    Not(#[expect(dead_code, reason = "for the message of a failed test")] KeyringError),
    Store(#[expect(dead_code, reason = "for the message of a failed test")] StoreError),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
