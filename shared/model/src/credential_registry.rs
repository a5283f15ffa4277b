//! The registry of credentials: the rules by which they are created, rotated and revoked.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use crate::credential::{Credential, CredentialStatus, Grant, KeyId, Role, Secret, Token};
use crate::credential_record::CredentialRecord;
use crate::keyring::{Keyring, MAX_CREDENTIALS, MAX_ENGINE_NAME_BYTES};
use crate::time::Timestamp;

/// The record that is stored of a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredRecord {
    /// The record, which this version can read.
    Readable(Box<CredentialRecord>),
    /// A record that this version cannot read, and never changes.
    Unreadable,
}

/// The keyring, and the records of the credentials that a change is about. Every change of a credential changes its record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CredentialRegistry {
    keyring: Keyring,
    records: BTreeMap<KeyId, StoredRecord>,
}

/// Why a change of the credentials is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyringError {
    /// No credential has or had this name.
    #[error("no credential is named {0}")]
    Unknown(KeyId),
    /// The stored credential cannot be read by this version.
    #[error(
        "the credential {0} is stored in a form that this version of AGE cannot read; change it with a later version"
    )]
    Unreadable(KeyId),
    /// A credential has or had this name.
    #[error(
        "a credential named {0} exists or existed; choose another name, or rotate it with overlapSeconds 0 if its token was lost"
    )]
    Taken(KeyId),
    /// The credential was revoked.
    #[error("the credential {0} is revoked; create another one")]
    Revoked(KeyId),
    /// The credential has expired.
    #[error("the credential {0} has expired; rotate it with a new expiresAt to renew it")]
    Expired(KeyId),
    /// The credential has expired, and another one has its place.
    #[error("the credential {0} has expired and cannot be renewed any more; create another one")]
    Replaced(KeyId),
    /// The credential has two secrets already.
    #[error(
        "the credential {0} has two secrets until {1}; rotate it after that, or with overlapSeconds 0 to end both now"
    )]
    TwoSecrets(KeyId, Timestamp),
    /// Without this admin, nobody could manage credentials, now or after the others have expired.
    #[error("no admin that does not expire would remain without {0}; create another admin without expiresAt first")]
    LastAdmin(KeyId),
    /// The caller has lost the right to manage credentials since it was authenticated.
    #[error("the credential {0} is no longer a live admin; nothing was changed")]
    NotLiveAdmin(KeyId),
    /// The keyring has the most live credentials already.
    #[error("at most {MAX_CREDENTIALS} credentials may be live; revoke one first")]
    Full,
    /// The names of the engines of all credentials are too long together.
    #[error(
        "the names of the engines of all credentials may have at most {MAX_ENGINE_NAME_BYTES} bytes together; revoke a credential first, or name fewer engines"
    )]
    TooManyEngines,
    /// An operator may make an admin only if nobody else can.
    #[error("live admins exist: {}; any of them can create another admin. If the tokens of all of them are lost, name all of them in \"revoke\": they are revoked, and the new admin is made", names(.0))]
    LiveAdmins(Vec<KeyId>),
    /// The credential that is to be replaced is not a live admin.
    #[error("{0} is not a live admin; \"revoke\" must have live admins only")]
    NoLiveAdmin(KeyId),
}

fn names(kids: &[KeyId]) -> String {
    kids.iter().map(KeyId::as_str).collect::<Vec<_>>().join(", ")
}

/// How a new secret replaces the old one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rotation {
    /// How long the old secret stays valid, in seconds. It ends no later than its credential would have without the rotation.
    pub overlap_seconds: i64,
    /// The new expiry of the credential, in the future. None: the expiry stays.
    pub expires_at: Option<Timestamp>,
}

/// A change that repeats what an earlier attempt has stored succeeds and changes nothing. `by` is the admin who makes the change;
/// None is an operator with rights on AWS.
impl CredentialRegistry {
    /// Creates the registry of the stored `keyring` and `records`.
    #[must_use]
    pub const fn stored(keyring: Keyring, records: BTreeMap<KeyId, StoredRecord>) -> Self {
        Self { keyring, records }
    }

    /// The keyring.
    #[must_use]
    pub const fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Returns the records that can be read, by name.
    pub fn records(&self) -> impl Iterator<Item = (&KeyId, &CredentialRecord)> {
        self.records.keys().filter_map(|kid| Some((kid, self.record(kid)?)))
    }

    /// Returns the record of the credential named `kid`, if it can be read.
    #[must_use]
    pub fn record(&self, kid: &KeyId) -> Option<&CredentialRecord> {
        match self.records.get(kid)? {
            StoredRecord::Readable(record) => Some(record),
            StoredRecord::Unreadable => None,
        }
    }

