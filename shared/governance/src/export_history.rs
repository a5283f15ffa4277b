//! The history of a period for simulations without AGE.

use age_model::{Clock, StoreError, Timestamp};
use age_policy::ActivePolicy;
use age_scoring::simulation::History;
use age_store::Policies;

use crate::policy_simulation::PolicySimulator;
use crate::read_policies::{PolicyDocument, active_policy_version};

/// A history, and the policy version that was active when it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryExport {
    /// The active version.
    pub active: PolicyDocument,
    /// The history of the period, with everything that the active version would act on.
    pub history: History,
}

/// Reads the history from `from` to `to`, at most the last 13 weeks of it.
///
/// # Errors
/// [`StoreError`] if a table cannot be read, or a rollup cannot be counted.
pub async fn export_history(
    policies: &Policies,
    simulator: &PolicySimulator,
    (from, to): (Timestamp, Timestamp),
    clock: &dyn Clock,
) -> Result<HistoryExport, StoreError> {
    let active = active_policy_version(policies).await?;
    let ever_used = policies.active().await?.map(|pointer| pointer.engines).unwrap_or_default();
    let hash = active.version.hash.to_string();
    let ActivePolicy { policy, engines, .. } = ActivePolicy::new(active.policy(policies)?, hash, ever_used);
    let history = simulator.history(&[&policy], &engines, (from, to), clock).await?;
    Ok(HistoryExport { active, history })
}
