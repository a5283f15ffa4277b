//! Query parameters, read one by one. All errors are reported together: unknown, repeated and invalid parameters.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::problem::{FieldError, Problem};
use crate::problem_code::FieldErrorCode;

/// The query parameters of a request, or the fields of a form. Read each one by name, then call [`Query::finish`].
#[derive(Debug, Clone, Default)]
pub struct Query {
    values: BTreeMap<String, String>,
    errors: Vec<FieldError>,
}

impl Query {
    /// Parses the parameters of a URL's query or of a form.
    #[must_use]
    pub fn parse(query: &[u8]) -> Self {
        let mut parsed = Self::default();
        for (name, value) in form_urlencoded::parse(query) {
            if parsed.values.insert(name.to_string(), value.into_owned()).is_some() {
                parsed.refuse_as(FieldErrorCode::Duplicate, &name, "must be given once");
            }
        }
        parsed
    }

    /// Removes blank parameters: browsers send empty fields of a form.
    #[must_use]
    pub fn without_blanks(mut self) -> Self {
        self.values.retain(|_, value| !value.trim().is_empty());
        self
    }

    /// Records that the parameter `name` is wrong.
    pub fn refuse(&mut self, name: &str, detail: impl Into<String>) {
        self.refuse_as(FieldErrorCode::Invalid, name, detail);
    }

    fn refuse_as(&mut self, code: FieldErrorCode, name: &str, detail: impl Into<String>) {
        self.errors.push(FieldError::new(name, detail).with_code(code));
    }

    /// Reads the parameter `name` as a `T`. Returns None if it is absent or wrong.
    pub fn optional<T: FromStr>(&mut self, name: &str) -> Option<T>
    where
        T::Err: Display,
    {
        let value = self.values.remove(name)?;
        value.parse().map_err(|error: T::Err| self.refuse(name, error.to_string())).ok()
    }

    /// Reads the parameter `name`, a whole number that is `allowed`. Returns `default` if it is absent or wrong.
    pub fn number(&mut self, name: &str, default: usize, allowed: RangeInclusive<usize>) -> usize {
        let Some(text) = self.values.remove(name) else { return default };
        match text.parse() {
            Ok(number) if allowed.contains(&number) => number,
            _ => {
                let got: String = text.chars().take(40).collect();
                let (start, end) = (allowed.start(), allowed.end());
                self.refuse(name, format!("must be a whole number from {start} to {end}; got {got:?}"));
                default
            }
        }
    }

    /// Checks that all parameters were read and valid.
    ///
    /// # Errors
    /// 422 with every parameter that is wrong, unknown or given twice.
    pub fn finish(mut self) -> Result<(), Problem> {
        for name in std::mem::take(&mut self.values).keys() {
            self.refuse_as(FieldErrorCode::Unknown, name, "is not a known parameter");
        }
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::invalid(self.errors)) }
    }
}

/// No query parameters. Parameters are refused by name, because they would have no effect.
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
    fn every_wrong_parameter_is_named() {
        let mut query = Query::parse(b"limit=0&severity=low&colour=red&engine=a&engine=b");
        assert_eq!(query.number("limit", 50, 1..=500), 50);
        assert_eq!(query.optional::<Severity>("severity"), None);
        query.optional::<String>("engine");
        let problem = query.finish().unwrap_err();
        let text = format!("{problem:?}");
        for name in ["/limit", "/severity", "/colour", "/engine"] {
            assert!(text.contains(name), "{name} in {text}");
        }
    }

    #[test]
    fn absent_parameters_have_defaults() {
        let mut query = Query::parse(b"");
        assert_eq!(query.number("limit", 50, 1..=500), 50);
        assert_eq!(query.optional::<Severity>("severity"), None);
        assert!(query.finish().is_ok());
    }
}
