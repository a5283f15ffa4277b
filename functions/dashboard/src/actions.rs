//! Actions: those at each state, and one with what it does and how far it has come.

pub(crate) mod list;
pub(crate) mod one;

use age_model::{Action, ActionStatus, Engine, EventId};
use age_store::{OpenAction, StoreError};

use crate::text::count;

/// Where the page of an action is.
pub(crate) fn path(event: EventId, action: Action) -> String {
    format!("/dashboard/events/{event}/actions/{action}")
}

/// A status as people say it, with a sign of its own: no status is told by its colour alone.
pub(crate) const fn status(status: ActionStatus) -> &'static str {
    match status {
        ActionStatus::Pending => "◌ to be handed over",
        ActionStatus::PendingApproval => "▲ waits for approval",
        ActionStatus::Dispatched => "→ handed over",
        ActionStatus::Succeeded => "● done",
        ActionStatus::Failed => "✗ failed",
        ActionStatus::TimedOut => "✗ not answered in time",
        ActionStatus::Verified => "✓ helped",
        ActionStatus::Ineffective => "✗ of no use",
        ActionStatus::Denied => "■ denied",
        ActionStatus::Expired => "■ not approved in time",
        ActionStatus::Suppressed => "– not begun",
        ActionStatus::Undeliverable => "✗ could not be handed over",
    }
}

/// The colour that goes with a status.
pub(crate) const fn tone(status: ActionStatus) -> &'static str {
    match status {
        ActionStatus::PendingApproval => "warn",
        ActionStatus::Pending | ActionStatus::Dispatched => "busy",
        ActionStatus::Succeeded | ActionStatus::Verified => "good",
        ActionStatus::Failed | ActionStatus::TimedOut | ActionStatus::Ineffective | ActionStatus::Undeliverable => {
            "bad"
        }
        ActionStatus::Denied | ActionStatus::Expired | ActionStatus::Suppressed => "off",
    }
}

/// How many actions of `engine` are under way, as the list of actions has it.
pub(crate) fn under_way(engine: Engine, open_actions: &[Result<OpenAction, StoreError>]) -> String {
    let is_under_way = |row: &&OpenAction| row.engine == engine && row.status != ActionStatus::PendingApproval;
    count(open_actions.iter().filter_map(|row| row.as_ref().ok()).filter(is_under_way).count() as u64, "action")
}

/// What is done, for whoever is to approve it.
const fn meaning(action: Action) -> &'static str {
    match action {
        Action::MaosAutoFix => "MAOS starts its workflow for mending this kind of trouble.",
        Action::DeepAgentPolicyUpdate => "The Deep Agent takes a stricter policy.",
        Action::BillingSyncRepair => "Billing repairs its synchronisation.",
        Action::PermissionReset => "Permissions go back to their last good state.",
        Action::NotifyAdmin => "People are written to, by the e-mails of the incident.",
        Action::AutomatedGovernanceSummary => "The weekly report is sent out.",
    }
}

/// What became of remedies, in words; only what there was.
pub(crate) fn outcomes(running: u64, settled: impl Fn(ActionStatus) -> u64) -> Vec<(&'static str, u64)> {
    let all = [
        ("helped", settled(ActionStatus::Verified)),
        ("done; whether they helped is not known yet", settled(ActionStatus::Succeeded)),
        ("were of no use", settled(ActionStatus::Ineffective)),
        ("failed", settled(ActionStatus::Failed)),
        ("were not answered in time", settled(ActionStatus::TimedOut)),
        ("could not be handed over", settled(ActionStatus::Undeliverable)),
        ("denied by a person", settled(ActionStatus::Denied)),
        ("not approved in time", settled(ActionStatus::Expired)),
        ("on their way, or waiting for approval", running),
        ("not begun: the same was under way, or had been of no use", settled(ActionStatus::Suppressed)),
    ];
    all.into_iter().filter(|(_, number)| *number > 0).collect()
}
