//! `agectl event`: sends, lists and shows events.

use age_model::{
    Action, ActionStatus, DecisionId, Details, Engine, EventId, IdempotencyKey, NewEvent, ReportedType, Severity,
    Timestamp,
};
use clap::{Args, Subcommand};
use serde::Deserialize;

use crate::commands::event_import::ImportArgs;
use crate::commands::event_list::ListEventsArgs;
use crate::commands::event_show::ShowEventArgs;
use crate::error::Error;
use crate::format::format_name;
use crate::input_source::InputSource;
use crate::session::Session;
use crate::value_parsers::severity_parser;

#[derive(Debug, Subcommand)]
pub(crate) enum EventCommand {
    /// List events, newest first
    List(ListEventsArgs),
    /// Show an event with its details and its actions
    Show(ShowEventArgs),
    /// Send one event; print its id and the actions that AGE planned for it
    Send(Box<SendArgs>),
    /// Import the events of a file, one JSON object per line; continues where an interrupted import stopped
    Import(ImportArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// Engine that reports the event; the credential must be allowed to act for it
    #[arg(long)]
    engine: Engine,
    /// What happened, in the engine's own vocabulary, such as `invoice_sync_failed`: 1 to 128 characters
    #[arg(long = "type", value_name = "TYPE")]
    event_type: ReportedType,
    /// Severity of the event
    #[arg(long, default_value_t, value_parser = severity_parser())]
    severity: Severity,
    /// Details of the event, a JSON object
    #[arg(long, value_name = "JSON", conflicts_with = "details_file")]
    details: Option<Details>,
    /// Read the details from FILE (`-`: standard input)
    #[arg(long, value_name = "FILE")]
    details_file: Option<InputSource>,
    /// When the event happened by the engine's clock, RFC 3339, such as 2026-11-23T00:05:00Z
    #[arg(long, value_name = "TIME")]
    source_time: Option<Timestamp>,
    /// Id of the decision that permitted what the event reports
    #[arg(long, value_name = "ID")]
    decision: Option<DecisionId>,
    /// Idempotency key: AGE stores events with the same key once [default: a random key]
    #[arg(long)]
    key: Option<IdempotencyKey>,
}

#[derive(Deserialize)]
struct EventResponse {
    id: EventId,
    actions: Vec<ActionResponse>,
}

#[derive(Deserialize)]
struct ActionResponse {
    action: Action,
    status: ActionStatus,
}

impl EventCommand {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        match self {
            Self::List(args) => args.run(session).await,
            Self::Show(args) => args.run(session).await,
            Self::Send(args) => args.run(session).await,
            Self::Import(args) => args.run(session).await,
        }
    }
}

impl SendArgs {
    async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let details = match &self.details_file {
            Some(file) => {
                let text = session.read_to_string(file).await?;
                let details = text.trim().parse();
                Some(details.map_err(|error| Error::Usage(format!("the details in {file} {error}")))?)
            }
            None => self.details,
        };
        let event = NewEvent {
            engine: self.engine,
            event_type: self.event_type.into(),
            severity: self.severity,
            details: details.unwrap_or_default(),
            source_time: self.source_time,
            decision_id: self.decision,
        };
        let body = serde_json::to_vec(&event).map_err(|error| Error::Usage(error.to_string()))?;
        let key = self.key.map_or_else(|| session.random_id.to_string(), |key| key.name().to_owned());
        let result = session.api_client().await?.send_event(body, &key).await;
        let response = result.map_err(|error| {
            if error.had_no_effect() {
                return error;
            }
            error.with_advice(format!(
                "AGE may have stored the event. Repeat the command with --key {key}: AGE does not store it twice."
            ))
        })?;
        if response.is_replay {
            writeln!(session.stderr, "AGE has already stored this event and did not store it again.")?;
        }
        if session.json {
            return session.print_json(&response.body);
        }
        let EventResponse { id, actions } = response.parse()?;
        session.print_line(&id.to_string())?;
        for ActionResponse { action, status } in actions {
            session.print_line(&format!("  {action}: {}", format_name(status.as_str())))?;
        }
        Ok(())
    }
}
