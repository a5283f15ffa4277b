//! `agectl event show`: an event with its details and its actions.

use age_model::{EventId, Severity, Timestamp, UnreadableItem};
use clap::Args;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::commands::timeline::PlannedAction;
use crate::error::Error;
use crate::format::format_timestamp;
use crate::json_format::format_json;
use crate::session::Session;
use crate::text_layout::{format_commands, format_facts, format_section};

/// The path of stored events in the API.
pub(crate) const RESOURCE: &str = "events";

#[derive(Debug, Args)]
pub(crate) struct ShowEventArgs {
    /// Id of the event, as `agectl event list` lists it
    #[arg(value_name = "ID")]
    id: EventId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownEvent {
    id: String,
    engine: String,
    event_type: String,
    severity: Severity,
    occurred_at: Timestamp,
    source_time: Option<Timestamp>,
    decision_id: Option<String>,
    reported_by: Option<String>,
    resolves: Option<String>,
    details: Box<RawValue>,
    actions: Vec<PlannedAction>,
    #[serde(default)]
    unreadable: Vec<UnreadableItem>,
}

impl ShowEventArgs {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let response = session.api_client().await?.get_named(&[RESOURCE, &self.id.to_string()]).await?;
        if session.json {
            return session.print_json(&response.body);
        }
        let event: ShownEvent = response.parse()?;
        let mut sections = vec![event.overview(), format_section("Details", [format_details(&event.details)])];
        if !event.actions.is_empty() {
            sections.extend(event.actions());
        }
        writeln!(session.stdout, "{}", sections.join("\n\n"))?;
        session.warn_unreadable(&event.unreadable)
    }
}

impl ShownEvent {
    fn overview(&self) -> String {
        let reported_by = self.reported_by.as_ref().map(|by| format!(", reported by {by}")).unwrap_or_default();
        let mut facts = vec![
            ("Event", self.id.clone()),
            ("Severity", self.severity.to_string()),
            ("Accepted", format!("{}{reported_by}", format_timestamp(self.occurred_at))),
        ];
        if let Some(at) = self.source_time {
            facts.push(("Source time", format!("{}, by the clock of the engine", format_timestamp(at))));
        }
        facts.extend(self.decision_id.as_ref().map(|id| ("Decision", format!("{id}, as the engine says"))));
        facts.extend(self.resolves.as_ref().map(|event| ("Resolves", format!("event {event}, by its sender"))));
        format_section(&format!("{}: {}", self.engine, self.event_type), format_facts(facts))
    }

    /// Returns the actions with their statuses, and the commands that show them.
    fn actions(&self) -> [String; 2] {
        let statuses = self.actions.iter().map(|it| (it.action.as_str(), it.status.description().to_owned()));
        let commands = self.actions.iter().map(|it| ("Show the action", it.show_command()));
        [format_section("Actions", format_facts(statuses)), format_section("Next steps", format_commands(commands))]
    }
}

/// Formats the details of an event, indented.
pub(crate) fn format_details(details: &RawValue) -> String {
    format_json(details.get()).lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
