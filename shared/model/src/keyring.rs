//! All credentials, and the rules by which they are made, proven, renewed and ended.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Credential, CredentialStatus, Grant, KeyId, Revocation, Role, Secret, SecretHash, Timestamp, Token};

/// How many may be live. All are one row of 400 KB at most (DynamoDB), which every execution environment reads; a live one
/// takes up to 710 bytes, one that is over up to 360.
const MAX_LIVE: usize = 200;

/// How many of those that are over are remembered, so that their names are not given again.
const MAX_OVER: usize = 700;

/// All credentials by their names, those that are over too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keyring(BTreeMap<KeyId, Credential>);

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AuthError {
    /// Nobody has that name, or it is live and has another secret.
    #[error("the credential is not known")]
    Unknown,
    /// Its time is over.
    #[error("the credential has expired")]
    Expired,
    /// Somebody has ended it.
    #[error("the credential was revoked")]
    Revoked,
}

/// Why the keyring is not changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyringError {
    /// There is no credential of that name.
    #[error("there is no credential called {0}")]
    Unknown(KeyId),
    /// There is one already.
    #[error(
        "there is, or was, a credential called {0}; if its token was lost, an admin rotates it with overlapSeconds 0"
    )]
    Taken(KeyId),
    /// It is over.
    #[error("the credential {0} is {1}")]
    Over(KeyId, CredentialStatus),
    /// It has two secrets.
    #[error("{0} has two secrets, the older one until {1}; with overlapSeconds 0 both end now")]
    TwoSecrets(KeyId, Timestamp),
    /// Nobody could manage credentials any more.
    #[error("{0} is the last admin; make another one first")]
    LastAdmin(KeyId),
    /// There are too many.
    #[error("{MAX_LIVE} credentials are live, and no more may be; revoke one first")]
    Full,
}

impl Keyring {
    /// Every credential, by name.
    pub fn all(&self) -> impl Iterator<Item = (&KeyId, &Credential)> {
        self.0.iter()
    }

    /// The credential called `kid`.
    #[must_use]
    pub fn get(&self, kid: &KeyId) -> Option<&Credential> {
        self.0.get(kid)
    }

    /// What the bearer of `token` may do at `now`.
    ///
    /// # Errors
    /// [`AuthError`].
    pub fn authenticate(&self, token: &Token, now: Timestamp) -> Result<&Grant, AuthError> {
        let credential = self.get(token.kid()).ok_or(AuthError::Unknown)?;
        match credential.status_at(now) {
            CredentialStatus::Revoked => return Err(AuthError::Revoked),
            CredentialStatus::Expired => return Err(AuthError::Expired),
            CredentialStatus::Live => {}
        }
        let hash = token.hash();
        let secret = credential.secrets.iter().find(|secret| secret.hash == hash).ok_or(AuthError::Unknown)?;
        if secret.is_live(now) { Ok(&credential.grant) } else { Err(AuthError::Expired) }
    }

    /// Adds a credential that `token` proves. One that it proves already stays: an earlier try has added it.
    ///
    /// # Errors
    /// [`KeyringError`] if its name was ever given, or there is no room.
    pub fn create(
        &mut self,
        token: &Token,
        grant: Grant,
        by: Option<&KeyId>,
        now: Timestamp,
    ) -> Result<&Credential, KeyringError> {
        let kid = token.kid();
        if self.0.get(kid).is_some_and(|credential| !credential.is_newest(token)) {
            return Err(KeyringError::Taken(kid.clone()));
        }
        if self.0.values().filter(|credential| credential.status_at(now) == CredentialStatus::Live).count() >= MAX_LIVE
        {
            return Err(KeyringError::Full);
        }
        self.forget(now);
        let secrets = vec![Secret::new(token.hash(), by, now)];
        let credential = Credential { grant, secrets, created_at: now, created_by: by.cloned(), revoked: None };
        Ok(self.0.entry(kid.clone()).or_insert(credential))
    }

