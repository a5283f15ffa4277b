//! Writing events: the one transaction in which an event, its counters, its actions and the state of its incident key are stored,
//! or nothing is.

use std::collections::{BTreeMap, BTreeSet};
use std::{mem, slice};

use age_model::{ActionItem, Clock, Day, Engine, Event, EventId, IncidentKey, IncidentState, StoreError};
use age_policy::Plan;
use age_store::{
    Consistency, Events, ExistingRow, MAX_SHARD_COUNT, PlannedRemediations, ShardAssignments, TransactionResult, Write,
    wait_before_retry,
};

use crate::action_lifecycle::ActionLifecycle;
use crate::incident_lifecycle::NextState;
use crate::pending_event::{IncomingEvent, PendingEvent, WriteOutcome};

/// Plans an event, given the state of its incident key.
pub(crate) type PlanEvent<'a> = &'a (dyn Fn(&Event, &IncidentState) -> Plan + Sync);

/// The plan, and the hash of the policy that it follows; None for events that lead to nothing.
pub(crate) type Planning<'a> = Option<(PlanEvent<'a>, &'a str)>;

/// Conflicting attempts before giving up. With the waits between them some two seconds.
const MAX_ATTEMPTS: u32 = 12;

/// How long after acceptance the last attempt begins, in seconds: well within API Gateway's 30, with one attempt, one read and the
/// dispatch of actions still to come.
const LAST_ATTEMPT_SECONDS: i64 = 6;

/// Writes events. Knows which shards this execution environment writes; build one per environment.
#[derive(Debug)]
pub struct EventWriter {
    events: Events,
    lifecycle: ActionLifecycle,
    shards: ShardAssignments,
}

/// The result of writing events in one transaction, after all attempts.
enum BatchOutcome {
    Stored,
    /// Events with the same ids exist. Nothing was stored.
    Exist(Vec<ExistingRow>),
    /// The response was lost: the events are stored, or none is.
    Unknown(StoreError),
}

/// The rollups that count some events, each with the shard that is written.
type RollupShards = BTreeMap<(Engine, Day), u32>;

impl EventWriter {
    /// Writes to these tables.
    #[must_use]
    pub fn new(events: Events, lifecycle: ActionLifecycle) -> Self {
        Self { events, lifecycle, shards: ShardAssignments::default() }
    }

    /// Returns the actions of a stored event, as they are now.
    pub(crate) async fn actions_of(&self, event: &Event) -> Result<Vec<ActionItem>, StoreError> {
        Ok(self.lifecycle.actions().of_event(event.id).await?.items)
    }

    /// Writes an event, accepted now, with its counters and what `planning` makes of it. The plan is made again whenever the
    /// state of the incident key changes meanwhile.
    pub(crate) async fn write(
        &self,
        incoming: IncomingEvent<'_>,
        planning: Planning<'_>,
        clock: &dyn Clock,
    ) -> Result<WriteOutcome, StoreError> {
        let mut pending = PendingEvent::new(incoming, clock.now(), clock);
        self.plan(slice::from_mut(&mut pending), planning).await?;
        let outcome = self.commit(slice::from_mut(&mut pending), planning, clock).await?;
        if let Some(error) = &pending.unplanned {
            self.report_unplanned(&pending.event, error, clock).await;
        }
        match outcome {
            BatchOutcome::Stored => Ok(pending.created()),
            BatchOutcome::Exist(rows) => match rows.first() {
                Some(row) => self.resolve_existing(pending, row).await,
                None => Ok(pending.created()),
            },
            BatchOutcome::Unknown(error) => {
                let stored = self.events.get(pending.event.id, Consistency::Strong).await;
                self.resolve_unknown_write(pending, stored, error).await
            }
        }
    }

