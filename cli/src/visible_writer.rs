//! Output that cannot control the user's terminal, whatever is written to it.

use std::fmt;
use std::io::{self, Write};

use age_model::visible_text;

/// A writer of text, for `write!`. Characters that are hidden or control a terminal are shown by their numbers, such as `[U+001B]`.
///
/// Line feeds pass: whoever formats a line keeps those of others out of it, by [`age_model::visible_line`].
pub(crate) struct VisibleWriter<'a>(&'a mut dyn Write);

impl<'a> VisibleWriter<'a> {
    pub(crate) fn new(output: &'a mut dyn Write) -> Self {
        Self(output)
    }

    pub(crate) fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> io::Result<()> {
        self.0.write_all(visible_text(&text.to_string()).as_bytes())
    }

    /// Writes text of agectl itself that has tabs or other controls.
    pub(crate) fn write_unchanged(&mut self, text: &[u8]) -> io::Result<()> {
        self.0.write_all(text)
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_shown_and_line_feeds_stay() {
        let (mut output, hostile) = (Vec::new(), "\u{1b}[2J\u{9b}m\u{202e}");
        let mut writer = VisibleWriter::new(&mut output);
        writeln!(writer, "a{hostile}b").unwrap();
        writer.write_unchanged(b"\t").unwrap();
        assert_eq!(String::from_utf8(output).unwrap(), "a[U+001B][2J[U+009B]m[U+202E]b\n\t");
    }
}
