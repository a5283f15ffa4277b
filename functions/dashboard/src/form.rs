//! Forms with a CSRF token: only pages of the dashboard can have sent them.

use age_http::{FieldError, Problem, Query};
use age_model::{Note, Token};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The field with the CSRF token.
const CSRF_FIELD: &str = "csrf";

const INVALID_CSRF_TOKEN: &str =
    "the form was not sent from your page, or you have signed in again since; reload the page";

/// What a CSRF token is for. A token for one purpose is not valid for the other.
#[derive(Clone, Copy)]
enum Purpose {
    Session,
    SignIn,
}

impl Purpose {
    /// The text under the MAC.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "signed in",
            Self::SignIn => "signing in",
        }
    }
}

/// The key of CSRF tokens. All execution environments share it.
#[derive(Clone)]
pub struct FormKey(Hmac<Sha256>);

impl FormKey {
    /// Derives the key from `secret`.
    ///
    /// # Errors
    /// None in practice: HMAC accepts keys of any length.
    pub fn new(secret: &str) -> Result<Self, age_runtime::Error> {
        Ok(Self(Hmac::new_from_slice(secret.as_bytes())?))
    }

    /// Returns the CSRF token for forms of the caller with `token`. It is bound to the credential and its secret, so it expires
    /// with them.
    pub(crate) fn csrf_token(&self, token: &Token) -> String {
        encode(self.mac(Purpose::Session, &token.reveal()))
    }

    /// Returns the CSRF token for the sign-in form, bound to the browser's `nonce`.
    pub(crate) fn sign_in_csrf_token(&self, nonce: &str) -> String {
        encode(self.mac(Purpose::SignIn, nonce))
    }

    /// Removes the CSRF token from `form` and verifies it.
    ///
    /// # Errors
    /// 403 unless it is one for `token`.
    pub(crate) fn verify(&self, token: &Token, form: &mut Query) -> Result<(), Problem> {
        verify(self.mac(Purpose::Session, &token.reveal()), form)
    }

    /// Removes the CSRF token from the sign-in form and verifies it.
    ///
    /// # Errors
    /// 403 unless it is one for `nonce`.
    pub(crate) fn verify_sign_in(&self, nonce: &str, form: &mut Query) -> Result<(), Problem> {
        verify(self.mac(Purpose::SignIn, nonce), form)
    }

    fn mac(&self, purpose: Purpose, subject: &str) -> Hmac<Sha256> {
        self.0.clone().chain_update(purpose.as_str()).chain_update([0]).chain_update(subject)
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
    let given = form.optional::<String>(CSRF_FIELD).and_then(|token| URL_SAFE_NO_PAD.decode(token).ok());
    let is_valid = given.is_some_and(|given| mac.verify_slice(&given).is_ok());
    if is_valid { Ok(()) } else { Err(Problem::forbidden(INVALID_CSRF_TOKEN)) }
}

/// The fields of a form whose CSRF token is verified.
#[derive(Debug, Clone)]
pub(crate) struct VerifiedForm(pub(crate) Query);

impl VerifiedForm {
    /// Returns the field `note`; None if it was left blank.
    ///
    /// # Errors
    /// 422 if the note is not valid, or the form has other fields.
    pub(crate) fn into_note(mut self) -> Result<Option<String>, Problem> {
        // Browsers send line ends as CR LF, and a field that was left empty as an empty text.
        let text = self.0.optional::<String>("note").map(|text| text.replace("\r\n", "\n"));
        let note = text.filter(|text| !text.trim().is_empty()).map(|text| text.parse::<Note>());
        let note = note.transpose().unwrap_or_else(|error| {
            self.0.refuse("note", error.to_string());
            None
        });
        self.0.finish()?;
        Ok(note.map(String::from))
    }

    /// Returns the field `note`, which must not be blank.
    ///
    /// # Errors
    /// 422 if the note is blank or not valid, or the form has other fields.
    pub(crate) fn into_required_note(self) -> Result<String, Problem> {
        let is_blank = || Problem::invalid(vec![FieldError::new("note", "is required")]);
        self.into_note()?.ok_or_else(is_blank)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for VerifiedForm {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.remove().ok_or_else(|| Problem::forbidden(INVALID_CSRF_TOKEN))
    }
}

#[cfg(test)]
mod tests {
    use age_model::ManualClock;

    use super::*;

    #[test]
    fn csrf_token_is_valid_for_one_secret_and_one_purpose() {
        let key = FormKey::new("secret").unwrap();
        let clock = ManualClock::at("2026-11-23T00:05:00Z".parse().unwrap());
        let token = || Token::fresh("night-desk".parse().unwrap(), &clock).unwrap();
        let (mine, rotated) = (token(), token());
        let form = |csrf_token: &str| Query::parse(format!("csrf={csrf_token}").as_bytes());
        assert!(key.verify(&mine, &mut form(&key.csrf_token(&mine))).is_ok());
        assert!(key.verify(&rotated, &mut form(&key.csrf_token(&mine))).is_err());
        assert!(FormKey::new("other").unwrap().verify(&mine, &mut form(&key.csrf_token(&mine))).is_err());
        assert!(key.verify(&mine, &mut form(&key.sign_in_csrf_token(&mine.reveal()))).is_err());
        for bad in ["", "AAAA", "%00"] {
            assert!(key.verify(&mine, &mut form(bad)).is_err(), "{bad}");
        }
        assert!(key.verify(&mine, &mut Query::parse(b"")).is_err());
    }
}
