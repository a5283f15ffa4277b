//! Cursors: the position at which a list continues, sealed so that callers can pass it back but not change or invent it.

use std::fmt::Display;
use std::str::FromStr;

use age_model::SealingKey;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::problem::Problem;
use crate::sealer::{self, Sealer};

/// The list that a cursor continues: its name and filters. A cursor opens only in the scope in which it was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorScope(String);

impl CursorScope {
    /// The list `name`, unfiltered.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// Adds the filter `name`, if it has a value.
    #[must_use]
    pub fn filter(mut self, name: &str, value: Option<&impl Display>) -> Self {
        if let Some(value) = value {
            self.push(name, value);
        }
        self
    }

    /// Adds the filter `name` with each of `values`, the items of a set: it has one order, whatever that of the request was.
    #[must_use]
    pub fn filters<T: Display>(mut self, name: &str, values: impl IntoIterator<Item = T>) -> Self {
        for value in values {
            self.push(name, &value);
        }
        self
    }

    fn push(&mut self, name: &str, value: &impl Display) {
        let pair = form_urlencoded::Serializer::new(String::new()).append_pair(name, &value.to_string()).finish();
        self.0.push('&');
        self.0.push_str(&pair);
    }
}

/// Seals cursors. All functions derive the same from AGE's key.
#[derive(Debug, Clone)]
pub struct CursorKey(Sealer);

impl CursorKey {
    /// Derives the key of cursors.
    #[must_use]
    pub fn derive(key: &SealingKey) -> Self {
        Self(Sealer::derive(key, "cursors"))
    }

    /// Returns the cursor of `position` in `scope`.
    #[must_use]
    pub fn seal(&self, CursorScope(scope): &CursorScope, position: &impl Display) -> String {
        self.0.seal(scope, &position.to_string())
    }

    /// Returns the position of `cursor`.
    ///
    /// # Errors
    /// 400 unless the cursor was sealed with this key, in this scope.
    pub fn open<T: FromStr>(&self, CursorScope(scope): &CursorScope, cursor: &str) -> Result<T, Problem> {
        let position = self.0.open(scope, cursor).and_then(|position| position.parse().ok());
        position.ok_or_else(|| {
            Problem::bad_request(
                "cursor is not valid for this list: use nextCursor of its last page, with the same filters",
            )
        })
    }
}

/// Of a request that the authentication layer has passed on.
impl<S: Send + Sync> FromRequestParts<S> for CursorKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get().map(Self::derive).ok_or_else(sealer::no_key)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::*;

    fn events(engine: &str) -> CursorScope {
        CursorScope::new("events").filter("engine", Some(&engine))
    }

    fn list() -> CursorScope {
        CursorScope::new("list")
    }

    fn key() -> CursorKey {
        key_of(7)
    }

    fn key_of(byte: u8) -> CursorKey {
        CursorKey::derive(&SealingKey::try_from([byte; 32].as_slice()).unwrap())
    }

    #[test]
    fn cursor_opens_only_with_its_key_and_scope() {
        let cursor = key().seal(&events("qa"), &"here");
        assert_eq!(key().open::<String>(&events("qa"), &cursor).unwrap(), "here");
        assert!(key().open::<String>(&events("maos"), &cursor).is_err());
        assert!(key_of(8).open::<String>(&events("qa"), &cursor).is_err());
        assert!(key().open::<u8>(&events("qa"), &cursor).is_err());
        let forged = URL_SAFE_NO_PAD.encode([&[0; 16][..], b"here"].concat());
        for bad in ["", "x", "====", &forged, &format!("{cursor}A"), &cursor[1..]] {
            assert!(key().open::<String>(&events("qa"), bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn scopes_with_different_filters_differ() {
        let scope =
            |pairs: &[(&str, &str)]| pairs.iter().fold(list(), |scope, (name, value)| scope.filter(name, Some(value)));
        assert_ne!(scope(&[("a", "1&b=2")]), scope(&[("a", "1"), ("b", "2")]));
        assert_ne!(scope(&[("a", "1")]), scope(&[("b", "1")]));
        assert_eq!(list().filter("a", None::<&str>.as_ref()), list());
        let set = |values: &[&str]| list().filters("a", values.iter().collect::<std::collections::BTreeSet<_>>());
        assert_eq!(set(&["1", "2"]), set(&["2", "1", "2"]));
        assert_ne!(set(&["1", "2"]), set(&["1"]));
        assert_ne!(set(&["1", "2"]), set(&["1&a=2"]));
        assert_eq!((set(&[]), set(&["1"])), (list(), scope(&[("a", "1")])));
    }

    proptest! {
        #[test]
        fn position_round_trips(scope in ".{0,40}", position in ".{0,40}") {
            let scope = CursorScope::new("list").filter("value", Some(&scope));
            prop_assert_eq!(key().open::<String>(&scope, &key().seal(&scope, &position)).unwrap(), position);
        }

        #[test]
        fn changed_cursor_is_refused(position in ".{0,40}", at in any::<prop::sample::Index>(), flip in 1_u8..) {
            let mut bytes = URL_SAFE_NO_PAD.decode(key().seal(&list(), &position)).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            prop_assert!(key().open::<String>(&list(), &URL_SAFE_NO_PAD.encode(bytes)).is_err());
        }

    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("CI").is_some() { 200_000 } else { 2_000 }))]

        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,30}", letters in "[A-Za-z0-9_-]{20,60}", change in prop::option::of(any::<(prop::sample::Index, u8)>())) {
            for forged in [text, letters] {
                prop_assert!(key().open::<String>(&list(), &forged).is_err());
            }
            let mut own = key().seal(&list(), &"2026-11-23T00:05:00.000Z").into_bytes();
            if let Some((at, byte)) = change {
                let at = at.index(own.len());
                own[at] = byte;
            }
            let own = String::from_utf8_lossy(&own);
            let _ = key().open::<age_model::Timestamp>(&list(), &own);
        }
    }
}