    /// Writes events that lead to nothing, accepted now, in one transaction, except those that were stored before. Returns the
    /// outcome of each, in order. The events must fit into one transaction, see
    /// [`transaction_chunks`](crate::transaction_chunks), and have different ids.
    pub(crate) async fn write_all(
        &self,
        incoming: Vec<IncomingEvent<'_>>,
        clock: &dyn Clock,
    ) -> Vec<Result<WriteOutcome, StoreError>> {
        // One time for all: a midnight between them would need one more rollup.
        let now = clock.now();
        let mut pending: Vec<PendingEvent> =
            incoming.into_iter().map(|one| PendingEvent::new(one, now, clock)).collect();
        let ids: Vec<EventId> = pending.iter().map(|pending| pending.event.id).collect();
        let mut outcomes: BTreeMap<EventId, Result<WriteOutcome, StoreError>> = BTreeMap::new();
        while !pending.is_empty() {
            let result = self.commit(&mut pending, None, clock).await;
            let waiting = mem::take(&mut pending);
            match result {
                Ok(BatchOutcome::Stored) => {
                    outcomes.extend(waiting.into_iter().map(|one| (one.event.id, Ok(one.created()))));
                }
                Ok(BatchOutcome::Exist(rows)) => {
                    let mut existing: BTreeMap<usize, ExistingRow> =
                        rows.into_iter().map(|row| (row.index, row)).collect();
                    for (index, one) in waiting.into_iter().enumerate() {
                        match existing.remove(&index) {
                            Some(row) => {
                                outcomes.insert(one.event.id, self.resolve_existing(one, &row).await);
                            }
                            None => pending.push(one),
                        }
                    }
                }
                Ok(BatchOutcome::Unknown(error)) => outcomes.extend(self.resolve_all(waiting, &error).await),
                Err(error) => outcomes.extend(waiting.into_iter().map(|one| (one.event.id, Err(error.clone())))),
            }
        }
        ids.iter().filter_map(|id| outcomes.remove(id)).collect()
    }

    /// Commits events in one transaction, with retries, for as long as a caller can wait.
    async fn commit(
        &self,
        pending: &mut [PendingEvent],
        planning: Planning<'_>,
        clock: &dyn Clock,
    ) -> Result<BatchOutcome, StoreError> {
        let accepted_at = pending.iter().map(|pending| pending.event.occurred_at).min().unwrap_or_else(|| clock.now());
        let last_attempt = accepted_at.plus_seconds(LAST_ATTEMPT_SECONDS);
        let mut attempts = 0;
        loop {
            let rollups = self.rollup_shards(pending);
            let writes = self.writes(pending, &rollups)?;
            let conflicts = match self.events.commit(writes).await {
                Ok(TransactionResult::Committed) => return Ok(BatchOutcome::Stored),
                Ok(TransactionResult::Exists(rows)) => return Ok(BatchOutcome::Exist(rows)),
                Ok(TransactionResult::Conflict(indexes)) => indexes,
                Ok(TransactionResult::Stale) => Vec::new(),
                Ok(TransactionResult::InProgress) => {
                    for pending in &mut *pending {
                        pending.may_be_stored = true;
                    }
                    Vec::new()
                }
                Err(error) => return Ok(BatchOutcome::Unknown(error)),
            };
            attempts += 1;
            if attempts == MAX_ATTEMPTS || clock.now() > last_attempt {
                let error = self.events.contended(attempts);
                let is_unknown = pending.iter().any(|pending| pending.may_be_stored);
                return if is_unknown { Ok(BatchOutcome::Unknown(error)) } else { Err(error) };
            }
            wait_before_retry(attempts, clock).await;
            for (index, (engine, day)) in (pending.len()..).zip(rollups.into_keys()) {
                if conflicts.contains(&index) {
                    self.reassign_shard(engine, day, clock).await;
                }
            }
            // Another writer may have changed the state that the plan was made from.
            self.plan(pending, planning).await?;
        }
    }