    /// Adds the credential that `token` proves.
    ///
    /// # Errors
    /// [`KeyringError`] if the name is or was used, all credentials that can be live are, or `by` is not a live admin.
    pub fn create(
        &mut self,
        token: &Token,
        grant: Grant,
        by: Option<&KeyId>,
        now: Timestamp,
    ) -> Result<CredentialRecord, KeyringError> {
        if let Some(repeated) = self.with_newest(token) {
            return Ok(repeated);
        }
        self.require_standing(by, now)?;
        let secrets = vec![Secret::of(token, now)];
        self.add(token.kid(), Credential { grant, secrets, created_at: now, is_made_by_operator: false }, by, now)
    }

    /// Adds the admin that `token` proves, for an operator with rights on AWS. The live admins are revoked, all of which `lost` must
    /// name.
    ///
    /// # Errors
    /// [`KeyringError`] if the name is or was used, an admin that is not in `lost` is live, or one in `lost` is not.
    pub fn create_first_admin(
        &mut self,
        token: &Token,
        lost: &BTreeSet<KeyId>,
        now: Timestamp,
    ) -> Result<CredentialRecord, KeyringError> {
        if let Some(repeated) = self.with_newest(token) {
            return Ok(repeated);
        }
        let live: Vec<KeyId> = self.keyring.live_admins(now).map(|(kid, _)| kid.clone()).collect();
        if let Some(kid) = lost.iter().find(|kid| !live.contains(kid)) {
            return Err(KeyringError::NoLiveAdmin(kid.clone()));
        }
        if live.len() > lost.len() {
            return Err(KeyringError::LiveAdmins(live));
        }
        self.require_new_name(token.kid())?;
        for kid in lost {
            self.end(kid, None, now)?;
        }
        let (grant, secrets) = (Grant::of_admin(), vec![Secret::of(token, now)]);
        self.add(token.kid(), Credential { grant, secrets, created_at: now, is_made_by_operator: true }, None, now)
    }

    /// Adds the secret of `token` to its credential, and renews the credential if the rotation says so.
    ///
    /// # Errors
    /// [`KeyringError`] if no credential has the name, it was revoked, it has expired and is not renewed, it has two secrets and
    /// the overlap is not 0, it is the last admin that does not expire and would expire, or `by` is not a live admin.
    pub fn rotate(
        &mut self,
        token: &Token,
        rotation: Rotation,
        by: Option<&KeyId>,
        now: Timestamp,
    ) -> Result<CredentialRecord, KeyringError> {
        let kid = token.kid();
        let mut credential = self.stored_credential(kid)?.clone();
        if let Some(repeated) = self.with_newest(token) {
            return Ok(repeated);
        }
        self.require_standing(by, now)?;
        let is_renewed = rotation.expires_at.is_some();
        match credential.status_at(now) {
            CredentialStatus::Expired if !is_renewed => return Err(KeyringError::Expired(kid.clone())),
            CredentialStatus::Live if is_renewed && credential.expires_at().is_none() => {
                self.require_lasting_admin_besides(kid, now)?;
            }
            _ => {}
        }
        credential.rotate(token, rotation, now)?;
        Ok(self.store(kid, credential, by))
    }

    /// Revokes the credential named `kid`. A revoked credential stays as it is.
    ///
    /// # Errors
    /// [`KeyringError`] if no credential has the name, no admin that does not expire would remain, or `by` is not a live admin.
    pub fn revoke(
        &mut self,
        kid: &KeyId,
        by: Option<&KeyId>,
        now: Timestamp,
    ) -> Result<CredentialRecord, KeyringError> {
        if let Some(repeated) = self.record(kid).filter(|record| record.revoked.is_some()) {
            return Ok(repeated.clone());
        }
        self.require_standing(by, now)?;
        self.require_lasting_admin_besides(kid, now)?;
        self.end(kid, by, now)
    }

    /// Returns the record of the credential of `token`, if the newest secret is that of `token`.
    fn with_newest(&self, token: &Token) -> Option<CredentialRecord> {
        let credential = self.keyring.get(token.kid()).filter(|credential| credential.is_newest(token))?;
        Some(CredentialRecord::of(credential, self.record(token.kid()), None))
    }

    fn add(
        &mut self,
        kid: &KeyId,
        credential: Credential,
        by: Option<&KeyId>,
        now: Timestamp,
    ) -> Result<CredentialRecord, KeyringError> {
        self.require_new_name(kid)?;
        if !self.keyring.make_space(now) {
            return Err(KeyringError::Full);
        }
        let named = credential.grant.engines.iter().map(|engine| engine.as_str().len()).sum::<usize>();
        if self.keyring.engine_name_bytes() + named > MAX_ENGINE_NAME_BYTES {
            return Err(KeyringError::TooManyEngines);
        }
        Ok(self.store(kid, credential, by))
    }

