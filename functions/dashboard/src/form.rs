//! Forms that only our own pages can have sent.

use age_model::{Note, Token};
use age_platform::{Problem, Query};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The field of every form that shows that one of our pages has sent it.
const CSRF: &str = "csrf";

const REFUSED: &str =
    "this form was not sent from a page of yours, or you have signed in anew since; load the page again";

/// The key of the proofs that forms carry. All execution environments share it.
#[derive(Clone)]
pub struct FormKey(Hmac<Sha256>);

impl FormKey {
    /// A key made from `secret`.
    ///
    /// # Errors
    /// None in practice: HMAC takes keys of any length.
    pub fn new(secret: &str) -> Result<Self, age_platform::Error> {
        Ok(Self(Hmac::new_from_slice(secret.as_bytes())?))
    }

    /// What the forms of whoever is signed in with `token` carry. Bound to its name and secret, so it ends with them.
    pub(crate) fn proof(&self, token: &Token) -> String {
        encode(self.mac("signed in", &token.reveal()))
    }

    /// What the form for signing in carries, for the browser that was given `nonce`.
    pub(crate) fn proof_of_nonce(&self, nonce: &str) -> String {
        encode(self.mac("signing in", nonce))
    }

    /// Takes the proof out of `form`.
    ///
    /// # Errors
    /// A 403 unless it is one for `token`.
    pub(crate) fn check(&self, token: &Token, form: &mut Query) -> Result<(), Problem> {
        verify(self.mac("signed in", &token.reveal()), form)
    }

    /// Takes the proof out of `form`.
    ///
    /// # Errors
    /// A 403 unless it is one for `nonce`.
    pub(crate) fn check_nonce(&self, nonce: &str, form: &mut Query) -> Result<(), Problem> {
        verify(self.mac("signing in", nonce), form)
    }

    fn mac(&self, purpose: &str, of: &str) -> Hmac<Sha256> {
        self.0.clone().chain_update(purpose).chain_update([0]).chain_update(of)
    }
}

impl std::fmt::Debug for FormKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FormKey")
    }
}

fn encode(mac: Hmac<Sha256>) -> String {
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

fn verify(mac: Hmac<Sha256>, form: &mut Query) -> Result<(), Problem> {
    let given = form.take::<String>(CSRF).and_then(|proof| URL_SAFE_NO_PAD.decode(proof).ok());
    let proven = given.is_some_and(|given| mac.verify_slice(&given).is_ok());
    if proven { Ok(()) } else { Err(Problem::forbidden(REFUSED)) }
}

/// The fields of a form whose proof has been checked.
#[derive(Debug, Clone)]
pub(crate) struct Form(pub(crate) Query);

impl Form {
    /// What somebody has to say, if they say anything.
    pub(crate) fn note(mut self) -> Result<Option<String>, Problem> {
        // Browsers send line ends as CR LF, and a field that was left empty as an empty text.
        let text = self.0.take::<String>("note").map(|text| text.replace("\r\n", "\n"));
        let note = text.filter(|text| !text.trim().is_empty()).map(|text| text.parse::<Note>());
        let note = note.transpose().unwrap_or_else(|error| {
            self.0.refuse("note", error.to_string());
            None
        });
        self.0.finish()?;
        Ok(note.map(String::from))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Form {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.remove().ok_or_else(|| Problem::forbidden(REFUSED))
    }
}

#[cfg(test)]
mod tests {
    use age_model::ManualClock;

    use super::*;

    #[test]
    fn a_proof_is_for_one_secret_and_one_purpose() {
        let key = FormKey::new("secret").unwrap();
        let clock = ManualClock::at("2026-11-23T00:05:00Z".parse().unwrap());
        let token = || Token::fresh("night-desk".parse().unwrap(), &clock).unwrap();
        let (mine, rotated) = (token(), token());
        let form = |proof: &str| Query::parse(format!("csrf={proof}").as_bytes());
        assert!(key.check(&mine, &mut form(&key.proof(&mine))).is_ok());
        assert!(key.check(&rotated, &mut form(&key.proof(&mine))).is_err());
        assert!(FormKey::new("other").unwrap().check(&mine, &mut form(&key.proof(&mine))).is_err());
        assert!(key.check(&mine, &mut form(&key.proof_of_nonce(&mine.reveal()))).is_err());
        for bad in ["", "AAAA", "%00"] {
            assert!(key.check(&mine, &mut form(bad)).is_err(), "{bad}");
        }
        assert!(key.check(&mine, &mut Query::parse(b"")).is_err());
    }
}
