//! The command as its users know it: arguments in, text and exit code out, an AGE behind HTTP.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod credentials;
mod events;
mod failures;
mod fake;
mod imports;
mod lists;
mod run;