    fn store(&mut self, kid: &KeyId, credential: Credential, by: Option<&KeyId>) -> CredentialRecord {
        let record = CredentialRecord::of(&credential, self.record(kid), by);
        self.keyring.credentials.insert(kid.clone(), credential);
        self.store_record(kid, record.clone());
        record
    }

    fn end(&mut self, kid: &KeyId, by: Option<&KeyId>, now: Timestamp) -> Result<CredentialRecord, KeyringError> {
        let mut record = match (self.stored_credential(kid), self.record(kid)) {
            (Ok(credential), earlier) => CredentialRecord::of(credential, earlier, None),
            (Err(KeyringError::Replaced(_)), Some(record)) => record.clone(),
            (Err(error), _) => return Err(error),
        };
        record.revoke(by, now);
        self.keyring.credentials.remove(kid);
        self.store_record(kid, record.clone());
        Ok(record)
    }

    fn store_record(&mut self, kid: &KeyId, record: CredentialRecord) {
        if self.records.get(kid) != Some(&StoredRecord::Unreadable) {
            self.records.insert(kid.clone(), StoredRecord::Readable(Box::new(record)));
        }
    }

    /// Requires that no credential has or had this name.
    fn require_new_name(&self, kid: &KeyId) -> Result<(), KeyringError> {
        let is_in_keyring = self.keyring.get(kid).is_some() || self.keyring.is_unreadable(kid);
        if is_in_keyring || self.records.contains_key(kid) { Err(KeyringError::Taken(kid.clone())) } else { Ok(()) }
    }

    /// Requires that the author of a change may manage credentials.
    ///
    /// INVARIANT: a change is judged by the keyring that it replaces. Of two admins who revoke each other at once, one succeeds.
    fn require_standing(&self, by: Option<&KeyId>, now: Timestamp) -> Result<(), KeyringError> {
        let is_live_admin = |by: &KeyId| self.keyring.get(by).is_some_and(|credential| credential.is_live_admin(now));
        match by {
            Some(by) if !is_live_admin(by) => Err(KeyringError::NotLiveAdmin(by.clone())),
            _ => Ok(()),
        }
    }

    /// Requires that a live admin that does not expire remains without `kid`, if `kid` is a live admin.
    fn require_lasting_admin_besides(&self, kid: &KeyId, now: Timestamp) -> Result<(), KeyringError> {
        let mut others = self.keyring.live_admins(now).filter(|(name, _)| *name != kid);
        match self.keyring.get(kid).filter(|credential| credential.is_live_admin(now)) {
            Some(_) if !others.any(|(_, other)| other.expires_at().is_none()) => {
                Err(KeyringError::LastAdmin(kid.clone()))
            }
            _ => Ok(()),
        }
    }

    /// Returns the credential of the keyring named `kid`, or why there is none.
    fn stored_credential(&self, kid: &KeyId) -> Result<&Credential, KeyringError> {
        if let Some(credential) = self.keyring.get(kid) {
            return Ok(credential);
        }
        Err(match self.records.get(kid) {
            Some(StoredRecord::Readable(record)) if record.revoked.is_some() => KeyringError::Revoked(kid.clone()),
            _ if self.keyring.is_unreadable(kid) => KeyringError::Unreadable(kid.clone()),
            Some(StoredRecord::Readable(_)) => KeyringError::Replaced(kid.clone()),
            Some(StoredRecord::Unreadable) => KeyringError::Unreadable(kid.clone()),
            None => KeyringError::Unknown(kid.clone()),
        })
    }
}

impl Grant {
    fn of_admin() -> Self {
        Self { role: Role::Admin, engines: BTreeSet::new(), expires_at: None }
    }
}

impl Secret {
    fn of(token: &Token, now: Timestamp) -> Self {
        Self { hash: token.hash(), created_at: now, expires_at: None }
    }
}

