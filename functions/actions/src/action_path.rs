//! The path of an action: the id of its event and its name.

use age_http::{PathNames, Problem};
use age_model::{Action, EventId};

/// Parses the names of a path. The action that sends weekly reports belongs to no event.
///
/// # Errors
/// 404 unless they are an event id and the name of an action.
pub(crate) fn parse(PathNames([id, action]): PathNames<2>) -> Result<(EventId, Action), Problem> {
    let parsed = id.parse().ok().zip(action.parse().ok());
    let parsed = parsed.filter(|(_, action)| *action != Action::AutomatedGovernanceSummary);
    parsed.ok_or_else(|| Problem::not_found("the event has no such action"))
}
