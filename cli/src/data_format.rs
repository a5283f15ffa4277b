//! The formats of documents that people write.

use crate::input_source::InputSource;

/// TOML, or JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DataFormat {
    Json,
    Toml,
}

impl DataFormat {
    /// Returns the format of `text`, which was read from `source`. The extension of a file says it; of another input, its first
    /// character does.
    pub(crate) fn of(source: &InputSource, text: &str) -> Self {
        let extension = match source {
            InputSource::File(path) => path.extension().unwrap_or_default().to_ascii_lowercase(),
            InputSource::Stdin => std::ffi::OsString::new(),
        };
        match extension.to_str() {
            Some("json") => Self::Json,
            Some("toml") => Self::Toml,
            // No TOML document begins with a brace, and each document in JSON does.
            _ if text.trim_start().starts_with('{') => Self::Json,
            _ => Self::Toml,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_follows_from_the_extension_or_the_first_character() {
        let format = |name: &str, text| DataFormat::of(&name.parse().unwrap(), text);
        for (name, text, expected) in [
            ("a.toml", "{", DataFormat::Toml),
            ("a.JSON", "a = 1", DataFormat::Json),
            ("-", " \n{}", DataFormat::Json),
            ("-", "a = 1", DataFormat::Toml),
            ("policy", "# {", DataFormat::Toml),
            ("policy.txt", "{}", DataFormat::Json),
        ] {
            assert_eq!(format(name, text), expected, "{name}: {text}");
        }
    }
}
