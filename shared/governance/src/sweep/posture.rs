//! The posture: what guardrails know of the fleet. A run records it before it does anything else.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{Engine, EnginePosture, IncidentStatus, Period, PolicyHash, Posture, StoreError, Timestamp};
use age_policy::ActivePolicy;
use age_scoring::Assessment;
use age_store::{Freshness, IncidentSummary, RollupSet};
use futures_util::future::try_join;

use super::Sweep;

/// What a run has read of the fleet at its beginning.
pub(super) struct FleetReading {
    at: Timestamp,
    /// The rollups of the running week.
    rollups: RollupSet,
    unresolved: Vec<IncidentSummary>,
    last_heard: BTreeMap<Engine, Timestamp>,
}

impl Sweep {
    /// Reads the fleet, as of now.
    pub(super) async fn read_fleet(&self, active: &ActivePolicy) -> Result<FleetReading, StoreError> {
        let at = self.now();
        // Every engine of the policy is in a category.
        let engines: BTreeSet<Engine> =
            active.policy.categories.iter().flat_map(|category| category.engines.iter().copied()).collect();
        let rollups = self.dispatcher.lifecycle().rollups();
        let rollups = rollups.of(&engines, Period::trailing_week(at), Freshness::Cached(at));
        let (rollups, unresolved) = try_join(rollups, self.incidents.all_unresolved()).await?;
        let last_heard = rollups.last_heard();
        Ok(FleetReading { at, rollups, unresolved, last_heard })
    }

    /// Records the posture that `fleet` shows by the policy `active`, and returns it.
    pub(super) async fn record_posture(
        &self,
        fleet: &FleetReading,
        active: &ActivePolicy,
    ) -> Result<Posture, StoreError> {
        let posture = fleet.posture(active)?;
        if !self.fleet_state.record_posture(&posture, self.clock.as_ref()).await? {
            tracing::info!("the posture of this run was not recorded: another run has recorded a later one");
        }
        Ok(posture)
    }
}

impl FleetReading {
    /// Returns when `engine` was last heard, if it was in the running week.
    pub(super) fn last_heard_at(&self, engine: Engine) -> Option<Timestamp> {
        self.last_heard.get(&engine).copied()
    }

    /// Whether an incident about the silence of `engine` is not resolved.
    pub(super) fn is_silence_unresolved(&self, engine: Engine) -> bool {
        self.unresolved.iter().any(|it| it.id.key.engine == engine && it.is_engine_silent())
    }

    fn posture(&self, active: &ActivePolicy) -> Result<Posture, StoreError> {
        let ActivePolicy { policy, hash, .. } = active;
        let corrupt = |table: &str, key: String, field: &str, detail: String| StoreError::Corrupt {
            table: table.to_owned(),
            key,
            field: field.to_owned(),
            detail,
        };
        let policy_hash: PolicyHash =
            hash.parse().map_err(|error| corrupt("policies", hash.clone(), "hash", format!("{error}")))?;
        let week = self.rollups.events(Period::trailing_week(self.at))?;
        let mut engines: BTreeMap<Engine, EnginePosture> = BTreeMap::new();
        for IncidentSummary { id, status, severity, .. } in &self.unresolved {
            // Neither more nor fewer than there are: no count has a severity that this version does not know.
            if !severity.is_known() {
                return Err(corrupt("incidents", id.to_string(), "severity", format!("must be known; got {severity}")));
            }
            let state = engines.entry(id.key.engine).or_default();
            state.open_incidents.add(*severity, 1);
            // A status of a later version is not acknowledged.
            if *status != IncidentStatus::Acknowledged {
                state.unacknowledged_incidents.add(*severity, 1);
            }
        }
        for (engine, at) in self.rollups.last_ineffective()? {
            engines.entry(engine).or_default().last_ineffective_at = Some(at);
        }
        // Nobody decides about a retired engine.
        engines.retain(|engine, _| policy.engines.contains_key(engine));
        Ok(Posture { as_of: self.at, policy_hash, levels: Assessment::of(policy, &week).levels, engines })
    }
}
