//! The inputs and outputs of one run of the command, apart from its arguments.

use std::io::{IsTerminal, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use age_model::Timestamp;
use futures_util::StreamExt;
use futures_util::stream::{self, LocalBoxStream};
use tokio::io::AsyncRead;
use uuid::Uuid;

/// The inputs and outputs of one run of the command, apart from its arguments. Tests supply their own.
pub struct Environment<'a> {
    /// Value of the environment variable `AGE_TOKEN`.
    pub token: Option<String>,
    /// Standard input.
    pub stdin: Box<dyn AsyncRead + Unpin + 'a>,
    /// Standard output: results only.
    pub stdout: &'a mut dyn Write,
    /// Standard error: errors, progress and advice.
    pub stderr: &'a mut dyn Write,
    /// Whether standard output is a terminal. A list that is watched is drawn again only then.
    pub stdout_is_terminal: bool,
    /// Whether standard error is a terminal. A progress bar is drawn only then.
    pub stderr_is_terminal: bool,
    /// Yields once for each Ctrl-C.
    pub interrupts: LocalBoxStream<'a, ()>,
    /// The time at which the command started.
    pub now: Timestamp,
    /// A random UUID: the default name of an event or of an import from standard input.
    pub random_id: Uuid,
    /// How long to wait before the first retry of a request. The wait doubles with each further retry.
    pub initial_backoff: Duration,
}

impl<'a> Environment<'a> {
    /// The environment of this process.
    pub fn from_process(stdout: &'a mut dyn Write, stderr: &'a mut dyn Write) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the only place where agectl reads the clock")]
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        #[expect(clippy::disallowed_methods, reason = "the only place where agectl generates randomness")]
        let random_id = Uuid::new_v4();
        let interrupts = stream::unfold((), |()| async { tokio::signal::ctrl_c().await.ok().map(|()| ((), ())) });
        Self {
            token: std::env::var("AGE_TOKEN").ok(),
            stdin: Box::new(tokio::io::stdin()),
            stdout,
            stderr,
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
            interrupts: interrupts.fuse().boxed_local(),
            now: Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)),
            random_id,
            initial_backoff: Duration::from_millis(500),
        }
    }
}
