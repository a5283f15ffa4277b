//! Cookies: a token that a browser keeps, and what binds the form for signing in to it.

use age_model::Token;
use axum::http::HeaderMap;
use axum::http::header::COOKIE;

/// Holds the token. With this prefix browsers take it only from us, over TLS, and for the whole host.
const TOKEN: &str = "__Host-age";

/// Holds what the proof of the form for signing in is for.
const NONCE: &str = "__Host-age-form";

/// A night shift.
const MAX_AGE_SECONDS: u32 = 8 * 3600;

/// No script reads it, and no other site's request brings it.
const FLAGS: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";

/// The token that a browser brings, if it is one.
pub(crate) fn token(headers: &HeaderMap) -> Option<Token> {
    value(headers, TOKEN)?.parse().ok()
}

/// What the form for signing in was bound to.
pub(crate) fn nonce(headers: &HeaderMap) -> Option<&str> {
    value(headers, NONCE).filter(|nonce| !nonce.is_empty())
}

/// Has the browser keep `token`.
pub(crate) fn keep(token: &Token) -> String {
    format!("{TOKEN}={}; {FLAGS}; Max-Age={MAX_AGE_SECONDS}", token.reveal())
}

/// Has the browser forget its token.
pub(crate) fn forget() -> String {
    format!("{TOKEN}=; {FLAGS}; Max-Age=0")
}

/// Has the browser keep what the form for signing in is bound to, until it is closed.
pub(crate) fn bind(nonce: &str) -> String {
    format!("{NONCE}={nonce}; {FLAGS}")
}

/// The value of the cookie called `name`. None if there are two: one of them is not ours.
fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let texts = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(given, _)| *given == name).map(|(_, value)| value);
    values.next().filter(|_| values.next().is_none())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn one_cookie_of_the_name_is_read() {
        let token_text = format!("agov1.night-desk.{}", "A".repeat(43));
        let read = |cookies: &str| {
            let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(cookies).unwrap())]);
            token(&headers).map(|token| token.reveal())
        };
        let ours = format!("__Host-age={token_text}");
        assert_eq!(read(&format!("a=b; {ours}; c=d")), Some(token_text.clone()));
        for bad in [String::new(), "__Host-age=x".into(), format!("age={token_text}"), format!("{ours}; {ours}")] {
            assert_eq!(read(&bad), None, "{bad}");
        }
    }
}
