//! Query parameters: each known, each once, each valid; all that are not are named together.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::{FieldError, Problem};

/// The query parameters of a request, or the fields of a form. Take each one by name, then [`Query::finish`].
#[derive(Debug, Clone, Default)]
pub struct Query {
    values: BTreeMap<String, String>,
    errors: Vec<FieldError>,
}

impl Query {
    /// Those in `query`, as URLs and forms have them.
    #[must_use]
    pub fn parse(query: &[u8]) -> Self {
        let mut parsed = Self::default();
        for (name, value) in form_urlencoded::parse(query) {
            if parsed.values.insert(name.to_string(), value.into_owned()).is_some() {
                parsed.refuse(&name, "must be given once");
            }
        }
        parsed
    }

    /// Without those that were left blank, as browsers send the fields of a form that nobody filled in.
    #[must_use]
    pub fn without_blanks(mut self) -> Self {
        self.values.retain(|_, value| !value.trim().is_empty());
        self
    }

    /// Says that the parameter called `name` is wrong.
    pub fn refuse(&mut self, name: &str, detail: impl Into<String>) {
        self.errors.push(FieldError::new(name, detail));
    }

    /// The parameter called `name`, read as a `T`. None if it is not given, or wrong.
    pub fn take<T: FromStr>(&mut self, name: &str) -> Option<T>
    where
        T::Err: Display,
    {
        let value = self.values.remove(name)?;
        value.parse().map_err(|error: T::Err| self.refuse(name, error.to_string())).ok()
    }

    /// The whole number called `name`, or `default` if it is not given.
    pub fn number(&mut self, name: &str, default: usize, allowed: RangeInclusive<usize>) -> usize {
        let Some(text) = self.values.remove(name) else { return default };
        match text.parse() {
            Ok(number) if allowed.contains(&number) => number,
            _ => {
                self.refuse(name, format!("must be a whole number from {} to {}", allowed.start(), allowed.end()));
                default
            }
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// A 422 that names every parameter that was wrong, unknown or given twice.
    pub fn finish(mut self) -> Result<(), Problem> {
        for name in std::mem::take(&mut self.values).keys() {
            self.refuse(name, "is not a parameter of this resource");
        }
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::invalid(self.errors)) }
    }
}

/// No query parameters: a request that has some is refused by their names.
#[derive(Debug, Clone, Copy)]
pub struct NoQuery;

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Query::parse(parts.uri.query().unwrap_or_default().as_bytes()).finish().map(|()| Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default().as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use age_model::Severity;

    use super::*;

    #[test]
    fn names_everything_that_is_wrong() {
        let mut query = Query::parse(b"limit=0&severity=low&colour=red&engine=a&engine=b");
        assert_eq!(query.number("limit", 50, 1..=500), 50);
        assert_eq!(query.take::<Severity>("severity"), None);
        query.take::<String>("engine");
        let problem = query.finish().unwrap_err();
        let text = format!("{problem:?}");
        for name in ["/limit", "/severity", "/colour", "/engine"] {
            assert!(text.contains(name), "{name} in {text}");
        }
    }

    #[test]
    fn defaults_when_nothing_is_given() {
        let mut query = Query::parse(b"");
        assert_eq!(query.number("limit", 50, 1..=500), 50);
        assert_eq!(query.take::<Severity>("severity"), None);
        assert!(query.finish().is_ok());
    }
}
