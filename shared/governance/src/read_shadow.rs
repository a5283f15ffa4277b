//! The shadow that runs, and how many decisions it would have answered otherwise.

use age_model::{Clock, Period, PolicyShadow, StoreError};
use age_policy::ActivePolicy;
use age_store::{Freshness, Policies, PolicyPointers, Rollups};

use crate::read_policies::active_policy_version;

/// The shadow with the numbers of decisions since the hour in which it began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowStatus {
    /// The version, and until when it is the shadow.
    pub shadow: PolicyShadow,
    /// The number of decisions.
    pub decisions: u64,
    /// The number of those to which the shadow would have given another verdict.
    pub differing: u64,
}

/// Returns the shadow, if one runs now.
///
/// # Errors
/// [`StoreError`] if it cannot be read, or a rollup cannot be counted.
pub async fn running_shadow(
    policies: &Policies,
    rollups: &Rollups,
    clock: &dyn Clock,
) -> Result<Option<ShadowStatus>, StoreError> {
    let now = clock.now();
    let PolicyPointers { active, shadow } = policies.pointers().await?;
    let Some(shadow) = shadow.filter(|shadow| shadow.is_running(now)) else { return Ok(None) };
    let version = active_policy_version(policies).await?;
    let ever_used = active.map(|pointer| pointer.engines).unwrap_or_default();
    let active = ActivePolicy::new(version.policy(policies)?, version.version.hash.to_string(), ever_used);
    let period = Period::hours(shadow.started_at, now);
    let rollups = rollups.days(&active.engines, (period.first_day(), period.last_day()), Freshness::Strong).await?;
    let counts = rollups.decisions(period)?;
    let decisions = counts.allowed.saturating_add(counts.denied).saturating_add(counts.needs_approval);
    Ok(Some(ShadowStatus { shadow, decisions, differing: counts.shadow_differences }))
}
