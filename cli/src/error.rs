//! What can go wrong, and the code with which the command ends then.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use age_model::KeyId;
use thiserror::Error;

use crate::problem::Problem;

/// How the command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything is done.
    Done = 0,
    /// AGE refused the request, or some lines of an import.
    Refused = 1,
    /// Wrong usage or configuration, or a file that cannot be read or written.
    Usage = 2,
    /// AGE could not be reached, was not available, or its answer makes no sense.
    Unavailable = 3,
    /// The credential is missing or wrong, or may not do this.
    Denied = 4,
    /// By Ctrl-C.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error("{0}")]
    Answered(Problem),
    #[error("AGE cannot be reached at {at}: {cause}")]
    Unreachable { at: String, cause: String, connected: bool },
    #[error("AGE's answer makes no sense to this version of agectl: {0}")]
    Senseless(String),
    #[error("{0} refused")]
    LinesRefused(String),
    #[error("{cause}\n{advice}")]
    Advised { cause: Box<Error>, advice: String },
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    NoToken(String),
    #[error("{name}: {cause}")]
    File { name: String, cause: io::Error },
    #[error(
        "the token could not be written and is lost: {cause}; make another with `agectl credential rotate {kid} --overlap 0s`"
    )]
    TokenLost { kid: KeyId, cause: io::Error },
    #[error("there is no report yet")]
    NoReport,
    #[error("interrupted")]
    Interrupted,
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

impl Error {
    /// A request that got no answer.
    pub(crate) fn unreachable(error: reqwest::Error) -> Self {
        let at = error.url().map(|url| url.origin().ascii_serialization()).unwrap_or_default();
        let connected = !error.is_connect() && !error.is_builder();
        let error = error.without_url();
        // What reqwest says itself is no more than that it did not work; the last cause says why.
        let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        let cause = causes.last().map(ToString::to_string).unwrap_or_default();
        Self::Unreachable { at, cause, connected }
    }

    /// The same, and what to do about it.
    pub(crate) fn advise(self, advice: impl Into<String>) -> Self {
        Self::Advised { cause: Box::new(self), advice: advice.into() }
    }

    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Answered(problem) => problem.exit(),
            Self::Unreachable { .. } | Self::Senseless(_) => Exit::Unavailable,
            Self::LinesRefused(_) | Self::NoReport => Exit::Refused,
            Self::Advised { cause, .. } => cause.exit(),
            Self::NoToken(_) => Exit::Denied,
            Self::Interrupted => Exit::Interrupted,
            // Whoever reads has seen enough, as `head` does.
            Self::Output(_) if self.is_quiet() => Exit::Done,
            Self::Usage(_) | Self::File { .. } | Self::TokenLost { .. } | Self::Output(_) => Exit::Usage,
        }
    }

    pub(crate) fn is_quiet(&self) -> bool {
        matches!(self, Self::Output(cause) if cause.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Whether the same request may be taken a moment later.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Answered(problem) => problem.is_passing(),
            Self::Unreachable { .. } => true,
            _ => false,
        }
    }

    /// Whether nothing can have come of the request.
    pub(crate) fn left_no_trace(&self) -> bool {
        match self {
            Self::Answered(problem) => !problem.status.is_server_error(),
            Self::Unreachable { connected, .. } => !connected,
            _ => false,
        }
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        if let Self::Answered(problem) = self { problem.retry_after } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_has_seen_enough_is_no_failure() {
        let broken = Error::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(broken.is_quiet() && broken.exit() == Exit::Done);
        let full = Error::from(io::Error::from(io::ErrorKind::StorageFull));
        assert!(!full.is_quiet() && full.exit() == Exit::Usage);
        let lost = Error::TokenLost { kid: "night-desk".parse().unwrap(), cause: io::ErrorKind::BrokenPipe.into() };
        assert!(!lost.is_quiet() && lost.exit() == Exit::Usage);
    }
}
