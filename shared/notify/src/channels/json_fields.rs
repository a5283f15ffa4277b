//! Lenient reading of the JSON of messages: a field that is absent, or of another type, is None.

use serde::Deserialize;
use serde_json::Value;

/// The fields of a JSON object. Other values have none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a>(&'a Value);

impl<'a> Fields<'a> {
    pub(crate) const fn of(value: &'a Value) -> Self {
        Self(value)
    }

    /// Returns the JSON of a field.
    pub(crate) fn json(self, name: &str) -> Option<&'a Value> {
        self.0.get(name)
    }

    pub(crate) fn text(self, name: &str) -> Option<&'a str> {
        self.json(name)?.as_str()
    }

    pub(crate) fn number(self, name: &str) -> Option<u64> {
        self.json(name)?.as_u64()
    }

    /// Returns a field as a type of the model.
    pub(crate) fn value<T: Deserialize<'a>>(self, name: &str) -> Option<T> {
        T::deserialize(self.json(name)?).ok()
    }

    pub(crate) fn object(self, name: &str) -> Option<Self> {
        self.json(name).filter(|value| value.is_object()).map(Self)
    }

    /// Returns the elements of a list.
    pub(crate) fn list(self, name: &str) -> impl Iterator<Item = Self> {
        self.json(name).and_then(Value::as_array).into_iter().flatten().map(Self)
    }

    /// Returns the texts of a list.
    pub(crate) fn texts(self, name: &str) -> impl Iterator<Item = &'a str> {
        self.json(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }
}
