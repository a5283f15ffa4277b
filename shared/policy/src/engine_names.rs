//! The names of engines in a policy that people write. The build script compiles this file as well.

use std::collections::BTreeSet;

use age_model::Engine;

use crate::bounds;
use crate::reader::Node;

/// The name of AGE's own engine, which a policy cannot define.
pub(crate) const RESERVED_ENGINE: &str = "age";

/// The names of the policy's engines. None if they cannot be read, so that no reference to one is an error.
pub(crate) struct EngineNames<'a>(pub(crate) Option<BTreeSet<&'a str>>);

impl EngineNames<'_> {
    /// Reads the name of an engine of the policy.
    pub(crate) fn read(&self, node: &Node<'_>) -> Option<Engine> {
        node.read("a key of engines", |value| value.as_str().filter(|name| self.has(name)).and_then(parse_engine))
    }

    /// Reads the name of an engine of the policy, or `age`.
    pub(crate) fn read_or_age(&self, node: &Node<'_>) -> Option<Engine> {
        let is_known = |name: &&str| *name == RESERVED_ENGINE || self.has(name);
        node.read("a key of engines, or age", |value| value.as_str().filter(is_known).and_then(parse_engine))
    }

    fn has(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|names| names.contains(name))
    }
}

/// Returns the engine `name`: a lower-case letter, then letters, digits and underscores.
pub(crate) fn parse_engine(name: &str) -> Option<Engine> {
    is_plain_name(name, bounds::MAX_ENGINE_CHARS).then(|| serde_json::from_value(name.into()).ok()).flatten()
}

/// Whether `name` has 1 to `max_chars` lower-case letters, digits and underscores, a letter first.
pub(crate) fn is_plain_name(name: &str, max_chars: usize) -> bool {
    name.len() <= max_chars
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Returns what [`is_plain_name`] allows, for errors.
pub(crate) fn plain_name(max_chars: usize) -> String {
    format!("1 to {max_chars} lower-case letters, digits and underscores, a letter first")
}
