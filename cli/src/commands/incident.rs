//! `agectl incidents`, `ack` and `resolve`.

use age_model::{IncidentId, IncidentStatus, Note, Severity, Timestamp};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::api_client::ListedItems;
use crate::error::Error;
use crate::format::{NO_VALUE, format_timestamp};
use crate::session::Session;
use crate::value_parsers::{incident_status_parser, positive_integer_parser};

const RESOURCE: &str = "incidents";
/// The API's maximum.
const PAGE_SIZE: usize = 200;

#[derive(Debug, Args)]
pub(crate) struct ListIncidentsArgs {
    /// List only incidents with this status
    #[arg(long, value_parser = incident_status_parser())]
    status: Option<IncidentStatus>,
    /// List at most N incidents
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = positive_integer_parser())]
    limit: usize,
}

/// The arguments of `ack` and `resolve`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Id of the incident, as `agectl incidents` lists it
    id: IncidentId,
    /// Note for the timeline of the incident
    #[arg(long, value_name = "TEXT")]
    note: Option<Note>,
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

impl ListIncidentsArgs {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let filter: Vec<_> = self.status.iter().map(|status| ("status", status.to_string())).collect();
        let ListedItems { items, unreadable } =
            session.api_client().await?.list(RESOURCE, &filter, self.limit, PAGE_SIZE).await?;
        session.warn_unreadable(&unreadable)?;
        if session.json {
            return session.print_json_list(RESOURCE, &items);
        }
        let headings = ["id", "severity", "status", "events", "opened", "changed by"];
        session.print_table(headings, &items, |incident: Incident| incident.table_row())
    }
}

impl StatusArgs {
    pub(crate) async fn acknowledge(self, session: &mut Session<'_>) -> Result<(), Error> {
        self.change_status("acknowledge", session).await
    }

    pub(crate) async fn resolve(self, session: &mut Session<'_>) -> Result<(), Error> {
        self.change_status("resolve", session).await
    }

    async fn change_status(self, verb: &str, session: &mut Session<'_>) -> Result<(), Error> {
        let request = StatusChangeRequest { note: self.note.map(String::from) };
        let path = [RESOURCE, &self.id.to_string(), verb];
        // Idempotent: AGE accepts the same change by the same credential again.
        let response = session.api_client().await?.post_idempotent(&path, &request).await?;
        if session.json {
            return session.print_json(&response.body);
        }
        let incident: Incident = response.parse()?;
        let changed_by = incident.changed_by().map(|by| format!(" by {by}")).unwrap_or_default();
        Ok(writeln!(session.stdout, "{} is {}{changed_by}", incident.id, incident.status)?)
    }
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
