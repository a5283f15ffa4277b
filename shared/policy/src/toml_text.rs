//! Policies as TOML, which people write. No function links this. The build script compiles this file as well.

use serde_json::{Map, Number, Value};

use crate::document::Policy;
use crate::policy_path::{PolicyError, PolicyPath};

/// Parses a TOML document to the JSON value that the API takes. It need not be a valid policy.
///
/// # Errors
/// The first error of its syntax, with line and column; or the first value that JSON does not have.
pub fn toml_to_json(text: &str) -> Result<Value, PolicyError> {
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let detail = format!("must be TOML: line {line}, column {column}: {}", error.message());
        PolicyError { path: PolicyPath::default(), detail }
    })?;
    table_to_json(table, &PolicyPath::default())
}

fn table_to_json(table: toml::Table, path: &PolicyPath) -> Result<Value, PolicyError> {
    let field = |(key, value): (String, toml::Value)| {
        let json = to_json(value, &path.field(&key))?;
        Ok((key, json))
    };
    table.into_iter().map(field).collect::<Result<Map<_, _>, _>>().map(Value::from)
}

fn to_json(value: toml::Value, path: &PolicyPath) -> Result<Value, PolicyError> {
    let not_in_json = |detail: &str| PolicyError { path: path.clone(), detail: detail.to_owned() };
    match value {
        toml::Value::String(text) => Ok(text.into()),
        toml::Value::Integer(number) => Ok(number.into()),
        toml::Value::Float(number) => {
            Number::from_f64(number).map(Value::Number).ok_or_else(|| not_in_json("must be a finite number"))
        }
        toml::Value::Boolean(value) => Ok(value.into()),
        toml::Value::Datetime(_) => Err(not_in_json("must not be a date or time; write a text in quotes")),
        toml::Value::Array(items) => {
            let item = |(index, item)| to_json(item, &path.item(index));
            items.into_iter().enumerate().map(item).collect::<Result<Vec<_>, _>>().map(Value::from)
        }
        toml::Value::Table(table) => table_to_json(table, path),
    }
}

impl Policy {
    /// The default policy as TOML, with comments for people who start from it.
    pub const DEFAULT_TOML: &'static str = include_str!("../default.toml");

    /// Reads a policy that people wrote as TOML, as [`Policy::from_value`] does.
    ///
    /// # Errors
    /// Every error of the document, or the first one of its syntax.
    pub fn from_toml(text: &str) -> Result<Self, Vec<PolicyError>> {
        let value = toml_to_json(text).map_err(|error| vec![error])?;
        Self::from_value(&value)
    }

    /// Returns the policy as TOML, which [`Policy::from_toml`] reads.
    #[must_use]
    pub fn to_toml(&self) -> String {
        // INVARIANT: every key of the document is a text and every number fits in 64 bits, so it can be serialized.
        toml::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: &str = Policy::DEFAULT_TOML;

    #[test]
    fn policy_is_read_from_toml_as_from_json() {
        let policy = Policy::from_toml(DEFAULT).unwrap();
        assert_eq!(policy, Policy::compiled().unwrap());
        assert_eq!(Policy::from_json(policy.canonical_json().as_bytes()).unwrap(), policy);
        let toml = policy.to_toml();
        assert_eq!(Policy::from_toml(&toml).unwrap(), policy, "{toml}");
        assert!(toml.contains("\n[engines.billing]\ntitle = \"Billing\"\n"), "{toml}");
    }

    #[test]
    fn syntax_error_has_its_line_and_column() {
        for (text, place) in [
            ("score_cap = ", "line 1, column 13"),
            ("a = 1\nb = \"é\" x\n", "line 2, column 9"),
            ("[engines]\n[engines]\n", "line 2, column 2"),
            ("a = 1\na = 2\n", "line 2, column 1"),
        ] {
            let error = toml_to_json(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("the policy must be TOML: {place}: ")), "{error}");
        }
    }

    #[test]
    fn value_that_json_does_not_have_is_refused_with_its_path() {
        for (text, error) in [
            ("a = [1, 2026-11-26]", "a[1] must not be a date or time; write a text in quotes"),
            ("[a.\"b c\"]\nd = inf", "a.\"b c\".d must be a finite number"),
        ] {
            assert_eq!(toml_to_json(text).unwrap_err().to_string(), error);
        }
    }

    #[test]
    fn error_has_the_same_path_in_toml_and_in_json() {
        let toml = DEFAULT.replace("score_cap = 100", "score_cap = 0").replace("\"deep_agent\", \"qa\"", "\"deep\", 1");
        let errors = Policy::from_toml(&toml).unwrap_err();
        let paths: Vec<_> = errors.iter().map(|error| error.path.to_string()).collect();
        let expected = ["score_cap", "categories[4].engines[0]", "categories[4].engines[1]", "engines.deep_agent"];
        assert_eq!(paths, expected);
        assert_eq!(Policy::from_value(&toml_to_json(&toml).unwrap()).unwrap_err(), errors);
    }
}
