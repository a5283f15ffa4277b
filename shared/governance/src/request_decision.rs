//! Deciding whether operations of engines may run. A decision is recorded before it is answered, and a repeat of its request gets the
//! recorded answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use age_model::{
    Clock, Decision, DecisionId, DecisionKey, Engine, InvalidPolicyHash, PolicyHash, StoreError, Timestamp,
};
use age_policy::{ActivePolicy, Policy};
use age_store::{
    Decisions, FleetStateStore, NewDecision, RecordedDecisions, Rollups, StoredFleetState, wait_before_retry,
};
use thiserror::Error;

use crate::decision_batch::{DecisionAnswer, DecisionBatch};
use crate::decision_counters::DecisionCounters;
use crate::decision_outcome::{Judge, Judged};
use crate::fleet_state_cache::FleetStateCache;
use crate::policy_cache::PolicyCache;
use crate::shadow_policy::ShadowPolicy;

/// Attempts while others write the same decisions, approvals and counters. Each reads again what has changed. With the waits between
/// them some two seconds.
const MAX_ATTEMPTS: u32 = 12;

/// Why AGE cannot decide. Nothing is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecisionError {
    /// The active policy version cannot be read, and decisions follow no other.
    #[error("the active policy cannot be read: {0}")]
    PolicyUnreadable(StoreError),
    /// The posture and the holds cannot be read.
    #[error("the posture and the holds cannot be read: {0}")]
    StateUnreadable(StoreError),
    /// The decision cannot be recorded.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Decides. Build one per execution environment.
#[derive(Debug, Clone)]
pub struct DecisionMaker {
    decisions: Decisions,
    fleet: FleetStateCache,
    policies: PolicyCache,
    counters: Arc<DecisionCounters>,
}

/// The policy and the state that an attempt to decide is made on.
struct Basis {
    active: Arc<ActivePolicy>,
    hash: PolicyHash,
    shadow: Option<Arc<ShadowPolicy>>,
    fleet: Arc<StoredFleetState>,
    /// The decisions that requests name in `context.decisionId`.
    named: BTreeMap<DecisionId, Decision>,
    now: Timestamp,
}

/// The ids under which a request is recorded.
struct RecordId {
    /// The id of a new decision, unless the request has an `X-Request-ID`.
    fresh: DecisionId,
    /// The recorded decision on the same request that has expired.
    expired: Option<DecisionId>,
}

impl DecisionMaker {
    /// Uses these tables, and the active version of `policies`.
    #[must_use]
    pub fn new(decisions: Decisions, rollups: Rollups, fleet: FleetStateStore, policies: PolicyCache) -> Self {
        Self {
            decisions,
            fleet: FleetStateCache::new(fleet),
            policies,
            counters: Arc::new(DecisionCounters::new(rollups)),
        }
    }

    /// Returns the table of decisions.
    #[must_use]
    pub const fn decisions(&self) -> &Decisions {
        &self.decisions
    }

    /// Returns the active policy.
    #[must_use]
    pub const fn policies(&self) -> &PolicyCache {
        &self.policies
    }

    /// Returns the active policy, by which decisions are made.
    ///
    /// # Errors
    /// [`DecisionError::PolicyUnreadable`] if it cannot be read.
    pub fn active_policy(&self) -> Result<Arc<ActivePolicy>, DecisionError> {
        match self.policies.unreadable() {
            Some(unreadable) => Err(DecisionError::PolicyUnreadable(unreadable.error)),
            None => Ok(self.policies.current()),
        }
    }

