//! Names that the items of a list have, each another one. The build script compiles this file as well.

use std::collections::BTreeMap;

use crate::policy_path::PolicyPath;
use crate::reader::Node;

/// Reads a name of 1 to `max_chars` lower-case letters, digits and underscores, a letter first, which none of `seen` has.
pub(crate) fn read_unique_name(
    node: &Node<'_>,
    max_chars: usize,
    seen: &mut BTreeMap<String, PolicyPath>,
) -> Option<String> {
    let is_name = |name: &&str| is_plain_name(name, max_chars);
    let name = node.read(plain_name(max_chars), |value| value.as_str().filter(is_name))?;
    if let Some(first) = seen.get(name) {
        node.refuse(format!("must differ from {first}; got {name:?} twice"));
        return None;
    }
    seen.insert(name.to_owned(), node.path().clone());
    Some(name.to_owned())
}

/// Whether `name` has 1 to `max_chars` lower-case letters, digits and underscores, a letter first.
fn is_plain_name(name: &str, max_chars: usize) -> bool {
    name.len() <= max_chars
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Returns what [`is_plain_name`] allows, for errors.
fn plain_name(max_chars: usize) -> String {
    format!("1 to {max_chars} lower-case letters, digits and underscores, a letter first")
}
