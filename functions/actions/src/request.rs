//! What a path names, and what a body says.

use model::{Action, EventId};
use platform::{Fields, Problem, Refused};

/// The action that a path names. The one that sends a weekly report is no event's.
pub(crate) fn named(id: &str, action: &str) -> Result<(EventId, Action), Problem> {
    let named = id.parse().ok().zip(action.parse().ok());
    let named = named.filter(|(_, action)| *action != Action::AutomatedGovernanceSummary);
    named.ok_or_else(|| Problem::not_found("there is no such action for this event"))
}

/// Reads a body with `read`, and refuses it for all that is wrong with it.
pub(crate) fn body<T>(body: &[u8], read: impl FnOnce(&mut Fields) -> Result<T, Refused>) -> Result<T, Problem> {
    let mut fields = Fields::parse(body)?;
    let read = read(&mut fields);
    fields.finish(read).map_err(Problem::invalid)
}
