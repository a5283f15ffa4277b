//! Errors that end the command or a request, and their exit codes.

use std::io;
use std::time::Duration;

use age_model::{EventId, KeyId, visible_line};
use thiserror::Error;

use crate::exit_code::ExitCode;
use crate::format::{format_count, format_duration};
use crate::problem::Problem;

#[derive(Debug, Error)]
pub(crate) enum Error {
    /// AGE or API Gateway responded with a status other than 2xx.
    #[error("{0}")]
    Api(Box<Problem>),
    /// AGE has nothing of the name that the user gave.
    #[error("{0}")]
    NotFound(Box<Problem>),
    /// A list is empty.
    #[error("no {0} found")]
    EmptyList(String),
    /// The event exists, but not its action.
    #[error("event {event} has no action {}", visible_line(action))]
    NoSuchAction { event: EventId, action: String },
    #[error("{} failed", format_count(*count, "check"))]
    ChecksFailed { count: u64 },
    #[error("{count} of {} failed", format_count(*all, "case"))]
    CasesFailed { count: u64, all: u64 },
    /// A request got no response.
    #[error("{}", unreachable_message(origin, cause, *is_connected))]
    Unreachable {
        /// Scheme, host and port.
        origin: String,
        cause: String,
        /// Whether the connection was established: then AGE may have carried out the request.
        is_connected: bool,
    },
    /// A response with status 2xx that this version of agectl cannot read.
    #[error("unexpected response of AGE: {}; check that agectl and AGE are of the same version", visible_line(.0))]
    UnexpectedResponse(String),
    #[error("{} refused", format_count(*count, "line"))]
    LinesRefused { count: u64 },
    #[error("{} could not be changed", format_count(*count, "incident"))]
    IncidentsFailed { count: u64 },
    /// The errors are on standard error.
    #[error("{} is not a valid policy: {}", visible_line(name), format_count(*errors, "error"))]
    InvalidPolicy { name: String, errors: u64 },
    #[error("{}", no_such_policy_message(digits, *matches))]
    NoSuchPolicy {
        /// The beginning of a hash.
        digits: String,
        /// How many versions have it: none, or several.
        matches: u64,
    },
    #[error("no version was active before: no policy was ever activated, and AGE works by its default policy")]
    NoActivation,
    #[error("AGE could not finish the simulation {}: {}", visible_line(id), visible_line(cause))]
    SimulationFailed { id: String, cause: String },
    /// A channel could not deliver the test message.
    #[error("{}", not_delivered_message(channel, result, detail))]
    NotDelivered {
        channel: String,
        /// The result of the attempt, as AGE names it.
        result: String,
        /// The HTTP status, or why the request got no response.
        detail: String,
    },
    #[error(
        "channel {channel} attempted no delivery within {}; look later with `agectl channel show {channel}`",
        format_duration(*wait)
    )]
    NoDelivery { channel: String, wait: Duration },
    /// The message of an error repeats the target of a channel, which is a secret.
    #[error("the request failed; the message is not shown, because it repeats the target")]
    Concealed { exit_code: ExitCode },
    /// The user was asked, and did not say yes.
    #[error("not confirmed; nothing was changed")]
    NotConfirmed,
    #[error("{cause}\n{advice}")]
    WithAdvice { cause: Box<Error>, advice: String },
    #[error("{}", visible_line(.0))]
    Usage(String),
    /// The token is missing or malformed.
    #[error("{0}")]
    Token(String),
    #[error("cannot read {name}: {cause}")]
    ReadFile { name: String, cause: io::Error },
    #[error("cannot write {}: {cause}", visible_line(name))]
    WriteFile { name: String, cause: io::Error },
    #[error(
        "cannot write the new token, which is lost: {cause}; get another one with `agectl credential rotate {kid} --overlap 0s`"
    )]
    WriteToken { kid: KeyId, cause: io::Error },
    #[error("AGE has no report yet: it creates one each Monday, and on `agectl report make`")]
    NoReport,
    #[error("interrupted")]
    Interrupted,
    #[error("cannot write output: {0}")]
    WriteOutput(#[from] io::Error),
}

fn unreachable_message(origin: &str, cause: &str, is_connected: bool) -> String {
    let cause = visible_line(cause);
    if is_connected {
        format!("no response from AGE at {origin}: {cause}")
    } else {
        format!("cannot connect to AGE at {origin}: {cause}; check AGE_API_URL or --api-url, and the network")
    }
}