    async fn plan(&self, pending: &mut [PendingEvent], planning: Planning<'_>) -> Result<(), StoreError> {
        let Some((plan, policy_hash)) = planning else { return Ok(()) };
        for PendingEvent { event, actions, decision, unplanned, .. } in pending {
            (*actions, *decision, *unplanned) = (Vec::new(), None, None);
            match self.lifecycle.state_for(&IncidentKey::of(&event.reported)).await {
                Ok((before, state)) => {
                    let planned = plan(event, &state);
                    *actions = planned.actions.iter().map(|one| ActionItem::new(event, *one, policy_hash)).collect();
                    *decision = Some((before, planned));
                }
                // Whether a remediation is safe depends on the state. The event is stored without a plan, and a person is told.
                Err(error @ StoreError::Corrupt { .. }) => *unplanned = Some(error),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn report_unplanned(&self, event: &Event, error: &StoreError, clock: &dyn Clock) {
        let Event { id, reported, .. } = event;
        tracing::error!(%error, event.id = %id, engine = %reported.engine, "event {id} of engine {} has no plan, because its incident state cannot be read: {error}", reported.engine);
        self.lifecycle.incidents().report_unreadable(error, clock).await;
    }

    fn rollup_shards(&self, pending: &[PendingEvent]) -> RollupShards {
        let rollups: BTreeSet<(Engine, Day)> = pending.iter().map(PendingEvent::rollup).collect();
        rollups.into_iter().map(|(engine, day)| ((engine, day), self.shards.shard(engine, day))).collect()
    }

    /// The writes of the transaction: the events first, then the rollups.
    ///
    /// INVARIANT: an event, its counters and its actions are in one transaction. Nothing else writes them.
    fn writes(&self, pending: &[PendingEvent], rollups: &RollupShards) -> Result<Vec<Write>, StoreError> {
        let mut writes = Vec::new();
        for one in pending {
            let shard = rollups.get(&one.rollup()).copied().unwrap_or_default();
            writes.push(self.events.insertion(&one.event, shard)?);
        }
        for (rollup, shard) in rollups {
            let counted = || pending.iter().filter(|one| one.rollup() == *rollup);
            let events = counted().map(|one| (one.event.occurred_at.hour(), one.event.reported.severity));
            let remediations = counted().map(PendingEvent::planned_remediations);
            let remediations = remediations.fold(PlannedRemediations::default(), |sum, one| PlannedRemediations {
                planned: sum.planned + one.planned,
                suppressed: sum.suppressed + one.suppressed,
            });
            writes.push(self.lifecycle.rollups().count_events(*rollup, *shard, events, remediations)?);
        }
        for PendingEvent { event, actions, decision, .. } in pending {
            for action in actions {
                writes.push(self.lifecycle.actions().insertion(action, self.events.expires_at(event))?);
            }
            let Some((before, plan)) = decision else { continue };
            let key = IncidentKey::of(&event.reported);
            if plan.state.is_some() || plan.counted {
                let counted_at = plan.counted.then_some(event.occurred_at);
                let next = NextState { state: plan.state.as_ref(), counted_at, notification: None };
                writes.extend(self.lifecycle.incidents().writes(&key, before, &next, event.occurred_at)?);
            }
            writes.extend(self.lifecycle.ineffective(&key, &plan.ineffective, event.occurred_at)?);
        }
        Ok(writes)
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
        let actions = if pending.decision.is_some() { self.actions_of(&stored).await? } else { Vec::new() };
        Ok(WriteOutcome::Created { event: stored, may_notify: !actions.is_empty(), actions })
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

    /// The response to a transaction of several events was lost. All of them are stored or none is: the first one tells.
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
            let stored = if is_of_another { Ok(None) } else { first.clone() };
            let outcome = if are_stored {
                Ok(one.created())
            } else {
                self.resolve_unknown_write(one, stored, error.clone()).await
            };
            outcomes.push((id, outcome));
        }
        outcomes
    }

    /// Moves to another shard of this engine's day; to one of twice as many if others were tried. If that cannot be published
    /// to readers, the next attempt uses the same shard.
    async fn reassign_shard(&self, engine: Engine, day: Day, clock: &dyn Clock) {
        let shard_count = self.shards.shard_count(engine, day);
        let published = if shard_count == MAX_SHARD_COUNT {
            Ok(Some(shard_count))
        } else {
            self.published_shard_count(engine, day, shard_count).await
        };
        match published {
            Ok(Some(published)) => self.shards.reassign(engine, day, published, clock.random()),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, %engine, "cannot raise the shard count of engine {engine}: {error}");
            }
        }
    }

    /// Returns a shard count that readers know, with shards that this environment has not tried.
    async fn published_shard_count(
        &self,
        engine: Engine,
        day: Day,
        shard_count: u32,
    ) -> Result<Option<u32>, StoreError> {
        // A read conflicts with nobody: of many environments one publishes, and the others find it.
        let rollups = self.lifecycle.rollups();
        let published = rollups.shard_count(engine, day).await?;
        if published > shard_count || self.shards.may_move(engine, day) {
            return Ok(Some(published));
        }
        // INVARIANT: readers know the larger shard count before anything is written to the new shards.
        rollups.publish_shard_count(engine, day, (shard_count * 2).min(MAX_SHARD_COUNT)).await
    }
}
