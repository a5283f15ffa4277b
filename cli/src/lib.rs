//! `agectl`, the operators' command of AGE: what a person does with AGE, over its HTTP API.
//!
//! [`run`] runs one command in an [`Environment`] and returns its [`ExitCode`].
//!
//! Modules have no cycles: `cli` uses `commands`, which use `import`, `item_list`, `report_view` and `session`. `item_list`, `session`
//! and `import` use `api_client`. The other modules know none of these.

mod api_client;
mod api_response;
mod api_url;
mod approval_request;
mod cli;
mod commands;
mod data_file;
mod data_format;
mod decision_figures;
mod decision_request;
mod environment;
mod error;
mod exit_code;
mod fleet_state;
mod format;
mod global_options;
mod import;
mod input_source;
mod item_list;
mod json_format;
mod list_options;
mod markdown;
mod problem;
mod report_figures;
mod report_markdown;
mod report_view;
mod retry;
mod session;
mod table;
mod text_layout;
mod value_parsers;
mod visible_writer;

pub use cli::Cli;
pub use environment::Environment;
pub use exit_code::ExitCode;

use session::Session;

/// Runs the command that `cli` names. Prints its error, if any, on standard error.
pub async fn run(cli: Cli, environment: Environment<'_>) -> ExitCode {
    let Cli { global_options, command } = cli;
    let mut session = Session::new(global_options, environment);
    let result = command.run(&mut session).await;
    let Err(error) = result.and_then(|()| Ok(session.stdout.flush()?)) else { return ExitCode::Success };
    if !error.is_broken_pipe() {
        // If standard error cannot be written either, only the exit code is left to report the error.
        let _ = writeln!(session.stderr, "agectl: {error}");
    }
    error.exit_code()
}
