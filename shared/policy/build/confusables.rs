// The table of confusable characters of UTS #39, made when the crate is built: the skeleton of each character that has one of another
// text. The tables of Unicode crates are several times as large, and most of that are pointers.

use std::num::TryFromIntError;

/// Characters whose decompositions follow from their numbers. Their skeletons would be a third of the table.
const HANGUL_SYLLABLES: std::ops::RangeInclusive<char> = '\u{ac00}'..='\u{d7a3}';

/// Returns the table: for each character, in order, its distance from the one before, in groups of seven bits of which all but the last
/// have the eighth bit, and its skeleton after its length in bytes. In this form it is small, and smaller in a zip.
pub(crate) fn table() -> Result<Vec<u8>, TryFromIntError> {
    let (mut table, mut before) = (Vec::new(), 0);
    for character in ('\0'..=char::MAX).filter(|character| !HANGUL_SYLLABLES.contains(character)) {
        let own = character.to_string();
        let skeleton: String = unicode_security::skeleton(&own).collect();
        if skeleton == own {
            continue;
        }
        let mut distance = u32::from(character) - before;
        before = u32::from(character);
        while distance > 0x7f {
            table.push(u8::try_from(distance & 0x7f)? | 0x80);
            distance >>= 7;
        }
        table.push(u8::try_from(distance)?);
        table.push(u8::try_from(skeleton.len())?);
        table.extend_from_slice(skeleton.as_bytes());
    }
    Ok(table)
}