impl Credential {
    fn rotate(&mut self, token: &Token, rotation: Rotation, now: Timestamp) -> Result<(), KeyringError> {
        let overlap_end = now.plus_seconds(rotation.overlap_seconds);
        // INVARIANT: a renewal does not prolong an old secret. It ends when the credential would have expired, or earlier.
        let end = self.expires_at().map_or(overlap_end, |expires_at| expires_at.min(overlap_end));
        let mut secrets: Vec<Secret> = self.secrets.iter().filter(|secret| secret.is_live(now)).cloned().collect();
        if let [_, older] = secrets.as_slice()
            && end > now
        {
            return Err(KeyringError::TwoSecrets(token.kid().clone(), older.expires_at.unwrap_or(now)));
        }
        for secret in &mut secrets {
            secret.expires_at = Some(secret.expires_at.map_or(end, |expires_at| expires_at.min(end)));
        }
        secrets.retain(|secret| secret.is_live(now));
        secrets.insert(0, Secret::of(token, now));
        self.secrets = secrets;
        self.grant.expires_at = rotation.expires_at.or(self.grant.expires_at);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::{Clock, ManualClock};
    use crate::credential_record::Revocation;
    use crate::engine::Engine;
    use crate::keyring::AuthError;

    /// A registry with one admin, which makes all changes.
    struct World {
        registry: CredentialRegistry,
        clock: ManualClock,
        admin: Token,
    }

    fn kid(text: &str) -> KeyId {
        text.parse().unwrap()
    }

    fn grant(role: Role) -> Grant {
        let engines =
            if role == Role::Engine { BTreeSet::from([Engine::from_static("billing")]) } else { BTreeSet::new() };
        Grant { role, engines, expires_at: None }
    }

    impl World {
        fn new() -> Self {
            let clock = ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap());
            let admin = Token::fresh(kid("the-admin"), &clock).unwrap();
            let mut registry = CredentialRegistry::default();
            registry.create(&admin, grant(Role::Admin), None, clock.now()).unwrap();
            Self { registry, clock, admin }
        }

        fn create(&mut self, name: &str, grant: Grant) -> Result<Token, KeyringError> {
            let token = Token::fresh(kid(name), &self.clock).unwrap();
            self.registry.create(&token, grant, Some(self.admin.kid()), self.clock.now())?;
            Ok(token)
        }

        fn rotate(&mut self, name: &str, overlap: i64) -> Result<Token, KeyringError> {
            let token = Token::fresh(kid(name), &self.clock).unwrap();
            self.renew(&token, overlap, None)?;
            Ok(token)
        }

        fn renew(
            &mut self,
            token: &Token,
            overlap_seconds: i64,
            expires_at: Option<Timestamp>,
        ) -> Result<(), KeyringError> {
            let rotation = Rotation { overlap_seconds, expires_at };
            self.registry.rotate(token, rotation, Some(self.admin.kid()), self.clock.now()).map(drop)
        }

        fn revoke(&mut self, name: &str, by: &str) -> Result<CredentialRecord, KeyringError> {
            self.registry.revoke(&kid(name), Some(&kid(by)), self.clock.now())
        }

        fn authenticate(&self, token: &Token) -> Result<Role, AuthError> {
            self.registry.keyring.authenticate(token, self.clock.now()).map(|grant| grant.role)
        }
    }

    #[test]
    fn token_with_another_secret_or_name_is_unknown() {
        let mut world = World::new();
        let token = world.create("worker", grant(Role::Engine)).unwrap();
        assert_eq!(world.authenticate(&token), Ok(Role::Engine));
        let guessed = Token::fresh(kid("worker"), &world.clock).unwrap();
        let nobody = Token::fresh(kid("nobody"), &world.clock).unwrap();
        assert_eq!(
            (world.authenticate(&guessed), world.authenticate(&nobody)),
            (Err(AuthError::Unknown), Err(AuthError::Unknown))
        );
        let of_another: Token = world.admin.reveal().replace("the-admin", "worker").parse().unwrap();
        assert_eq!(world.authenticate(&of_another), Err(AuthError::Unknown));
    }

    #[test]
    fn credential_expires_at_its_time() {
        let mut world = World::new();
        let until = Some(world.clock.now().plus_seconds(60));
        let token = world.create("worker", Grant { expires_at: until, ..grant(Role::Reader) }).unwrap();
        world.clock.advance(59);
        assert_eq!(world.authenticate(&token), Ok(Role::Reader));
        world.clock.advance(1);
        assert_eq!(world.authenticate(&token), Err(AuthError::Expired));
        assert_eq!(world.rotate("worker", 0), Err(KeyringError::Expired(kid("worker"))));
        let guessed = Token::fresh(kid("worker"), &world.clock).unwrap();
        assert_eq!(world.authenticate(&guessed), Err(AuthError::Unknown), "the expiry is told to its bearer only");
    }

    #[test]
    fn rotation_overlaps_two_secrets_and_refuses_a_third() {
        let mut world = World::new();
        let first = world.create("worker", grant(Role::Reader)).unwrap();
        let second = world.rotate("worker", 3600).unwrap();
        assert_eq!((world.authenticate(&first), world.authenticate(&second)), (Ok(Role::Reader), Ok(Role::Reader)));
        assert!(matches!(world.rotate("worker", 60), Err(KeyringError::TwoSecrets(..))));
        world.clock.advance(3600);
        assert_eq!(
            (world.authenticate(&first), world.authenticate(&second)),
            (Err(AuthError::Expired), Ok(Role::Reader))
        );
        let third = world.rotate("worker", 60).unwrap();
        let fourth = world.rotate("worker", 0).unwrap();
        let results = [first, second, third, fourth].map(|token| world.authenticate(&token));
        assert_eq!(
            results,
            [Err(AuthError::Unknown), Err(AuthError::Unknown), Err(AuthError::Unknown), Ok(Role::Reader)],
            "a rotation removes expired secrets"
        );
    }

