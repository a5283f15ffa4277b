//! The posture: what guardrails know of the fleet. A run records it before it does anything else.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{Engine, EnginePosture, IncidentStatus, Period, PolicyHash, Posture, StoreError, Timestamp};
use age_policy::ActivePolicy;
use age_scoring::Assessment;
use age_store::{Found, Freshness, IncidentSummary, RecordedPosture, RollupSet};
use futures_util::future::join;

use super::{Sweep, SweepReport};

/// The state of the fleet, as a run has read it at its beginning.
pub(super) struct FleetReading {
    at: Timestamp,
    /// The rollups of the running week.
    rollups: Result<RollupSet, StoreError>,
    /// The incidents that are not resolved.
    unresolved: Result<Found<IncidentSummary>, StoreError>,
    last_heard: BTreeMap<Engine, Timestamp>,
}

impl Sweep {
    /// Reads the fleet, as of now.
    pub(super) async fn read_fleet(&self, active: &ActivePolicy) -> FleetReading {
        let at = self.now();
        // Every engine of the policy is in a category.
        let engines: BTreeSet<Engine> =
            active.policy.categories.iter().flat_map(|category| category.engines.iter().copied()).collect();
        let rollups = self.dispatcher.lifecycle().rollups();
        let rollups = rollups.of(&engines, Period::trailing_week(at), Freshness::Cached(at));
        let (rollups, unresolved) = join(rollups, self.incidents.unresolved()).await;
        let last_heard = rollups.as_ref().map(RollupSet::last_heard).unwrap_or_default();
        FleetReading { at, rollups, unresolved, last_heard }
    }

    /// Records the posture, on which guardrails decide, and then sets and ends holds as the policy demands. Returns the result of each.
    pub(super) async fn update_fleet_state(
        &self,
        fleet: &FleetReading,
        report: &mut SweepReport,
    ) -> (Result<(), StoreError>, Result<(), StoreError>) {
        let active = self.dispatcher.active_policy();
        let recorded = match fleet.posture(&active) {
            Ok(posture) => self.fleet_state.record_posture(&posture, self.clock.as_ref()).await,
            Err(error) => Err(error),
        };
        let (posture, holds) = match recorded {
            Ok(RecordedPosture { holds, .. }) => (Ok(()), holds),
            Err(error) => (Err(error), self.fleet_state.get().await.map(|state| state.holds)),
        };
        let updated = match holds {
            Ok(holds) => self.update_policy_holds(fleet, &active, &holds, report).await,
            Err(error) => Err(error),
        };
        for error in [posture.as_ref().err(), updated.as_ref().err()].into_iter().flatten() {
            self.report_unreadable(error).await;
        }
        (posture, updated)
    }
}

impl FleetReading {
    /// Returns when `engine` was last heard, if it was in the running week.
    pub(super) fn last_heard_at(&self, engine: Engine) -> Option<Timestamp> {
        self.last_heard.get(&engine).copied()
    }

    /// Returns the engines that were heard in the running week.
    pub(super) fn heard_engines(&self) -> BTreeSet<Engine> {
        self.last_heard.keys().copied().collect()
    }

    /// Returns the engines for which decisions were made in the running week. None if the counters cannot be read.
    pub(super) fn engines_with_decisions(&self) -> Option<BTreeSet<Engine>> {
        self.rollups.as_ref().ok().map(RollupSet::engines_with_decisions)
    }

    /// Returns the incidents that are not resolved, as far as this version can read them.
    pub(super) fn unresolved(&self) -> Result<&[IncidentSummary], &StoreError> {
        self.unresolved.as_ref().map(|found| found.items.as_slice())
    }

    /// Whether this version can read every incident that is not resolved.
    pub(super) fn is_unresolved_complete(&self) -> bool {
        self.unresolved.as_ref().is_ok_and(|found| found.unreadable.is_empty())
    }

    /// Returns the posture by the policy `active`.
    ///
    /// # Errors
    /// [`StoreError`] if something that it needs could not be read: a posture is complete, or there is none.
    pub(super) fn posture(&self, active: &ActivePolicy) -> Result<Posture, StoreError> {
        let ActivePolicy { policy, hash, .. } = active;
        let policy_hash: PolicyHash =
            hash.parse().map_err(|error| corrupt("policies", hash, "hash", format!("{error}")))?;
        let rollups = self.rollups.as_ref().map_err(StoreError::clone)?;
        let unresolved = self.unresolved.as_ref().map_err(StoreError::clone)?;
        if let Some(item) = unresolved.unreadable.first() {
            return Err(corrupt("incidents", &item.id, "", "cannot be counted".to_owned()));
        }
        let week = rollups.events(Period::trailing_week(self.at))?;
        let mut engines: BTreeMap<Engine, EnginePosture> = BTreeMap::new();
        for IncidentSummary { id, status, severity, .. } in &unresolved.items {
            if !severity.is_known() {
                let detail = format!("must be known to be counted; got {severity}");
                return Err(corrupt("incidents", &id.to_string(), "severity", detail));
            }
            let state = engines.entry(id.key.engine).or_default();
            state.open_incidents.add(*severity, 1);
            if is_unacknowledged(*status) {
                state.unacknowledged_incidents.add(*severity, 1);
            }
        }
        for (engine, at) in rollups.last_ineffective()? {
            engines.entry(engine).or_default().last_ineffective_at = Some(at);
        }
        // Nobody decides about a retired engine.
        engines.retain(|engine, _| policy.engines.contains_key(engine));
        Ok(Posture { as_of: self.at, policy_hash, levels: Assessment::of(policy, &week).levels, engines })
    }
}

/// Whether nobody has acknowledged an unresolved incident of this status. One of a later version is no acknowledgement.
pub(super) fn is_unacknowledged(status: IncidentStatus) -> bool {
    status != IncidentStatus::Acknowledged
}

fn corrupt(table: &str, key: &str, field: &str, detail: String) -> StoreError {
    StoreError::Corrupt { table: table.to_owned(), key: key.to_owned(), field: field.to_owned(), detail }
}
