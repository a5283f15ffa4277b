//! A reader of JSON values that reports every error, each with its path. The build script compiles this file as well.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::RangeInclusive;

use age_model::{shortened, visible_line};
use serde_json::{Map, Number, Value};

use crate::bounds;
use crate::policy_path::{PolicyError, PolicyPath};

/// How much of a wrong value an error repeats, in characters.
const MAX_SHOWN_CHARS: usize = 40;

/// The whole numbers that every JSON reader has exactly, up to 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A place in a document. Each of its methods that returns None has recorded why.
#[derive(Clone)]
pub(crate) struct Node<'a> {
    value: Option<&'a Value>,
    path: PolicyPath,
    errors: &'a RefCell<Vec<PolicyError>>,
}

/// The fields of an object that are read.
pub(crate) struct Fields<'a, 'n> {
    node: &'n Node<'a>,
    map: &'a Map<String, Value>,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Node<'a> {
    /// Returns the place of the whole document. Errors are recorded in `errors`.
    pub(crate) fn root(value: &'a Value, errors: &'a RefCell<Vec<PolicyError>>) -> Self {
        Self { value: Some(value), path: PolicyPath::default(), errors }
    }

    /// Records that the value is wrong. `detail` says what is allowed.
    pub(crate) fn refuse(&self, detail: impl Into<String>) {
        self.errors.borrow_mut().push(PolicyError { path: self.path.clone(), detail: detail.into() });
    }

    /// Reads the value by `read`, which returns None if it is not as `expected`.
    pub(crate) fn read<T>(&self, expected: impl Display, read: impl FnOnce(&'a Value) -> Option<T>) -> Option<T> {
        let result = self.value.and_then(read);
        if result.is_none() {
            self.refuse(match self.value {
                Some(value) => format!("must be {expected}; got {}", shown(value)),
                None => format!("is missing; it must be {expected}"),
            });
        }
        result
    }

    /// Reads a whole number that is `allowed`.
    pub(crate) fn whole_number<T: TryFrom<i64>>(&self, allowed: &RangeInclusive<i64>) -> Option<T> {
        let expected = if allowed.start() == allowed.end() {
            allowed.start().to_string()
        } else {
            format!("a whole number from {} to {}", allowed.start(), allowed.end())
        };
        self.read(expected, |value| {
            let number = whole(value)?;
            allowed.contains(&number).then(|| number.try_into().ok()).flatten()
        })
    }

    /// Reads a number within [`bounds::NUMBER`], in its one form: 60.0 is 60.
    pub(crate) fn number(&self) -> Option<Number> {
        self.read(format_args!("a number from {} to {}", bounds::NUMBER.start(), bounds::NUMBER.end()), number)
    }

    /// Reads true or false.
    pub(crate) fn boolean(&self) -> Option<bool> {
        self.read("true or false", Value::as_bool)
    }

    /// Reads one of `words`.
    pub(crate) fn word<T: Display + Copy>(&self, words: &[T]) -> Option<T> {
        let names: Vec<_> = words.iter().map(T::to_string).collect();
        let read = |value: &Value| {
            let text = value.as_str()?;
            let index = names.iter().position(|name| name == text)?;
            words.get(index).copied()
        };
        self.read(format_args!("one of {}", names.join(", ")), read)
    }

    /// Reads a text for people: one line of 1 to `max_chars` characters that they can see.
    pub(crate) fn line(&self, max_chars: usize) -> Option<&'a str> {
        let is_line = |text: &&str| {
            let has_length = !text.is_empty() && text.chars().count() <= max_chars;
            has_length && text.trim() == *text && visible_line(text) == *text
        };
        let expected = format_args!("1 to {max_chars} visible characters on one line, without spaces around them");
        self.read(expected, |value| value.as_str().filter(is_line))
    }

    /// Reads a list whose length is `allowed`.
    pub(crate) fn list(&self, allowed: &RangeInclusive<usize>) -> Option<Vec<Self>> {
        let expected = format_args!("a list of {} to {} items", allowed.start(), allowed.end());
        let items = self.read(expected, |value| value.as_array().filter(|items| allowed.contains(&items.len())))?;
        let item = |(index, value)| Node { value: Some(value), path: self.path.item(index), errors: self.errors };
        Some(items.iter().enumerate().map(item).collect())
    }

    /// Reads an object with keys that people choose, and whose length is `allowed`.
    pub(crate) fn entries(&self, allowed: &RangeInclusive<usize>) -> Option<Vec<(&'a str, Self)>> {
        let expected = format_args!("an object with {} to {} keys", allowed.start(), allowed.end());
        let map = self.read(expected, |value| value.as_object().filter(|map| allowed.contains(&map.len())))?;
        let entry = |(key, value): (&'a String, &'a Value)| {
            (key.as_str(), Node { value: Some(value), path: self.path.field(key), errors: self.errors })
        };
        Some(map.iter().map(entry).collect())
    }

    /// Reads an object by `read`. Fields that `read` does not ask for are errors, so that a misspelled name is found.
    pub(crate) fn object<T>(&self, read: impl FnOnce(&Fields<'a, '_>) -> Option<T>) -> Option<T> {
        let map = self.read("an object", Value::as_object)?;
        let fields = Fields { node: self, map, known: RefCell::default() };
        let result = read(&fields);
        let known = fields.known.into_inner();
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            let unknown = Node { value: None, path: self.path.field(key), errors: self.errors };
            unknown.refuse(format!("is not a known field; the fields are {}", known.join(", ")));
        }
        result
    }

