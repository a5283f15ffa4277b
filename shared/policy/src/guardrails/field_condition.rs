//! Conditions on the fields of a request.

use std::cmp::Ordering;
use std::fmt;

use age_model::{AccessRequest, ReasonCode, shortened, visible_line};
use serde_json::{Map, Number, Value};

use crate::guardrail_document::{FieldCondition, FieldValue};
use crate::guardrails::finding::Finding;

/// How much of a value an explanation shows, in characters.
const MAX_SHOWN_CHARS: usize = 80;

/// The part of a request that has a field.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    Subject,
    Action,
    Resource,
    Context,
}

/// A field of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a> {
    pub(crate) part: Part,
    /// The names of the field and of those above it, with dots between them.
    pub(crate) path: &'a str,
}

/// One condition on a field.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FieldTest<'a> {
    Equals(&'a FieldValue),
    OneOf(&'a [FieldValue]),
    Prefix(&'a str),
    Above(&'a Number),
    Below(&'a Number),
    Exists(bool),
}

/// The value of a field of a request.
#[derive(Debug, Clone, Copy)]
enum Content<'a> {
    Text(&'a str),
    Number(&'a Number),
    Boolean(bool),
    /// Null, a list or an object, which no condition compares.
    Other,
}

impl<'a> FieldTest<'a> {
    /// Returns the tests of `condition`.
    pub(crate) fn all(condition: &'a FieldCondition) -> impl Iterator<Item = Self> {
        let FieldCondition { equals, one_of, prefix, above, below, exists } = condition;
        let tests = [
            equals.as_ref().map(Self::Equals),
            one_of.as_deref().map(Self::OneOf),
            prefix.as_deref().map(Self::Prefix),
            above.as_ref().map(Self::Above),
            below.as_ref().map(Self::Below),
            exists.map(Self::Exists),
        ];
        tests.into_iter().flatten()
    }

    /// Tests `content`. Returns None if it has a type that the test does not compare.
    fn is_met(&self, content: Content<'_>) -> Option<bool> {
        match (self, content) {
            (Self::Equals(value), content) => equals(value, content),
            (Self::OneOf(values), content) => {
                let results: Vec<_> = values.iter().filter_map(|value| equals(value, content)).collect();
                if results.is_empty() { None } else { Some(results.contains(&true)) }
            }
            (Self::Prefix(prefix), Content::Text(text)) => Some(text.starts_with(prefix)),
            (Self::Above(limit), Content::Number(number)) => compare(number, limit).map(Ordering::is_gt),
            (Self::Below(limit), Content::Number(number)) => compare(number, limit).map(Ordering::is_lt),
            (Self::Exists(expected), _) => Some(*expected),
            _ => None,
        }
    }

    /// Returns the types that the test compares.
    fn types(&self) -> &'static str {
        match self {
            Self::Equals(FieldValue::Number(_)) | Self::Above(_) | Self::Below(_) => "a number",
            Self::Equals(FieldValue::Boolean(_)) => "true or false",
            Self::Equals(FieldValue::Text(_)) | Self::Prefix(_) => "a string",
            Self::OneOf(_) => "of the type of one of the values",
            Self::Exists(_) => "any value",
        }
    }
}

fn equals(value: &FieldValue, content: Content<'_>) -> Option<bool> {
    match (value, content) {
        (FieldValue::Text(value), Content::Text(text)) => Some(value == text),
        (FieldValue::Number(value), Content::Number(number)) => compare(number, value).map(Ordering::is_eq),
        (FieldValue::Boolean(value), Content::Boolean(boolean)) => Some(*value == boolean),
        _ => None,
    }
}

/// Compares a number of a request with one of the policy. Whole numbers are compared with every digit.
fn compare(number: &Number, limit: &Number) -> Option<Ordering> {
    match (number.as_i128(), limit.as_i128()) {
        (Some(number), Some(limit)) => Some(number.cmp(&limit)),
        _ => number.as_f64()?.partial_cmp(&limit.as_f64()?),
    }
}

impl Field<'_> {
    /// Whether the field is one of those that identify the parts of a request, which every record of a decision has.
    pub(crate) fn identifies(&self) -> bool {
        matches!((self.part, self.path), (Part::Subject | Part::Resource, "type" | "id") | (Part::Action, "name"))
    }

    /// Evaluates `test` on the field of `request`.
    pub(crate) fn test(&self, request: &AccessRequest, test: &FieldTest<'_>) -> Finding {
        match (self.content(request), test) {
            (None, FieldTest::Exists(expected)) => (!*expected).into(),
            (None, _) => Finding::Unknown(ReasonCode::MissingField, format!("{self} is missing")),
            (Some(content), test) => test.is_met(content).map_or_else(
                || Finding::Unknown(ReasonCode::WrongType, format!("{self} is not {}", test.types())),
                Finding::from,
            ),
        }
    }

    /// Returns what the request has at the field, for people.
    pub(crate) fn found(&self, request: &AccessRequest) -> String {
        match self.content(request) {
            Some(Content::Text(text)) => {
                format!("{self} is {}", visible_line(&shortened(&format!("{text:?}"), MAX_SHOWN_CHARS)))
            }
            Some(Content::Number(number)) => format!("{self} is {number}"),
            Some(Content::Boolean(value)) => format!("{self} is {value}"),
            Some(Content::Other) => format!("{self} exists"),
            None => format!("{self} is missing"),
        }
    }

    fn content<'r>(&self, request: &'r AccessRequest) -> Option<Content<'r>> {
        let properties =
            |properties: &'r Map<String, Value>| value_at(properties, self.path.strip_prefix("properties.")?);
        match (self.part, self.path) {
            (Part::Subject, "type") => Some(Content::Text(&request.subject.kind)),
            (Part::Subject, "id") => Some(Content::Text(&request.subject.id)),
            (Part::Subject, _) => properties(&request.subject.properties),
            (Part::Action, "name") => Some(Content::Text(&request.action.name)),
            (Part::Action, _) => properties(&request.action.properties),
            (Part::Resource, "type") => Some(Content::Text(&request.resource.kind)),
            (Part::Resource, "id") => Some(Content::Text(&request.resource.id)),
            (Part::Resource, _) => properties(&request.resource.properties),
            (Part::Context, path) => value_at(&request.context, path),
        }
    }
}

fn value_at<'r>(fields: &'r Map<String, Value>, path: &str) -> Option<Content<'r>> {
    let (name, below) = path.split_once('.').map_or((path, None), |(name, below)| (name, Some(below)));
    match (fields.get(name)?, below) {
        (Value::Object(fields), Some(below)) => value_at(fields, below),
        (_, Some(_)) => None,
        (Value::String(text), None) => Some(Content::Text(text)),
        (Value::Number(number), None) => Some(Content::Number(number)),
        (Value::Bool(value), None) => Some(Content::Boolean(*value)),
        (_, None) => Some(Content::Other),
    }
}

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = match self.part {
            Part::Subject => "subject",
            Part::Action => "action",
            Part::Resource => "resource",
            Part::Context => "context",
        };
        write!(f, "{part}.{}", visible_line(self.path))
    }
}

impl fmt::Display for FieldTest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equals(value) => write!(f, "is {value}"),
            Self::OneOf(values) => {
                let values: Vec<_> = values.iter().map(FieldValue::to_string).collect();
                write!(f, "is one of {}", values.join(", "))
            }
            Self::Prefix(prefix) => write!(f, "begins with {prefix:?}"),
            Self::Above(limit) => write!(f, "is above {limit}"),
            Self::Below(limit) => write!(f, "is below {limit}"),
            Self::Exists(true) => f.write_str("exists"),
            Self::Exists(false) => f.write_str("does not exist"),
        }
    }
}
