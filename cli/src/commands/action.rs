//! `agectl action`: lists and shows actions, and approves or denies those that wait for it.

use age_model::{Action, ActionStatus, ApprovalDecision, Engine, Severity, Timestamp};
use clap::{Args, Subcommand};
use serde::Deserialize;

use crate::approval_request::ApprovalRequest;
use crate::commands::action_show::{ActionRef, ShowActionArgs};
use crate::commands::event_show::RESOURCE as EVENTS;
use crate::error::Error;
use crate::format::{NO_VALUE, format_name, format_timestamp};
use crate::item_list::ItemList;
use crate::list_options::{ListOptions, filter};
use crate::session::Session;
use crate::value_parsers::{action_parser, action_status_parser, parse_day_or_time, parse_digest};

const RESOURCE: &str = "actions";
/// The API's maximum.
const PAGE_SIZE: usize = 200;

#[derive(Debug, Subcommand)]
pub(crate) enum ActionCommand {
    /// List actions, newest first
    List(ListActionsArgs),
    /// Show an action with all that an approval of it covers, and the commands that approve and deny it
    Show(ShowActionArgs),
    /// Approve an action that is pending approval: AGE dispatches it within a minute
    Approve(DecideArgs),
    /// Deny an action that is pending approval: AGE does not carry it out
    Deny(DecideArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ListActionsArgs {
    /// List only actions with one of these statuses, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = action_status_parser())]
    status: Vec<ActionStatus>,
    /// List only these actions, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = action_parser())]
    action: Vec<Action>,
    /// List only actions for events of these engines, separated by commas
    #[arg(long, value_delimiter = ',')]
    engine: Vec<Engine>,
    /// List only actions that were planned at TIME or later: RFC 3339, or a day, which stands for its midnight in UTC
    #[arg(long, value_name = "TIME", value_parser = parse_day_or_time)]
    from: Option<Timestamp>,
    /// List only actions that were planned before TIME: RFC 3339, or a day, which stands for its midnight in UTC
    #[arg(long, value_name = "TIME", value_parser = parse_day_or_time)]
    to: Option<Timestamp>,
    #[command(flatten)]
    options: ListOptions,
}

#[derive(Debug, Args)]
pub(crate) struct DecideArgs {
    #[command(flatten)]
    action: ActionRef,
    /// Digest of the action, as `agectl action show` and the e-mail have it: you decide on what you have seen, and on nothing else
    #[arg(long, value_parser = parse_digest)]
    digest: String,
}

/// An action, as lists and responses have it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedAction {
    event_id: String,
    action: String,
    status: ActionStatus,
    engine: String,
    event_type: String,
    severity: Severity,
    created_at: Timestamp,
    approve_by: Option<Timestamp>,
}

impl ActionCommand {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        match self {
            Self::List(args) => args.run(session).await,
            Self::Show(args) => args.run(session).await,
            Self::Approve(args) => args.run(ApprovalDecision::Approve, session).await,
            Self::Deny(args) => args.run(ApprovalDecision::Deny, session).await,
        }
    }
}

impl ListActionsArgs {
    async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let filter = [
            filter("status", &self.status),
            filter("action", &self.action),
            filter("engine", &self.engine),
            filter("from", self.from),
            filter("to", self.to),
        ];
        let list = ItemList {
            path: &[RESOURCE],
            filter: filter.concat(),
            page_size: PAGE_SIZE,
            headings: ["event", "action", "status", "severity", "planned", "decide by", "engine", "event type"],
        };
        list.print(self.options, session, ListedAction::table_row).await
    }
}

impl DecideArgs {
    async fn run(self, decision: ApprovalDecision, session: &mut Session<'_>) -> Result<(), Error> {
        let ActionRef { event, action } = &self.action;
        let path = [EVENTS, &event.to_string(), RESOURCE, action, "approval"];
        let request = ApprovalRequest { decision, digest: &self.digest };
        let client = session.api_client().await?;
        // A repeat is refused, because the action is decided.
        let response = client.post_non_idempotent(&path, &request).await?;
        if session.json {
            return session.print_json(&response.body);
        }
        let decided: ListedAction = response.parse()?;
        let verb = match decision {
            ApprovalDecision::Approve => "Approved",
            ApprovalDecision::Deny => "Denied",
        };
        session.print_line(&format!(
            "{verb} {} of event {}: {}",
            decided.action,
            decided.event_id,
            decided.status.description()
        ))
    }
}

impl ListedAction {
    fn table_row(self) -> [String; 8] {
        let approve_by = self.approve_by.filter(|_| self.status == ActionStatus::PendingApproval);
        [
            self.event_id,
            self.action,
            format_name(self.status.as_str()),
            self.severity.to_string(),
            format_timestamp(self.created_at),
            approve_by.map_or_else(|| NO_VALUE.to_owned(), format_timestamp),
            self.engine,
            self.event_type,
        ]
    }
}
