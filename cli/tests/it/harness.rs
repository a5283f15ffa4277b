//! Runs the command in the process of the test.

use std::io::Write;
use std::time::Duration;

use agectl::{Cli, Environment, ExitCode};
use clap::Parser;
use futures_util::{StreamExt, stream};

use crate::fake_age::{FakeAge, TOKEN};

/// The result of a run.
#[derive(Debug)]
pub(crate) struct CommandOutput {
    pub(crate) exit_code: ExitCode,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl FakeAge {
    /// Runs `agectl` with `arguments`, separated by spaces, and the token of night-desk.
    pub(crate) async fn run(&self, arguments: &str) -> CommandOutput {
        self.run_with(arguments, Some(TOKEN), "").await
    }

    pub(crate) async fn run_with(&self, arguments: &str, token: Option<&str>, stdin: &str) -> CommandOutput {
        let mut stdout = Vec::new();
        let (exit_code, stderr) = self.run_into(arguments, token, stdin, &mut stdout).await;
        CommandOutput { exit_code, stdout: String::from_utf8(stdout).unwrap(), stderr }
    }

    /// Writes standard output to `stdout`. Returns the exit code and standard error.
    pub(crate) async fn run_into(
        &self,
        arguments: &str,
        token: Option<&str>,
        stdin: &str,
        stdout: &mut dyn Write,
    ) -> (ExitCode, String) {
        let command_line = format!("agectl --api-url {} {arguments}", self.url);
        let cli = Cli::parse_from(command_line.split_whitespace());
        let mut stderr = Vec::new();
        let interrupts = stream::unfold(self.interrupt.clone(), |interrupt| async {
            interrupt.notified().await;
            Some(((), interrupt))
        });
        let environment = Environment {
            token: token.map(str::to_owned),
            stdin: Box::new(stdin.as_bytes()),
            stdout,
            stderr: &mut stderr,
            stdout_is_terminal: self.state().stdout_is_terminal,
            stderr_is_terminal: false,
            interrupts: interrupts.boxed_local(),
            now: "2026-11-23T00:05:00Z".parse().unwrap(),
            random_id: "01936f2e-0000-4000-8000-00000000000b".parse().unwrap(),
            initial_backoff: Duration::from_millis(1),
        };
        let exit_code = agectl::run(cli, environment).await;
        (exit_code, String::from_utf8(stderr).unwrap())
    }
}
