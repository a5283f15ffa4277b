//! Writing events: the one transaction in which events, their counters, their actions and the states of their incident keys are
//! stored, or nothing is.

use std::collections::BTreeMap;

use age_model::{ActionItem, Clock, Event, EventId, IncidentKey, StoreError};
use age_policy::{ActivePolicy, EventRole};
use age_store::{
    Consistency, EventCounting, Events, ExistingRow, PlannedRemediations, ShardedCounters, TransactionResult, Write,
    wait_before_retry,
};

use crate::action_lifecycle::ActionLifecycle;
use crate::decide_events::Decisions;
use crate::heard_engines::HeardEngines;
use crate::incident_shard::IncidentShard;
use crate::key_decision::KeyShard;
use crate::pending_event::{PendingEvent, UnnotifiedIncident, WriteOutcome};
use crate::rollup_shards::{RollupShards, ShardChooser};
use crate::transaction_chunks::MAX_ITEMS;

/// Conflicting attempts before giving up. With the waits between them some two seconds. A counter takes up to nine to spread from one shard
/// to 512, and that of a contended incident three.
const MAX_ATTEMPTS: u32 = 16;

/// After how many conflicts in the row of a key's state the events of its incident are counted in shards. One may be a coincidence.
const CONTENDED_AFTER: u32 = 2;

/// How long after acceptance the last attempt begins, in seconds: well within API Gateway's 30, with one attempt, one read and the
/// dispatch of actions still to come.
const LAST_ATTEMPT_SECONDS: i64 = 6;

/// Writes events. Knows which shards this execution environment writes; build one per environment.
#[derive(Debug)]
pub struct EventWriter {
    pub(crate) events: Events,
    pub(crate) lifecycle: ActionLifecycle,
    pub(crate) shards: ShardChooser,
    incident_shard: IncidentShard,
    pub(crate) heard: HeardEngines,
}

/// Events that are written in one transaction, with the decisions made for them.
#[derive(Debug)]
struct Group {
    pending: Vec<PendingEvent>,
    decisions: Decisions,
    /// How often the row of a key's state was being written by others.
    conflicts: BTreeMap<IncidentKey, u32>,
}

/// The writes of a transaction.
#[derive(Debug, Default)]
struct GroupWrites {
    all: Vec<Write>,
    /// The incident keys whose counters are written, each with the index of that write.
    of_keys: BTreeMap<usize, IncidentKey>,
}

/// The result of writing events in one transaction, after all attempts.
enum GroupOutcome {
    Stored,
    /// The events do not fit into one transaction. Nothing was stored.
    TooLarge,
    /// Events with the same ids exist. Nothing was stored.
    Exist(Vec<ExistingRow>),
    /// The response was lost: the events are stored, or none is.
    Unknown(StoreError),
}

impl EventWriter {
    /// Writes to these tables.
    #[must_use]
    pub fn new(events: Events, lifecycle: ActionLifecycle) -> Self {
        let shards = ShardChooser::new(lifecycle.rollups().clone(), ShardedCounters::Events);
        Self { events, lifecycle, shards, incident_shard: IncidentShard::default(), heard: HeardEngines::default() }
    }

    /// Returns the actions of a stored event, as they are now.
    pub(crate) async fn actions_of(&self, event: &Event) -> Result<Vec<ActionItem>, StoreError> {
        Ok(self.lifecycle.actions().of_event(event.id).await?.items)
    }

    /// Writes events with their counters and what the policy makes of them, in one transaction if they fit, except those that were
    /// stored before. The plans are made again whenever the state of an incident key changes meanwhile. Returns the outcome of each
    /// event, in order. The events must have different ids.
    pub(crate) async fn write(
        &self,
        pending: Vec<PendingEvent>,
        active: &ActivePolicy,
        clock: &dyn Clock,
    ) -> Vec<Result<WriteOutcome, StoreError>> {
        let ids: Vec<EventId> = pending.iter().map(|pending| pending.event.id).collect();
        let mut outcomes: BTreeMap<EventId, Result<WriteOutcome, StoreError>> = BTreeMap::new();
        let mut waiting = vec![pending];
        while let Some(pending) = waiting.pop().filter(|pending| !pending.is_empty()) {
            let mut group = Group { pending, decisions: Decisions::default(), conflicts: BTreeMap::new() };
            let outcome = self.commit(&mut group, active, clock).await;
            self.report_unplanned(&group, clock).await;
            match outcome {
                Ok(GroupOutcome::Stored) => outcomes.extend(group.created(&self.lifecycle, &active.hash)),
                Ok(GroupOutcome::TooLarge) => {
                    let mut first = group.pending;
                    let second = first.split_off(first.len() / 2);
                    waiting.extend([second, first]);
                }
                Ok(GroupOutcome::Exist(rows)) => {
                    let mut existing: BTreeMap<usize, ExistingRow> =
                        rows.into_iter().map(|row| (row.index, row)).collect();
                    let mut rest = Vec::new();
                    for (index, one) in group.pending.into_iter().enumerate() {
                        match existing.remove(&index) {
                            Some(row) => {
                                outcomes.insert(one.event.id, self.resolve_existing(one, &row).await);
                            }
                            None => rest.push(one),
                        }
                    }
                    waiting.push(rest);
                }
                Ok(GroupOutcome::Unknown(error)) => outcomes.extend(self.resolve_all(group.pending, &error).await),
                Err(error) => outcomes.extend(group.pending.into_iter().map(|one| (one.event.id, Err(error.clone())))),
            }
        }
        ids.iter().filter_map(|id| outcomes.remove(id)).collect()
    }

