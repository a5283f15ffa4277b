//! `agectl incidents`, `ack` and `resolve`: what is wrong, and who has it.

use age_model::{IncidentId, IncidentStatus, Note, Severity, Timestamp};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::api::read;
use crate::args;
use crate::error::Error;
use crate::session::Session;
use crate::table::{self, NOTHING};

const PATH: &str = "incidents";
/// The most that AGE lists at once.
const PAGE: usize = 200;

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those that are so
    #[arg(long, value_parser = args::incident_status())]
    status: Option<IncidentStatus>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = args::positive())]
    limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Mark {
    /// The incident's id, as `agectl incidents` shows it
    id: IncidentId,
    /// What there is to say about it
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
    acknowledged: Option<Turn>,
    resolved: Option<Turn>,
}

/// What somebody did about an incident; nobody, if it came about by itself.
#[derive(Deserialize)]
struct Turn {
    by: Option<String>,
}

#[derive(Serialize)]
struct Said {
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl List {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let filter: Vec<_> = self.status.iter().map(|status| ("status", status.to_string())).collect();
        let incidents = session.api().await?.list(PATH, &filter, self.limit, PAGE).await?;
        if session.json {
            return session.show_list(PATH, &incidents);
        }
        let rows: Vec<_> =
            incidents.iter().map(|item| Ok(read::<Incident>(item.get())?.row())).collect::<Result<_, Error>>()?;
        let names = ["id", "severity", "status", "events", "opened", "by"];
        Ok(writeln!(session.out, "{}", table::of(names, rows))?)
    }
}

impl Mark {
    pub(crate) async fn acknowledge(self, session: &mut Session<'_>) -> Result<(), Error> {
        self.say("acknowledge", session).await
    }

    pub(crate) async fn resolve(self, session: &mut Session<'_>) -> Result<(), Error> {
        self.say("resolve", session).await
    }

    /// AGE knows by the credential who says it, and takes the same from the same one again.
    async fn say(self, what: &str, session: &mut Session<'_>) -> Result<(), Error> {
        let said = Said { note: self.note.map(String::from) };
        let answer = session.api().await?.post(&[PATH, &self.id.to_string(), what], &said).await?;
        if session.json {
            return session.show_json(&answer.body);
        }
        let incident: Incident = answer.read()?;
        let by = incident.by().map(|by| format!(" by {by}"));
        Ok(writeln!(session.out, "{} is {}{}", incident.id, incident.status, by.unwrap_or_default())?)
    }
}

impl Incident {
    /// Who has taken it, or ended it.
    fn by(&self) -> Option<&str> {
        let turn = self.resolved.as_ref().or(self.acknowledged.as_ref())?;
        Some(turn.by.as_deref().unwrap_or("itself"))
    }

    fn row(&self) -> [String; 6] {
        [
            self.id.clone(),
            self.severity.to_string(),
            self.status.to_string(),
            self.event_count.to_string(),
            table::moment(self.opened_at),
            self.by().unwrap_or(NOTHING).to_owned(),
        ]
    }
}