    #[test]
    fn name_of_a_revoked_credential_is_not_reused() {
        let mut world = World::new();
        let token = world.create("worker", grant(Role::Reader)).unwrap();
        assert_eq!(world.create("worker", grant(Role::Admin)), Err(KeyringError::Taken(kid("worker"))));
        world.revoke("worker", "the-admin").unwrap();
        assert_eq!(world.create("worker", grant(Role::Admin)), Err(KeyringError::Taken(kid("worker"))));
        assert_eq!(world.authenticate(&token), Err(AuthError::Unknown), "a stranger learns no name that was used");
        assert_eq!(world.rotate("worker", 0), Err(KeyringError::Revoked(kid("worker"))));
    }

    #[test]
    fn no_name_is_given_again_however_many_have_ended() {
        let mut world = World::new();
        let name = |number: usize| format!("worker-{number}");
        for number in 0..750 {
            world.create(&name(number), grant(Role::Reader)).unwrap();
            world.revoke(&name(number), "the-admin").unwrap();
        }
        for number in [0, 1, 50, 749] {
            assert_eq!(world.create(&name(number), grant(Role::Reader)), Err(KeyringError::Taken(kid(&name(number)))));
        }
        assert_eq!(world.registry.keyring.all().count(), 1);
    }

    #[test]
    fn last_live_admin_cannot_be_revoked() {
        let mut world = World::new();
        let (admin, start) = (kid("the-admin"), world.clock.now());
        assert_eq!(world.revoke("the-admin", "the-admin"), Err(KeyringError::LastAdmin(admin.clone())));
        let until = Some(start.plus_seconds(60));
        world.create("second", Grant { expires_at: until, ..grant(Role::Admin) }).unwrap();
        world.clock.advance(60);
        let last = Err(KeyringError::LastAdmin(admin.clone()));
        assert_eq!(world.revoke("the-admin", "the-admin"), last, "an expired admin does not count");
        world.create("third", grant(Role::Admin)).unwrap();
        let later = world.clock.now();
        let revoked = world.revoke("the-admin", "third").unwrap().revoked;
        assert_eq!(revoked, Some(Revocation { at: later, by: Some(kid("third")) }));
        world.clock.advance(60);
        assert_eq!(world.revoke("the-admin", "third").unwrap().revoked, revoked, "the first revocation stays");
        assert_eq!(world.revoke("nobody", "third"), Err(KeyringError::Unknown(kid("nobody"))));
    }

    #[test]
    fn last_admin_that_does_not_expire_stays_so() {
        let mut world = World::new();
        let (admin, now) = (kid("the-admin"), world.clock.now());
        let until = Some(now.plus_days(1));
        world.create("guest", Grant { expires_at: until, ..grant(Role::Admin) }).unwrap();
        let last = Err(KeyringError::LastAdmin(admin.clone()));
        assert_eq!(world.revoke("the-admin", "guest"), last, "the other admin expires tomorrow");
        let token = Token::fresh(admin.clone(), &world.clock).unwrap();
        assert_eq!(world.renew(&token, 0, until), Err(KeyringError::LastAdmin(admin.clone())));
        assert_eq!(world.registry.keyring.get(&admin).unwrap().expires_at(), None);
        assert_eq!(world.renew(&token, 0, None), Ok(()), "its secret may be rotated");
        world.revoke("guest", "the-admin").unwrap();

        world.create("second", grant(Role::Admin)).unwrap();
        let token = Token::fresh(admin.clone(), &world.clock).unwrap();
        assert_eq!(world.renew(&token, 0, until), Ok(()), "another admin does not expire");
        assert_eq!(world.revoke("second", "the-admin"), Err(KeyringError::LastAdmin(kid("second"))));
        world.revoke("the-admin", "second").unwrap();
    }