    /// Commits a group in one transaction, with retries, for as long as a caller can wait.
    async fn commit(
        &self,
        group: &mut Group,
        active: &ActivePolicy,
        clock: &dyn Clock,
    ) -> Result<GroupOutcome, StoreError> {
        let accepted_at = group.pending.iter().map(|pending| pending.event.occurred_at).min();
        let last_attempt = accepted_at.unwrap_or_else(|| clock.now()).plus_seconds(LAST_ATTEMPT_SECONDS);
        let mut attempts = 0;
        loop {
            // Another writer may have changed the states that the decisions were made on.
            group.decisions = self.lifecycle.decide(&mut group.pending, active, clock).await?;
            let rollups = self.shards.choose(group.pending.iter().map(PendingEvent::rollup));
            let GroupWrites { all: writes, of_keys } = self.writes(group, &rollups, active, clock)?;
            if writes.len() > MAX_ITEMS && group.pending.len() > 1 {
                return Ok(GroupOutcome::TooLarge);
            }
            let conflicts = match self.events.commit(writes).await {
                Ok(TransactionResult::Committed) => {
                    for Event { reported, occurred_at, .. } in group.pending.iter().map(|pending| &pending.event) {
                        self.heard.note(reported.engine, *occurred_at);
                    }
                    for (key, _) in group.decisions.by_key.iter().filter(|(_, it)| it.decision.opens()) {
                        self.lifecycle.incidents().open_incidents().note_opened(key.engine, &key.event_type);
                    }
                    return Ok(GroupOutcome::Stored);
                }
                Ok(TransactionResult::Exists(rows)) => return Ok(GroupOutcome::Exist(rows)),
                Ok(TransactionResult::Conflict(indexes)) => indexes,
                Ok(TransactionResult::Stale) => Vec::new(),
                Ok(TransactionResult::InProgress) => {
                    for pending in &mut group.pending {
                        pending.may_be_stored = true;
                    }
                    Vec::new()
                }
                Err(error) => return Ok(GroupOutcome::Unknown(error)),
            };
            attempts += 1;
            if attempts == MAX_ATTEMPTS || clock.now() > last_attempt {
                let error = self.events.contended(attempts);
                let is_unknown = group.pending.iter().any(|pending| pending.may_be_stored);
                return if is_unknown { Ok(GroupOutcome::Unknown(error)) } else { Err(error) };
            }
            wait_before_retry(attempts, clock).await;
            for (index, (engine, day)) in (group.pending.len()..).zip(rollups.into_keys()) {
                if conflicts.contains(&index) {
                    self.shards.reassign(engine, day, clock).await;
                }
            }
            for (_, key) in of_keys.into_iter().filter(|(index, _)| conflicts.contains(index)) {
                *group.conflicts.entry(key).or_default() += 1;
                self.incident_shard.reassign(clock);
            }
        }
    }

    /// Tells a person of events that were stored without a plan.
    async fn report_unplanned(&self, Group { decisions, .. }: &Group, clock: &dyn Clock) {
        for error in &decisions.unreadable {
            tracing::error!(%error, "events have no plan, because their incident state cannot be read: {error}");
            self.lifecycle.incidents().report_unreadable(error, clock).await;
        }
    }

    /// The writes of the transaction: the events first, then the rollups.
    ///
    /// INVARIANT: an event, its counters and its actions are in one transaction. Nothing else writes them.
    fn writes(
        &self,
        Group { pending, decisions, conflicts }: &Group,
        rollups: &RollupShards,
        active: &ActivePolicy,
        clock: &dyn Clock,
    ) -> Result<GroupWrites, StoreError> {
        let (mut writes, mut of_keys) = (Vec::new(), BTreeMap::new());
        let shard_of = |one: &PendingEvent| rollups.get(&one.rollup()).copied().unwrap_or_default();
        for one in pending {
            writes.push(self.events.insertion(&one.event, shard_of(one), one.operation(&active.policy))?);
        }
        for (rollup, shard) in rollups {
            let counted = || pending.iter().filter(|one| one.rollup() == *rollup);
            let events = counted().map(|one| (one.event.occurred_at.hour(), one.event.reported.severity));
            let remediations = counted().map(PendingEvent::planned_remediations);
            let remediations = remediations.fold(PlannedRemediations::default(), |sum, one| PlannedRemediations {
                planned: sum.planned + one.planned,
                suppressed: sum.suppressed + one.suppressed,
            });
            let Some(heard_at) = counted().map(|one| one.event.occurred_at).max() else { continue };
            writes.push(self.lifecycle.rollups().count_events(*rollup, *shard, events, remediations, heard_at)?);
        }
        for one in pending {
            let expires_at = self.events.expires_at(&one.event);
            writes.extend(self.lifecycle.actions().insertions(&one.actions, shard_of(one), expires_at)?);
        }
        let Some(now) = pending.iter().map(|one| one.event.occurred_at).max() else {
            return Ok(GroupWrites { all: writes, of_keys });
        };
        for (key, decision) in &decisions.by_key {
            let is_contended = conflicts.get(key).is_some_and(|number| *number >= CONTENDED_AFTER);
            let is_sharded = decision.before.counting == EventCounting::InShards;
            let shard = is_sharded.then(|| self.incident_shard.get(clock));
            let counting = KeyShard { shard, is_contended };
            let of_key = decision.writes(key, &self.lifecycle, (&active.hash, now), counting)?;
            of_keys.extend(of_key.first().map(|_| (writes.len(), key.clone())));
            writes.extend(of_key);
        }
        let ineffective = decisions
            .by_key
            .iter()
            .flat_map(|(key, it)| it.decision.ineffective().iter().map(|remediation| (key.engine, remediation)));
        writes.extend(self.lifecycle.count_ineffective(ineffective, now)?);
        Ok(GroupWrites { all: writes, of_keys })
    }

