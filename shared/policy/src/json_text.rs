//! The JSON text of a policy that people send. A key that an object has twice is found: two readers may see different values.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::document::Policy;
use crate::policy_path::{PolicyError, PolicyPath};

impl Policy {
    /// Reads a policy that people sent as a JSON text, as [`Policy::from_value`] does. A key that an object has twice is an error.
    ///
    /// # Errors
    /// Every error of the document, or the first one of its syntax.
    pub fn from_json(text: &[u8]) -> Result<Self, Vec<PolicyError>> {
        let (value, mut errors) = parse(text).map_err(|error| vec![error])?;
        match Self::from_value(&value) {
            Ok(policy) if errors.is_empty() => return Ok(policy),
            Ok(_) => {}
            Err(others) => errors.extend(others),
        }
        Err(errors)
    }
}

/// Parses `text`. Returns the value, and an error for each key that an object has more than once.
///
/// # Errors
/// The first error of its syntax, with line and column.
fn parse(text: &[u8]) -> Result<(Value, Vec<PolicyError>), PolicyError> {
    let repeated = RefCell::default();
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let seed = ValueSeed { path: PolicyPath::default(), repeated: &repeated };
    let parsed = seed.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    match parsed {
        Ok(value) => Ok((value, repeated.into_inner())),
        Err(error) => Err(PolicyError { path: PolicyPath::default(), detail: format!("must be JSON: {error}") }),
    }
}

/// Reads the value at a path.
struct ValueSeed<'a> {
    path: PolicyPath,
    repeated: &'a RefCell<Vec<PolicyError>>,
}

impl ValueSeed<'_> {
    const fn at(&self, path: PolicyPath) -> Self {
        Self { path, repeated: self.repeated }
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number must be finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(self.at(self.path.item(values.len())))? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            let path = self.path.field(&key);
            let value = fields.next_value_seed(self.at(path.clone()))?;
            if values.insert(key, value).is_some() {
                self.repeated.borrow_mut().push(PolicyError { path, detail: "must be given once".to_owned() });
            }
        }
        Ok(values.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn key_that_is_given_twice_is_found_at_every_depth() {
        let text = r#"{"a":{"b":1,"b":2},"list":[{},{"c d":{},"\u0063 d":[]}],"a":{}}"#;
        let (value, errors) = parse(text.as_bytes()).unwrap();
        assert_eq!(value["list"][1]["c d"], Value::Array(vec![]));
        let paths: Vec<_> = errors.iter().map(|error| error.path.to_string()).collect();
        assert_eq!(paths, ["a.b", "list[1].\"c d\"", "a"]);
    }

    #[test]
    fn text_that_is_not_json_is_refused_with_its_line() {
        for text in ["", "{", "{} x", "{\"a\":1e999}", "{\"a\":\u{1}}", &"[".repeat(200)] {
            let error = parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("the policy must be JSON: ") && error.contains(" at line 1 column "), "{error}");
        }
        assert!(parse(b"{\"a\":\"\xff\"}").is_err());
    }

    proptest! {
        #[test]
        fn text_is_read_as_serde_json_reads_it(text in "[\\[\\]{}:,\"a-c0-9.eE+tru\\\\ -]{0,30}") {
            let parsed = parse(text.as_bytes()).ok().map(|(value, _)| value);
            prop_assert_eq!(parsed, serde_json::from_str(&text).ok());
        }
    }
}
