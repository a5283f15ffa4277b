//! Forms with a CSRF token: only pages of the dashboard can have sent them.

use age_http::{FieldError, Problem, Query, Sealer};
use age_model::{Note, SealingKey, SessionId};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;

/// The field with the CSRF token.
const CSRF_FIELD: &str = "csrf";

const INVALID_CSRF_TOKEN: &str =
    "the form was not sent from your page, or you have signed in again since; reload the page";

/// The key of CSRF tokens. A token is the seal of nothing, in a scope that says what it is for.
#[derive(Debug, Clone)]
pub(crate) struct FormKey(Sealer);

impl FormKey {
    /// Derives the key of forms.
    pub(crate) fn derive(key: &SealingKey) -> Self {
        Self(Sealer::derive(key, "forms"))
    }

    /// Returns the CSRF token for forms of the session `id`.
    pub(crate) fn csrf_token(&self, id: SessionId) -> String {
        self.0.seal(&of_session(id), "")
    }

    /// Returns the CSRF token for the sign-in form, bound to the browser's `nonce`.
    pub(crate) fn sign_in_csrf_token(&self, nonce: &str) -> String {
        self.0.seal(&of_sign_in(nonce), "")
    }

    /// Removes the CSRF token from `form` and verifies it.
    ///
    /// # Errors
    /// 403 unless it is one for the session `id`.
    pub(crate) fn verify(&self, id: SessionId, form: &mut Query) -> Result<(), Problem> {
        self.verify_scope(&of_session(id), form)
    }

    /// Removes the CSRF token from the sign-in form and verifies it.
    ///
    /// # Errors
    /// 403 unless it is one for `nonce`.
    pub(crate) fn verify_sign_in(&self, nonce: &str, form: &mut Query) -> Result<(), Problem> {
        self.verify_scope(&of_sign_in(nonce), form)
    }

    fn verify_scope(&self, scope: &str, form: &mut Query) -> Result<(), Problem> {
        let given = form.optional::<String>(CSRF_FIELD).and_then(|token| self.0.open(scope, &token));
        if given.is_some_and(|text| text.is_empty()) { Ok(()) } else { Err(Problem::forbidden(INVALID_CSRF_TOKEN)) }
    }
}

fn of_session(id: SessionId) -> String {
    format!("session {id}")
}

fn of_sign_in(nonce: &str) -> String {
    format!("sign-in {nonce}")
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
    fn csrf_token_is_valid_for_one_session_and_one_purpose() {
        let clock = ManualClock::at("2026-11-23T00:05:00Z".parse().unwrap());
        let key = || FormKey::derive(&SealingKey::fresh(&clock).unwrap());
        let (key, other_key) = (key(), key());
        let (mine, another) = (SessionId::fresh(&clock), SessionId::fresh(&clock));
        let form = |csrf_token: &str| Query::parse(format!("csrf={csrf_token}").as_bytes());
        assert!(key.verify(mine, &mut form(&key.csrf_token(mine))).is_ok());
        assert!(key.verify(another, &mut form(&key.csrf_token(mine))).is_err());
        assert!(other_key.verify(mine, &mut form(&key.csrf_token(mine))).is_err());
        assert!(key.verify(mine, &mut form(&key.sign_in_csrf_token(&mine.to_string()))).is_err());
        for bad in ["", "AAAA", "%00"] {
            assert!(key.verify(mine, &mut form(bad)).is_err(), "{bad}");
        }
        assert!(key.verify(mine, &mut Query::parse(b"")).is_err());
    }
}
