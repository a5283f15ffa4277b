//! Visible text: the characters that people cannot see, or that change how they see others.

use std::fmt::Write;

/// The characters that a name must not have, as ranges of code points, both ends included. The property
/// `Default_Ignorable_Code_Point` and the white space are those of Unicode 17.0 (`DerivedCoreProperties.txt`, `PropList.txt`).
///
/// - control characters
/// - `Default_Ignorable_Code_Point`, which are not drawn: fillers of Hangul, joiners, variation selectors, marks of direction, tags
/// - `White_Space`, except for the space itself
/// - drawn as a blank: U+2800, an empty pattern of Braille, and U+1D159, an empty note
/// - controls of the layout: U+FFF9 to U+FFFC, and those of Egyptian hieroglyphs from U+13430 on
/// - without a defined appearance: private use and noncharacters; from U+E0000 on, everything is ignorable, unassigned or private
const HIDDEN: &[(char, char)] = &[
    ('\u{0}', '\u{1f}'),
    ('\u{7f}', '\u{a0}'),
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{1680}', '\u{1680}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{2000}', '\u{200f}'),
    ('\u{2028}', '\u{202f}'),
    ('\u{205f}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3000}', '\u{3000}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{e000}', '\u{f8ff}'),
    ('\u{fdd0}', '\u{fdef}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffc}'),
    ('\u{fffe}', '\u{ffff}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d159}', '\u{1d159}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{10ffff}'),
];

/// The combining marks of no script or of many, as ranges of code points. At the beginning of a name they would be drawn over the
/// text before it.
const COMBINING: &[(char, char)] = &[
    ('\u{300}', '\u{36f}'),
    ('\u{483}', '\u{489}'),
    ('\u{64b}', '\u{65f}'),
    ('\u{670}', '\u{670}'),
    ('\u{1ab0}', '\u{1aff}'),
    ('\u{1dc0}', '\u{1dff}'),
    ('\u{20d0}', '\u{20ff}'),
    ('\u{302a}', '\u{302f}'),
    ('\u{3099}', '\u{309a}'),
    ('\u{fe20}', '\u{fe2f}'),
];

/// Whether people cannot see `character`, or it changes how they see others.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    is_in(HIDDEN, character)
}

/// Whether `character` is drawn over the one before it.
pub(crate) fn is_combining(character: char) -> bool {
    is_in(COMBINING, character)
}

fn is_in(ranges: &[(char, char)], character: char) -> bool {
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&character))
}

/// Returns a regular expression, as JSON Schema defines it, of the texts without hidden characters that neither begin nor end with
/// a space and do not begin with a combining mark. It does not bound their length. Of characters above U+FFFF it knows nothing, because
/// implementations of regular expressions disagree on them: some hidden ones match, although they are refused.
pub(crate) fn visible_pattern() -> String {
    let (hidden, combining) = (class(HIDDEN), class(COMBINING));
    format!("^[^ {hidden}{combining}](?:[^{hidden}]*[^ {hidden}])?$")
}

/// Returns the members of a character class up to U+FFFF.
fn class(ranges: &[(char, char)]) -> String {
    let escaped = |character: char| format!("\\u{:04x}", u32::from(character));
    let member = |(first, last): &(char, char)| {
        if first == last {
            escaped(*first)
        } else {
            format!("{}-{}", escaped(*first), escaped((*last).min('\u{ffff}')))
        }
    };
    ranges.iter().filter(|(first, _)| *first <= '\u{ffff}').map(member).collect()
}

/// Returns `text` with every character that is [hidden](is_hidden) shown by its number, such as `[U+202E]`. Line feeds stay, and the
/// joiners U+200C and U+200D where they join: words of some scripts and emoji need them.
#[must_use]
pub fn visible_text(text: &str) -> String {
    visible(text, |character| character == '\n')
}

/// As [`visible_text`], on one line: line feeds are shown by their number as well.
#[must_use]
pub fn visible_line(text: &str) -> String {
    visible(text, |_| false)
}

fn visible(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut visible = String::with_capacity(text.len());
    let mut previous = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if !is_hidden(character) || stays(character) || joins(previous, character, characters.peek().copied()) {
            visible.push(character);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(visible, "[U+{:04X}]", u32::from(character));
        }
        previous = Some(character);
    }
    visible
}

/// Whether `character` is a joiner between two characters that it can join. None is ASCII, so that a joiner hides nothing in a name,
/// a word of AGE or a link.
fn joins(previous: Option<char>, character: char, next: Option<char>) -> bool {
    let is_joined = |neighbour: Option<char>| neighbour.is_some_and(|it| !it.is_ascii() && !is_hidden(it));
    matches!(character, '\u{200c}' | '\u{200d}') && is_joined(previous) && is_joined(next)
}

/// Returns the first `max` characters of `text`, the last of them an ellipsis if `text` is longer.
#[must_use]
pub fn shortened(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(max.saturating_sub(1)).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_ordered_and_do_not_overlap() {
        for ranges in [HIDDEN, COMBINING] {
            assert!(ranges.iter().all(|(first, last)| first <= last));
            assert!(ranges.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }

    #[test]
    fn every_white_space_but_the_space_and_every_control_is_hidden() {
        for character in '\0'..=char::MAX {
            if (character.is_whitespace() && character != ' ') || character.is_control() {
                assert!(is_hidden(character), "U+{:04X}", u32::from(character));
            }
        }
        for character in [' ', 'a', 'é', '日', '한', 'ㅎ', '⠁', '🚀', '\u{fffd}', '\u{0915}', '\u{5d0}'] {
            assert!(!is_hidden(character), "U+{:04X}", u32::from(character));
        }
    }

    #[test]
    fn hidden_character_is_shown_by_its_number() {
        assert_eq!(
            visible_text("a\u{202e}b\u{0}\u{200d}c\nd é ש\u{3164}"),
            "a[U+202E]b[U+0000][U+200D]c\nd é ש[U+3164]"
        );
        assert_eq!(visible_line("a\nb\u{2028}c\u{9b}2J"), "a[U+000A]b[U+2028]c[U+009B]2J");
    }

    #[test]
    fn joiner_stays_only_between_characters_that_it_can_join() {
        for joined in ["می\u{200c}خواهم", "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}"] {
            assert_eq!(visible_text(joined), joined);
        }
        assert_eq!(visible_text("a\u{200d}b \u{200c}é é\u{200d}"), "a[U+200D]b [U+200C]é é[U+200D]");
        assert_eq!(visible_text("é\u{200d}\u{200d}é"), "é[U+200D][U+200D]é");
    }

    #[test]
    fn long_text_is_shortened_between_characters() {
        assert_eq!(shortened("ééé", 3), "ééé");
        assert_eq!(shortened("éééé", 3), "éé…");
    }

    #[test]
    fn pattern_escapes_what_can_be_escaped() {
        let pattern = visible_pattern();
        assert!(pattern.starts_with(r"^[^ \u0000-\u001f\u007f-\u00a0\u00ad\u034f"), "{pattern}");
        assert!(pattern.is_ascii() && pattern.ends_with("])?$"), "{pattern}");
    }
}