    /// Returns the path.
    pub(crate) const fn path(&self) -> &PolicyPath {
        &self.path
    }

    /// Returns the value as a text, if it is one.
    pub(crate) fn as_str(&self) -> Option<&'a str> {
        self.value.and_then(Value::as_str)
    }
}

impl<'a> Fields<'a, '_> {
    /// Returns the field `name`, which may be missing.
    pub(crate) fn field(&self, name: &'static str) -> Node<'a> {
        self.known.borrow_mut().push(name);
        Node { value: self.map.get(name), path: self.node.path.field(name), errors: self.node.errors }
    }

    /// Reads the field `name` by `read` if it is given. Returns None if `read` has recorded an error, Some(None) if it is missing.
    #[expect(clippy::option_option, reason = "an outer None is an error, an inner one a missing field")]
    pub(crate) fn optional<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&Node<'a>) -> Option<T>,
    ) -> Option<Option<T>> {
        let field = self.field(name);
        if field.value.is_none() { Some(None) } else { read(&field).map(Some) }
    }
}

/// Reads every item of a list by `read`, and refuses those that an item before them equals.
pub(crate) fn each_once<T: PartialEq>(nodes: &[Node<'_>], read: impl Fn(&Node<'_>) -> Option<T>) -> Option<Vec<T>> {
    let mut items: Vec<T> = Vec::new();
    let is_complete = nodes.iter().fold(true, |is_complete, node| match read(node) {
        Some(item) if items.contains(&item) => {
            node.refuse(format!("must be listed once; got {} twice", node.value.map(shown).unwrap_or_default()));
            false
        }
        Some(item) => {
            items.push(item);
            is_complete
        }
        None => false,
    });
    is_complete.then_some(items)
}

/// Returns all `items`, or None if one is None. Unlike `collect`, it reads the items after that one as well.
pub(crate) fn all<T, C: FromIterator<T>>(items: impl Iterator<Item = Option<T>>) -> Option<C> {
    let items: Vec<_> = items.collect();
    items.into_iter().collect()
}

/// Returns a whole number in any notation: JSON does not distinguish 60 from 60.0.
fn whole(value: &Value) -> Option<i64> {
    let number = value.as_number()?;
    number.as_i64().or_else(|| {
        let number = number.as_f64()?;
        #[expect(clippy::cast_possible_truncation, reason = "it is whole, and not too large")]
        let whole = (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64);
        whole
    })
}

