//! Reading the decisions of a history, and the policy versions that made them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

use age_model::{Decision, DecisionId, Engine, PolicyHash, StoreError, Timestamp};
use age_policy::Policy;
use age_scoring::simulation::{LeftOut, RecordedDecision};
use age_store::{DecisionFilter, DecisionPage, Decisions, Policies, Position};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::read_policies::{PolicyReadError, policy_version};

/// How many engines' decisions are read at the same time.
const CONCURRENT_ENGINES: usize = 8;

/// The decisions of one page.
const PAGE: usize = 200;

/// The most policy versions that are read: those of the latest decisions. Each has up to 128 KB.
const MAX_VERSIONS: usize = 20;

/// How many decisions a history has at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct DecisionLimits {
    pub(super) decisions: usize,
    /// The most bytes of their JSON: requests may be recorded whole.
    pub(super) bytes: usize,
}

/// The decisions to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct DecisionRange {
    pub(super) from: Timestamp,
    /// The end, which is not part of the range.
    pub(super) to: Timestamp,
    /// The time at which approvals are as they are read.
    pub(super) now: Timestamp,
    pub(super) limits: DecisionLimits,
}

/// Reads the decisions of all `engines` in `range`, the latest first and as many as its limits permit, and returns them in the order in which
/// AGE made them.
pub(super) async fn read_decisions(
    decisions: &Decisions,
    engines: &BTreeSet<Engine>,
    range: DecisionRange,
    left_out: &mut LeftOut,
) -> Result<Vec<RecordedDecision>, StoreError> {
    let DecisionRange { limits, .. } = range;
    let first = |engine: Engine| EngineDecisions::first(decisions, engine, range);
    let mut by_engine: Vec<EngineDecisions> =
        stream::iter(engines.iter().copied()).map(first).buffered(CONCURRENT_ENGINES).try_collect().await?;
    let mut heads: BinaryHeap<(Head, usize)> = BinaryHeap::new();
    heads.extend(by_engine.iter().enumerate().filter_map(|(place, of_engine)| Some((of_engine.head()?, place))));
    let (mut read, mut bytes) = (Vec::new(), 0_usize);
    while let Some((_, place)) = heads.pop() {
        let Some(of_engine) = by_engine.get_mut(place) else { continue };
        let Some(decision) = of_engine.decisions.pop_front() else { continue };
        bytes = bytes.saturating_add(serde_json::to_string(&decision).map_or(limits.bytes, |json| json.len()));
        if read.len() == limits.decisions || bytes > limits.bytes {
            // All or none of the decisions of a millisecond are in a history.
            left_out.decisions_complete_since = Some(decision.decided_at.plus_millis(1));
            read.retain(|it: &RecordedDecision| it.decided_at > decision.decided_at);
            break;
        }
        read.push(decision);
        if of_engine.decisions.is_empty() {
            of_engine.read_next(decisions, range).await?;
        }
        heads.extend(of_engine.head().map(|head| (head, place)));
    }
    left_out.unreadable += by_engine.iter().map(|of_engine| of_engine.unreadable).sum::<u64>();
    read.sort_by_key(|decision| (decision.decided_at, decision.id));
    Ok(read)
}

/// The latest decision of an engine that is not taken yet.
type Head = (Timestamp, DecisionId);

/// The decisions of an engine, the latest first, page after page.
struct EngineDecisions {
    engine: Engine,
    decisions: VecDeque<RecordedDecision>,
    next: Option<Position>,
    unreadable: u64,
}

impl EngineDecisions {
    async fn first(decisions: &Decisions, engine: Engine, range: DecisionRange) -> Result<Self, StoreError> {
        let mut of_engine = Self { engine, decisions: VecDeque::new(), next: None, unreadable: 0 };
        of_engine.read_page(decisions, range, None).await?;
        of_engine.read_next(decisions, range).await?;
        Ok(of_engine)
    }

    fn head(&self) -> Option<Head> {
        self.decisions.front().map(|decision| (decision.decided_at, decision.id))
    }

    /// Reads the next pages, until one has a decision that can be read.
    async fn read_next(&mut self, decisions: &Decisions, range: DecisionRange) -> Result<(), StoreError> {
        while self.decisions.is_empty() {
            let Some(before) = self.next.take() else { break };
            self.read_page(decisions, range, Some(before)).await?;
        }
        Ok(())
    }

    async fn read_page(
        &mut self,
        decisions: &Decisions,
        range: DecisionRange,
        before: Option<Position>,
    ) -> Result<(), StoreError> {
        let filter = DecisionFilter {
            engines: BTreeSet::from([self.engine]),
            from: Some(range.from),
            to: Some(range.to),
            ..DecisionFilter::default()
        };
        let DecisionPage { decisions: page, unreadable, next } = decisions.list(&filter, PAGE, before.as_ref()).await?;
        let recorded = |decision: Decision| RecordedDecision::from(&decision.as_of(range.now));
        self.decisions.extend(page.into_iter().map(recorded));
        self.unreadable += unreadable.len() as u64;
        self.next = next;
        Ok(())
    }
}

/// Reads the policy versions that made `decisions`, those of the latest ones first. A version that cannot be read is left out.
pub(super) async fn read_versions(
    policies: &Policies,
    decisions: &[RecordedDecision],
) -> Result<BTreeMap<PolicyHash, Policy>, StoreError> {
    let mut latest: BTreeMap<PolicyHash, Timestamp> = BTreeMap::new();
    for decision in decisions {
        latest.insert(decision.policy_hash, decision.decided_at);
    }
    let mut hashes: Vec<_> = latest.into_iter().map(|(hash, at)| (Reverse(at), hash)).collect();
    hashes.sort_unstable();
    let mut versions = BTreeMap::new();
    for (_, hash) in hashes.into_iter().take(MAX_VERSIONS) {
        let read = policy_version(policies, hash)
            .await
            .and_then(|document| document.policy(policies).map_err(PolicyReadError::from));
        match read {
            Ok(policy) => _ = versions.insert(hash, policy),
            Err(error @ (PolicyReadError::NotFound(_) | PolicyReadError::Store(StoreError::Corrupt { .. }))) => {
                tracing::warn!(%error, policy.hash = %hash, "decisions of the policy version {hash} are not checked: {error}");
            }
            Err(PolicyReadError::Store(error)) => return Err(error),
        }
    }
    Ok(versions)
}
