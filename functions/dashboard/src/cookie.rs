//! The two cookies: the sealed session, and the nonce that binds the sign-in form to its browser.

use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::COOKIE;

/// The cookie with the session. With the prefix `__Host-`, browsers accept it only from this host, over TLS, and for all paths.
const SESSION: &str = "__Host-age";

/// The cookie with the nonce of the sign-in form.
const NONCE: &str = "__Host-age-form";

/// No script reads the cookies, and no request from another site sends them.
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";

/// Returns the sealed session of the request's cookie; None if the cookie is missing or empty.
pub(crate) fn read_session(headers: &HeaderMap) -> Option<&str> {
    read(headers, SESSION).filter(|sealed| !sealed.is_empty())
}

/// Returns the nonce of the request's cookie; None if the cookie is missing or empty.
pub(crate) fn read_nonce(headers: &HeaderMap) -> Option<&str> {
    read(headers, NONCE).filter(|nonce| !nonce.is_empty())
}

/// Returns the `Set-Cookie` value that stores the session `sealed` for as long as it can last.
pub(crate) fn set_session(sealed: &str, remaining: Duration) -> String {
    format!("{SESSION}={sealed}; {ATTRIBUTES}; Max-Age={}", remaining.as_secs())
}

/// Returns the `Set-Cookie` value that deletes the session.
pub(crate) fn clear_session() -> String {
    format!("{SESSION}=; {ATTRIBUTES}; Max-Age=0")
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
    fn session_is_read_from_one_cookie_of_its_name_only() {
        let read = |cookies: &str| {
            let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(cookies).unwrap())]);
            read_session(&headers).map(str::to_owned)
        };
        assert_eq!(read("a=b; __Host-age=sealed; c=d").as_deref(), Some("sealed"));
        for bad in ["", "__Host-age=", "age=sealed", "__Host-age=sealed; __Host-age=sealed"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