/// Returns a number within [`bounds::NUMBER`].
pub(crate) fn number(value: &Value) -> Option<Number> {
    if let Some(whole) = whole(value) {
        return bounds::NUMBER.contains(&whole).then(|| whole.into());
    }
    let number = value.as_f64().filter(|number| number.abs() < EXACT - 1.0)?;
    Number::from_f64(number)
}

/// Returns `value` for an error, shortened.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("a list of {} items", items.len()),
        Value::Object(_) => "an object".to_owned(),
        _ => visible_line(&shortened(&value.to_string(), MAX_SHOWN_CHARS)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Returns what `read` reads from `value`, and the errors.
    fn read<T>(value: &Value, read: impl FnOnce(&Node<'_>) -> Option<T>) -> (Option<T>, Vec<String>) {
        let errors = RefCell::default();
        let result = read(&Node::root(value, &errors));
        (result, errors.take().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn number_is_whole_and_within_its_range() {
        for (value, number) in
            [(json!(60), Some(60)), (json!(60.0), Some(60)), (json!(1), Some(1)), (json!(100), Some(100))]
        {
            assert_eq!(read(&value, |node| node.whole_number::<u32>(&(1..=100))), (number, vec![]));
        }
        for value in
            [json!(0), json!(101), json!(60.5), json!("60"), json!(true), json!(1e300), json!(u64::MAX), json!(null)]
        {
            let (number, errors) = read(&value, |node| node.whole_number::<u32>(&(1..=100)));
            assert_eq!(number, None);
            assert_eq!(errors, [format!("the policy must be a whole number from 1 to 100; got {value}")]);
        }
        assert_eq!(read(&json!(-1), |node| node.whole_number::<u32>(&(-1..=1))).0, None, "it has no type for it");
    }

    #[test]
    fn line_has_visible_characters_only() {
        for text in ["a", "Überprüfung 日本", "می\u{200c}خواهم", "x".repeat(20).as_str()] {
            assert_eq!(read(&json!(text), |node| node.line(20).map(str::to_owned)), (Some(text.to_owned()), vec![]));
        }
        for text in ["", " a", "a ", "a\nb", "a\u{202e}b", "\u{3164}", &"x".repeat(21)] {
            let (line, errors) = read(&json!(text), |node| node.line(20).map(str::to_owned));
            assert_eq!((line, errors.len()), (None, 1), "{text:?}");
            assert!(!errors[0].contains(['\n', '\u{202e}']), "{errors:?}");
        }
    }

    #[test]
    fn every_field_that_is_wrong_missing_or_unknown_is_reported() {
        let value = json!({"a": "x", "c": 1, "b b": 2, "list": [1, "two", 3, null]});
        let (result, errors) = read(&value, |node| {
            node.object(|fields| {
                let a: Option<i64> = fields.field("a").whole_number(&(0..=1));
                let b: Option<i64> = fields.field("b").whole_number(&(0..=0));
                let c = fields.optional("c", |node| node.word(&["x", "y"]));
                let d = fields.optional("d", |node| node.word(&["x", "y"]));
                assert_eq!((c, d), (None, Some(None)));
                let items = fields.field("list").list(&(0..=9))?;
                let items: Vec<Option<i64>> = items.iter().map(|item| item.whole_number(&(0..=9))).collect();
                assert_eq!(items, [Some(1), None, Some(3), None]);
                Some((a?, b?))
            })
        });
        assert_eq!(result, None);
        assert_eq!(
            errors,
            [
                "a must be a whole number from 0 to 1; got \"x\"",
                "b is missing; it must be 0",
                "c must be one of x, y; got 1",
                "list[1] must be a whole number from 0 to 9; got \"two\"",
                "list[3] must be a whole number from 0 to 9; got null",
                "\"b b\" is not a known field; the fields are a, b, c, d, list",
            ]
        );
    }
}
