//! The parts of an access request, read from JSON texts.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::canonical_text::{canonical_text, quoted};
use crate::details::without_white_space;
use crate::json_check::{InvalidJson, check_json, pointer_token};

/// The deepest nesting accepted, in levels, counting the request itself.
pub(crate) const MAX_DEPTH: usize = 16;

/// The most characters of a type, an id and a name.
const MAX_TEXT_CHARS: usize = 1024;

/// A subject or a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessEntity {
    /// The type, 1 to 1,024 characters; `type` in JSON.
    pub kind: String,
    /// The id, unique within the type, 1 to 1,024 characters.
    pub id: String,
    /// The properties, as the caller knows them.
    pub properties: Map<String, Value>,
}

/// An operation.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessAction {
    /// The name, 1 to 1,024 characters.
    pub name: String,
    /// The properties, as the caller knows them.
    pub properties: Map<String, Value>,
}

/// Why a request for a decision is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}{detail}", if pointer.is_empty() { String::new() } else { format!("{pointer} ") })]
pub struct AccessRequestError {
    /// JSON pointer of the field; empty for the request as a whole.
    pub pointer: String,
    /// The allowed values.
    pub detail: String,
}

pub(crate) fn error(pointer: String, detail: String) -> AccessRequestError {
    AccessRequestError { pointer, detail }
}

/// An object of a request: a part, or its properties.
#[derive(Default)]
pub(crate) struct Part {
    pointer: String,
    pub(crate) values: Map<String, Value>,
    pub(crate) texts: BTreeMap<String, String>,
}

impl Part {
    /// Reads the part `name`. Records in `errors` why it cannot be read.
    pub(crate) fn read(name: &str, text: &str, errors: &mut Vec<AccessRequestError>) -> Option<Self> {
        let pointer = format!("/{name}");
        let (text, depth) = without_white_space(text);
        // Checked before the text is parsed, because the parser recurses. The request is one more level.
        if depth >= MAX_DEPTH {
            errors.push(error(pointer, format!("must be nested at most {} levels deep", MAX_DEPTH - 1)));
            return None;
        }
        if let Err(invalid) = check_json(&text) {
            errors.push(match invalid {
                InvalidJson::Syntax(syntax) => error(pointer, format!("must be valid JSON: {syntax}")),
                InvalidJson::DuplicateKey(key) => error(format!("{pointer}{key}"), "must be given once".to_owned()),
            });
            return None;
        }
        if !text.starts_with('{') {
            errors.push(error(pointer, "must be an object".to_owned()));
            return None;
        }
        let fields: BTreeMap<String, &RawValue> = serde_json::from_str(&text).ok()?;
        let mut part = Self { pointer, ..Self::default() };
        for (key, value) in fields {
            match (serde_json::from_str::<Value>(value.get()), canonical_text(value.get())) {
                (Ok(value), Ok(text)) => {
                    part.values.insert(key.clone(), value);
                    part.texts.insert(key, text);
                }
                // The syntax is checked, so what is left is a number.
                _ => errors.push(error(
                    format!("{}/{}", part.pointer, pointer_token(&key)),
                    "must have numbers within the range of 64-bit floating-point numbers".to_owned(),
                )),
            }
        }
        Some(part)
    }

    /// Reads a subject or a resource. Returns its canonical text as well.
    pub(crate) fn entity(mut self, errors: &mut Vec<AccessRequestError>) -> Option<(AccessEntity, String)> {
        let (kind, id) = (self.text("type", errors), self.text("id", errors));
        let (properties, properties_text) = self.properties(errors)?;
        let entity = AccessEntity { kind: kind?, id: id?, properties };
        let (kind, id) = (quoted(entity.kind.as_str()), quoted(entity.id.as_str()));
        let text = format!(r#"{{"id":{id},"properties":{properties_text},"type":{kind}}}"#);
        Some((entity, text))
    }

    /// Reads an action. Returns its canonical text as well.
    pub(crate) fn action(mut self, errors: &mut Vec<AccessRequestError>) -> Option<(AccessAction, String)> {
        let name = self.text("name", errors);
        let (properties, properties_text) = self.properties(errors)?;
        let action = AccessAction { name: name?, properties };
        let text = format!(r#"{{"name":{},"properties":{properties_text}}}"#, quoted(action.name.as_str()));
        Some((action, text))
    }

    fn text(&self, name: &str, errors: &mut Vec<AccessRequestError>) -> Option<String> {
        let is_valid = |text: &&str| {
            !text.is_empty() && text.chars().count() <= MAX_TEXT_CHARS && !text.contains(|it: char| it.is_control())
        };
        let value = self.values.get(name);
        let text = value.and_then(Value::as_str).filter(is_valid);
        if text.is_none() {
            let must = if value.is_some() { "must be" } else { "is required:" };
            let detail =
                format!("{must} a string of 1 to {MAX_TEXT_CHARS} characters, none of them a control character");
            errors.push(error(format!("{}/{name}", self.pointer), detail));
        }
        text.map(str::to_owned)
    }

    /// Takes the properties, which are empty if absent, and their canonical text.
    fn properties(&mut self, errors: &mut Vec<AccessRequestError>) -> Option<(Map<String, Value>, String)> {
        match (self.values.remove("properties"), self.texts.remove("properties")) {
            (Some(Value::Object(properties)), Some(text)) => Some((properties, text)),
            (None, _) => Some((Map::new(), "{}".to_owned())),
            _ => {
                errors.push(error(format!("{}/properties", self.pointer), "must be an object".to_owned()));
                None
            }
        }
    }
}
