//! Configuration from environment variables. What is missing or wrong stops the function before it takes a request.

use std::str::FromStr;

use thiserror::Error;

/// A variable that does not say what is needed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// It is not set, or empty.
    #[error("environment variable {0} is not set")]
    Missing(&'static str),
    /// It is set to something else.
    #[error("environment variable {name}: {problem}")]
    Invalid {
        /// Which one.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

/// The value of `name`, if it is set and not empty.
#[must_use]
pub fn optional(name: &'static str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The value of `name`.
///
/// # Errors
/// [`ConfigError`] if it is not set.
pub fn required(name: &'static str) -> Result<String, ConfigError> {
    optional(name).ok_or(ConfigError::Missing(name))
}

/// The value of `name` as a `T`.
///
/// # Errors
/// [`ConfigError`] if it is not set or is no `T`.
pub fn parsed<T: FromStr>(name: &'static str) -> Result<T, ConfigError>
where
    T::Err: std::fmt::Display,
{
    required(name)?.parse().map_err(|error: T::Err| ConfigError::Invalid { name, problem: error.to_string() })
}
