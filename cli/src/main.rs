//! The binary `agectl`. Its code is in the library of this package, so that tests can run it in their own process.

use std::process::ExitCode;

use agectl::{Cli, Environment};
use clap::Parser;

fn main() -> std::io::Result<ExitCode> {
    let cli = Cli::parse();
    let (mut stdout, mut stderr) = (std::io::stdout().lock(), std::io::stderr());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let environment = Environment::from_process(&mut stdout, &mut stderr);
    let exit_code = runtime.block_on(agectl::run(cli, environment));
    // A read of standard input blocks its thread until input arrives; dropping the runtime would wait for that thread.
    runtime.shutdown_background();
    Ok(exit_code.into())
}
