//! Inputs that are named on the command line.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use age_model::visible_line;

/// A file, or standard input if the argument is `-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InputSource {
    Stdin,
    File(PathBuf),
}

impl FromStr for InputSource {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == "-" { Self::Stdin } else { Self::File(text.into()) })
    }
}

impl fmt::Display for InputSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("standard input"),
            // A shell may have expanded the name of a file that somebody else made.
            Self::File(path) => f.write_str(&visible_line(&path.to_string_lossy())),
        }
    }
}
