//! Paths into the policy document, and the errors that name them. The build script compiles this file as well.

use std::fmt::{self, Write};

use age_model::is_hidden;
use thiserror::Error;

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// A key of an object.
    Key(String),
    /// The index of an item of a list, from 0.
    Index(usize),
}

/// A place in the policy document, shown as `guardrails[3].match.resource`. Keys are quoted where TOML quotes them. The path of the
/// whole document is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyPath(Vec<Step>);

impl PolicyPath {
    /// Returns the path of the field `key` of the object at this path.
    #[must_use]
    pub fn field(&self, key: &str) -> Self {
        self.with(Step::Key(key.to_owned()))
    }

    /// Returns the path of an item of the list at this path.
    #[must_use]
    pub fn item(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    fn with(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }

    /// Returns the place as a JSON pointer (RFC 6901), such as `/guardrails/3/match/resource`.
    #[must_use]
    pub fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in &self.0 {
            pointer.push('/');
            match step {
                Step::Key(key) => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
                Step::Index(index) => pointer.push_str(&index.to_string()),
            }
        }
        pointer
    }
}

impl fmt::Display for PolicyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) => {
                    f.write_str(if position == 0 { "" } else { "." })?;
                    write_key(f, key)?;
                }
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Writes `key` as TOML does: bare if it can be, else in quotes, with hidden characters escaped.
fn write_key(f: &mut fmt::Formatter<'_>, key: &str) -> fmt::Result {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !key.is_empty() && key.bytes().all(is_bare) {
        return f.write_str(key);
    }
    f.write_char('"')?;
    for character in key.chars() {
        match (character, u32::from(character)) {
            ('"' | '\\', _) => write!(f, "\\{character}")?,
            (_, code @ ..=0xffff) if is_hidden(character) => write!(f, "\\u{code:04X}")?,
            (_, code) if is_hidden(character) => write!(f, "\\U{code:08X}")?,
            _ => f.write_char(character)?,
        }
    }
    f.write_char('"')
}

/// Why a policy is refused, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}{}{detail}", path, if path.0.is_empty() { "the policy " } else { " " })]
pub struct PolicyError {
    /// The place of the error. Of a missing field, where it should be.
    pub path: PolicyPath,
    /// The fault and the allowed values, such as `must be a whole number from 1 to 100; got 0`: a sentence together with the path.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_shown_as_toml_and_as_a_json_pointer() {
        let rule = PolicyPath::default().field("guardrails").item(3).field("match").field("resource");
        assert_eq!(
            (rule.to_string(), rule.pointer()),
            ("guardrails[3].match.resource".into(), "/guardrails/3/match/resource".into())
        );
        for (key, shown) in [
            ("sev-1", "a.sev-1"),
            ("", "a.\"\""),
            ("p 1", "a.\"p 1\""),
            ("a.b", "a.\"a.b\""),
            ("é", "a.\"é\""),
            ("\"\\", "a.\"\\\"\\\\\""),
            ("\n\u{202e}\u{e0001}", "a.\"\\u000A\\u202E\\U000E0001\""),
        ] {
            assert_eq!(PolicyPath::default().field("a").field(key).to_string(), shown);
        }
        assert_eq!(PolicyPath::default().field("a/b~c").pointer(), "/a~1b~0c");
    }

    #[test]
    fn error_is_a_sentence_about_its_place() {
        let detail = "must be an object".to_owned();
        let error = |path| PolicyError { path, detail: detail.clone() }.to_string();
        assert_eq!(error(PolicyPath::default()), "the policy must be an object");
        assert_eq!(error(PolicyPath::default().field("engines")), "engines must be an object");
    }
}
