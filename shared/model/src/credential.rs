//! Credentials, their permissions, and the tokens that prove them.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;
use utoipa::ToSchema;

use crate::clock::{Clock, RandomnessUnavailable};
use crate::engine::Engine;
use crate::time::Timestamp;

crate::string_enum::open_string_enum! {
    /// The role of a credential: the routes that it may use.
    Role {
        /// Report events and outcomes of the engines that the credential is bound to.
        Engine = "engine",
        /// Read everything except credentials.
        Reader = "reader",
        /// Read like a reader; acknowledge and resolve incidents, decide approvals, and make reports.
        Responder = "responder",
        /// Use every route, for every engine, and manage credentials.
        Admin = "admin",
    }
}

/// The name of a credential, such as `billing-worker`: 2 to 40 characters, chosen by the admin who creates it. Records name
/// a caller by it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(into = "String", try_from = "String")]
#[schema(pattern = "^[a-z0-9][a-z0-9_-]{1,39}$")]
pub struct KeyId(String);

/// The text is not the name of a credential.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be 2 to 40 characters, each a lower-case letter, digit, - or _, the first a letter or digit")]
pub struct InvalidKeyId;

impl KeyId {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for KeyId {
    type Err = InvalidKeyId;

    fn from_str(text: &str) -> Result<Self, InvalidKeyId> {
        let is_alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let fits = (2..=40).contains(&text.len())
            && text.bytes().next().is_some_and(is_alphanumeric)
            && text.bytes().all(|byte| is_alphanumeric(byte) || byte == b'-' || byte == b'_');
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidKeyId) }
    }
}

impl From<KeyId> for String {
    fn from(kid: KeyId) -> Self {
        kid.0
    }
}

impl TryFrom<String> for KeyId {
    type Error = InvalidKeyId;

    fn try_from(text: String) -> Result<Self, InvalidKeyId> {
        text.parse()
    }
}

/// A bearer token, `agov1.<kid>.<secret>`, that proves a credential. Its text is shown once, when the secret is generated.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    kid: KeyId,
    secret: [u8; 32],
}

/// The text is not a token. The error does not say which part is wrong: tokens are copied, not typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a token of the form agov1.<kid>.<secret>")]
pub struct InvalidToken;

impl Token {
    const VERSION: &str = "agov1";

    /// Generates a token for the credential `kid`.
    ///
    /// # Errors
    /// [`RandomnessUnavailable`] if no secret can be generated.
    pub fn fresh(kid: KeyId, clock: &dyn Clock) -> Result<Self, RandomnessUnavailable> {
        Ok(Self { kid, secret: clock.secret()? })
    }

    /// Returns the name of the credential that the token claims to prove.
    #[must_use]
    pub const fn kid(&self) -> &KeyId {
        &self.kid
    }

    /// Returns the text, which contains the secret.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{}.{}.{}", Self::VERSION, self.kid, URL_SAFE_NO_PAD.encode(self.secret))
    }

    /// Returns the hash that AGE stores instead of the secret. The secret is 32 random bytes, so SHA-256 is enough: a slow
    /// password hash would protect guessable secrets only.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash(Sha256::digest(self.secret).into())
    }
}

impl FromStr for Token {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let parts: Vec<&str> = text.splitn(4, '.').collect();
        let [Self::VERSION, kid, secret] = parts.as_slice() else { return Err(InvalidToken) };
        let bytes = URL_SAFE_NO_PAD.decode(secret).map_err(|_| InvalidToken)?;
        let secret = bytes.try_into().map_err(|_| InvalidToken)?;
        Ok(Self { kid: kid.parse().map_err(|_| InvalidToken)?, secret })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}, …)", self.kid)
    }
}

/// The SHA-256 of a secret.
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Returns the hash as it is stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for SecretHash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl PartialEq for SecretHash {
    /// Compares in constant time, so that the duration reveals nothing about the hashes.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretHash {}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// A secret of a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// The hash of the secret, which is not stored itself.
    pub hash: SecretHash,
    /// When the secret was generated.
    pub created_at: Timestamp,
    /// When the secret expires. None: with its credential.
    pub expires_at: Option<Timestamp>,
}

