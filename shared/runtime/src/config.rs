//! Configuration from environment variables. A missing or malformed variable stops the function before its first request.

use std::str::FromStr;

use age_model::OriginSecrets;
use thiserror::Error;

/// The errors of all variables that are missing or malformed. Each names its variable.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("configuration: {}", .0.join("; "))]
pub struct ConfigError(Vec<String>);

/// Returns the value of a variable by its name.
type Lookup<'a> = Box<dyn Fn(&str) -> Option<String> + 'a>;

/// Reads environment variables and collects their errors, so that all errors are reported at once.
///
/// Each getter returns a placeholder for a variable that is wrong; [`Variables::finish`] then fails.
pub struct Variables<'a> {
    lookup: Lookup<'a>,
    errors: Vec<String>,
}

impl Variables<'_> {
    /// Reads the variables of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self::new(|name| std::env::var(name).ok())
    }
}

impl<'a> Variables<'a> {
    /// Reads the variables that `lookup` returns by name.
    pub fn new(lookup: impl Fn(&str) -> Option<String> + 'a) -> Self {
        Self { lookup: Box::new(lookup), errors: Vec::new() }
    }

    /// Returns the value of `name`, if it is set and not empty.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    /// Returns the value of `name`, which must be set and not empty.
    pub fn required(&mut self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.refuse(name, "is not set");
            String::new()
        })
    }

    /// Returns the value of `name`, which must be set and parse as a `T`.
    pub fn parsed<T: FromStr<Err: std::fmt::Display> + Default>(&mut self, name: &str) -> T {
        let text = self.required(name);
        if text.is_empty() {
            return T::default();
        }
        text.parse().unwrap_or_else(|error| {
            self.refuse(name, &format!("is not valid: {error}; got \"{text}\""));
            T::default()
        })
    }

    /// Returns the value of `name`, which must parse as a `T`; the default of `T` if the variable is absent or empty.
    pub fn parsed_if_set<T: FromStr<Err: std::fmt::Display> + Default>(&mut self, name: &str) -> T {
        if self.optional(name).is_some() { self.parsed(name) } else { T::default() }
    }

    /// Returns the value of `name`, if it is set and not empty. It may be set only if the host of `AWS_ENDPOINT_URL` is this machine:
    /// on a local AWS.
    pub fn local(&mut self, name: &str) -> Option<String> {
        let value = self.optional(name)?;
        let is_local = |endpoint: String| {
            let rest = endpoint.strip_prefix("http://")?;
            let host = rest.split(['/', ':']).next()?;
            Some(host == "127.0.0.1" || host == "localhost")
        };
        if self.optional("AWS_ENDPOINT_URL").and_then(is_local) != Some(true) {
            self.refuse(name, "may be set only if the host of AWS_ENDPOINT_URL is 127.0.0.1 or localhost");
        }
        Some(value)
    }

    /// Records that the variable `name` is wrong.
    pub fn refuse(&mut self, name: &str, problem: &str) {
        self.errors.push(format!("{name} {problem}"));
    }

    /// Returns `config`, which was built from the variables.
    ///
    /// # Errors
    /// [`ConfigError`] with every variable that was missing or malformed.
    pub fn finish<T>(self, config: T) -> Result<T, ConfigError> {
        if self.errors.is_empty() { Ok(config) } else { Err(ConfigError(self.errors)) }
    }
}

/// The configuration of the authentication layer, for every function behind the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticationConfig {
    /// The name of the credentials table.
    pub credentials_table: String,
    /// Requests per second that one credential may make.
    pub requests_per_second: u32,
    /// Requests that one credential may make at once after a pause.
    pub requests_burst: u32,
    /// The secrets of the proxy in front of the API, if it has one.
    pub origin_secrets: OriginSecrets,
}

