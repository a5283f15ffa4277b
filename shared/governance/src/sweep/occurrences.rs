//! Permits without an event, and operations without a permit: each is counted once, with the incident that people are notified about.

use age_model::{Clock, DecisionCounts, DecisionId, Engine, EventId, IncidentCause, IncidentKey, StoreError};
use age_policy::ActivePolicy;
use age_store::{TransactionResult, Write, wait_before_retry};

use super::Sweep;
use crate::incident_lifecycle::{MAX_ATTEMPTS, NextState};

/// The shard of the rollups that count mismatches. They are few, and readers know this shard from the beginning.
const SHARD: u32 = 0;

/// The kind of mismatch that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mismatch {
    /// No event has reported the operation of a permit in time.
    PermitWithoutEvent,
    /// An event reports an operation that no decision permitted.
    OperationWithoutPermit,
    /// An event reports an operation that engines run while AGE cannot be asked.
    OperationWhileUnavailable,
}

/// A row that has a mismatch until it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MismatchedRow {
    Decision(DecisionId),
    Event(EventId),
}

impl Mismatch {
    /// Returns the counts of so many of them.
    fn counts(self, number: u64) -> DecisionCounts {
        let mut counts = DecisionCounts::default();
        match self {
            Self::PermitWithoutEvent => counts.permits_without_event = number,
            Self::OperationWithoutPermit => counts.operations_without_permit = number,
            Self::OperationWhileUnavailable => counts.operations_while_unavailable = number,
        }
        counts
    }

    /// Returns the incident about mismatches of `engine`, and its cause. None: people need not be notified.
    fn incident(self, engine: Engine) -> Option<(IncidentKey, IncidentCause)> {
        match self {
            Self::PermitWithoutEvent => {
                Some((IncidentKey::permit_without_event(engine), IncidentCause::PermitWithoutEvent))
            }
            Self::OperationWithoutPermit => {
                Some((IncidentKey::operation_without_permit(engine), IncidentCause::OperationWithoutPermit))
            }
            Self::OperationWhileUnavailable => None,
        }
    }
}

impl Sweep {
    /// Counts those of `rows` of `engine`, at most 50, that were not counted yet. Returns how many it has counted.
    ///
    /// INVARIANT: a row stops being due, is counted, and is an occurrence of its incident by one transaction, so it is counted once whatever
    /// overlaps or dies.
    pub(super) async fn count_mismatches(
        &self,
        active: &ActivePolicy,
        engine: Engine,
        mismatch: Mismatch,
        mut rows: Vec<MismatchedRow>,
    ) -> Result<u64, StoreError> {
        let clock: &dyn Clock = self.clock.as_ref();
        let incidents = self.dispatcher.lifecycle().incidents();
        for attempt in 1..=MAX_ATTEMPTS {
            if rows.is_empty() {
                return Ok(0);
            }
            if attempt > 1 {
                wait_before_retry(attempt, clock).await;
            }
            let (now, number) = (self.now(), rows.len() as u64);
            let mut writes: Vec<Write> = rows.iter().map(|row| self.counted(*row)).collect::<Result<_, _>>()?;
            let rollups = self.dispatcher.lifecycle().rollups();
            writes.push(rollups.count_decisions((engine, now), SHARD, &mismatch.counts(number))?);
            if let Some((key, cause)) = mismatch.incident(engine) {
                let before = incidents.states().get(&key).await?;
                let mut state = before.state.clone();
                state.version += 1;
                let first = rows.iter().find_map(|row| match row {
                    MismatchedRow::Event(id) => Some(*id),
                    MismatchedRow::Decision(_) => None,
                });
                active.policy.incidents.record_occurrences(&mut state, cause, first, now);
                let next = NextState { state: Some(&state), counted: Some((number, now)), ..NextState::default() };
                writes.extend(incidents.writes(&key, &before, &next, &active.hash, now)?);
            }
            match incidents.states().commit(writes).await? {
                TransactionResult::Committed => return Ok(number),
                // Another sweep has counted these rows, or an event has followed the permit meanwhile.
                TransactionResult::Exists(existing) => {
                    let mut index = 0;
                    rows.retain(|_| {
                        let is_counted = existing.iter().any(|row| row.index == index);
                        index += 1;
                        !is_counted
                    });
                }
                TransactionResult::Stale | TransactionResult::Conflict(_) | TransactionResult::InProgress => {}
            }
        }
        Err(incidents.states().contended(MAX_ATTEMPTS))
    }

    /// Returns the write after which `row` is not due any more. It holds once.
    fn counted(&self, row: MismatchedRow) -> Result<Write, StoreError> {
        match row {
            MismatchedRow::Decision(id) => self.decisions.event_is_missing(id),
            MismatchedRow::Event(id) => self.events.checked(id),
        }
    }
}
