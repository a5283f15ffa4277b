//! The names of engines in a policy that people write. The build script compiles this file as well.

use std::collections::BTreeSet;

use age_model::Engine;

use crate::reader::Node;

/// The names of the policy's engines. None if they cannot be read, so that no reference to one is an error.
pub(crate) struct EngineNames<'a>(pub(crate) Option<BTreeSet<&'a str>>);

impl EngineNames<'_> {
    /// Reads the name of an engine of the policy.
    pub(crate) fn read(&self, node: &Node<'_>) -> Option<Engine> {
        node.read("a key of engines", |value| {
            value.as_str().filter(|name| self.has(name)).and_then(|name| name.parse().ok())
        })
    }

    /// Reads the name of an engine of the policy, or `age`.
    pub(crate) fn read_or_age(&self, node: &Node<'_>) -> Option<Engine> {
        let is_known = |name: &&str| *name == Engine::AGE.as_str() || self.has(name);
        node.read("a key of engines, or age", |value| {
            value.as_str().filter(is_known).and_then(|name| name.parse().ok())
        })
    }

    fn has(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|names| names.contains(name))
    }
}
