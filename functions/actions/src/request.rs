//! What a path names.

use age_model::{Action, EventId};
use age_platform::Problem;

/// The action that a path names. The one that sends a weekly report is no event's.
pub(crate) fn named(id: &str, action: &str) -> Result<(EventId, Action), Problem> {
    let named = id.parse().ok().zip(action.parse().ok());
    let named = named.filter(|(_, action)| *action != Action::AutomatedGovernanceSummary);
    named.ok_or_else(|| Problem::not_found("there is no such action for this event"))
}
