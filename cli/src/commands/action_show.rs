//! `agectl action show`: an action of an event, and what an approval of it covers.

use age_model::{Action, ActionStatus, EventId, Timestamp};
use clap::Args;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::api_response::parse_json;
use crate::commands::event_show::{RESOURCE as EVENTS, format_details};
use crate::error::Error;
use crate::format::format_timestamp;
use crate::session::Session;
use crate::text_layout::{format_commands, format_facts, format_quote, format_section};

/// An action: its event and its name. `agectl action list` has both in its first columns.
#[derive(Debug, Clone, Args)]
pub(crate) struct ActionRef {
    /// Id of the event that the action is for, as `agectl action list` lists it
    #[arg(value_name = "EVENT_ID")]
    pub(super) event: EventId,
    /// Name of the action, such as `permission_reset`
    #[arg(value_name = "ACTION")]
    pub(super) action: String,
}

#[derive(Debug, Args)]
pub(crate) struct ShowActionArgs {
    #[command(flatten)]
    action: ActionRef,
}

/// An event: what an approval of its action covers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventOfAction {
    engine: String,
    event_type: String,
    severity: String,
    reported_by: Option<String>,
    details: Box<RawValue>,
    actions: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct ActionName {
    action: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownAction {
    action: Action,
    status: ActionStatus,
    digest: String,
    policy_hash: String,
    created_at: Timestamp,
    approve_by: Option<Timestamp>,
    decided_at: Option<Timestamp>,
    decided_by: Option<String>,
    dispatched_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
    completed_by: Option<String>,
    verified_at: Option<Timestamp>,
    detail: Option<String>,
    suppressed_by: Option<String>,
}

impl ShowActionArgs {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let ActionRef { event: id, action } = self.action;
        let response = session.api_client().await?.get_named(&[EVENTS, &id.to_string()]).await?;
        let event: EventOfAction = response.parse()?;
        let is_named = |json: &str| parse_json::<ActionName>(json).is_ok_and(|it| it.action == action);
        let Some(item) = event.actions.iter().find(|item| is_named(item.get())) else {
            return Err(Error::NoSuchAction { event: id, action });
        };
        if session.json {
            return session.print_json(item.get());
        }
        let shown: ShownAction = parse_json(item.get())?;
        let mut sections =
            vec![shown.overview(id, &event), format_section("Details", [format_details(&event.details)])];
        if shown.status == ActionStatus::PendingApproval {
            // The name as the user gave it: this version may not know it.
            sections.push(shown.next_steps(id, &action));
        }
        Ok(writeln!(session.stdout, "{}", sections.join("\n\n"))?)
    }
}

impl ShownAction {
    fn overview(&self, id: EventId, event: &EventOfAction) -> String {
        let reported_by = event.reported_by.as_ref().map(|by| format!(", by {by}")).unwrap_or_default();
        let mut facts = vec![
            ("Would do", self.action.description().to_owned()),
            ("Status", self.status.description().to_owned()),
            ("Engine", event.engine.clone()),
            ("Event type", event.event_type.clone()),
            ("Severity", event.severity.clone()),
            ("Event", format!("{id}{reported_by}")),
            ("Policy", self.policy_hash.clone()),
            ("Digest", self.digest.clone()),
            ("Planned", format_timestamp(self.created_at)),
        ];
        if let Some(at) = self.approve_by.filter(|_| self.status == ActionStatus::PendingApproval) {
            facts.push(("Decide by", format_timestamp(at)));
        }
        let steps = [
            ("Decided", self.decided_at, self.decided_by.as_ref()),
            ("Dispatched", self.dispatched_at, None),
            ("Completed", self.completed_at, self.completed_by.as_ref()),
            ("Verified", self.verified_at, None),
        ];
        facts.extend(steps.into_iter().filter_map(|(label, at, by)| {
            let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
            Some((label, format!("{}{by}", format_timestamp(at?))))
        }));
        facts
            .extend(self.suppressed_by.as_ref().map(|event| ("Suppressed by", format!("the action of event {event}"))));
        let quote = self.detail.as_ref().map(|detail| format_quote(2, detail));
        format_section(&format!("Action {}", self.action), format_facts(facts).into_iter().chain(quote))
    }

    fn next_steps(&self, id: EventId, action: &str) -> String {
        let command = |verb: &str| format!("agectl action {verb} {id} {action} --digest {}", self.digest);
        let commands = [("Approve", command("approve")), ("Deny", command("deny"))];
        format_section("Next steps", format_commands(commands))
    }
}