    /// An event with the id exists: of this very request, whose response was lost, or of an earlier one with the same key.
    async fn resolve_existing(&self, pending: PendingEvent, row: &ExistingRow) -> Result<WriteOutcome, StoreError> {
        let stored = self.events.existing(row)?;
        let may_be_ours = !pending.is_keyed || pending.may_be_stored;
        if may_be_ours && stored == pending.event {
            return self.stored_before(&pending, stored).await;
        }
        Ok(pending.replayed(stored))
    }

    /// An earlier attempt of this request has stored the event; the table has the actions that were planned then.
    async fn stored_before(&self, pending: &PendingEvent, stored: Event) -> Result<WriteOutcome, StoreError> {
        let is_problem = matches!(pending.role, EventRole::Problem | EventRole::FiringAlert);
        let actions = if is_problem { self.actions_of(&stored).await? } else { Vec::new() };
        let incident = if actions.is_empty() { UnnotifiedIncident::None } else { UnnotifiedIncident::Unread };
        Ok(WriteOutcome::Created { event: stored, incident, actions })
    }

    /// The response was lost: `stored` is what the table has under the event's id.
    async fn resolve_unknown_write(
        &self,
        pending: PendingEvent,
        stored: Result<Option<Event>, StoreError>,
        error: StoreError,
    ) -> Result<WriteOutcome, StoreError> {
        match (stored, error) {
            (Ok(Some(stored)), _) if stored == pending.event => self.stored_before(&pending, stored).await,
            (Ok(Some(stored)), _) if pending.is_keyed => Ok(pending.replayed(stored)),
            (Ok(_), StoreError::UnknownOutcome { operation, table, cause }) => {
                Err(StoreError::Unavailable { operation, table, cause })
            }
            (_, error) => Err(error),
        }
    }

    /// The response to a transaction was lost. All of its events are stored or none is: the first one tells.
    async fn resolve_all(
        &self,
        waiting: Vec<PendingEvent>,
        error: &StoreError,
    ) -> Vec<(EventId, Result<WriteOutcome, StoreError>)> {
        let first = match waiting.first() {
            Some(first) => self.events.get(first.event.id, Consistency::Strong).await,
            None => Ok(None),
        };
        let are_stored = waiting.first().is_some_and(|one| matches!(&first, Ok(Some(it)) if *it == one.event));
        let mut outcomes = Vec::new();
        for (index, one) in waiting.into_iter().enumerate() {
            let id = one.event.id;
            let is_of_another = index > 0 && matches!(first, Ok(Some(_)));
            let outcome = if are_stored {
                let stored = one.event.clone();
                self.stored_before(&one, stored).await
            } else {
                let stored = if is_of_another { Ok(None) } else { first.clone() };
                self.resolve_unknown_write(one, stored, error.clone()).await
            };
            outcomes.push((id, outcome));
        }
        outcomes
    }
}

impl Group {
    /// The outcomes if this request has stored the events.
    fn created(
        self,
        lifecycle: &ActionLifecycle,
        policy_hash: &str,
    ) -> impl Iterator<Item = (EventId, Result<WriteOutcome, StoreError>)> {
        let Self { pending, decisions, .. } = self;
        let now = pending.iter().map(|one| one.event.occurred_at).max();
        pending.into_iter().map(move |one| {
            let decision = one.incident_key().and_then(|key| decisions.by_key.get(&key));
            let incident = match decision.filter(|it| it.decision.has_opened()) {
                Some(decision) => {
                    let record = now.and_then(|now| decision.record_after(lifecycle, policy_hash, now).ok());
                    record.map_or(UnnotifiedIncident::Unread, |record| UnnotifiedIncident::Known(Box::new(record)))
                }
                None => UnnotifiedIncident::None,
            };
            (one.event.id, Ok(WriteOutcome::Created { event: one.event, actions: one.actions, incident }))
        })
    }
}
