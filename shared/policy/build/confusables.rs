// The table of confusable characters of UTS #39, made when the crate is built: the skeleton of each character that has one of another
// text. The tables of Unicode crates are several times as large, and most of that are pointers.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::num::TryFromIntError;

/// Characters whose decompositions follow from their numbers. Their skeletons would be a third of the table.
const HANGUL_SYLLABLES: std::ops::RangeInclusive<char> = '\u{ac00}'..='\u{d7a3}';

/// Returns the source of the table: each character with the place of its skeleton in a text, and the text.
pub(crate) fn table() -> Result<String, TryFromIntError> {
    let (mut entries, mut text, mut places) = (String::new(), String::new(), BTreeMap::new());
    let characters = ('\0'..=char::MAX).filter(|character| !HANGUL_SYLLABLES.contains(character));
    for character in characters {
        let own = character.to_string();
        let skeleton: String = unicode_security::skeleton(&own).collect();
        if skeleton == own {
            continue;
        }
        let length = u8::try_from(skeleton.len())?;
        let place = *places.entry(skeleton).or_insert_with_key(|skeleton| {
            let place = text.len();
            text.push_str(skeleton);
            place
        });
        // Writing to a string cannot fail.
        let _ = write!(entries, "('{}',{},{length}),", character.escape_unicode(), u16::try_from(place)?);
    }
    Ok(format!("pub(super) static SKELETONS: &[(char, u16, u8)] = &[{entries}];\npub(super) static TEXT: &str = \"{}\";\n", text.escape_unicode()))
}
