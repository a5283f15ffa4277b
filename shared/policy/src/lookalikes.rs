//! Lookalikes: event types that people confuse, because other characters look the same. They are shown as such, not merged.

use std::sync::LazyLock;

/// The characters that have the skeleton of another text. `build/confusables.rs` describes the form.
static TABLE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/confusables.bin"));

/// The entries of the table, in the order of characters. They are read at the first use, when an incident opens.
static SKELETONS: LazyLock<Vec<(u32, &'static str)>> = LazyLock::new(|| entries(TABLE).collect());

/// Returns the skeleton of `text` (UTS #39): texts with the same skeleton look alike. Hangul syllables and the order of combining marks
/// stay as they are.
#[must_use]
pub fn skeleton(text: &str) -> String {
    let mut skeleton = String::with_capacity(text.len());
    for character in text.chars() {
        let place = SKELETONS.binary_search_by_key(&u32::from(character), |(character, _)| *character);
        match place.ok().and_then(|place| SKELETONS.get(place)) {
            Some((_, text)) => skeleton.push_str(text),
            None => skeleton.push(character),
        }
    }
    skeleton
}

/// Reads the entries of `table`.
fn entries(mut table: &'static [u8]) -> impl Iterator<Item = (u32, &'static str)> {
    let mut character = 0;
    std::iter::from_fn(move || {
        let (mut distance, mut shift) = (0, 0);
        loop {
            let (byte, rest) = table.split_first()?;
            table = rest;
            distance |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
            shift += 7;
        }
        character += distance;
        let (length, rest) = table.split_first()?;
        let (text, rest) = rest.split_at_checked(usize::from(*length))?;
        table = rest;
        Some((character, std::str::from_utf8(text).ok()?))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn confusable_texts_have_one_skeleton() {
        for (one, other) in [
            ("invoice_lost", "inv\u{43e}ice_lost"),
            ("paypal", "\u{440}\u{430}\u{443}\u{440}\u{430}l"),
            ("sync_1", "sync_l"),
            ("modern", "modem"),
            ("ℌello", "Hello"),
            ("caf\u{e9}", "cafe\u{301}"),
        ] {
            assert_eq!(skeleton(one), skeleton(other), "{one} {other}");
        }
        for (one, other) in [("invoice_lost", "invoice_last"), ("결제 실패", "결제 성공"), ("a", "b"), ("日本", "日木")]
        {
            assert_ne!(skeleton(one), skeleton(other), "{one} {other}");
        }
    }

    #[test]
    fn table_is_compact() {
        assert!(TABLE.len() < 64 * 1024, "{} bytes in each function that opens incidents", TABLE.len());
    }

    #[test]
    fn table_is_ordered_and_read_to_its_end() {
        assert!(SKELETONS.is_sorted());
        let (last, text) = SKELETONS[SKELETONS.len() - 1];
        assert!(TABLE.ends_with(text.as_bytes()));
        // The last code point that is not drawn.
        assert_eq!((last, text), (0xe0fff, ""));
    }

    proptest! {
        // Without the two combining marks of Han, whose order the skeleton leaves as it is.
        #[test]
        fn skeleton_is_that_of_uts_39(
            text in "[\\p{Latin}\\p{Greek}\\p{Cyrillic}\\p{Nd}\\p{P}\\p{S}[\\p{Han}--\\x{16ff0}\\x{16ff1}] ]{0,40}"
        ) {
            prop_assert_eq!(skeleton(&text), unicode_security::skeleton(&text).collect::<String>());
        }
    }
}