    /// Adds a secret to the credential of `token`; the one that it has is taken for `overlap` seconds more. A secret that is
    /// there already stays: an earlier try has added it.
    ///
    /// # Errors
    /// [`KeyringError`] if there is no such live credential, or it has two secrets already and one of them is to stay.
    pub fn rotate(
        &mut self,
        token: &Token,
        overlap: i64,
        by: &KeyId,
        now: Timestamp,
    ) -> Result<&Credential, KeyringError> {
        let kid = token.kid();
        let credential = self.live(kid, now)?;
        if credential.is_newest(token) {
            return Ok(credential);
        }
        credential.secrets.retain(|secret| secret.is_live(now));
        if let [_, older] = credential.secrets.as_slice()
            && overlap > 0
        {
            return Err(KeyringError::TwoSecrets(kid.clone(), older.expires_at.unwrap_or(now)));
        }
        let ends = now.plus_seconds(overlap);
        for secret in &mut credential.secrets {
            secret.expires_at = Some(secret.expires_at.map_or(ends, |expires_at| expires_at.min(ends)));
        }
        credential.secrets.retain(|secret| secret.is_live(now));
        credential.secrets.insert(0, Secret::new(token.hash(), Some(by), now));
        Ok(credential)
    }

    /// Ends the credential called `kid`. One that is ended stays as it is.
    ///
    /// # Errors
    /// [`KeyringError`] if there is none, or it is the last admin.
    pub fn revoke(&mut self, kid: &KeyId, by: &KeyId, now: Timestamp) -> Result<&Credential, KeyringError> {
        let is_admin = |credential: &Credential| {
            credential.grant.role == Role::Admin && credential.status_at(now) == CredentialStatus::Live
        };
        let others = self.0.iter().any(|(name, credential)| name != kid && is_admin(credential));
        let credential = self.0.get_mut(kid).ok_or_else(|| KeyringError::Unknown(kid.clone()))?;
        if is_admin(credential) && !others {
            return Err(KeyringError::LastAdmin(kid.clone()));
        }
        credential.revoked.get_or_insert_with(|| Revocation { at: now, by: by.clone() });
        credential.secrets.clear();
        Ok(credential)
    }

    /// Makes room: of those that are over, the oldest go when there are too many.
    fn forget(&mut self, now: Timestamp) {
        let over = |credential: &Credential| credential.status_at(now) != CredentialStatus::Live;
        while self.0.values().filter(|credential| over(credential)).count() > MAX_OVER {
            let oldest = self.0.iter().filter(|(_, it)| over(it)).min_by_key(|(_, it)| it.created_at);
            let Some(oldest) = oldest.map(|(kid, _)| kid.clone()) else { return };
            self.0.remove(&oldest);
        }
    }

    fn live(&mut self, kid: &KeyId, now: Timestamp) -> Result<&mut Credential, KeyringError> {
        let credential = self.0.get_mut(kid).ok_or_else(|| KeyringError::Unknown(kid.clone()))?;
        match credential.status_at(now) {
            CredentialStatus::Live => Ok(credential),
            over => Err(KeyringError::Over(kid.clone(), over)),
        }
    }
}

impl Credential {
    /// Whether the secret of `token` is the latest that it was given.
    fn is_newest(&self, token: &Token) -> bool {
        self.secrets.first().is_some_and(|secret| secret.hash == token.hash())
    }
}

impl Secret {
    fn new(hash: SecretHash, by: Option<&KeyId>, now: Timestamp) -> Self {
        Self { hash, created_at: now, created_by: by.cloned(), expires_at: None }
    }

    /// Whether it is taken at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expires_at| now < expires_at)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::{Clock, Engine, ManualClock};

    struct Desk {
        keyring: Keyring,
        clock: ManualClock,
        admin: Token,
    }

    fn kid(text: &str) -> KeyId {
        text.parse().unwrap()
    }

    fn grant(role: Role) -> Grant {
        let engines = if role == Role::Engine { BTreeSet::from([Engine::Billing]) } else { BTreeSet::new() };
        Grant { role, engines, expires_at: None }
    }

    impl Desk {
        fn new() -> Self {
            let clock = ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap());
            let admin = Token::fresh(kid("the-admin"), &clock).unwrap();
            let mut keyring = Keyring::default();
            keyring.create(&admin, grant(Role::Admin), None, clock.now()).unwrap();
            Self { keyring, clock, admin }
        }

        fn create(&mut self, name: &str, grant: Grant) -> Result<Token, KeyringError> {
            let token = Token::fresh(kid(name), &self.clock).unwrap();
            self.keyring.create(&token, grant, Some(self.admin.kid()), self.clock.now())?;
            Ok(token)
        }