    /// Answers the requests of `batch`, in their order: all, or as many as its semantics ask for.
    ///
    /// # Errors
    /// [`DecisionError`] if the state or the policy cannot be read, or the decisions cannot be recorded. Nothing is allowed then; if
    /// it is unknown whether they were recorded, a repeat gets what was.
    pub async fn decide(&self, batch: &DecisionBatch, clock: &dyn Clock) -> Result<Vec<DecisionAnswer>, DecisionError> {
        let mut ids: Vec<RecordId> =
            batch.requests.iter().map(|_| RecordId { fresh: DecisionId::fresh(clock), expired: None }).collect();
        let mut recorded: BTreeMap<DecisionId, Decision> = BTreeMap::new();
        let mut basis = self.basis(batch, clock).await?;
        for attempt in 1..=MAX_ATTEMPTS {
            let (answers, new) = answers(batch, &basis, &mut ids, &recorded);
            if new.is_empty() {
                return Ok(answers);
            }
            let shards = self.counters.choose(&new, basis.now);
            let counters = self.counters.writes(&new, &shards, basis.now)?;
            match self.decisions.record(&new, counters, self.policies.policies(), &basis.hash).await? {
                RecordedDecisions::Recorded => return Ok(answers),
                RecordedDecisions::Exist(decisions) => {
                    recorded.extend(decisions.into_iter().map(|decision| (decision.id, decision)));
                }
                RecordedDecisions::Stale => {
                    self.policies.refresh().await;
                    basis = self.basis(batch, clock).await?;
                }
                RecordedDecisions::Conflict(counters) => {
                    wait_before_retry(attempt, clock).await;
                    self.counters.reassign(shards, &counters, clock).await;
                }
            }
        }
        Err(self.decisions.contended(MAX_ATTEMPTS).into())
    }

    async fn basis(&self, batch: &DecisionBatch, clock: &dyn Clock) -> Result<Basis, DecisionError> {
        let named = batch.requests.iter().flatten().filter_map(|(_, request)| request.decision_id().ok().flatten());
        let named: BTreeSet<DecisionId> = named.collect();
        let (fleet, named) = tokio::join!(self.fleet.get(clock), self.decisions.get_all(named));
        let fleet = fleet.map_err(DecisionError::StateUnreadable)?;
        let named = named?.into_iter().map(|decision| (decision.id, decision)).collect();
        let active = self.active_policy()?;
        let corrupt = |error: InvalidPolicyHash| {
            DecisionError::PolicyUnreadable(self.policies.policies().corrupt_document(&Policy::COMPILED_HASH, &error))
        };
        let hash = active.hash.parse().map_err(corrupt)?;
        let now = clock.now();
        Ok(Basis { active, hash, shadow: self.policies.shadow(now), fleet, named, now })
    }
}

/// Returns the answers to `batch`, and those decisions among them that are not `recorded` yet.
fn answers(
    batch: &DecisionBatch,
    basis: &Basis,
    ids: &mut [RecordId],
    recorded: &BTreeMap<DecisionId, Decision>,
) -> (Vec<DecisionAnswer>, Vec<NewDecision>) {
    let Basis { active, hash, shadow, fleet, named, now } = basis;
    let mut judge = Judge::new((&active.policy, *hash), shadow.as_deref(), fleet, named, *now);
    let (mut answers, mut new) = (Vec::new(), Vec::new());
    for ((position, requested), record_id) in (0..).zip(&batch.requests).zip(ids) {
        let answer = match requested {
            Err(errors) => DecisionAnswer::Invalid(errors.clone()),
            Ok((engine, request)) => {
                let digest = request.digest();
                let id = id_of(batch, (*engine, &digest, position), record_id, recorded, *now);
                let judged = match recorded.get(&id) {
                    Some(decision) => Judged::Recorded(decision.clone()),
                    None => judge.judge(id, batch, *engine, (request, digest), position),
                };
                let decision = match judged {
                    Judged::Recorded(decision) => decision.as_of(*now),
                    Judged::New(decision) => {
                        new.push(decision.clone());
                        decision.decision
                    }
                };
                DecisionAnswer::Decided(Box::new(decision))
            }
        };
        let is_last = batch.semantics.ends_after(answer.is_allowed());
        answers.push(answer);
        if is_last {
            break;
        }
    }
    (answers, new)
}

/// Returns the id of the decision on a request: one that follows from the request, if its repeats can be recognized. If the decision
/// with that id has expired, the next one has another.
fn id_of(
    batch: &DecisionBatch,
    (engine, digest, position): (Engine, &str, u32),
    record_id: &mut RecordId,
    recorded: &BTreeMap<DecisionId, Decision>,
    now: Timestamp,
) -> DecisionId {
    let Some(request_id) = &batch.request_id else { return record_id.fresh };
    let key = DecisionKey { caller: &batch.caller, engine, request_id, digest, position };
    loop {
        let id = DecisionId::keyed(key, record_id.expired);
        match recorded.get(&id) {
            Some(decision) if !decision.is_current(now) => record_id.expired = Some(id),
            _ => return id,
        }
    }
}