    #[test]
    fn expired_credential_is_renewed_and_its_old_secret_stays_refused() {
        let mut world = World::new();
        let (start, hour) = (world.clock.now(), 3600);
        let until = |hours: i64| Some(start.plus_seconds(hours * hour));
        let first = world.create("worker", Grant { expires_at: until(2), ..grant(Role::Engine) }).unwrap();
        world.clock.advance(hour);
        let second = Token::fresh(kid("worker"), &world.clock).unwrap();
        world.renew(&second, 24 * hour, until(4)).unwrap();
        assert_eq!((world.authenticate(&first), world.authenticate(&second)), (Ok(Role::Engine), Ok(Role::Engine)));
        world.clock.advance(hour);
        assert_eq!(world.authenticate(&first), Err(AuthError::Expired), "the overlap ends when it would have expired");
        world.clock.advance(2 * hour);
        assert_eq!(world.authenticate(&second), Err(AuthError::Expired));
        let third = Token::fresh(kid("worker"), &world.clock).unwrap();
        world.renew(&third, hour, until(8)).unwrap();
        let results = [first, second, third].map(|token| world.authenticate(&token));
        assert_eq!(results, [Err(AuthError::Unknown), Err(AuthError::Unknown), Ok(Role::Engine)]);
        assert_eq!(world.registry.keyring.get(&kid("worker")).unwrap().expires_at(), until(8));
    }

    #[test]
    fn expired_credential_can_be_renewed_until_its_place_is_needed() {
        let mut world = World::new();
        let start = world.clock.now();
        let expiring = |seconds| Grant { expires_at: Some(start.plus_seconds(seconds)), ..grant(Role::Reader) };
        let first = world.create("first", expiring(60)).unwrap();
        world.create("second", expiring(50)).unwrap();
        world.clock.advance(60);
        for number in 3..MAX_CREDENTIALS {
            world.create(&format!("worker-{number}"), grant(Role::Reader)).unwrap();
        }
        assert_eq!(world.registry.keyring.all().count(), MAX_CREDENTIALS);
        world.create("one-more", grant(Role::Reader)).unwrap();
        assert_eq!(world.rotate("second", 0), Err(KeyringError::Replaced(kid("second"))), "it expired first");
        assert_eq!(world.create("second", grant(Role::Reader)), Err(KeyringError::Taken(kid("second"))));
        let record = world.registry.record(&kid("second")).unwrap();
        assert_eq!(record.status_at(world.clock.now()), CredentialStatus::Expired);
        assert_eq!(world.authenticate(&first), Err(AuthError::Expired));
        let token = Token::fresh(kid("first"), &world.clock).unwrap();
        assert_eq!(world.renew(&token, 0, Some(start.plus_days(1))), Ok(()));
        assert_eq!(world.create("yet-another", grant(Role::Reader)), Err(KeyringError::Full));
        assert_eq!(world.revoke("second", "the-admin").unwrap().status_at(start), CredentialStatus::Revoked);
    }

    #[test]
    fn change_by_a_credential_that_is_no_longer_a_live_admin_is_refused() {
        let mut world = World::new();
        let until = Some(world.clock.now().plus_seconds(60));
        world.create("revoked", grant(Role::Admin)).unwrap();
        world.create("expired", Grant { expires_at: until, ..grant(Role::Admin) }).unwrap();
        world.create("worker", grant(Role::Engine)).unwrap();
        world.revoke("revoked", "the-admin").unwrap();
        world.clock.advance(60);
        let (before, now) = (world.registry.clone(), world.clock.now());
        for by in ["revoked", "expired", "worker", "nobody"].map(kid) {
            let refused = Err(KeyringError::NotLiveAdmin(by.clone()));
            let token = |name: &str| Token::fresh(kid(name), &ManualClock::at(now)).unwrap();
            let registry = &mut world.registry;
            assert_eq!(registry.create(&token("back-door"), grant(Role::Admin), Some(&by), now), refused);
            assert_eq!(registry.rotate(&token("worker"), Rotation::default(), Some(&by), now), refused);
            assert_eq!(registry.revoke(&kid("the-admin"), Some(&by), now), refused);
            assert_eq!(*registry, before);
        }
    }

    #[test]
    fn of_two_admins_who_revoke_each_other_one_succeeds() {
        let mut world = World::new();
        world.create("second", grant(Role::Admin)).unwrap();
        world.create("third", grant(Role::Admin)).unwrap();
        world.revoke("third", "second").unwrap();
        assert_eq!(world.revoke("second", "third"), Err(KeyringError::NotLiveAdmin(kid("third"))));
    }

