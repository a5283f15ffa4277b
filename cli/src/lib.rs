//! The operators' command of AGE: credentials, events, reports and incidents, over AGE's HTTP API.
//!
//! It ends with one of the codes of [`Exit`].

mod address;
mod api;
mod args;
mod batch;
mod credential;
mod environment;
mod error;
mod event;
mod import;
mod incident;
mod json;
mod lines;
mod picture;
mod problem;
mod report;
mod session;
mod source;
mod table;
mod tally;

pub use args::Cli;
pub use environment::Environment;
pub use error::Exit;

use args::Command;
use session::Session;

/// Does what `cli` says.
pub async fn run(cli: Cli, environment: Environment<'_>) -> Exit {
    let (mut session, command) = Session::new(cli, environment);
    let done = match command {
        Command::Credential(command) => command.run(&mut session).await,
        Command::Event(command) => command.run(&mut session).await,
        Command::Report(command) => command.run(&mut session).await,
        Command::Incidents(list) => list.run(&mut session).await,
        Command::Ack(mark) => mark.acknowledge(&mut session).await,
        Command::Resolve(mark) => mark.resolve(&mut session).await,
        Command::Completions { shell } => args::completions(shell, &mut session),
    };
    let done = done.and_then(|()| Ok(session.out.flush()?));
    let Err(error) = done else { return Exit::Done };
    if !error.is_quiet() {
        // There is nowhere else to say that this cannot be said.
        let _ = writeln!(session.err, "agectl: {error}");
    }
    error.exit()
}
