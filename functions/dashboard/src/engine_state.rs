//! The current state of an engine: whether it is silent, and its actions in progress.

use age_model::{ActionStatus, Engine, StoreError};
use age_store::{IncidentSummary, OpenAction};

use crate::format::format_count;
use crate::paths::incident_path;

/// Returns the path of the incident that was opened because `engine` is silent. None if it is not silent.
pub(crate) fn silent_incident_path(engine: Engine, unresolved: &[IncidentSummary]) -> Option<String> {
    let is_of_engine = |incident: &&IncidentSummary| incident.is_engine_silent() && incident.id.key.engine == engine;
    unresolved.iter().find(is_of_engine).map(|incident| incident_path(&incident.id))
}

/// Returns how many actions of `engine` are in progress. Pending approvals do not count, as in the list of actions.
pub(crate) fn format_in_progress(engine: Engine, open_actions: &[Result<OpenAction, StoreError>]) -> String {
    let is_in_progress =
        |action: &&OpenAction| action.engine == engine && action.status != ActionStatus::PendingApproval;
    let actions = open_actions.iter().filter_map(|action| action.as_ref().ok());
    format_count(actions.filter(is_in_progress).count() as u64, "action")
}