impl AuthenticationConfig {
    /// Reads `CREDENTIALS_TABLE`, `REQUESTS_PER_SECOND` and `REQUESTS_BURST`, and `ORIGIN_SECRET_HASHES`, which may be absent.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        Self {
            credentials_table: variables.required("CREDENTIALS_TABLE"),
            requests_per_second: variables.parsed("REQUESTS_PER_SECOND"),
            requests_burst: variables.parsed("REQUESTS_BURST"),
            origin_secrets: variables.parsed_if_set("ORIGIN_SECRET_HASHES"),
        }
    }
}

/// A value of the configuration, read from one or more environment variables.
pub trait ConfigValue: Sized {
    /// Reads the value from the variable `name`, or from variables of its own.
    fn read(variables: &mut Variables<'_>, name: &str) -> Self;
}

impl ConfigValue for String {
    fn read(variables: &mut Variables<'_>, name: &str) -> Self {
        variables.required(name)
    }
}

impl ConfigValue for Option<String> {
    fn read(variables: &mut Variables<'_>, name: &str) -> Self {
        variables.optional(name)
    }
}

impl ConfigValue for i64 {
    fn read(variables: &mut Variables<'_>, name: &str) -> Self {
        variables.parsed(name)
    }
}

impl ConfigValue for AuthenticationConfig {
    fn read(variables: &mut Variables<'_>, _: &str) -> Self {
        Self::read(variables)
    }
}

/// Declares the configuration of a function. A field is read from the variable of its name in capitals: `events_table` from
/// `EVENTS_TABLE`. `from_env` reports every variable that is missing or malformed.
#[macro_export]
macro_rules! config {
    ($(#[$meta:meta])* struct $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)+ }) => {
        $(#[$meta])*
        #[derive(Debug)]
        struct $name {
            $($(#[$field_meta])* $field: $type,)+
        }

        impl $name {
            fn from_env() -> Result<Self, $crate::ConfigError> {
                let mut variables = $crate::Variables::of_process();
                let config = Self {
                    $($field: $crate::ConfigValue::read(&mut variables, &stringify!($field).to_uppercase()),)+
                };
                variables.finish(config)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_and_malformed_variable_is_reported_at_once() {
        let mut variables = Variables::new(|name| match name {
            "REQUESTS_PER_SECOND" => Some("fifty".to_owned()),
            "REQUESTS_BURST" => Some(String::new()),
            "ORIGIN_SECRET_HASHES" => Some("secret".to_owned()),
            _ => None,
        });
        let config = AuthenticationConfig::read(&mut variables);
        let error = variables.finish(config).unwrap_err().to_string();
        assert_eq!(
            error,
            "configuration: CREDENTIALS_TABLE is not set; REQUESTS_PER_SECOND is not valid: invalid digit found in string; got \"fifty\"; REQUESTS_BURST is not set; ORIGIN_SECRET_HASHES is not valid: must be one or two SHA-256 hashes of 64 hexadecimal digits, with a comma between them; got \"secret\""
        );
    }

    #[test]
    fn complete_variables_make_a_config() {
        let mut variables = Variables::new(|name| {
            (!name.starts_with("ORIGIN")).then(|| if name.starts_with("REQ") { "7" } else { "credentials" }.into())
        });
        let config = AuthenticationConfig::read(&mut variables);
        let config = variables.finish(config).unwrap();
        assert_eq!((config.credentials_table.as_str(), config.requests_burst), ("credentials", 7));
        assert_eq!(config.origin_secrets, OriginSecrets::default());
    }

    crate::config! {
        /// A configuration with variables that no environment has.
        struct Example {
            missing_text: String,
            missing_number: i64,
            optional_text: Option<String>,
        }
    }

    #[test]
    fn field_is_read_from_the_variable_of_its_name() {
        let error = Example::from_env().unwrap_err().to_string();
        assert_eq!(error, "configuration: MISSING_TEXT is not set; MISSING_NUMBER is not set");
        let Example { missing_text, missing_number, optional_text } =
            Example { missing_text: "set".to_owned(), missing_number: 7, optional_text: None };
        assert_eq!((missing_text.as_str(), missing_number, optional_text), ("set", 7, None));
    }
}
