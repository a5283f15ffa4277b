//! The exit codes of the command.

/// How the command ended. The number is the exit code of the process; scripts depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// The command did everything it was asked to do.
    Success = 0,
    /// AGE refused the request, or refused some lines of an import, or a policy is not valid, or a check of `doctor`, a case of
    /// `policy test` or the delivery of `channel test` failed.
    Refused = 1,
    /// Wrong usage or configuration, or a file that cannot be read or written. `clap` uses the same code.
    UsageError = 2,
    /// AGE cannot be reached or is unavailable, or its response is unexpected.
    Unavailable = 3,
    /// The credential is missing or invalid, or its role does not allow the request.
    AccessDenied = 4,
    /// A list is empty, nothing to show has the id, or no policy version has the hash.
    NothingFound = 5,
    /// Ctrl-C ended the command: 128 + SIGINT, as shells have it.
    Interrupted = 130,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}
