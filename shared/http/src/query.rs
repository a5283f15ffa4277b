//! Query parameters, read one by one. All errors are reported together: unknown, repeated and invalid parameters.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use age_model::Timestamp;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::day_or_time::DayOrTime;
use crate::problem::{FieldError, Problem};
use crate::problem_code::FieldErrorCode;

/// How often a parameter that takes several values may be given.
pub const MAX_VALUES: usize = 32;

/// The query parameters of a request, or the fields of a form. Read each one by name, then call [`Query::finish`].
#[derive(Debug, Clone, Default)]
pub struct Query {
    values: BTreeMap<String, Vec<String>>,
    errors: Vec<FieldError>,
}

impl Query {
    /// Parses the parameters of a URL's query or of a form.
    #[must_use]
    pub fn parse(query: &[u8]) -> Self {
        let mut parsed = Self::default();
        for (name, value) in form_urlencoded::parse(query) {
            parsed.values.entry(name.into_owned()).or_default().push(value.into_owned());
        }
        parsed
    }

    /// Removes blank parameters: browsers send empty fields of a form.
    #[must_use]
    pub fn without_blanks(mut self) -> Self {
        self.values.retain(|_, values| {
            values.retain(|value| !value.trim().is_empty());
            !values.is_empty()
        });
        self
    }

    /// Records that the parameter `name` is wrong.
    pub fn refuse(&mut self, name: &str, detail: impl Into<String>) {
        self.refuse_as(FieldErrorCode::Invalid, name, detail);
    }

    fn refuse_as(&mut self, code: FieldErrorCode, name: &str, detail: impl Into<String>) {
        self.errors.push(FieldError::new(name, detail).with_code(code));
    }

    /// Removes the only value of the parameter `name`. Returns None if it is absent or given more than once.
    fn single(&mut self, name: &str) -> Option<String> {
        let mut values = self.values.remove(name)?;
        if values.len() > 1 {
            self.refuse_as(FieldErrorCode::Duplicate, name, "must be given once");
            return None;
        }
        values.pop()
    }

    /// Reads the parameter `name` as a `T`. Returns None if it is absent or wrong.
    pub fn optional<T: FromStr>(&mut self, name: &str) -> Option<T>
    where
        T::Err: Display,
    {
        self.single(name)?.parse().map_err(|error: T::Err| self.refuse(name, error.to_string())).ok()
    }

    /// Reads the parameter `name`, which may be given up to [`MAX_VALUES`] times, as a set of `T`. The same value given twice has no
    /// effect. Returns the values that are valid; none if the parameter is absent.
    pub fn set<T: FromStr + Ord>(&mut self, name: &str) -> BTreeSet<T>
    where
        T::Err: Display,
    {
        let values = self.values.remove(name).unwrap_or_default();
        if values.len() > MAX_VALUES {
            self.refuse(name, format!("must be given at most {MAX_VALUES} times; got {} values", values.len()));
            return BTreeSet::new();
        }
        let mut set = BTreeSet::new();
        for value in values {
            match value.parse::<T>() {
                Ok(value) => drop(set.insert(value)),
                Err(error) => self.refuse(name, error.to_string()),
            }
        }
        set
    }

    /// Reads the parameters `from` and `to`, the bounds of a period. Each is None if it is absent or wrong.
    pub fn period(&mut self) -> (Option<Timestamp>, Option<Timestamp>) {
        let from = self.optional("from").map(|DayOrTime(time)| time);
        let to = self.optional("to").map(|DayOrTime(time)| time);
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            self.refuse("from", "must not be after to");
        }
        (from, to)
    }

    /// Reads the parameter `name`, a whole number that is `allowed`. Returns `default` if it is absent or wrong.
    pub fn number(&mut self, name: &str, default: usize, allowed: RangeInclusive<usize>) -> usize {
        let Some(text) = self.single(name) else { return default };
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
    fn parameter_of_several_values_is_a_set() {
        let mut query = Query::parse(b"severity=HIGH&severity=CRITICAL&severity=HIGH&status=");
        assert_eq!(query.set("severity"), BTreeSet::from([Severity::High, Severity::Critical]));
        assert_eq!(query.set::<Severity>("absent"), BTreeSet::new());
        assert!(query.clone().finish().is_err(), "status is not read");
        assert!(query.without_blanks().finish().is_ok());
    }

    #[test]
    fn each_wrong_value_of_a_set_is_named_with_what_is_allowed() {
        let mut query = Query::parse(b"severity=HIGH&severity=low&severity=huge");
        assert_eq!(query.set("severity"), BTreeSet::from([Severity::High]));
        let problem = query.finish().unwrap_err();
        let errors: Vec<_> = problem.errors().iter().map(|error| format!("{error:?}")).collect();
        assert_eq!(errors.len(), 2);
        for (error, got) in errors.iter().zip(["low", "huge"]) {
            assert!(
                error.contains("/severity") && error.contains("LOW, MEDIUM, HIGH, CRITICAL") && error.contains(got)
            );
        }
    }

    #[test]
    fn set_of_too_many_values_is_refused() {
        let given = |times: usize| Query::parse("severity=HIGH&".repeat(times).as_bytes());
        let mut query = given(MAX_VALUES);
        assert_eq!(query.set("severity"), BTreeSet::from([Severity::High]));
        assert!(query.finish().is_ok());
        let mut query = given(MAX_VALUES + 1);
        assert_eq!(query.set::<Severity>("severity"), BTreeSet::new());
        let text = format!("{:?}", query.finish().unwrap_err());
        assert!(text.contains("must be given at most 32 times; got 33 values"), "{text}");
    }

    #[test]
    fn period_that_ends_before_it_begins_is_refused() {
        let mut query = Query::parse(b"from=2026-11-23&to=2026-11-24T00:00:00Z");
        let at = |text: &str| Some(text.parse().unwrap());
        assert_eq!(query.period(), (at("2026-11-23T00:00:00Z"), at("2026-11-24T00:00:00Z")));
        assert!(query.finish().is_ok());
        let mut query = Query::parse(b"from=2026-11-24&to=2026-11-23");
        query.period();
        assert!(format!("{:?}", query.finish().unwrap_err()).contains("must not be after to"));
    }

    #[test]
    fn absent_parameters_have_defaults() {
        let mut query = Query::parse(b"");
        assert_eq!(query.number("limit", 50, 1..=500), 50);
        assert_eq!(query.optional::<Severity>("severity"), None);
        assert!(query.finish().is_ok());
    }
}
