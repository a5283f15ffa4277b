//! `agectl incident show`: an incident, its timeline, and what a person can do.

use age_model::{ActionStatus, IncidentCause, IncidentId, IncidentStatus, Severity, Timestamp, UnreadableItem};
use clap::Args;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::commands::incident_bulk::RESOURCE;
use crate::commands::timeline::{TimelineEntry, parse_timeline};
use crate::error::Error;
use crate::format::{format_name, format_timestamp};
use crate::session::Session;
use crate::text_layout::{format_commands, format_facts, format_section};

#[derive(Debug, Args)]
pub(crate) struct ShowIncidentArgs {
    /// Id of the incident, as `agectl incident list` and the e-mails have it
    #[arg(value_name = "ID")]
    id: IncidentId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownIncident {
    id: String,
    engine: String,
    event_type: String,
    status: IncidentStatus,
    cause: IncidentCause,
    severity: Severity,
    opened_at: Timestamp,
    opened_by: Option<String>,
    event_count: u64,
    last_event_at: Option<Timestamp>,
    #[serde(default)]
    looks_like: Vec<String>,
    reported_resolved_at: Option<Timestamp>,
    notification_failure: Option<NotificationFailure>,
    acknowledged: Option<StatusChange>,
    reopened: Option<StatusChange>,
    resolved: Option<StatusChange>,
    timeline: Vec<Box<RawValue>>,
    has_earlier_events: bool,
    has_earlier_notifications: bool,
    has_earlier_changes: bool,
    #[serde(default)]
    unreadable: Vec<UnreadableItem>,
}

#[derive(Deserialize)]
struct NotificationFailure {
    at: Timestamp,
    reason: String,
}

#[derive(Deserialize)]
struct StatusChange {
    at: Timestamp,
    /// Name of the credential. `None`: AGE changed the status itself.
    by: Option<String>,
}

impl ShowIncidentArgs {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let response = session.api_client().await?.get_named(&[RESOURCE, &self.id.to_string()]).await?;
        if session.json {
            return session.print_json(&response.body);
        }
        let incident: ShownIncident = response.parse()?;
        let (entries, error) = parse_timeline(&incident.timeline, &incident.engine);
        let sections = [incident.overview(), incident.timeline(&entries), incident.next_steps(&self.id, &entries)];
        writeln!(session.stdout, "{}", sections.join("\n\n"))?;
        session.warn_unreadable(&incident.unreadable)?;
        error.map_or(Ok(()), Err)
    }
}

impl ShownIncident {
    fn overview(&self) -> String {
        let last_event = self.last_event_at.map(|at| format!(", last {}", format_timestamp(at))).unwrap_or_default();
        let opened_by = self.opened_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let mut facts = vec![
            ("Incident", self.id.clone()),
            ("Status", format_name(self.status.as_str())),
            ("Severity", self.severity.to_string()),
            ("Cause", self.cause.description().to_owned()),
            ("Events", format!("{}{last_event}", self.event_count)),
            ("Opened", format!("{}{opened_by}", format_timestamp(self.opened_at))),
        ];
        let changes =
            [("Acknowledged", &self.acknowledged), ("Reopened", &self.reopened), ("Resolved", &self.resolved)];
        facts.extend(changes.into_iter().filter_map(|(label, change)| Some((label, change.as_ref()?.describe()))));
        if let Some(at) = self.reported_resolved_at {
            facts.push(("Reported as resolved", format_timestamp(at)));
        }
        let looks_like = self.looks_like.iter();
        facts.extend(
            looks_like.map(|other| ("Looks like", format!("{other}, another event type, in other characters"))),
        );
        if let Some(NotificationFailure { at, reason }) = &self.notification_failure {
            facts.push(("Notification failed", format!("{}: {reason}", format_timestamp(*at))));
        }
        format_section(&format!("{}: {}", self.engine, self.event_type), format_facts(facts))
    }

    fn timeline(&self, entries: &[TimelineEntry]) -> String {
        let omitted = [
            (self.has_earlier_events, "events"),
            (self.has_earlier_notifications, "notifications"),
            (self.has_earlier_changes, "changes and comments"),
        ];
        let omitted: Vec<_> = omitted.into_iter().filter(|(is_omitted, _)| *is_omitted).map(|(_, name)| name).collect();
        let mut rows = Vec::new();
        if !omitted.is_empty() {
            rows.push(format!("  (earlier {} are left out)", omitted.join(", ")));
        }
        rows.extend(entries.iter().map(TimelineEntry::format));
        format_section("Timeline", rows)
    }

    /// Returns the commands that a person may want next, each with all ids.
    fn next_steps(&self, id: &IncidentId, entries: &[TimelineEntry]) -> String {
        let change = |verb: &str| format!("agectl incident {verb} {id}");
        let mut commands = match self.status {
            IncidentStatus::Open => vec![("Acknowledge", change("ack")), ("Resolve", change("resolve"))],
            IncidentStatus::Resolved => vec![("Reopen", change("reopen"))],
            _ => vec![("Resolve", change("resolve"))],
        };
        commands.push(("Comment", format!("{} --note TEXT", change("comment"))));
        let pending = entries.iter().filter_map(TimelineEntry::action);
        let pending = pending.filter(|action| action.status == ActionStatus::PendingApproval);
        commands.extend(pending.map(|action| ("Approve or deny", action.show_command())));
        format_section("Next steps", format_commands(commands))
    }
}

impl StatusChange {
    fn describe(&self) -> String {
        let by = self.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        format!("{}{by}", format_timestamp(self.at))
    }
}
