//! What the command is given by whoever runs it, apart from its arguments.

use std::io::{IsTerminal, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use age_model::Timestamp;
use futures_util::StreamExt;
use futures_util::stream::{self, LocalBoxStream};
use tokio::io::AsyncRead;
use uuid::Uuid;

/// What the command is given by whoever runs it, apart from its arguments. Tests make their own.
pub struct Environment<'a> {
    /// `AGE_TOKEN`.
    pub token: Option<String>,
    /// Standard input.
    pub input: Box<dyn AsyncRead + Unpin + 'a>,
    /// Standard output.
    pub out: &'a mut dyn Write,
    /// Standard error.
    pub err: &'a mut dyn Write,
    /// Whether somebody watches standard error, so that a bar may be drawn on it.
    pub watched: bool,
    /// Ctrl-C, each time.
    pub interrupts: LocalBoxStream<'a, ()>,
    /// The present moment.
    pub now: Timestamp,
    /// An id that nobody else has.
    pub fresh: Uuid,
    /// How long the first wait is before a request is sent again. The next ones are longer.
    pub pace: Duration,
}

impl<'a> Environment<'a> {
    /// That of this process.
    pub fn of_process(out: &'a mut dyn Write, err: &'a mut dyn Write) -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is where the time comes from")]
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        #[expect(clippy::disallowed_methods, reason = "this is where randomness comes from")]
        let fresh = Uuid::new_v4();
        let pressed = stream::unfold((), |()| async { tokio::signal::ctrl_c().await.ok().map(|()| ((), ())) });
        Self {
            token: std::env::var("AGE_TOKEN").ok(),
            input: Box::new(tokio::io::stdin()),
            out,
            err,
            watched: std::io::stderr().is_terminal(),
            interrupts: pressed.fuse().boxed_local(),
            now: Timestamp::from_millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)),
            fresh,
            pace: Duration::from_millis(500),
        }
    }
}
