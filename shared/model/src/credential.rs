//! Who may call: credentials, and the tokens that prove them.

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

use crate::{Clock, Engine, RandomnessUnavailable, Timestamp};

crate::string_enum::string_enum! {
    /// What a caller may do.
    Role {
        /// Report events and outcomes, of the engines it is bound to.
        Engine = "engine",
        /// Read everything but credentials.
        Reader = "reader",
        /// Read; acknowledge, resolve and approve; make reports.
        Responder = "responder",
        /// Everything.
        Admin = "admin",
    }
}

/// The name of a credential, such as `billing-worker`: what records say of who did something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(into = "String", try_from = "String")]
#[schema(pattern = "^[a-z0-9][a-z0-9_-]{1,39}$")]
pub struct KeyId(String);

/// A text that is no name of a credential.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be 2 to 40 lower-case letters, digits, - and _, the first of them a letter or digit")]
pub struct InvalidKeyId;

impl KeyId {
    /// The text.
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
        let named = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let fits = (2..=40).contains(&text.len())
            && text.bytes().next().is_some_and(named)
            && text.bytes().all(|byte| named(byte) || byte == b'-' || byte == b'_');
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

/// What a caller proves itself with: `agov1.<kid>.<secret>`. Its text is shown once, when it is made.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    kid: KeyId,
    secret: [u8; 32],
}

/// A text that is no token. It does not say what is wrong: whoever has one has it from a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a token such as agov1.<kid>.<secret>")]
pub struct InvalidToken;

impl Token {
    const VERSION: &str = "agov1";

    /// A new token for `kid`.
    ///
    /// # Errors
    /// [`RandomnessUnavailable`]: a secret that could be guessed is none.
    pub fn fresh(kid: KeyId, clock: &dyn Clock) -> Result<Self, RandomnessUnavailable> {
        Ok(Self { kid, secret: clock.secret()? })
    }

    /// Whose it says it is.
    #[must_use]
    pub const fn kid(&self) -> &KeyId {
        &self.kid
    }

    /// The text, with the secret in it.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{}.{}.{}", Self::VERSION, self.kid, URL_SAFE_NO_PAD.encode(self.secret))
    }

    /// What AGE keeps of it. The secret is 32 random bytes: nothing slower than SHA-256 is needed to keep it from being
    /// guessed.
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
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SecretHash([u8; 32]);

impl PartialEq for SecretHash {
    /// In a time that says nothing about either.
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

impl From<SecretHash> for String {
    fn from(hash: SecretHash) -> Self {
        URL_SAFE_NO_PAD.encode(hash.0)
    }
}

/// A text that is no hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be the hash of a secret")]
pub struct InvalidSecretHash;

impl TryFrom<String> for SecretHash {
    type Error = InvalidSecretHash;

    fn try_from(text: String) -> Result<Self, InvalidSecretHash> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidSecretHash)?;
        bytes.try_into().map(Self).map_err(|_| InvalidSecretHash)
    }
}

/// One of the secrets of a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// What is kept of it.
    pub hash: SecretHash,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it. None: an operator, with rights on AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<KeyId>,
    /// From when on it is no longer taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// What a credential is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// What it may do.
    pub role: Role,
    /// The engines that it may speak for, if its role is to speak for some.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub engines: BTreeSet<Engine>,
    /// From when on it is no longer taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl Grant {
    /// Whether it may report what `engine` has to say.
    #[must_use]
    pub fn may_act_for(&self, engine: Engine) -> bool {
        self.role == Role::Admin || self.engines.contains(&engine)
    }
}

/// When a credential was revoked, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: KeyId,
}

/// One that may call, or might once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// What it may do.
    #[serde(flatten)]
    pub grant: Grant,
    /// Its secrets, the newest first: two at most are taken at any time. None once it is revoked.
    pub secrets: Vec<Secret>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it. None: an operator, with rights on AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<KeyId>,
    /// When it was revoked, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
}

crate::string_enum::string_enum! {
    /// Whether a credential is taken.
    CredentialStatus {
        /// It is.
        Live = "live",
        /// Its time is over.
        Expired = "expired",
        /// Somebody has ended it.
        Revoked = "revoked",
    }
}

impl Credential {
    /// Whether it is taken at `now`.
    #[must_use]
    pub fn status_at(&self, now: Timestamp) -> CredentialStatus {
        let over = |until: Option<Timestamp>| until.is_some_and(|until| until <= now);
        if self.revoked.is_some() {
            CredentialStatus::Revoked
        } else if over(self.grant.expires_at) || self.secrets.iter().all(|secret| over(secret.expires_at)) {
            CredentialStatus::Expired
        } else {
            CredentialStatus::Live
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ManualClock;

    fn token() -> Token {
        let clock = ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap());
        Token::fresh("night-desk".parse().unwrap(), &clock).unwrap()
    }

    #[test]
    fn a_token_is_read_back_and_shown_to_nobody() {
        let token = token();
        let text = token.reveal();
        assert!(text.starts_with("agov1.night-desk.") && text.len() == "agov1.night-desk.".len() + 43, "{text}");
        let read: Token = text.parse().unwrap();
        assert_eq!((read.kid().as_str(), read.hash()), ("night-desk", token.hash()));
        assert_eq!(format!("{token:?} {:?}", token.hash()), "Token(night-desk, …) SecretHash(…)");
    }

    #[test]
    fn a_hash_is_that_of_the_secret_alone() {
        let zeros: Token = format!("agov1.ab.{}", "A".repeat(43)).parse().unwrap();
        assert_eq!(zeros.hash().0[..4], [0x66, 0x68, 0x7a, 0xad], "the SHA-256 of 32 zeros begins so");
        let record = serde_json::to_string(&zeros.hash()).unwrap();
        assert_eq!(serde_json::from_str::<SecretHash>(&record).unwrap(), zeros.hash());
    }

    #[test]
    fn what_is_no_token_is_refused() {
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
    fn a_name_is_short_and_plain() {
        for good in ["ab", "billing-worker", "0a_", &"x".repeat(40)] {
            assert_eq!(good.parse::<KeyId>().unwrap().to_string(), *good);
        }
        for bad in ["", "a", "-a", "A1", "a.b", "a b", "é1", &"x".repeat(41)] {
            assert!(bad.parse::<KeyId>().is_err(), "{bad}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200_000))]

        #[test]
        fn any_text_is_a_token_or_is_refused(text in "\\PC{0,60}", kid in "[a-z0-9_-]{0,42}", secret in "[A-Za-z0-9_=-]{40,46}") {
            for text in [text, format!("agov1.{kid}.{secret}")] {
                if let Ok(token) = text.parse::<Token>() {
                    prop_assert_eq!(token.reveal(), text);
                }
            }
        }
    }
}