    #[test]
    fn operator_makes_an_admin_only_if_nobody_else_can() {
        let mut world = World::new();
        let until = Some(world.clock.now().plus_seconds(60));
        world.create("guest", Grant { expires_at: until, ..grant(Role::Admin) }).unwrap();
        world.create("worker", grant(Role::Engine)).unwrap();
        let mut first = |name: &str, lost: &[&str], now| {
            let token = Token::fresh(kid(name), &ManualClock::at(now)).unwrap();
            let lost = lost.iter().copied().map(kid).collect();
            world.registry.create_first_admin(&token, &lost, now)
        };
        let now = world.clock.now();
        let live = KeyringError::LiveAdmins(vec![kid("guest"), kid("the-admin")]);
        assert!(live.to_string().starts_with("live admins exist: guest, the-admin; "), "{live}");
        assert_eq!(first("first", &[], now), Err(live.clone()));
        assert_eq!(first("first", &["the-admin"], now), Err(live));
        assert_eq!(first("first", &["worker"], now), Err(KeyringError::NoLiveAdmin(kid("worker"))));
        assert_eq!(first("worker", &["guest", "the-admin"], now), Err(KeyringError::Taken(kid("worker"))));
        assert_eq!(
            first("first", &["guest"], now.plus_seconds(60)).unwrap_err(),
            KeyringError::NoLiveAdmin(kid("guest"))
        );
        let made = first("first", &["the-admin"], now.plus_seconds(60)).unwrap();
        assert!(made.credential.is_made_by_operator && made.created_by.is_none());
        let revoked = world.registry.record(&kid("the-admin")).unwrap().revoked.clone();
        assert_eq!(revoked, Some(Revocation { at: now.plus_seconds(60), by: None }));
    }

    #[test]
    fn engine_is_in_use_since_its_first_credential_that_is_not_revoked() {
        let mut world = World::new();
        let start = world.clock.now();
        let engines = |engines: &[Engine]| Grant { engines: engines.iter().copied().collect(), ..grant(Role::Engine) };
        let all = ["a", "b", "c", "maos", "qa"].map(Engine::from_static);
        world.create("gateway", engines(&all)).unwrap();
        assert_eq!(
            world.registry.keyring.in_use_since(Engine::from_static("qa"), 5),
            None,
            "a credential of all engines and admins show nothing"
        );
        world
            .create(
                "first",
                Grant { expires_at: Some(start.plus_seconds(60)), ..engines(&[Engine::from_static("qa")]) },
            )
            .unwrap();
        world.clock.advance(60);
        world.create("second", engines(&[Engine::from_static("qa"), Engine::from_static("maos")])).unwrap();
        assert_eq!(
            world.registry.keyring.in_use_since(Engine::from_static("qa"), 5),
            Some(start),
            "an expired credential counts"
        );
        assert_eq!(world.registry.keyring.in_use_since(Engine::from_static("billing"), 5), None);
        world.revoke("first", "the-admin").unwrap();
        assert_eq!(world.registry.keyring.in_use_since(Engine::from_static("qa"), 5), Some(world.clock.now()));
        world.revoke("second", "the-admin").unwrap();
        assert_eq!(world.registry.keyring.in_use_since(Engine::from_static("qa"), 5), None);
    }

    #[test]
    fn unreadable_credential_permits_nothing_keeps_its_name_and_is_not_changed() {
        let mut world = World::new();
        let token = world.create("later", grant(Role::Admin)).unwrap();
        let mut credentials = world.registry.keyring.credentials.clone();
        credentials.remove(&kid("later"));
        world.registry.keyring = Keyring::stored(credentials, BTreeSet::from(["later".to_owned()]));
        assert_eq!(world.authenticate(&token), Err(AuthError::Unknown));
        assert_eq!(world.create("later", grant(Role::Reader)), Err(KeyringError::Taken(kid("later"))));
        assert_eq!(world.rotate("later", 0), Err(KeyringError::Unreadable(kid("later"))));
        assert_eq!(world.revoke("later", "the-admin"), Err(KeyringError::Unreadable(kid("later"))));
        assert_eq!(world.revoke("the-admin", "the-admin"), Err(KeyringError::LastAdmin(kid("the-admin"))));
        assert!(world.create("worker", grant(Role::Engine)).is_ok());
    }

    #[test]
    fn credential_whose_record_cannot_be_read_is_revoked_and_keeps_its_name() {
        let mut world = World::new();
        let token = world.create("worker", grant(Role::Reader)).unwrap();
        world.registry.records.insert(kid("worker"), StoredRecord::Unreadable);
        world.revoke("worker", "the-admin").unwrap();
        assert_eq!(world.authenticate(&token), Err(AuthError::Unknown));
        assert_eq!(world.registry.records.get(&kid("worker")), Some(&StoredRecord::Unreadable));
        assert_eq!(world.create("worker", grant(Role::Reader)), Err(KeyringError::Taken(kid("worker"))));
    }

    #[test]
    fn admin_whose_grant_is_not_understood_is_not_the_last_admin() {
        let mut world = World::new();
        let unknown = Grant { role: Role::stored("owner"), ..grant(Role::Admin) };
        world.create("later-admin", unknown).unwrap();
        assert_eq!(world.revoke("the-admin", "the-admin"), Err(KeyringError::LastAdmin(kid("the-admin"))));
        assert!(world.revoke("later-admin", "the-admin").is_ok());
    }