impl Secret {
    /// Whether the secret is valid at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expires_at| now < expires_at)
    }
}

/// The permissions of a credential, and their expiry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The role: the routes that the credential may use.
    pub role: Role,
    /// The engines that the credential may act for, if its role is `engine`.
    pub engines: BTreeSet<Engine>,
    /// When the credential expires. None: never.
    pub expires_at: Option<Timestamp>,
}

impl Grant {
    /// Whether this version knows the role. A grant that it does not understand permits nothing.
    #[must_use]
    pub const fn is_understood(&self) -> bool {
        self.role.is_known()
    }

    /// Whether the credential may report events and outcomes of `engine`. An admin may for every engine.
    #[must_use]
    pub fn may_act_for(&self, engine: Engine) -> bool {
        self.is_understood() && (self.role == Role::Admin || self.engines.contains(&engine))
    }

    /// Whether the credential shows that `engine` is in use, of `engines` engines in all. One that is bound to several engines and
    /// to more than half of all, such as that of an Alertmanager, shows it of none, even after an engine was added.
    #[must_use]
    pub fn is_dedicated_to(&self, engine: Engine, engines: usize) -> bool {
        let is_of_few = self.engines.len() == 1 || self.engines.len() * 2 <= engines;
        self.role == Role::Engine && self.engines.contains(&engine) && is_of_few
    }
}

/// A credential that is not revoked: what authenticates its caller. Its [`CredentialRecord`](crate::CredentialRecord) says who
/// created it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The permissions and their expiry.
    pub grant: Grant,
    /// The secrets, the newest first; at most two are live at any time.
    pub secrets: Vec<Secret>,
    /// When the credential was created.
    pub created_at: Timestamp,
    /// Whether the function `first-admin` made it: people are notified of that.
    pub is_made_by_operator: bool,
}

crate::string_enum::open_string_enum! {
    /// Whether a credential is valid.
    CredentialStatus {
        /// The credential can be used.
        Live = "live",
        /// The credential or all of its secrets have expired.
        Expired = "expired",
        /// An admin has revoked it.
        Revoked = "revoked",
    }
}

impl Credential {
    /// Returns whether the credential is live or has expired at `now`.
    #[must_use]
    pub fn status_at(&self, now: Timestamp) -> CredentialStatus {
        let has_expired = |until: Option<Timestamp>| until.is_some_and(|until| until <= now);
        if has_expired(self.grant.expires_at) || self.secrets.iter().all(|secret| has_expired(secret.expires_at)) {
            CredentialStatus::Expired
        } else {
            CredentialStatus::Live
        }
    }

