//! States of the fleet that people describe, to try guardrails without AGE.

use std::collections::BTreeMap;

use age_model::{
    Engine, EnginePosture, Hold, HoldOrigin, KeyId, Posture, RiskLevel, Severity, SeverityCounts, Timestamp,
    deserialize_known,
};
use age_policy::Policy;
use serde::Deserialize;

/// A state of the fleet. By default, nothing is wrong: every category has the level LOW, and no engine has an incident, an ineffective
/// remediation or a hold.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StateDocument {
    /// How old the posture is.
    posture_age_seconds: i64,
    /// Whether the posture was never written.
    posture_missing: bool,
    #[serde(deserialize_with = "deserialize_known")]
    levels: BTreeMap<String, RiskLevel>,
    engines: BTreeMap<Engine, EngineDocument>,
    holds: Vec<HoldDocument>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct EngineDocument {
    #[serde(deserialize_with = "deserialize_known")]
    open_incidents: BTreeMap<Severity, u64>,
    /// Those of the open incidents that nobody has acknowledged.
    #[serde(deserialize_with = "deserialize_known")]
    unacknowledged_incidents: BTreeMap<Severity, u64>,
    ineffective_seconds_ago: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HoldDocument {
    engine: Engine,
    operation: Option<String>,
    #[serde(default = "default_reason")]
    reason: String,
    #[serde(default = "default_person")]
    set_by: String,
}

fn default_reason() -> String {
    "a hold of the described state".to_owned()
}

fn default_person() -> String {
    "somebody".to_owned()
}

/// A state of the fleet, as guardrails read it.
#[derive(Debug)]
pub(crate) struct DescribedState {
    pub(crate) posture: Option<Posture>,
    pub(crate) holds: Vec<Hold>,
}

impl StateDocument {
    /// Returns the state at `now`, of a fleet with the categories and engines of `policy`.
    ///
    /// # Errors
    /// If the policy does not have one of the categories or engines.
    pub(crate) fn at(&self, now: Timestamp, policy: &Policy) -> Result<DescribedState, String> {
        let mut levels: BTreeMap<_, _> =
            policy.categories.iter().map(|category| (category.name.clone(), RiskLevel::Low)).collect();
        for (category, level) in &self.levels {
            if levels.insert(category.clone(), *level).is_none() {
                return Err(format!("levels.{category} is not a category of the policy"));
            }
        }
        let named = self.engines.keys().chain(self.holds.iter().map(|hold| &hold.engine));
        if let Some(engine) = named.into_iter().find(|engine| !policy.engines.contains_key(engine)) {
            return Err(format!("{engine} is not an engine of the policy"));
        }
        let engines = self.engines.iter().map(|(engine, state)| (*engine, state.at(now))).collect();
        let as_of = now.plus_seconds(self.posture_age_seconds.saturating_neg());
        let posture = Posture { as_of, policy_hash: policy.hash(), levels, engines };
        let holds = self.holds.iter().map(|hold| hold.at(now)).collect::<Result<_, _>>()?;
        Ok(DescribedState { posture: (!self.posture_missing).then_some(posture), holds })
    }
}

impl EngineDocument {
    fn at(&self, now: Timestamp) -> EnginePosture {
        let unacknowledged_incidents = counts(&self.unacknowledged_incidents);
        let mut open_incidents = counts(&self.open_incidents);
        for severity in Severity::ALL {
            // An unacknowledged incident is an open one.
            let missing = unacknowledged_incidents.of(*severity).saturating_sub(open_incidents.of(*severity));
            open_incidents.add(*severity, missing);
        }
        let last_ineffective_at =
            self.ineffective_seconds_ago.map(|seconds| now.plus_seconds(seconds.saturating_neg()));
        EnginePosture { open_incidents, unacknowledged_incidents, last_ineffective_at }
    }
}

fn counts(numbers: &BTreeMap<Severity, u64>) -> SeverityCounts {
    let mut counts = SeverityCounts::default();
    for (severity, number) in numbers {
        counts.add(*severity, *number);
    }
    counts
}

impl HoldDocument {
    fn at(&self, now: Timestamp) -> Result<Hold, String> {
        let person: KeyId = self.set_by.parse().map_err(|error| format!("set_by of a hold {error}"))?;
        // The id of a hold that AGE does not have.
        let id = "00000000-0000-7000-8000-000000000000".parse().map_err(|error| format!("the id of a hold {error}"))?;
        Ok(Hold {
            id,
            engine: self.engine,
            operation: self.operation.clone(),
            reason: self.reason.clone(),
            set_by: HoldOrigin::Person(person),
            set_at: now,
            until: now.plus_days(Hold::MAX_DAYS),
        })
    }
}
