//! What workers and admins say about an action.

use std::str::FromStr;

use thiserror::Error;

crate::names::named! {
    /// What a worker says came of an action.
    Outcome {
        /// It was carried out.
        Succeeded = "succeeded",
        /// It was not.
        Failed = "failed",
    }
}

crate::names::named! {
    /// What an admin says about an action that waits.
    Decision {
        /// Do it.
        Approve = "approve",
        /// Do not.
        Deny = "deny",
    }
}

/// A text of a person's or worker's own, of up to 1,000 characters. It may have several lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note(String);

/// Who says something: one line of up to 1,000 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author(String);

const MAX_CHARS: usize = 1000;

/// A text that nobody could read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be 1 to {MAX_CHARS} characters, none of them a control")]
pub struct Unreadable;

fn readable(text: &str, allowed: &[char]) -> Result<String, Unreadable> {
    let control = text.chars().any(|character| character.is_control() && !allowed.contains(&character));
    if control || text.trim().is_empty() || text.chars().count() > MAX_CHARS {
        Err(Unreadable)
    } else {
        Ok(text.to_owned())
    }
}

impl FromStr for Note {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        readable(text, &['\n']).map(Self)
    }
}

impl FromStr for Author {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        readable(text, &[]).map(Self)
    }
}

impl From<Note> for String {
    fn from(note: Note) -> Self {
        note.0
    }
}

impl From<Author> for String {
    fn from(author: Author) -> Self {
        author.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_author_is_one_line_and_a_note_may_be_several() {
        assert!("line\nline".parse::<Note>().is_ok() && "line\nline".parse::<Author>().is_err());
        for bad in ["", " ", "a\0", &"x".repeat(1001)] {
            assert!(bad.parse::<Note>().is_err() && bad.parse::<Author>().is_err(), "{bad:?}");
        }
    }
}
