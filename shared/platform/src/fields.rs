//! The fields of a JSON body, taken one by one; all that is wrong with them is told at once.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::{FieldError, Problem};

/// The fields of a JSON object, and what is wrong with them. Take each by name, then [`Fields::finish`].
#[derive(Default)]
pub struct Fields {
    given: Given,
    errors: Vec<FieldError>,
}

/// A field was refused; the reason is among the errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

impl Fields {
    /// The fields of `body`.
    ///
    /// # Errors
    /// 400 if it is not JSON, 422 if it is not an object.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let not_json = |error: serde_json::Error| Problem::bad_request(format!("the body is not JSON: {error}"));
        let value: &RawValue = serde_json::from_slice(body).map_err(not_json)?;
        if !value.get().starts_with('{') {
            return Err(Problem::invalid(vec![FieldError::whole("must be a JSON object")]));
        }
        Ok(Self { given: serde_json::from_str(value.get()).map_err(not_json)?, errors: Vec::new() })
    }

    /// Fields that are texts, such as headers.
    #[must_use]
    pub fn of_texts<'a>(texts: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let mut fields = Self::default();
        for (name, text) in texts {
            // Any text can be written as JSON.
            let raw = serde_json::value::to_raw_value(&text).unwrap_or_default();
            fields.given.0.entry(name.to_owned()).or_default().push(raw);
        }
        fields
    }

    /// Gives up the fields that were not taken, of a format that has more than AGE looks at.
    pub fn forget_the_others(&mut self) {
        self.given.0.clear();
    }

    /// Reads `body` with `read`, and refuses it for all that is wrong with it.
    ///
    /// # Errors
    /// 400 if it is not JSON, 422 with every field that was wrong, unknown or given twice.
    pub fn read<T>(body: &[u8], read: impl FnOnce(&mut Self) -> Result<T, Refused>) -> Result<T, Problem> {
        let mut fields = Self::parse(body)?;
        let read = read(&mut fields);
        fields.finish(read).map_err(Problem::invalid)
    }

    /// Whether the field called `name` is given, be it as `null`.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.given.0.contains_key(name)
    }

    /// Says that the field called `name` is wrong.
    pub fn refuse(&mut self, name: &str, detail: impl Display) -> Refused {
        self.errors.push(FieldError::new(name, detail.to_string()));
        Refused
    }

    fn refuse_at(&mut self, path: &str, detail: impl Display) -> Refused {
        self.errors.push(FieldError { pointer: format!("/{path}"), detail: detail.to_string() });
        Refused
    }

    /// The only value of a field, as it was written. `null` is as good as none.
    ///
    /// # Errors
    /// [`Refused`] if it is given more than once.
    pub fn raw(&mut self, name: &str) -> Result<Option<Box<RawValue>>, Refused> {
        let mut values = self.given.0.remove(name).unwrap_or_default();
        if values.len() > 1 {
            return Err(self.refuse(name, "must be given once"));
        }
        Ok(values.pop().filter(|value| value.get() != "null"))
    }

    /// A text, read as a `T`.
    ///
    /// # Errors
    /// [`Refused`] if it is given and is no `T`.
    pub fn optional<T: FromStr<Err: Display>>(&mut self, name: &str) -> Result<Option<T>, Refused> {
        let Some(raw) = self.raw(name)? else { return Ok(None) };
        let text: String = serde_json::from_str(raw.get()).map_err(|_| self.refuse(name, "must be a string"))?;
        text.parse().map(Some).map_err(|error| self.refuse(name, error))
    }

    /// A text that must be there, read as a `T`.
    ///
    /// # Errors
    /// [`Refused`] if it is not given, or is no `T`.
    pub fn required<T: FromStr<Err: Display>>(&mut self, name: &str) -> Result<T, Refused> {
        self.optional(name)?.ok_or_else(|| self.refuse(name, "is required"))
    }

    /// A whole number that is `allowed`.
    ///
    /// # Errors
    /// [`Refused`] if it is given and is another thing.
    pub fn number(&mut self, name: &str, allowed: RangeInclusive<i64>) -> Result<Option<i64>, Refused> {
        let Some(raw) = self.raw(name)? else { return Ok(None) };
        let number = whole(raw.get()).filter(|number| allowed.contains(number));
        number.map(Some).ok_or_else(|| {
            self.refuse(name, format!("must be a whole number from {} to {}", allowed.start(), allowed.end()))
        })
    }

    /// A list of texts, each read as a `T`; empty, if it is not given.
    ///
    /// # Errors
    /// [`Refused`] if it is given and is another thing.
    pub fn list<T: FromStr<Err: Display>>(&mut self, name: &str) -> Result<Vec<T>, Refused> {
        let Some(raw) = self.raw(name)? else { return Ok(Vec::new()) };
        let texts: Vec<String> =
            serde_json::from_str(raw.get()).map_err(|_| self.refuse(name, "must be a list of strings"))?;
        let read = |(place, text): (usize, &String)| {
            let pointer = format!("{name}/{place}");
            text.parse().map_err(|error: T::Err| self.refuse_at(&pointer, error))
        };
        texts.iter().enumerate().map(read).collect()
    }

    /// Ends the reading with what was `read`. A field with a slip in its name would be lost, so what was not taken is refused.
    ///
    /// # Errors
    /// Every field that was wrong, unknown or given twice.
    pub fn finish<T>(mut self, read: Result<T, Refused>) -> Result<T, Vec<FieldError>> {
        for name in std::mem::take(&mut self.given.0).keys() {
            self.refuse(name, "is not a field of this");
        }
        match read {
            Ok(read) if self.errors.is_empty() => Ok(read),
            _ => Err(self.errors),
        }
    }
}

/// A whole number, however it is written: JSON does not tell 60 from 60.0.
fn whole(json: &str) -> Option<i64> {
    /// Up to here every whole number has a floating one of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number: f64 = serde_json::from_str(json).ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole, and not too large")]
    let whole = (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64);
    whole
}

/// The fields of a JSON object, each with all its values, not yet looked into.
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
    fn numbers_are_whole_and_within_their_range() {
        let read = |json: &str| {
            let body = format!(r#"{{"seconds":{json}}}"#);
            Fields::read(body.as_bytes(), |fields| fields.number("seconds", 0..=100)).ok()
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
