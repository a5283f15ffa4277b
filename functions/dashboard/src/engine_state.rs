//! The current state of an engine: whether it is silent or not expected to report, and its actions in progress.

use std::collections::BTreeSet;

use age_model::{ActionStatus, Engine, Keyring, StoreError, Timestamp};
use age_policy::Policy;
use age_store::{IncidentSummary, OpenAction, Rollups};
use futures_util::future::try_join_all;

use crate::format::format_count;
use crate::paths::incident_path;

/// Returns the path of the incident that was opened because `engine` is silent. None if it is not silent.
pub(crate) fn silent_incident_path(engine: Engine, unresolved: &[IncidentSummary]) -> Option<String> {
    let is_of_engine = |incident: &&IncidentSummary| incident.is_engine_silent() && incident.id.key.engine == engine;
    unresolved.iter().find(is_of_engine).map(|incident| incident_path(&incident.id))
}

/// Returns those of `engines` that AGE does not expect to report: they never have, and no credential is theirs alone.
pub(crate) async fn find_unexpected(
    engines: impl Iterator<Item = Engine>,
    policy: &Policy,
    keyring: &Keyring,
    rollups: &Rollups,
) -> Result<BTreeSet<Engine>, StoreError> {
    let without_credential = engines.filter(|engine| keyring.in_use_since(*engine, policy.engines.len()).is_none());
    let find = async |engine| {
        let has_reported = rollups.last_heard_at(engine, Timestamp::from_millis(0)).await?.is_some();
        Ok::<_, StoreError>((!has_reported).then_some(engine))
    };
    Ok(try_join_all(without_credential.map(find)).await?.into_iter().flatten().collect())
}

/// Returns how many actions of `engine` are in progress. Pending approvals do not count, as in the list of actions.
pub(crate) fn format_in_progress(engine: Engine, open_actions: &[Result<OpenAction, StoreError>]) -> String {
    let is_in_progress =
        |action: &&OpenAction| action.engine == engine && action.status != ActionStatus::PendingApproval;
    let actions = open_actions.iter().filter_map(|action| action.as_ref().ok());
    format_count(actions.filter(is_in_progress).count() as u64, "action")
}