        fn rotate(&mut self, name: &str, overlap: i64) -> Result<Token, KeyringError> {
            let token = Token::fresh(kid(name), &self.clock).unwrap();
            self.keyring.rotate(&token, overlap, self.admin.kid(), self.clock.now())?;
            Ok(token)
        }

        fn prove(&self, token: &Token) -> Result<Role, AuthError> {
            self.keyring.authenticate(token, self.clock.now()).map(|grant| grant.role)
        }
    }

    #[test]
    fn only_the_secret_proves() {
        let mut desk = Desk::new();
        let token = desk.create("worker", grant(Role::Engine)).unwrap();
        assert_eq!(desk.prove(&token), Ok(Role::Engine));
        let guessed = Token::fresh(kid("worker"), &desk.clock).unwrap();
        let nobody = Token::fresh(kid("nobody"), &desk.clock).unwrap();
        assert_eq!((desk.prove(&guessed), desk.prove(&nobody)), (Err(AuthError::Unknown), Err(AuthError::Unknown)));
        let of_another: Token = desk.admin.reveal().replace("the-admin", "worker").parse().unwrap();
        assert_eq!(desk.prove(&of_another), Err(AuthError::Unknown));
    }

    #[test]
    fn a_credential_ends_at_its_time() {
        let mut desk = Desk::new();
        let until = Some(desk.clock.now().plus_seconds(60));
        let token = desk.create("worker", Grant { expires_at: until, ..grant(Role::Reader) }).unwrap();
        desk.clock.advance(59);
        assert_eq!(desk.prove(&token), Ok(Role::Reader));
        desk.clock.advance(1);
        assert_eq!(desk.prove(&token), Err(AuthError::Expired));
        assert_eq!(desk.rotate("worker", 0), Err(KeyringError::Over(kid("worker"), CredentialStatus::Expired)));
    }

    #[test]
    fn two_secrets_overlap_and_never_three() {
        let mut desk = Desk::new();
        let first = desk.create("worker", grant(Role::Reader)).unwrap();
        let second = desk.rotate("worker", 3600).unwrap();
        assert_eq!((desk.prove(&first), desk.prove(&second)), (Ok(Role::Reader), Ok(Role::Reader)));
        assert!(matches!(desk.rotate("worker", 60), Err(KeyringError::TwoSecrets(..))));
        desk.clock.advance(3600);
        assert_eq!((desk.prove(&first), desk.prove(&second)), (Err(AuthError::Expired), Ok(Role::Reader)));
        let third = desk.rotate("worker", 60).unwrap();
        let fourth = desk.rotate("worker", 0).unwrap();
        let proven = [first, second, third, fourth].map(|token| desk.prove(&token));
        assert_eq!(
            proven,
            [Err(AuthError::Unknown), Err(AuthError::Unknown), Err(AuthError::Unknown), Ok(Role::Reader)],
            "what is over is forgotten by the next rotation"
        );
    }

    #[test]
    fn a_name_is_never_given_twice() {
        let mut desk = Desk::new();
        let token = desk.create("worker", grant(Role::Reader)).unwrap();
        assert_eq!(desk.create("worker", grant(Role::Admin)), Err(KeyringError::Taken(kid("worker"))));
        desk.keyring.revoke(&kid("worker"), desk.admin.kid(), desk.clock.now()).unwrap();
        assert_eq!(desk.create("worker", grant(Role::Admin)), Err(KeyringError::Taken(kid("worker"))));
        assert_eq!(desk.prove(&token), Err(AuthError::Revoked));
        assert!(matches!(desk.rotate("worker", 0), Err(KeyringError::Over(_, CredentialStatus::Revoked))));
    }

    #[test]
    fn the_last_admin_stays() {
        let mut desk = Desk::new();
        let (admin, now) = (kid("the-admin"), desk.clock.now());
        assert_eq!(desk.keyring.revoke(&admin, &admin, now), Err(KeyringError::LastAdmin(admin.clone())));
        let until = Some(now.plus_seconds(60));
        desk.create("second", Grant { expires_at: until, ..grant(Role::Admin) }).unwrap();
        desk.clock.advance(60);
        let later = desk.clock.now();
        assert!(desk.keyring.revoke(&admin, &admin, later).is_err(), "an admin whose time is over is none");
        desk.create("third", grant(Role::Admin)).unwrap();
        let revoked = desk.keyring.revoke(&admin, &kid("third"), later).unwrap().revoked.clone();
        assert_eq!(revoked, Some(Revocation { at: later, by: kid("third") }));
        desk.clock.advance(60);
        let again = desk.keyring.revoke(&admin, &kid("second"), desk.clock.now()).unwrap().revoked.clone();
        assert_eq!(again, revoked, "the first word stands");
        let nobody = kid("nobody");
        assert_eq!(desk.keyring.revoke(&nobody, &admin, later), Err(KeyringError::Unknown(nobody)));
    }

    #[test]
    fn there_is_room_for_so_many() {
        let mut desk = Desk::new();
        for number in 1..MAX_LIVE {
            desk.create(&format!("worker-{number}"), grant(Role::Reader)).unwrap();
        }
        assert_eq!(desk.create("one-more", grant(Role::Reader)), Err(KeyringError::Full));
        desk.keyring.revoke(&kid("worker-1"), desk.admin.kid(), desk.clock.now()).unwrap();
        assert!(desk.create("one-more", grant(Role::Reader)).is_ok());
    }

    /// The longest there can be.
    #[test]
    fn all_fit_into_one_row() {
        let mut desk = Desk::new();
        let until = Some(desk.clock.now().plus_days(1));
        let all = Grant { role: Role::Responder, engines: Engine::ALL.iter().copied().collect(), expires_at: until };
        let name = |number: usize| format!("{number:0>40}");
        for number in 0..MAX_OVER + 300 {
            desk.clock.advance(1);
            desk.create(&name(number), all.clone()).unwrap();
            desk.keyring.revoke(&kid(&name(number)), desk.admin.kid(), desk.clock.now()).unwrap();
        }
        for number in 1..MAX_LIVE {
            desk.create(&name(5000 + number), all.clone()).unwrap();
            desk.rotate(&name(5000 + number), 60).unwrap();
        }
        let remembered = desk.keyring.all().count();
        assert!((MAX_LIVE + MAX_OVER..=MAX_LIVE + MAX_OVER + 1).contains(&remembered), "{remembered}");
        assert!(desk.keyring.get(&kid(&name(0))).is_none(), "the oldest are forgotten");
        // DynamoDB counts names and values, and three bytes and one an entry for a map: about what JSON takes.
        let size = serde_json::to_string(&desk.keyring).unwrap().len();
        assert!(size < 400 * 1024, "{size} bytes");
    }

    #[test]
    fn a_change_whose_answer_was_lost_is_found_done() {
        let mut desk = Desk::new();
        let (token, now) = (Token::fresh(kid("worker"), &desk.clock).unwrap(), desk.clock.now());
        let once = desk.keyring.create(&token, grant(Role::Reader), None, now).unwrap().clone();
        assert_eq!(desk.keyring.create(&token, grant(Role::Reader), None, now), Ok(&once));
        let next = Token::fresh(kid("worker"), &desk.clock).unwrap();
        let by = desk.admin.kid().clone();
        let rotated = desk.keyring.rotate(&next, 60, &by, now).unwrap().clone();
        assert_eq!(desk.keyring.rotate(&next, 60, &by, now), Ok(&rotated));
        assert_eq!(rotated.secrets.len(), 2);
    }

    proptest! {
        /// Whatever is rotated when, the newest secret is taken, no more than two are, and none that was left behind is again.
        #[test]
        fn rotation_never_locks_out(steps in prop::collection::vec((0_i64..200, 0_i64..100), 1..20)) {
            let mut desk = Desk::new();
            let mut newest = desk.create("worker", grant(Role::Reader)).unwrap();
            let mut all = vec![newest.clone()];
            for (wait, overlap) in steps {
                desk.clock.advance(wait);
                if let Ok(token) = desk.rotate("worker", overlap) {
                    newest = token.clone();
                    all.push(token);
                }
                prop_assert_eq!(desk.prove(&newest), Ok(Role::Reader));
                let taken = all.iter().filter(|token| desk.prove(token).is_ok()).count();
                prop_assert!(taken <= 2, "{} secrets are taken", taken);
            }
        }
    }
}
