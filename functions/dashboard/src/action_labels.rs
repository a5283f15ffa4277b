//! How pages word actions. The word of a status is that of the API, with spaces.

use age_model::ActionStatus;

use crate::format::to_words;

/// Returns the word of a status, after a symbol: no status is recognized by its colour alone.
pub(crate) fn status_label(status: ActionStatus) -> String {
    format!("{} {}", status_symbol(status), status_word(status))
}

/// Returns the word of a status, such as `timed out`.
pub(crate) fn status_word(status: ActionStatus) -> String {
    to_words(status.as_str())
}

const fn status_symbol(status: ActionStatus) -> &'static str {
    match status {
        ActionStatus::Pending => "◌",
        ActionStatus::PendingApproval => "▲",
        ActionStatus::Dispatched => "→",
        ActionStatus::Succeeded => "●",
        ActionStatus::Verified => "✓",
        ActionStatus::Failed | ActionStatus::TimedOut | ActionStatus::Ineffective | ActionStatus::Undeliverable => "✗",
        ActionStatus::Denied | ActionStatus::Expired => "■",
        ActionStatus::Suppressed => "–",
        ActionStatus::Unknown(_) => "?",
    }
}

/// Returns the CSS class that colours a status.
pub(crate) const fn status_tone(status: ActionStatus) -> &'static str {
    match status {
        ActionStatus::PendingApproval => "warning",
        ActionStatus::Pending | ActionStatus::Dispatched => "progress",
        ActionStatus::Succeeded | ActionStatus::Verified => "success",
        ActionStatus::Failed | ActionStatus::TimedOut | ActionStatus::Ineffective | ActionStatus::Undeliverable => {
            "failure"
        }
        ActionStatus::Denied | ActionStatus::Expired | ActionStatus::Suppressed | ActionStatus::Unknown(_) => "neutral",
    }
}

/// Returns what a status means for a remediation.
pub(crate) const fn explain_status(status: ActionStatus) -> &'static str {
    match status {
        ActionStatus::Pending => "not dispatched yet",
        ActionStatus::PendingApproval => "a responder must approve it first",
        ActionStatus::Dispatched => "the worker has not reported an outcome yet",
        ActionStatus::Succeeded => "carried out, not verified yet",
        ActionStatus::Failed => "the worker could not carry it out",
        ActionStatus::TimedOut => "no outcome before the deadline",
        ActionStatus::Verified => "the problem did not come back",
        ActionStatus::Ineffective => "the problem came back",
        ActionStatus::Denied => "a responder denied it",
        ActionStatus::Expired => "nobody approved it in time",
        ActionStatus::Suppressed => "not started: the same was running, or was ineffective too often",
        ActionStatus::Undeliverable => "every attempt to dispatch it failed",
        ActionStatus::Unknown(_) => "a status of a later version of AGE",
    }
}