fn not_delivered_message(channel: &str, result: &str, detail: &str) -> String {
    let next_step = match result {
        "failed" => "AGE tries it again",
        "given_up" => "AGE has given it up",
        result => &format!("the result is {}", visible_line(result)),
    };
    let detail = if detail.is_empty() { String::new() } else { format!(": {}", visible_line(detail)) };
    format!("channel {channel} did not deliver the test message{detail}; {next_step}")
}

fn no_such_policy_message(digits: &str, matches: u64) -> String {
    match matches {
        0 => format!("no policy version has a hash that begins with {digits}; `agectl policy list` lists them"),
        _ => format!("{matches} policy versions have a hash that begins with {digits}: give more digits"),
    }
}

impl Error {
    pub(crate) fn unreachable(error: reqwest::Error) -> Self {
        let origin = error.url().map(|url| url.origin().ascii_serialization()).unwrap_or_default();
        let is_connected = !error.is_connect() && !error.is_builder();
        let error = error.without_url();
        // reqwest's own message only says that the request failed; the innermost cause says why.
        let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        let cause = causes.last().map(ToString::to_string).unwrap_or_default();
        Self::Unreachable { origin, cause, is_connected }
    }

    /// Adds a line that says what the user can do.
    pub(crate) fn with_advice(self, advice: impl Into<String>) -> Self {
        Self::WithAdvice { cause: Box::new(self), advice: advice.into() }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Api(problem) => problem.exit_code(),
            Self::Unreachable { .. }
            | Self::UnexpectedResponse(_)
            | Self::SimulationFailed { .. }
            | Self::NoDelivery { .. } => ExitCode::Unavailable,
            Self::Concealed { exit_code } => *exit_code,
            Self::NoSuchPolicy { matches: 0, .. } => ExitCode::NothingFound,
            Self::LinesRefused { .. }
            | Self::NoSuchPolicy { .. }
            | Self::IncidentsFailed { .. }
            | Self::InvalidPolicy { .. }
            | Self::NoActivation
            | Self::ChecksFailed { .. }
            | Self::CasesFailed { .. }
            | Self::NotDelivered { .. }
            | Self::NotConfirmed => ExitCode::Refused,
            Self::NotFound(_) | Self::EmptyList(_) | Self::NoSuchAction { .. } | Self::NoReport => {
                ExitCode::NothingFound
            }
            Self::WithAdvice { cause, .. } => cause.exit_code(),
            Self::Token(_) => ExitCode::AccessDenied,
            Self::Interrupted => ExitCode::Interrupted,
            Self::WriteOutput(_) if self.is_broken_pipe() => ExitCode::Success,
            Self::Usage(_)
            | Self::ReadFile { .. }
            | Self::WriteFile { .. }
            | Self::WriteToken { .. }
            | Self::WriteOutput(_) => ExitCode::UsageError,
        }
    }

    /// Whether the reader of standard output has closed it, as `head` does. The command then ends without an error.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::WriteOutput(cause) if cause.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Whether the same request may succeed later.
    pub(crate) fn is_retryable(&self) -> bool {
        match self {
            Self::Api(problem) => problem.is_retryable(),
            Self::Unreachable { .. } => true,
            _ => false,
        }
    }

    /// Whether AGE certainly did not carry out the request.
    pub(crate) fn had_no_effect(&self) -> bool {
        match self {
            Self::Api(problem) => !problem.status.is_server_error(),
            Self::Unreachable { is_connected, .. } => !is_connected,
            _ => false,
        }
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        if let Self::Api(problem) = self { problem.retry_after } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_broken_pipe_of_ordinary_output_is_success() {
        let broken_pipe = Error::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(broken_pipe.is_broken_pipe() && broken_pipe.exit_code() == ExitCode::Success);
        let disk_full = Error::from(io::Error::from(io::ErrorKind::StorageFull));
        assert!(!disk_full.is_broken_pipe() && disk_full.exit_code() == ExitCode::UsageError);
        let token = Error::WriteToken { kid: "night-desk".parse().unwrap(), cause: io::ErrorKind::BrokenPipe.into() };
        assert!(!token.is_broken_pipe() && token.exit_code() == ExitCode::UsageError);
    }
}
