//! The fields of a JSON object, read one by one. All errors are reported together, each with its JSON pointer.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::problem::{FieldError, Problem};
use crate::problem_code::FieldErrorCode;

/// Why a field that has two values is refused: two readers may see different ones.
pub(crate) const GIVEN_TWICE: &str = "must be given once";

/// The fields of a JSON object and the errors found so far. Read each field by name, then call [`Fields::finish`].
#[derive(Default)]
pub struct Fields {
    given: Given,
    errors: Vec<FieldError>,
    /// Precedes each name in pointers, except those of `unprefixed`.
    prefix: &'static str,
    unprefixed: BTreeSet<&'static str>,
    /// Headers without a text, which are refused already.
    undecodable: BTreeSet<String>,
    ignores_unknown: bool,
    is_too_large: bool,
}

/// A field was refused; the reason is among the errors of [`Fields`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

impl Fields {
    /// Parses `body`, a JSON object.
    ///
    /// # Errors
    /// 400 if it is not JSON, 422 if it is not an object.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let not_json = |error: serde_json::Error| Problem::bad_request(format!("the body is not JSON: {error}"));
        let value: &RawValue = serde_json::from_slice(body).map_err(not_json)?;
        if !value.get().starts_with('{') {
            return Err(Problem::invalid(vec![FieldError::whole("must be a JSON object")]));
        }
        Ok(Self { given: serde_json::from_str(value.get()).map_err(not_json)?, ..Self::default() })
    }

    /// Makes fields of headers whose names begin with `prefix`; the names are given without it. A header without a text is refused:
    /// its value is not UTF-8.
    #[must_use]
    pub fn of_headers<'a>(prefix: &'static str, headers: impl IntoIterator<Item = (&'a str, Option<String>)>) -> Self {
        let mut fields = Self { prefix, ..Self::default() };
        for (name, text) in headers {
            let Some(text) = text else {
                if fields.undecodable.insert(name.to_owned()) {
                    fields.refuse(name, "must be UTF-8 after percent-decoding");
                }
                continue;
            };
            // Every string can be serialized as JSON.
            let raw = serde_json::value::to_raw_value(&text).unwrap_or_default();
            fields.given.0.entry(name.to_owned()).or_default().push(raw);
        }
        fields
    }

    /// Sets the field `name` to the value `json`, which is not a header.
    ///
    /// # Errors
    /// [`Refused`] if `json` is not JSON.
    pub fn add_json(&mut self, name: &'static str, json: &[u8]) -> Result<(), Refused> {
        self.unprefixed.insert(name);
        match serde_json::from_slice::<Box<RawValue>>(json) {
            Ok(raw) => {
                self.given.0.insert(name.to_owned(), vec![raw]);
                Ok(())
            }
            Err(error) => Err(self.refuse(name, format!("must be valid JSON: {error}"))),
        }
    }

    /// Ignores fields that are not read, of a format with more fields than AGE needs.
    pub const fn ignore_unknown(&mut self) {
        self.ignores_unknown = true;
    }

    /// Gives the field `old` the name `name`, unless both are given.
    pub fn rename(&mut self, old: &str, name: &str) {
        if self.has(old) && self.has(name) {
            self.given.0.remove(old);
            self.refuse(old, format!("must not be given beside {name}"));
        } else if let Some(values) = self.given.0.remove(old) {
            self.given.0.insert(name.to_owned(), values);
        }
    }

    /// Whether the field `name` is given, even as `null`.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.given.0.contains_key(name)
    }

    /// Whether the field `name` is given with a value other than `null`.
    #[must_use]
    pub fn is_given(&self, name: &str) -> bool {
        self.given.0.get(name).into_iter().flatten().any(|value| value.get() != "null")
    }

    /// Parses the field `name` without reading it, if it can be parsed.
    #[must_use]
    pub fn peek<T: FromStr>(&self, name: &str) -> Option<T> {
        let text: String = serde_json::from_str(self.given.0.get(name)?.first()?.get()).ok()?;
        text.parse().ok()
    }

    /// Records that the field `name` is wrong.
    pub fn refuse(&mut self, name: &str, detail: impl Display) -> Refused {
        self.refuse_as(FieldErrorCode::Invalid, name, detail)
    }

    /// Records that the field `name` is missing.
    pub fn refuse_missing(&mut self, name: &str) -> Refused {
        self.refuse_as(FieldErrorCode::Required, name, "is required")
    }

    fn refuse_as(&mut self, code: FieldErrorCode, name: &str, detail: impl Display) -> Refused {
        let prefix = if self.unprefixed.contains(name) { "" } else { self.prefix };
        self.errors.push(FieldError::new(&format!("{prefix}{name}"), detail.to_string()).with_code(code));
        Refused
    }

    fn refuse_duplicate(&mut self, name: &str) -> Refused {
        self.refuse_as(FieldErrorCode::Duplicate, name, GIVEN_TWICE)
    }

    /// Records that the part of the field `name` at `pointer`, a JSON pointer into its value, is wrong.
    pub fn refuse_part(&mut self, name: &str, pointer: &str, detail: impl Display) -> Refused {
        let refused = self.refuse(name, detail);
        if let Some(error) = self.errors.last_mut() {
            error.pointer.push_str(pointer);
        }
        refused
    }

    /// Records that the field `name` is larger than allowed.
    pub fn refuse_too_large(&mut self, name: &str, detail: impl Display) -> Refused {
        self.is_too_large = true;
        self.refuse_as(FieldErrorCode::TooLarge, name, detail)
    }

    /// Records that the header `name`, of no prefix, is wrong.
    pub fn refuse_header(&mut self, name: &str, detail: impl Display) -> Refused {
        self.errors.push(FieldError::new(name, detail.to_string()));
        Refused
    }

    /// Reads the value of the field `name` as it was written; `null` counts as absent.
    ///
    /// # Errors
    /// [`Refused`] if the field is given more than once, or is a header that is not UTF-8.
    pub fn raw(&mut self, name: &str) -> Result<Option<Box<RawValue>>, Refused> {
        if self.undecodable.contains(name) {
            return Err(Refused);
        }
        let mut values = self.given.0.remove(name).unwrap_or_default();
        if values.len() > 1 {
            return Err(self.refuse_duplicate(name));
        }
        Ok(values.pop().filter(|value| value.get() != "null"))
    }

    /// Reads the field `name`, a string that parses as a `T`.
    ///
    /// # Errors
    /// [`Refused`] if it is given and does not parse.
    pub fn string<T: FromStr<Err: Display>>(&mut self, name: &str) -> Result<Option<T>, Refused> {
        let Some(raw) = self.raw(name)? else { return Ok(None) };
        let text: String = serde_json::from_str(raw.get()).map_err(|_| self.refuse(name, "must be a string"))?;
        text.parse().map(Some).map_err(|error| self.refuse(name, error))
    }

    /// Reads the field `name`, a whole number that is `allowed`.
    ///
    /// # Errors
    /// [`Refused`] if it is given and is anything else.
    pub fn number(&mut self, name: &str, allowed: RangeInclusive<i64>) -> Result<Option<i64>, Refused> {
        let Some(raw) = self.raw(name)? else { return Ok(None) };
        let number = whole(raw.get()).filter(|number| allowed.contains(number));
        number.map(Some).ok_or_else(|| {
            self.refuse(
                name,
                format!(
                    "must be a whole number from {} to {}; got {}",
                    allowed.start(),
                    allowed.end(),
                    shorten(raw.get())
                ),
            )
        })
    }

    /// Reads the field `name`, a list of strings that each parse as a `T`.
    ///
    /// # Errors
    /// [`Refused`] if it is given and is anything else.
    pub fn strings<T: FromStr<Err: Display>>(&mut self, name: &str) -> Result<Option<Vec<T>>, Refused> {
        let Some(raw) = self.raw(name)? else { return Ok(None) };
        let texts: Vec<String> =
            serde_json::from_str(raw.get()).map_err(|_| self.refuse(name, "must be a list of strings"))?;
        let parse = |(index, text): (usize, &String)| {
            text.parse().map_err(|error: T::Err| {
                self.errors.push(FieldError::at(format!("/{name}/{index}"), error.to_string()));
                Refused
            })
        };
        texts.iter().enumerate().map(parse).collect::<Result<_, _>>().map(Some)
    }

    /// Reads the field `name`, an object whose values are strings; a value that is `null` counts as absent.
    ///
    /// # Errors
    /// [`Refused`] if it is given and is anything else, or has a key twice.
    pub fn texts(&mut self, name: &str) -> Result<Option<BTreeMap<String, String>>, Refused> {
        let Some(raw) = self.raw(name)? else { return Ok(None) };
        let Given(given) = serde_json::from_str(raw.get()).map_err(|_| self.refuse(name, "must be a JSON object"))?;
        let mut texts = BTreeMap::new();
        let mut refused = None;
        for (key, values) in given {
            let mut refuse =
                |detail| refused = Some(self.refuse_part(name, &FieldError::new(&key, "").pointer, detail));
            match values.as_slice() {
                [value] if value.get() == "null" => {}
                [value] => match serde_json::from_str(value.get()) {
                    Ok(text) => _ = texts.insert(key, text),
                    Err(_) => refuse("must be a string"),
                },
                _ => refuse(GIVEN_TWICE),
            }
        }
        refused.map_or(Ok(Some(texts)), Err)
    }

    /// Returns `read`, which was read from the fields. Fields that were not read are errors, so that a misspelled name is found.
    ///
    /// # Errors
    /// 413 if a field is too large, else 422; with every field that is wrong, unknown or given twice.
    pub fn finish<T>(mut self, read: Result<T, Refused>) -> Result<T, Problem> {
        for (name, values) in std::mem::take(&mut self.given.0) {
            if !self.ignores_unknown {
                self.refuse_as(FieldErrorCode::Unknown, &name, "is not a known field");
            } else if values.len() > 1 {
                self.refuse_duplicate(&name);
            }
        }
        match read {
            Ok(read) if self.errors.is_empty() => Ok(read),
            _ if self.is_too_large => Err(Problem::too_large("a field is too large", self.errors)),
            _ => Err(Problem::invalid(self.errors)),
        }
    }
}

