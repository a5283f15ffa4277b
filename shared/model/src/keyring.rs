//! All credentials, and the rules by which they are made, proven, renewed and ended.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Credential, Grant, KeyId, Revocation, Role, Secret, SecretHash, Standing, Timestamp, Token};

/// All of them are one row of 400 KB at most (DynamoDB); one takes up to 600 bytes.
const MAX_CREDENTIALS: usize = 500;

/// All credentials by their names, revoked ones too: a name is never given twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keyring(BTreeMap<KeyId, Credential>);

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotTaken {
    /// Nobody has that name, or that secret.
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
pub enum NotChanged {
    /// There is no credential of that name.
    #[error("there is no credential called {0}")]
    Unknown(KeyId),
    /// There is one already.
    #[error("there is, or was, a credential called {0}; if its token was lost, rotate it with overlapSeconds 0")]
    Taken(KeyId),
    /// It is over.
    #[error("the credential {0} is {1}")]
    Over(KeyId, Standing),
    /// It has two secrets.
    #[error("{0} has two secrets, the older one until {1}; with overlapSeconds 0 both end now")]
    TwoSecrets(KeyId, Timestamp),
    /// Nobody could manage credentials any more.
    #[error("{0} is the last admin; make another one first")]
    LastAdmin(KeyId),
    /// The row is full.
    #[error("there are {MAX_CREDENTIALS} credentials, and no room for more")]
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
    /// [`NotTaken`]. Only who has the secret learns that it was good once.
    pub fn prove(&self, token: &Token, now: Timestamp) -> Result<&Grant, NotTaken> {
        let credential = self.get(token.kid()).ok_or(NotTaken::Unknown)?;
        let hash = token.hash();
        let secret = credential.secrets.iter().find(|secret| secret.hash == hash).ok_or(NotTaken::Unknown)?;
        match credential.standing(now) {
            Standing::Revoked => Err(NotTaken::Revoked),
            Standing::Live if secret.is_live(now) => Ok(&credential.grant),
            Standing::Live | Standing::Expired => Err(NotTaken::Expired),
        }
    }

    /// Adds a credential that `token` proves.
    ///
    /// # Errors
    /// [`NotChanged`] if its name was ever given, or there is no room.
    pub fn create(
        &mut self,
        token: &Token,
        grant: Grant,
        by: Option<&KeyId>,
        now: Timestamp,
    ) -> Result<&Credential, NotChanged> {
        let kid = token.kid();
        if self.0.contains_key(kid) {
            return Err(NotChanged::Taken(kid.clone()));
        }
        if self.0.len() >= MAX_CREDENTIALS {
            return Err(NotChanged::Full);
        }
        let secrets = vec![Secret::new(token.hash(), by, now)];
        let credential = Credential { grant, secrets, created_at: now, created_by: by.cloned(), revoked: None };
        Ok(self.0.entry(kid.clone()).or_insert(credential))
    }

    /// Adds a secret to the credential of `token`; the one that it has is taken for `overlap` seconds more.
    ///
    /// # Errors
    /// [`NotChanged`] if there is no such live credential, or it has two secrets already and one of them is to stay.
    pub fn rotate(
        &mut self,
        token: &Token,
        overlap: i64,
        by: &KeyId,
        now: Timestamp,
    ) -> Result<&Credential, NotChanged> {
        let kid = token.kid();
        let credential = self.live(kid, now)?;
        credential.secrets.retain(|secret| secret.is_live(now));
        if let [_, older] = credential.secrets.as_slice()
            && overlap > 0
        {
            return Err(NotChanged::TwoSecrets(kid.clone(), older.expires_at.unwrap_or(now)));
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
    /// [`NotChanged`] if there is none, or it is the last admin.
    pub fn revoke(&mut self, kid: &KeyId, by: &KeyId, now: Timestamp) -> Result<&Credential, NotChanged> {
        let is_admin = |credential: &Credential| {
            credential.grant.role == Role::Admin && credential.standing(now) == Standing::Live
        };
        let others = self.0.iter().any(|(name, credential)| name != kid && is_admin(credential));
        let credential = self.0.get_mut(kid).ok_or_else(|| NotChanged::Unknown(kid.clone()))?;
        if is_admin(credential) && !others {
            return Err(NotChanged::LastAdmin(kid.clone()));
        }
        credential.revoked.get_or_insert_with(|| Revocation { at: now, by: by.clone() });
        Ok(credential)
    }

    fn live(&mut self, kid: &KeyId, now: Timestamp) -> Result<&mut Credential, NotChanged> {
        let credential = self.0.get_mut(kid).ok_or_else(|| NotChanged::Unknown(kid.clone()))?;
        match credential.standing(now) {
            Standing::Live => Ok(credential),
            over => Err(NotChanged::Over(kid.clone(), over)),
        }
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

        fn create(&mut self, name: &str, grant: Grant) -> Result<Token, NotChanged> {
            let token = Token::fresh(kid(name), &self.clock).unwrap();
            self.keyring.create(&token, grant, Some(self.admin.kid()), self.clock.now())?;
            Ok(token)
        }

        fn rotate(&mut self, name: &str, overlap: i64) -> Result<Token, NotChanged> {
            let token = Token::fresh(kid(name), &self.clock).unwrap();
            self.keyring.rotate(&token, overlap, self.admin.kid(), self.clock.now())?;
            Ok(token)
        }

        fn prove(&self, token: &Token) -> Result<Role, NotTaken> {
            self.keyring.prove(token, self.clock.now()).map(|grant| grant.role)
        }
    }

    #[test]
    fn only_the_secret_proves() {
        let mut desk = Desk::new();
        let token = desk.create("worker", grant(Role::Engine)).unwrap();
        assert_eq!(desk.prove(&token), Ok(Role::Engine));
        let guessed = Token::fresh(kid("worker"), &desk.clock).unwrap();
        let nobody = Token::fresh(kid("nobody"), &desk.clock).unwrap();
        assert_eq!((desk.prove(&guessed), desk.prove(&nobody)), (Err(NotTaken::Unknown), Err(NotTaken::Unknown)));
        let of_another: Token = desk.admin.reveal().replace("the-admin", "worker").parse().unwrap();
        assert_eq!(desk.prove(&of_another), Err(NotTaken::Unknown));
    }

    #[test]
    fn a_credential_ends_at_its_time() {
        let mut desk = Desk::new();
        let until = Some(desk.clock.now().plus_seconds(60));
        let token = desk.create("worker", Grant { expires_at: until, ..grant(Role::Reader) }).unwrap();
        desk.clock.advance(59);
        assert_eq!(desk.prove(&token), Ok(Role::Reader));
        desk.clock.advance(1);
        assert_eq!(desk.prove(&token), Err(NotTaken::Expired));
        assert_eq!(desk.rotate("worker", 0), Err(NotChanged::Over(kid("worker"), Standing::Expired)));
    }

    #[test]
    fn two_secrets_overlap_and_never_three() {
        let mut desk = Desk::new();
        let first = desk.create("worker", grant(Role::Reader)).unwrap();
        let second = desk.rotate("worker", 3600).unwrap();
        assert_eq!((desk.prove(&first), desk.prove(&second)), (Ok(Role::Reader), Ok(Role::Reader)));
        assert!(matches!(desk.rotate("worker", 60), Err(NotChanged::TwoSecrets(..))));
        desk.clock.advance(3600);
        assert_eq!((desk.prove(&first), desk.prove(&second)), (Err(NotTaken::Expired), Ok(Role::Reader)));
        let third = desk.rotate("worker", 60).unwrap();
        let fourth = desk.rotate("worker", 0).unwrap();
        let proven = [first, second, third, fourth].map(|token| desk.prove(&token));
        assert_eq!(
            proven,
            [Err(NotTaken::Unknown), Err(NotTaken::Unknown), Err(NotTaken::Unknown), Ok(Role::Reader)],
            "what is over is forgotten by the next rotation"
        );
    }

    #[test]
    fn a_name_is_never_given_twice() {
        let mut desk = Desk::new();
        let token = desk.create("worker", grant(Role::Reader)).unwrap();
        assert_eq!(desk.create("worker", grant(Role::Admin)), Err(NotChanged::Taken(kid("worker"))));
        desk.keyring.revoke(&kid("worker"), desk.admin.kid(), desk.clock.now()).unwrap();
        assert_eq!(desk.create("worker", grant(Role::Admin)), Err(NotChanged::Taken(kid("worker"))));
        assert_eq!(desk.prove(&token), Err(NotTaken::Revoked));
        assert!(matches!(desk.rotate("worker", 0), Err(NotChanged::Over(_, Standing::Revoked))));
    }

    #[test]
    fn the_last_admin_stays() {
        let mut desk = Desk::new();
        let (admin, now) = (kid("the-admin"), desk.clock.now());
        assert_eq!(desk.keyring.revoke(&admin, &admin, now), Err(NotChanged::LastAdmin(admin.clone())));
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
        assert_eq!(desk.keyring.revoke(&nobody, &admin, later), Err(NotChanged::Unknown(nobody)));
    }

    #[test]
    fn there_is_room_for_so_many() {
        let mut desk = Desk::new();
        for number in 1..MAX_CREDENTIALS {
            desk.create(&format!("worker-{number}"), grant(Role::Reader)).unwrap();
        }
        assert_eq!(desk.create("one-more", grant(Role::Reader)), Err(NotChanged::Full));
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
