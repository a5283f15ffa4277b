//! Running the command in this process.

use std::io::Write;
use std::time::Duration;

use agectl::{Cli, Environment, Exit};
use clap::Parser;
use futures_util::{StreamExt, stream};

use crate::fake::{Fake, TOKEN};

/// How a run ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: Exit,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Fake {
    /// Runs `agectl` with the arguments in `line`, for the credential night-desk.
    pub(crate) async fn agectl(&self, line: &str) -> Ran {
        self.agectl_with(line, Some(TOKEN), "").await
    }

    pub(crate) async fn agectl_with(&self, line: &str, token: Option<&str>, input: &str) -> Ran {
        let mut out = Vec::new();
        let (exit, err) = self.agectl_to(line, token, input, &mut out).await;
        Ran { exit, out: String::from_utf8(out).unwrap(), err }
    }

    pub(crate) async fn agectl_to(
        &self,
        line: &str,
        token: Option<&str>,
        input: &str,
        out: &mut dyn Write,
    ) -> (Exit, String) {
        let line = format!("agectl --api-url {} {line}", self.url);
        let cli = Cli::parse_from(line.split_whitespace());
        let mut err = Vec::new();
        let pressed = stream::unfold(self.interrupt.clone(), |interrupt| async {
            interrupt.notified().await;
            Some(((), interrupt))
        });
        let environment = Environment {
            token: token.map(str::to_owned),
            input: Box::new(input.as_bytes()),
            out,
            err: &mut err,
            watched: false,
            interrupts: pressed.boxed_local(),
            now: "2026-11-23T00:05:00Z".parse().unwrap(),
            fresh: "01936f2e-0000-4000-8000-00000000000b".parse().unwrap(),
            pace: Duration::from_millis(1),
        };
        let exit = agectl::run(cli, environment).await;
        (exit, String::from_utf8(err).unwrap())
    }
}
