//! Lookalikes: event types that people confuse, because other characters look the same. They are shown as such, not merged.

/// The characters that have the skeleton of another text, in order.
mod table {
    include!(concat!(env!("OUT_DIR"), "/confusables.rs"));
}

/// Returns the skeleton of `text` (UTS #39): texts with the same skeleton look alike. Hangul syllables and the order of combining marks
/// stay as they are.
#[must_use]
pub fn skeleton(text: &str) -> String {
    let mut skeleton = String::with_capacity(text.len());
    for character in text.chars() {
        match of_character(character) {
            Some(text) => skeleton.push_str(text),
            None => skeleton.push(character),
        }
    }
    skeleton
}

fn of_character(character: char) -> Option<&'static str> {
    let place = table::SKELETONS.binary_search_by_key(&character, |(character, ..)| *character).ok()?;
    let (_, start, length) = table::SKELETONS.get(place)?;
    let start = usize::from(*start);
    table::TEXT.get(start..start + usize::from(*length))
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
        let bytes = size_of_val(table::SKELETONS) + table::TEXT.len();
        assert!(bytes < 128 * 1024, "{bytes} bytes in each function that opens incidents");
    }

    proptest! {
        #[test]
        fn skeleton_is_that_of_uts_39(text in "[\\p{Latin}\\p{Greek}\\p{Cyrillic}\\p{Nd}\\p{P}\\p{S}\\p{Han} ]{0,40}") {
            prop_assert_eq!(skeleton(&text), unicode_security::skeleton(&text).collect::<String>());
        }
    }
}
