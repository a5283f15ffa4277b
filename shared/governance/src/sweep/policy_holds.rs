//! Holds by the policy: an engine is held while nobody has acknowledged an incident that a rule names.

use std::collections::BTreeMap;

use age_model::{Engine, Hold, HoldEnd, HoldId, HoldOrigin, StoreError, Timestamp};
use age_policy::{ActivePolicy, HoldRule};
use age_store::{IncidentSummary, SetHold};

use super::posture::{FleetReading, is_unacknowledged};
use super::{Sweep, SweepReport};

/// A rule, and the engine and operation that it holds.
type Target = (String, Engine, Option<String>);

impl Sweep {
    /// Sets the holds that the rules of `active` demand and that are not among `holds`, then ends those that none demands any more.
    pub(super) async fn update_policy_holds(
        &self,
        fleet: &FleetReading,
        active: &ActivePolicy,
        holds: &[Hold],
        report: &mut SweepReport,
    ) -> Result<(), StoreError> {
        let (now, clock) = (self.now(), self.clock.as_ref());
        let rules = &active.policy.decisions.holds;
        let unresolved = fleet.unresolved().map_err(StoreError::clone)?;
        let demanded = demanded_holds(rules, unresolved, now);
        let by_policy = holds.iter().filter(|hold| hold.is_active(now));
        let by_policy: Vec<(Target, &Hold)> = by_policy.filter_map(|hold| Some((target(hold)?, hold))).collect();
        for (target, until) in &demanded {
            if by_policy.iter().any(|(other, hold)| other == target && hold.until == *until) {
                continue;
            }
            let (rule, engine, operation) = target.clone();
            let reason = rules.iter().find(|it| it.id == rule).map(|rule| rule.message.clone()).unwrap_or_default();
            let (id, set_by, until) = (HoldId::fresh(clock), HoldOrigin::Policy(rule), *until);
            let hold = Hold { id, engine, operation, reason, set_by, set_at: now, until };
            match self.fleet_state.set_hold(&hold, clock).await? {
                SetHold::Set => {
                    tracing::warn!(%engine, hold.id = %hold.id, "the policy holds engine {engine}: {}", hold.reason);
                }
                SetHold::Exists(_) => {}
                SetHold::TooMany => {
                    tracing::error!(%engine, "the policy cannot hold engine {engine}: too many holds are active");
                    report.failed += 1;
                }
            }
        }
        // A hold that a later one replaces ends after that one has begun.
        for (target, hold) in by_policy {
            let is_replaced = demanded.contains_key(&target);
            // An incident that cannot be read may still demand the hold.
            if demanded.get(&target) == Some(&hold.until) || (!is_replaced && !fleet.is_unresolved_complete()) {
                continue;
            }
            let reason = if is_replaced { "replaced by a later hold" } else { "its rule does not demand it any more" };
            let end = HoldEnd { at: now, by: hold.set_by.clone(), reason: Some(reason.to_owned()) };
            self.fleet_state.end_hold(hold.id, &end, clock).await?;
            let engine = hold.engine;
            tracing::info!(%engine, hold.id = %hold.id, "the policy has ended its hold of engine {engine}: {reason}");
        }
        Ok(())
    }
}

/// Returns the holds that `rules` demand, with when each ends: the rule's time after the latest of the incidents was opened.
fn demanded_holds(rules: &[HoldRule], unresolved: &[IncidentSummary], now: Timestamp) -> BTreeMap<Target, Timestamp> {
    let mut demanded: BTreeMap<Target, Timestamp> = BTreeMap::new();
    for HoldRule { id: rule, unacknowledged, operations, for_seconds, .. } in rules {
        // A severity of a later version is above all others.
        let is_named = |it: &&IncidentSummary| is_unacknowledged(it.status) && it.severity >= *unacknowledged;
        for incident in unresolved.iter().filter(is_named) {
            let until = incident.id.opened_at.plus_seconds(*for_seconds);
            let names = operations.iter().cloned().map(Some).chain(operations.is_empty().then_some(None));
            for operation in names.filter(|_| now < until) {
                let target = (rule.clone(), incident.id.key.engine, operation);
                demanded.entry(target).and_modify(|latest| *latest = until.max(*latest)).or_insert(until);
            }
        }
    }
    demanded
}

fn target(hold: &Hold) -> Option<Target> {
    match &hold.set_by {
        HoldOrigin::Policy(rule) => Some((rule.clone(), hold.engine, hold.operation.clone())),
        HoldOrigin::Person(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use age_model::{IncidentId, IncidentKey, IncidentStatus, Severity};

    use super::*;

    #[test]
    fn engine_is_held_by_its_latest_unacknowledged_incident_for_the_time_of_the_rule() {
        let now: Timestamp = "2026-11-23T01:00:00Z".parse().unwrap();
        let incident = |engine: &str, minutes_ago: i64, status, severity| IncidentSummary {
            id: IncidentId {
                key: IncidentKey { engine: engine.parse().unwrap(), event_type: "lost".parse().unwrap() },
                opened_at: now.plus_seconds(-60 * minutes_ago),
            },
            status,
            severity,
            acknowledged_at: None,
        };
        let rule = |id: &str, operations: &[&str]| HoldRule {
            id: id.to_owned(),
            message: "investigate first".to_owned(),
            unacknowledged: Severity::Critical,
            operations: operations.iter().map(|name| (*name).to_owned()).collect(),
            for_seconds: 1800,
        };
        let (open, acknowledged) = (IncidentStatus::Open, IncidentStatus::Acknowledged);
        let unresolved = [
            incident("qa", 20, open, Severity::Critical),
            incident("qa", 10, open, Severity::Critical),
            incident("maos", 5, open, Severity::High),
            incident("billing", 5, acknowledged, Severity::Critical),
            incident("compliance", 30, open, Severity::Critical),
            incident("search", 1, IncidentStatus::stored("snoozed"), Severity::stored("CATASTROPHIC")),
        ];
        let demanded = demanded_holds(&[rule("all", &[]), rule("two", &["deploy", "refund"])], &unresolved, now);
        let shown: Vec<_> = demanded
            .iter()
            .map(|((rule, engine, operation), until)| {
                (rule.as_str(), engine.as_str(), operation.as_deref(), (until.seconds() - now.seconds()) / 60)
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("all", "qa", None, 20),
                ("all", "search", None, 29),
                ("two", "qa", Some("deploy"), 20),
                ("two", "qa", Some("refund"), 20),
                ("two", "search", Some("deploy"), 29),
                ("two", "search", Some("refund"), 29),
            ]
        );
    }
}