/// Shortens a JSON value for an error, to 40 characters.
fn shorten(json: &str) -> String {
    json.chars().take(40).collect()
}

/// Parses a whole number in any notation: JSON does not distinguish 60 from 60.0.
fn whole(json: &str) -> Option<i64> {
    /// Every whole number up to 2^53 has its own floating-point number.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number: f64 = serde_json::from_str(json).ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole, and not too large")]
    let whole = (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64);
    whole
}

/// The fields of a JSON object, each with all its values, not parsed yet.
#[derive(Default)]
struct Given(BTreeMap<String, Vec<Box<RawValue>>>);

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Given;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Given, A::Error> {
                let mut given = Given::default();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    given.0.entry(name).or_default().push(value);
                }
                Ok(given)
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_strings_with_each_key_once() {
        let read = |json: &str| {
            let mut fields = Fields::parse(format!(r#"{{"labels":{json}}}"#).as_bytes()).unwrap();
            let texts = fields.texts("labels");
            fields.finish(texts).map_err(|problem| problem.errors()[0].pointer.clone())
        };
        let texts = read(r#"{"a":"1","b":null}"#).unwrap().unwrap();
        assert_eq!(texts, BTreeMap::from([("a".to_owned(), "1".to_owned())]));
        assert_eq!(read("null"), Ok(None));
        for (json, pointer) in [
            ("[]", "/labels"),
            (r#"{"a":1}"#, "/labels/a"),
            (r#"{"a/b":"1","a/b":"2"}"#, "/labels/a~1b"),
            (r#"{"a":"1","\u0061":"1"}"#, "/labels/a"),
        ] {
            assert_eq!(read(json), Err(pointer.to_owned()), "{json}");
        }
    }

    #[test]
    fn field_given_twice_is_refused_even_if_it_is_ignored() {
        let mut fields = Fields::parse(br#"{"a":1,"b":1,"b":2}"#).unwrap();
        fields.ignore_unknown();
        let problem = fields.finish(Ok(())).unwrap_err();
        assert_eq!(problem.errors(), [FieldError::new("b", GIVEN_TWICE).with_code(FieldErrorCode::Duplicate)]);
    }

    #[test]
    fn number_is_whole_and_within_its_range() {
        let read = |json: &str| {
            let mut fields = Fields::parse(format!(r#"{{"seconds":{json}}}"#).as_bytes()).unwrap();
            let number = fields.number("seconds", 0..=100);
            fields.finish(number).ok()
        };
        for (json, number) in [("60", 60), ("60.0", 60), ("6e1", 60), ("0", 0), ("-0", 0), ("100", 100)] {
            assert_eq!(read(json), Some(Some(number)), "{json}");
        }
        assert_eq!(read("null"), Some(None));
        for json in ["-1", "101", "60.5", "\"60\"", "true", "[]", "1e300", "9007199254740993e1"] {
            assert_eq!(read(json), None, "{json}");
        }
    }
}