    /// Returns when the credential expires: at its own time, or earlier with the last of its secrets. None: never.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        let of_secrets: Option<Vec<Timestamp>> = self.secrets.iter().map(|secret| secret.expires_at).collect();
        let with_secrets = of_secrets.and_then(|all| all.into_iter().max());
        self.grant.expires_at.into_iter().chain(with_secrets).min()
    }

    /// Returns when its newest secret was generated.
    #[must_use]
    pub fn issued_at(&self) -> Timestamp {
        self.secrets.first().map_or(self.created_at, |secret| secret.created_at)
    }

    /// Whether the newest secret is that of `token`.
    pub(crate) fn is_newest(&self, token: &Token) -> bool {
        self.secrets.first().is_some_and(|secret| secret.hash == token.hash())
    }

    /// Whether it may manage credentials at `now`.
    pub(crate) fn is_live_admin(&self, now: Timestamp) -> bool {
        let is_live = self.status_at(now) == CredentialStatus::Live;
        self.grant.role == Role::Admin && self.grant.is_understood() && is_live
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::ManualClock;

    fn token() -> Token {
        let clock = ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap());
        Token::fresh("night-desk".parse().unwrap(), &clock).unwrap()
    }

    #[test]
    fn token_round_trips_and_debug_output_hides_the_secret() {
        let token = token();
        let text = token.reveal();
        assert!(text.starts_with("agov1.night-desk.") && text.len() == "agov1.night-desk.".len() + 43, "{text}");
        let read: Token = text.parse().unwrap();
        assert_eq!((read.kid().as_str(), read.hash()), ("night-desk", token.hash()));
        assert_eq!(format!("{token:?} {:?}", token.hash()), "Token(night-desk, …) SecretHash(…)");
    }

    #[test]
    fn hash_covers_the_secret_alone() {
        let zeros: Token = format!("agov1.ab.{}", "A".repeat(43)).parse().unwrap();
        assert_eq!(
            zeros.hash().0[..4],
            [0x66, 0x68, 0x7a, 0xad],
            "these are the first bytes of the SHA-256 of 32 zeros"
        );
        assert_eq!(SecretHash::from(*zeros.hash().as_bytes()), zeros.hash());
    }

    #[test]
    fn malformed_token_is_refused() {
        let good = token().reveal();
        let secret = good.rsplit('.').next().unwrap();
        for bad in [
            String::new(),
            "agov1".to_owned(),
            format!("agov2.night-desk.{secret}"),
            format!("agov1.Night.{secret}"),
            format!("agov1..{secret}"),
            format!("agov1.night-desk.{}", &secret[1..]),
            format!("{good}A"),
            format!("{good}="),
            format!("{good}.x"),
            format!(" {good}"),
        ] {
            assert!(bad.parse::<Token>().is_err(), "{bad}");
        }
    }

    #[test]
    fn grant_with_an_unknown_role_permits_nothing() {
        let billing = Engine::from_static("billing");
        let grant = |role| Grant { role: Role::stored(role), engines: BTreeSet::from([billing]), expires_at: None };
        assert!(grant("engine").may_act_for(billing) && !grant("engine").may_act_for(Engine::from_static("qa")));
        assert!(!grant("auditor").is_understood() && !grant("auditor").may_act_for(billing));
    }

    #[test]
    fn credential_is_dedicated_to_its_one_engine_or_to_at_most_half_of_all() {
        let grant = |engines: &[&'static str]| Grant {
            role: Role::Engine,
            engines: engines.iter().copied().map(Engine::from_static).collect(),
            expires_at: None,
        };
        let a = Engine::from_static("a");
        for (engines, all, is_dedicated) in [
            (&["a"][..], 1, true),
            (&["a"], 8, true),
            (&["a", "b"], 4, true),
            (&["a", "b"], 3, false),
            (&["a", "b", "c"], 3, false),
            (&["a", "b", "c"], 4, false),
            (&["b"], 8, false),
        ] {
            assert_eq!(grant(engines).is_dedicated_to(a, all), is_dedicated, "{engines:?} of {all}");
        }
        assert!(!Grant { role: Role::Admin, ..grant(&["a"]) }.is_dedicated_to(a, 8));
    }

    #[test]
    fn key_id_is_2_to_40_lower_case_characters() {
        for good in ["ab", "billing-worker", "0a_", &"x".repeat(40)] {
            assert_eq!(good.parse::<KeyId>().unwrap().to_string(), *good);
        }
        for bad in ["", "a", "-a", "A1", "a.b", "a b", "é1", &"x".repeat(41)] {
            assert!(bad.parse::<KeyId>().is_err(), "{bad}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("CI").is_some() { 200_000 } else { 2_000 }))]

        #[test]
        fn arbitrary_text_round_trips_as_token_or_is_refused(text in "\\PC{0,60}", kid in "[a-z0-9_-]{0,42}", secret in "[A-Za-z0-9_=-]{40,46}") {
            for text in [text, format!("agov1.{kid}.{secret}")] {
                if let Ok(token) = text.parse::<Token>() {
                    prop_assert_eq!(token.reveal(), text);
                }
            }
        }
    }
}
