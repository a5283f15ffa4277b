//! Notes: free text that a person or worker adds to a record.

use std::str::FromStr;

use thiserror::Error;
use utoipa::ToSchema;

/// A note of 1 to 1,000 characters, which may have several lines.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
#[schema(
    min_length = 1,
    max_length = 1000,
    pattern = r"^[^\u0000-\u0009\u000b-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u0009\u000b-\u001f\u007f-\u009f]*$"
)]
pub struct Note(String);

const MAX_CHARS: usize = 1000;

/// The text is not a note.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be 1 to {MAX_CHARS} characters with no control characters but line feeds, and not only white space")]
pub struct InvalidNote;

impl FromStr for Note {
    type Err = InvalidNote;

    fn from_str(text: &str) -> Result<Self, InvalidNote> {
        let control = text.chars().any(|character| character.is_control() && character != '\n');
        let fits = !control && !text.trim().is_empty() && text.chars().count() <= MAX_CHARS;
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidNote) }
    }
}

impl From<Note> for String {
    fn from(note: Note) -> Self {
        note.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn note_may_have_several_lines_but_no_other_control_characters() {
        assert!("line\nline".parse::<Note>().is_ok());
        for bad in ["", " ", "a\0", &"x".repeat(1001)] {
            assert!(bad.parse::<Note>().is_err(), "{bad:?}");
        }
    }
}
