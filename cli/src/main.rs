//! The command `agectl`. All of it is in the library of this package, so that tests can run it.

use std::process::ExitCode;

use agectl::{Cli, Environment};
use clap::Parser;

fn main() -> std::io::Result<ExitCode> {
    let cli = Cli::parse();
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let exit = runtime.block_on(agectl::run(cli, Environment::of_process(&mut out, &mut err)));
    // Somebody may still be reading from a terminal on which nothing is typed: that must not keep the process.
    runtime.shutdown_background();
    Ok(exit.into())
}
