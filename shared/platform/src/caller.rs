//! Who makes a request.

use age_model::{Engine, Grant, InvalidToken, KeyId, Role, Token};
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use crate::Problem;

/// Who makes a request, and what it may do. The gate has seen to it that it may come this far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Its name, for the record.
    pub kid: KeyId,
    /// What it may do.
    pub grant: Grant,
}

impl Caller {
    /// Whether it may speak for `engine`.
    ///
    /// # Errors
    /// A 403 if it may not.
    pub fn speak_for(&self, engine: Engine) -> Result<(), Problem> {
        if self.grant.may_act_for(engine) {
            Ok(())
        } else {
            Err(Problem::forbidden(format!("{} may not speak for the engine {engine}", self.kid)))
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::unauthorized(NO_TOKEN))
    }
}

const NO_TOKEN: &str = "a credential is needed: send the header Authorization: Bearer agov1.<kid>.<secret>";

/// The token that a request brings.
///
/// # Errors
/// A 401 if there is none, or more than one, or something else.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Token, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(Problem::unauthorized(NO_TOKEN)) };
    let text = value.to_str().unwrap_or_default();
    // RFC 9110: the name of the scheme is in any case.
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Problem::unauthorized(NO_TOKEN));
    }
    token.trim().parse().map_err(|error: InvalidToken| Problem::unauthorized(format!("the credential {error}")))
}

/// Who may come to a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody, known or not.
    Public,
    /// Whoever has a credential.
    Authenticated,
    /// An engine for itself, and admins.
    Engine,
    /// Who may read.
    Reader,
    /// Who may also take, resolve and approve.
    Responder,
    /// Who may do everything.
    Admin,
}

impl Access {
    /// Whether a caller of `role` may.
    #[must_use]
    pub const fn admits(self, role: Role) -> bool {
        match (self, role) {
            (_, Role::Admin) | (Self::Public | Self::Authenticated, _) | (Self::Engine, Role::Engine) => true,
            (Self::Reader, role) => matches!(role, Role::Reader | Role::Responder),
            (Self::Responder, role) => matches!(role, Role::Responder),
            (Self::Engine | Self::Admin, _) => false,
        }
    }

    /// The roles that may.
    pub fn roles(self) -> impl Iterator<Item = Role> {
        Role::ALL.iter().copied().filter(move |role| self.admits(*role))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (AUTHORIZATION, HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn one_bearer_token_is_read() {
        let token = format!("agov1.night-desk.{}", "A".repeat(43));
        for good in [format!("Bearer {token}"), format!("bearer  {token} ")] {
            assert_eq!(bearer(&headers(&[&good])).unwrap().reveal(), token);
        }
        let whole = format!("Bearer {token}");
        for bad in [vec![], vec!["Bearer"], vec!["Basic YTpi"], vec![token.as_str()], vec![&whole, &whole]] {
            assert!(bearer(&headers(&bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn roles_may_this_much() {
        let roles = |access: Access| access.roles().map(Role::as_str).collect::<Vec<_>>().join(" ");
        assert_eq!(roles(Access::Public), "engine reader responder admin");
        assert_eq!(roles(Access::Authenticated), "engine reader responder admin");
        assert_eq!(roles(Access::Engine), "engine admin");
        assert_eq!(roles(Access::Reader), "reader responder admin");
        assert_eq!(roles(Access::Responder), "responder admin");
        assert_eq!(roles(Access::Admin), "admin");
    }

    proptest! {
        #[test]
        fn any_header_is_a_token_or_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..80), bearer_first in any::<bool>()) {
            let bytes = if bearer_first { [b"Bearer ".as_slice(), &bytes].concat() } else { bytes };
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let _ = bearer(&HeaderMap::from_iter([(AUTHORIZATION, value)]));
            }
        }
    }
}
