//! `agectl incident`: lists incidents and changes them.

use age_model::{Engine, IncidentId, IncidentStatus, Note, Severity, Timestamp};
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};

use crate::api_client::ListedItems;
use crate::api_response::ApiResponse;
use crate::commands::incident_bulk::{BulkArgs, BulkVerb, RESOURCE};
use crate::error::Error;
use crate::format::{NO_VALUE, format_timestamp};
use crate::session::Session;
use crate::value_parsers::{incident_status_parser, positive_integer_parser};

/// The API's maximum.
const PAGE_SIZE: usize = 200;

#[derive(Debug, Subcommand)]
pub(crate) enum IncidentCommand {
    /// List incidents, newest first
    List(ListIncidentsArgs),
    /// Acknowledge incidents: you are working on them
    ///
    /// Takes an incident over that somebody else has acknowledged, if you name its id or give `--status acknowledged`.
    Ack(Box<BulkArgs>),
    /// Resolve incidents
    Resolve(Box<BulkArgs>),
    /// Reopen an incident that was resolved in the last 24 hours
    Reopen(ReopenArgs),
    /// Comment on an incident, whatever its status
    Comment(CommentArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ListIncidentsArgs {
    /// List only incidents with this status
    #[arg(long, value_parser = incident_status_parser())]
    status: Option<IncidentStatus>,
    /// List only incidents of this engine
    #[arg(long)]
    engine: Option<Engine>,
    /// List at most N incidents
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = positive_integer_parser())]
    limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct ReopenArgs {
    /// Id of the incident, as `agectl incident list` lists it
    id: IncidentId,
    /// Note for the timeline of the incident
    #[arg(long, value_name = "TEXT")]
    note: Option<Note>,
}

#[derive(Debug, Args)]
pub(crate) struct CommentArgs {
    /// Id of the incident, as `agectl incident list` lists it
    id: IncidentId,
    /// The comment, for the timeline of the incident: up to 1,000 characters
    #[arg(long, value_name = "TEXT")]
    note: Note,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Incident {
    id: String,
    severity: Severity,
    status: IncidentStatus,
    event_count: u64,
    opened_at: Timestamp,
    acknowledged: Option<StatusChange>,
    resolved: Option<StatusChange>,
}

#[derive(Deserialize)]
struct StatusChange {
    /// Name of the credential. `None`: AGE changed the status itself.
    by: Option<String>,
}

#[derive(Serialize)]
struct StatusChangeRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl IncidentCommand {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        match self {
            Self::List(args) => args.run(session).await,
            Self::Ack(args) => change_one_or_many(*args, BulkVerb::Acknowledge, session).await,
            Self::Resolve(args) => change_one_or_many(*args, BulkVerb::Resolve, session).await,
            Self::Reopen(ReopenArgs { id, note }) => change_status(&id, "reopen", note, session).await,
            Self::Comment(CommentArgs { id, note }) => {
                let response = send_change(&id, "comments", Some(note), session).await?;
                if session.json {
                    return session.print_json(&response.body);
                }
                session.print_line(&format!("Commented on {id}"))
            }
        }
    }
}

impl ListIncidentsArgs {
    async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let status = self.status.map(|status| ("status", status.to_string()));
        let engine = self.engine.map(|engine| ("engine", engine.to_string()));
        let filter: Vec<_> = status.into_iter().chain(engine).collect();
        let ListedItems { items, unreadable } =
            session.api_client().await?.list(&[RESOURCE], &filter, self.limit, PAGE_SIZE).await?;
        session.warn_unreadable(&unreadable)?;
        if session.json {
            return session.print_json_list(RESOURCE, &items);
        }
        let headings = ["id", "severity", "status", "events", "opened", "changed by"];
        session.print_table(headings, &items, |incident: Incident| incident.table_row())
    }
}

async fn change_one_or_many(args: BulkArgs, verb: BulkVerb, session: &mut Session<'_>) -> Result<(), Error> {
    match args.only_id() {
        Some(id) => change_status(id, verb.path(), args.note.clone(), session).await,
        None => args.run(verb, session).await,
    }
}

/// Changes the status of one incident and prints it.
async fn change_status(
    id: &IncidentId,
    verb: &str,
    note: Option<Note>,
    session: &mut Session<'_>,
) -> Result<(), Error> {
    let response = send_change(id, verb, note, session).await?;
    if session.json {
        return session.print_json(&response.body);
    }
    let incident: Incident = response.parse()?;
    let changed_by = incident.changed_by().map(|by| format!(" by {by}")).unwrap_or_default();
    session.print_line(&format!("{} is {}{changed_by}", incident.id, incident.status))
}

async fn send_change(
    id: &IncidentId,
    verb: &str,
    note: Option<Note>,
    session: &mut Session<'_>,
) -> Result<ApiResponse, Error> {
    let request = StatusChangeRequest { note: note.map(String::from) };
    let path = [RESOURCE, &id.to_string(), verb];
    // Idempotent: AGE recognizes the same change by the same credential.
    session.api_client().await?.post_idempotent(&path, &request).await
}

impl Incident {
    /// Who resolved the incident, or else who acknowledged it. `None` if it is open.
    fn changed_by(&self) -> Option<&str> {
        let change = self.resolved.as_ref().or(self.acknowledged.as_ref())?;
        Some(change.by.as_deref().unwrap_or("AGE"))
    }

    fn table_row(&self) -> [String; 6] {
        [
            self.id.clone(),
            self.severity.to_string(),
            self.status.to_string(),
            self.event_count.to_string(),
            format_timestamp(self.opened_at),
            self.changed_by().unwrap_or(NO_VALUE).to_owned(),
        ]
    }
}
