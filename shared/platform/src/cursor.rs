//! Cursors: where a list goes on, as a text that callers pass back and can neither read into nor make up.

use std::fmt::Display;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Problem;

/// Enough of the tag that guessing it is hopeless.
const TAG_BYTES: usize = 16;

/// The key that cursors are signed with. All execution environments of a function share it.
#[derive(Clone)]
pub struct CursorKey(Hmac<Sha256>);

impl CursorKey {
    /// A key made from `secret`.
    ///
    /// # Errors
    /// None in practice: HMAC takes keys of any length.
    pub fn new(secret: &str) -> Result<Self, crate::Error> {
        Ok(Self(Hmac::new_from_slice(secret.as_bytes())?))
    }

    /// The cursor for going on at `position` of the list that `scope` describes: its route and filters.
    #[must_use]
    pub fn seal(&self, scope: &str, position: &impl Display) -> String {
        let position = position.to_string();
        let mut bytes = self.tag(scope, &position).to_vec();
        bytes.extend_from_slice(position.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The position in `cursor`.
    ///
    /// # Errors
    /// A 400 unless it was sealed with this key, for this scope.
    pub fn open<T: FromStr>(&self, scope: &str, cursor: &str) -> Result<T, Problem> {
        self.read(scope, cursor).ok_or_else(|| {
            Problem::bad_request("the cursor is not one of this list; use nextCursor, with the same filters")
        })
    }

    fn read<T: FromStr>(&self, scope: &str, cursor: &str) -> Option<T> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (tag, position) = bytes.split_at_checked(TAG_BYTES)?;
        let position = std::str::from_utf8(position).ok()?;
        self.mac(scope, position).verify_truncated_left(tag).ok()?;
        position.parse().ok()
    }

    fn tag(&self, scope: &str, position: &str) -> [u8; TAG_BYTES] {
        let [tag @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _]: [u8; 32] =
            self.mac(scope, position).finalize().into_bytes().into();
        tag
    }

    fn mac(&self, scope: &str, position: &str) -> Hmac<Sha256> {
        let length = u64::try_from(scope.len()).unwrap_or(u64::MAX).to_be_bytes();
        self.0.clone().chain_update(length).chain_update(scope).chain_update(position)
    }
}

impl std::fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CursorKey")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> CursorKey {
        CursorKey::new("secret").unwrap()
    }

    #[test]
    fn opens_only_what_it_sealed() {
        let cursor = key().seal("events?engine=qa", &"here");
        assert_eq!(key().open::<String>("events?engine=qa", &cursor).unwrap(), "here");
        assert!(key().open::<String>("events?engine=maos", &cursor).is_err());
        assert!(CursorKey::new("other").unwrap().open::<String>("events?engine=qa", &cursor).is_err());
        assert!(key().open::<u8>("events?engine=qa", &cursor).is_err());
        let forged = URL_SAFE_NO_PAD.encode([&[0; 16][..], b"here"].concat());
        for bad in ["", "x", "====", &forged, &format!("{cursor}A"), &cursor[1..]] {
            assert!(key().open::<String>("events?engine=qa", bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn round_trips(scope in ".{0,40}", position in ".{0,40}") {
            prop_assert_eq!(key().open::<String>(&scope, &key().seal(&scope, &position)).unwrap(), position);
        }

        #[test]
        fn refuses_what_was_changed(position in ".{0,40}", at in any::<prop::sample::Index>(), flip in 1_u8..) {
            let mut bytes = URL_SAFE_NO_PAD.decode(key().seal("scope", &position)).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            prop_assert!(key().open::<String>("scope", &URL_SAFE_NO_PAD.encode(bytes)).is_err());
        }

    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200_000))]

        #[test]
        fn any_text_is_a_cursor_or_is_refused(text in "\\PC{0,30}", letters in "[A-Za-z0-9_-]{20,60}", change in prop::option::of(any::<(prop::sample::Index, u8)>())) {
            for forged in [text, letters] {
                prop_assert!(key().open::<String>("scope", &forged).is_err());
            }
            let mut own = key().seal("scope", &"2026-11-23T00:05:00.000Z").into_bytes();
            if let Some((at, byte)) = change {
                let at = at.index(own.len());
                own[at] = byte;
            }
            let own = String::from_utf8_lossy(&own);
            let _ = key().open::<age_model::Timestamp>("scope", &own);
        }
    }
}
