//! The caller of a request.

use age_model::{Grant, KeyId, Token};
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use crate::problem::Problem;

/// The authenticated caller of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The name of the caller's credential, which records carry.
    pub kid: KeyId,
    /// The permissions of the credential.
    pub grant: Grant,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::missing_token(NO_TOKEN))
    }
}

const NO_TOKEN: &str = "credential required: send the header Authorization: Bearer agov1.<kid>.<secret>";

/// The response to every token that is not proven: malformed, unknown, wrong, revoked, or not known to this environment yet.
pub(crate) const NOT_PROVEN: &str = "the token is not valid: it is malformed, wrong or revoked, or it is new; a new token is valid everywhere within 60 seconds";

/// Returns the bearer token of a request.
///
/// # Errors
/// 401 if there is none, more than one, or a malformed one.
pub(crate) fn bearer_token(headers: &HeaderMap) -> Result<Token, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(Problem::missing_token(NO_TOKEN)) };
    let text = value.to_str().unwrap_or_default();
    // RFC 9110: the name of the scheme is case-insensitive.
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Problem::missing_token(NO_TOKEN));
    }
    token.trim().parse().map_err(|_| Problem::invalid_token(NOT_PROVEN))
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
    fn single_bearer_token_is_accepted_and_anything_else_refused() {
        let token = format!("agov1.night-desk.{}", "A".repeat(43));
        for good in [format!("Bearer {token}"), format!("bearer  {token} ")] {
            assert_eq!(bearer_token(&headers(&[&good])).unwrap().reveal(), token);
        }
        let whole = format!("Bearer {token}");
        for bad in [vec![], vec!["Bearer"], vec!["Basic YTpi"], vec![token.as_str()], vec![&whole, &whole]] {
            assert!(bearer_token(&headers(&bad)).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_header_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..80), bearer_first in any::<bool>()) {
            let bytes = if bearer_first { [b"Bearer ".as_slice(), &bytes].concat() } else { bytes };
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let _ = bearer_token(&HeaderMap::from_iter([(AUTHORIZATION, value)]));
            }
        }
    }
}
