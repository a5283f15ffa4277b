//! The fields of a JSON object, read one by one. All errors are reported together, each with its JSON pointer.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::problem::{FieldError, Problem};

/// The fields of a JSON object and the errors found so far. Read each field by name, then call [`Fields::finish`].
#[derive(Default)]
pub struct Fields {
    given: Given,
    errors: Vec<FieldError>,
    /// Precedes each name in pointers, except those of `unprefixed`.
    prefix: &'static str,
    unprefixed: BTreeSet<&'static str>,
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

    /// Makes fields of headers whose names begin with `prefix`; the names are given without it.
    #[must_use]
    pub fn of_headers<'a>(prefix: &'static str, headers: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let mut fields = Self { prefix, ..Self::default() };
        for (name, text) in headers {
            // Every string can be serialized as JSON.
            let raw = serde_json::value::to_raw_value(&text).unwrap_or_default();
            fields.given.0.entry(name.to_owned()).or_default().push(raw);
        }
        fields
    }

    /// Adds the field `name` with the value `json`, which is not a header.
    ///
    /// # Errors
    /// [`Refused`] if `json` is not JSON.
    pub fn add_json(&mut self, name: &'static str, json: &[u8]) -> Result<(), Refused> {
        self.unprefixed.insert(name);
        match serde_json::from_slice::<Box<RawValue>>(json) {
            Ok(raw) => {
                self.given.0.entry(name.to_owned()).or_default().push(raw);
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

    /// Parses the field `name` without reading it, if it can be parsed.
    #[must_use]
    pub fn peek<T: FromStr>(&self, name: &str) -> Option<T> {
        let text: String = serde_json::from_str(self.given.0.get(name)?.first()?.get()).ok()?;
        text.parse().ok()
    }

    /// Records that the field `name` is wrong.
    pub fn refuse(&mut self, name: &str, detail: impl Display) -> Refused {
        let prefix = if self.unprefixed.contains(name) { "" } else { self.prefix };
        self.errors.push(FieldError::new(&format!("{prefix}{name}"), detail.to_string()));
        Refused
    }

    /// Records that the field `name` is larger than allowed.
    pub fn refuse_too_large(&mut self, name: &str, detail: impl Display) -> Refused {
        self.is_too_large = true;
        self.refuse(name, detail)
    }

    /// Records that the header `name`, of no prefix, is wrong.
    pub fn refuse_header(&mut self, name: &str, detail: impl Display) -> Refused {
        self.errors.push(FieldError::new(name, detail.to_string()));
        Refused
    }

    /// Reads the value of the field `name` as it was written; `null` counts as absent.
    ///
    /// # Errors
    /// [`Refused`] if the field is given more than once.
    pub fn raw(&mut self, name: &str) -> Result<Option<Box<RawValue>>, Refused> {
        let mut values = self.given.0.remove(name).unwrap_or_default();
        if values.len() > 1 {
            return Err(self.refuse(name, "must be given once"));
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
                self.errors.push(FieldError { pointer: format!("/{name}/{index}"), detail: error.to_string() });
                Refused
            })
        };
        texts.iter().enumerate().map(parse).collect::<Result<_, _>>().map(Some)
    }

    /// Returns `read`, which was read from the fields. Fields that were not read are errors, so that a misspelled name is found.
    ///
    /// # Errors
    /// 413 if a field is too large, else 422; with every field that is wrong, unknown or given twice.
    pub fn finish<T>(mut self, read: Result<T, Refused>) -> Result<T, Problem> {
        if !self.ignores_unknown {
            for name in std::mem::take(&mut self.given.0).into_keys() {
                self.refuse(&name, "is not a known field");
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
