//! `agectl event`: reporting events.

use age_model::{
    Action, ActionStatus, Details, Engine, EventId, EventType, IdempotencyKey, NewEvent, Severity, Timestamp,
};
use clap::{Args, Subcommand};
use serde::Deserialize;

use crate::args;
use crate::error::Error;
use crate::import::Import;
use crate::session::Session;
use crate::source::Source;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Reports one event, and prints its id and the actions it led to
    Send(Box<Single>),
    /// Reports the events of a file, one a line; the same command again goes on where it stopped
    Import(Import),
}

#[derive(Debug, Args)]
pub(crate) struct Single {
    /// Who reports
    #[arg(long, value_parser = args::engine())]
    engine: Engine,
    /// What happened, in the engine's own words
    #[arg(long = "type", value_name = "TYPE")]
    event_type: EventType,
    /// How bad it is
    #[arg(long, default_value_t, value_parser = args::severity())]
    severity: Severity,
    /// The circumstances, a JSON object
    #[arg(long, value_name = "JSON", conflicts_with = "details_file")]
    details: Option<Details>,
    /// A file that holds them (`-`: standard input)
    #[arg(long, value_name = "FILE")]
    details_file: Option<Source>,
    /// When it happened by the engine's own clock, RFC 3339
    #[arg(long, value_name = "TIME")]
    source_time: Option<Timestamp>,
    /// Names the event, so that it is stored once however often it is sent; a random one by default
    #[arg(long)]
    key: Option<IdempotencyKey>,
}

#[derive(Deserialize)]
struct Sent {
    id: EventId,
    actions: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    action: Action,
    status: ActionStatus,
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        match self {
            Self::Send(single) => single.run(session).await,
            Self::Import(import) => import.run(session).await,
        }
    }
}

impl Single {
    async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let details = match &self.details_file {
            Some(file) => {
                let text = session.read(file).await?;
                Some(text.trim().parse().map_err(|error| Error::Usage(format!("{file} {error}")))?)
            }
            None => self.details,
        };
        let event = NewEvent {
            engine: self.engine,
            event_type: self.event_type,
            severity: self.severity,
            details: details.unwrap_or_default(),
            source_time: self.source_time,
        };
        let body = serde_json::to_vec(&event).map_err(|error| Error::Usage(error.to_string()))?;
        let key = self.key.map_or_else(|| session.fresh.to_string(), |key| key.as_str().to_owned());
        let sent = session.api().await?.report(body, &key).await;
        let again = || format!("With --key {key} the same command stores it once, if it was not stored now.");
        let answer = sent.map_err(|error| if error.left_no_trace() { error } else { error.advise(again()) })?;
        if answer.replayed {
            writeln!(session.err, "AGE knew this event already.")?;
        }
        if session.json {
            return session.show_json(&answer.body);
        }
        let Sent { id, actions } = answer.read()?;
        writeln!(session.out, "{id}")?;
        for Item { action, status } in actions {
            writeln!(session.out, "  {action}: {status}")?;
        }
        Ok(())
    }
}
