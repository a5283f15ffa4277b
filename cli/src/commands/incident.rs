//! `agectl incident`: lists incidents and changes them.

use age_model::{Engine, IncidentId, IncidentStatus, Note, Severity, Timestamp};
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};

use crate::api_client::ApiClient;
use crate::api_response::ApiResponse;
use crate::commands::incident_bulk::{BulkArgs, BulkVerb, RESOURCE};
use crate::commands::incident_show::ShowIncidentArgs;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::format::{NO_VALUE, format_timestamp};
use crate::item_list::ItemList;
use crate::list_options::{ListOptions, filter};
use crate::session::Session;
use crate::value_parsers::{incident_status_parser, parse_day_or_time, severity_parser};

/// The API's maximum.
const PAGE_SIZE: usize = 200;

#[derive(Debug, Subcommand)]
pub(crate) enum IncidentCommand {
    /// List incidents, newest first
    List(ListIncidentsArgs),
    /// Show an incident with its timeline, and the commands that change it
    Show(ShowIncidentArgs),
    /// Acknowledge incidents: you are working on them
    ///
    /// Takes an incident over that somebody else has acknowledged, if you name its id or give `--status acknowledged`.
    Ack(Box<BulkArgs>),
    /// Resolve incidents
    Resolve(Box<BulkArgs>),
    /// Reopen incidents that were resolved in the last 24 hours
    Reopen(ReopenArgs),
    /// Comment on incidents, whatever their status
    Comment(CommentArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ListIncidentsArgs {
    /// List only incidents with one of these statuses, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = incident_status_parser())]
    status: Vec<IncidentStatus>,
    /// List only incidents with one of these severities, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = severity_parser())]
    severity: Vec<Severity>,
    /// List only incidents of these engines, separated by commas
    #[arg(long, value_delimiter = ',')]
    engine: Vec<Engine>,
    /// List only incidents that were opened at TIME or later: RFC 3339, or a day, which stands for its midnight in UTC
    #[arg(long, value_name = "TIME", value_parser = parse_day_or_time)]
    from: Option<Timestamp>,
    /// List only incidents that were opened before TIME: RFC 3339, or a day, which stands for its midnight in UTC
    #[arg(long, value_name = "TIME", value_parser = parse_day_or_time)]
    to: Option<Timestamp>,
    #[command(flatten)]
    options: ListOptions,
}

#[derive(Debug, Args)]
pub(crate) struct ReopenArgs {
    /// Ids of the incidents, as `agectl incident list` lists them
    #[arg(value_name = "ID", required = true)]
    ids: Vec<IncidentId>,
    /// Note for the timeline of each incident
    #[arg(long, value_name = "TEXT")]
    note: Option<Note>,
}

#[derive(Debug, Args)]
pub(crate) struct CommentArgs {
    /// Ids of the incidents, as `agectl incident list` lists them
    #[arg(value_name = "ID", required = true)]
    ids: Vec<IncidentId>,
    /// The comment, for the timeline of each incident: up to 1,000 characters
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
            Self::Show(args) => args.run(session).await,
            Self::Ack(args) => change_one_or_many(*args, BulkVerb::Acknowledge, session).await,
            Self::Resolve(args) => change_one_or_many(*args, BulkVerb::Resolve, session).await,
            Self::Reopen(ReopenArgs { ids, note }) => change_each(&ids, "reopen", note, session).await,
            Self::Comment(CommentArgs { ids, note }) => change_each(&ids, "comments", Some(note), session).await,
        }
    }
}

impl ListIncidentsArgs {
    async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let filter = [
            filter("status", &self.status),
            filter("severity", &self.severity),
            filter("engine", &self.engine),
            filter("from", self.from),
            filter("to", self.to),
        ];
        let list = ItemList {
            path: &[RESOURCE],
            filter: filter.concat(),
            page_size: PAGE_SIZE,
            headings: ["id", "severity", "status", "events", "opened", "changed by"],
        };
        list.print(self.options, session, |incident: Incident| incident.table_row()).await
    }
}

async fn change_one_or_many(args: BulkArgs, verb: BulkVerb, session: &mut Session<'_>) -> Result<(), Error> {
    match args.only_id() {
        Some(id) => {
            let client = session.api_client().await?;
            let response = send_change(&client, id, verb.path(), args.note.as_ref()).await?;
            print_changed(&response, verb.path(), session)
        }
        None => args.run(verb, session).await,
    }
}

/// Changes incidents one after the other: the API has no request for all of them. One that cannot be changed does not hold up the
/// others.
async fn change_each(
    ids: &[IncidentId],
    verb: &str,
    note: Option<Note>,
    session: &mut Session<'_>,
) -> Result<(), Error> {
    let client = session.api_client().await?;
    if let [id] = ids {
        return print_changed(&send_change(&client, id, verb, note.as_ref()).await?, verb, session);
    }
    let mut failed = 0;
    for id in ids {
        match send_change(&client, id, verb, note.as_ref()).await {
            Ok(response) if session.json => session.print_json_line(&response.body)?,
            Ok(response) => print_changed(&response, verb, session)?,
            Err(Error::Api(problem)) if problem.exit_code() == ExitCode::Refused => {
                session.print_warning(&format!("{id}: {problem}"))?;
                failed += 1;
            }
            Err(error) => return Err(error),
        }
    }
    if failed == 0 { Ok(()) } else { Err(Error::IncidentsFailed { count: failed }) }
}

/// Prints the incident that was changed.
fn print_changed(response: &ApiResponse, verb: &str, session: &mut Session<'_>) -> Result<(), Error> {
    if session.json {
        return session.print_json(&response.body);
    }
    let incident: Incident = response.parse()?;
    let text = match (verb, incident.changed_by()) {
        ("comments", _) => format!("Commented on {}", incident.id),
        (_, Some(by)) => format!("{} is {} by {by}", incident.id, incident.status),
        (_, None) => format!("{} is {}", incident.id, incident.status),
    };
    session.print_line(&text)
}

async fn send_change(
    client: &ApiClient,
    id: &IncidentId,
    verb: &str,
    note: Option<&Note>,
) -> Result<ApiResponse, Error> {
    let request = StatusChangeRequest { note: note.cloned().map(String::from) };
    // Idempotent: AGE recognizes the same change by the same credential.
    client.post_idempotent(&[RESOURCE, &id.to_string(), verb], &request).await
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