    #[test]
    fn names_of_engines_of_all_credentials_are_limited() {
        let mut world = World::new();
        let engines: BTreeSet<Engine> = (0..64).map(|number| format!("e{number:_>31}").parse().unwrap()).collect();
        let gateway = Grant { engines, ..grant(Role::Engine) };
        for number in 0..12 {
            world.create(&format!("gateway-{number}"), gateway.clone()).unwrap();
        }
        assert_eq!(world.create("gateway-12", gateway.clone()), Err(KeyringError::TooManyEngines));
        world.revoke("gateway-0", "the-admin").unwrap();
        assert!(world.create("gateway-12", gateway).is_ok());
    }

    #[test]
    fn live_credentials_are_limited() {
        let mut world = World::new();
        for number in 1..MAX_CREDENTIALS {
            world.create(&format!("worker-{number}"), grant(Role::Reader)).unwrap();
        }
        assert_eq!(world.create("one-more", grant(Role::Reader)), Err(KeyringError::Full));
        world.revoke("worker-1", "the-admin").unwrap();
        assert!(world.create("one-more", grant(Role::Reader)).is_ok());
    }

    #[test]
    fn repeated_creation_and_rotation_are_idempotent() {
        let mut world = World::new();
        let (token, now) = (Token::fresh(kid("worker"), &world.clock).unwrap(), world.clock.now());
        let once = world.registry.create(&token, grant(Role::Reader), None, now).unwrap();
        assert_eq!(world.registry.create(&token, grant(Role::Reader), None, now), Ok(once));
        let next = Token::fresh(kid("worker"), &world.clock).unwrap();
        let by = world.admin.kid().clone();
        let rotation = Rotation { overlap_seconds: 60, expires_at: Some(now.plus_days(90)) };
        let rotated = world.registry.rotate(&next, rotation, Some(&by), now).unwrap();
        assert_eq!(world.registry.rotate(&next, rotation, Some(&by), now), Ok(rotated.clone()));
        assert_eq!((rotated.issuer(&next.hash()), rotated.issuer(&token.hash())), (Some(&by), None));
        let rotated = rotated.credential;
        assert_eq!(rotated.secrets.len(), 2);
    }

    proptest! {
        /// Whatever admins do in whatever order, an admin that does not expire is live, and no name has a second credential.
        #[test]
        fn lasting_admin_remains_after_any_changes(steps in prop::collection::vec((0_u8..4, 0_u8..4, 0_u8..4, 0_i64..100), 1..40)) {
            let mut world = World::new();
            let name = |number: u8| if number == 0 { "the-admin".to_owned() } else { format!("admin-{number}") };
            let mut ended = BTreeSet::new();
            for (change, of, by, seconds) in steps {
                world.clock.advance(seconds);
                let (now, of, by) = (world.clock.now(), kid(&name(of)), kid(&name(by)));
                let token = Token::fresh(of.clone(), &world.clock).unwrap();
                let expires_at = Some(now.plus_seconds(50));
                let before = world.registry.clone();
                let registry = &mut world.registry;
                let changed = match change {
                    0 => registry.create(&token, grant(Role::Admin), Some(&by), now),
                    1 => registry.create(&token, Grant { expires_at, ..grant(Role::Admin) }, Some(&by), now),
                    2 => registry.rotate(&token, Rotation { overlap_seconds: 0, expires_at }, Some(&by), now),
                    _ => registry.revoke(&of, Some(&by), now),
                };
                if changed.is_err() {
                    prop_assert_eq!(&world.registry, &before);
                } else if change < 2 {
                    prop_assert!(!ended.contains(&of), "{} is given again", of);
                } else if change == 3 {
                    ended.insert(of);
                }
                let lasting = world.registry.keyring.live_admins(now).filter(|(_, it)| it.expires_at().is_none());
                prop_assert!(lasting.count() >= 1);
            }
        }

        /// At any time the newest secret is valid, and at most two secrets are.
        #[test]
        fn newest_secret_is_valid_after_any_rotations(steps in prop::collection::vec((0_i64..200, 0_i64..100), 1..20)) {
            let mut world = World::new();
            let mut newest = world.create("worker", grant(Role::Reader)).unwrap();
            let mut all = vec![newest.clone()];
            for (wait, overlap) in steps {
                world.clock.advance(wait);
                if let Ok(token) = world.rotate("worker", overlap) {
                    newest = token.clone();
                    all.push(token);
                }
                prop_assert_eq!(world.authenticate(&newest), Ok(Role::Reader));
                let valid = all.iter().filter(|token| world.authenticate(token).is_ok()).count();
                prop_assert!(valid <= 2, "{} secrets are valid", valid);
            }
        }
    }
}
