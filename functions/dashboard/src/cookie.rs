//! The two cookies: the token of the caller, and the nonce that binds the sign-in form to its browser.

use age_model::Token;
use axum::http::HeaderMap;
use axum::http::header::COOKIE;

/// The cookie with the token. With the prefix `__Host-`, browsers accept it only from this host, over TLS, and for all paths.
const TOKEN: &str = "__Host-age";

/// The cookie with the nonce of the sign-in form.
const NONCE: &str = "__Host-age-form";

/// One shift of work.
const TOKEN_MAX_AGE_SECONDS: u32 = 8 * 3600;

/// No script reads the cookies, and no request from another site sends them.
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";

/// Returns the token of the request's cookie; None if the cookie is missing or is not a token.
pub(crate) fn read_token(headers: &HeaderMap) -> Option<Token> {
    read(headers, TOKEN)?.parse().ok()
}

/// Returns the nonce of the request's cookie; None if the cookie is missing or empty.
pub(crate) fn read_nonce(headers: &HeaderMap) -> Option<&str> {
    read(headers, NONCE).filter(|nonce| !nonce.is_empty())
}

/// Returns the `Set-Cookie` value that stores `token`.
pub(crate) fn set_token(token: &Token) -> String {
    format!("{TOKEN}={}; {ATTRIBUTES}; Max-Age={TOKEN_MAX_AGE_SECONDS}", token.reveal())
}

/// Returns the `Set-Cookie` value that deletes the token.
pub(crate) fn clear_token() -> String {
    format!("{TOKEN}=; {ATTRIBUTES}; Max-Age=0")
}

/// Returns the `Set-Cookie` value that stores `nonce` until the browser is closed.
pub(crate) fn set_nonce(nonce: &str) -> String {
    format!("{NONCE}={nonce}; {ATTRIBUTES}")
}

/// Returns the value of the cookie called `name`. None if the request has two of that name: another site has set one of them.
fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
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
    fn token_is_read_from_one_cookie_of_its_name_only() {
        let token_text = format!("agov1.night-desk.{}", "A".repeat(43));
        let read = |cookies: &str| {
            let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(cookies).unwrap())]);
            read_token(&headers).map(|token| token.reveal())
        };
        let valid = format!("__Host-age={token_text}");
        assert_eq!(read(&format!("a=b; {valid}; c=d")), Some(token_text.clone()));
        for bad in [String::new(), "__Host-age=x".into(), format!("age={token_text}"), format!("{valid}; {valid}")] {
            assert_eq!(read(&bad), None, "{bad}");
        }
    }
}
