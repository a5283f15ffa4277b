//! Recording many events of one request. HIGH and CRITICAL events first, one by one, because they may need action; the others share
//! transactions.

use std::collections::BTreeSet;

use age_model::{Clock, EventId, IdempotencyKey, KeyId, NewEvent, StoreError, Timestamp};

use crate::pending_event::{IncomingEvent, WriteOutcome};
use crate::record_event::{EventRecorder, RecordResult, RecordedEvent};
use crate::transaction_chunks::transaction_chunks;

/// Events that would be begun so many seconds after the request are left for its next attempt. The function may run for 25, and
/// the last event that is begun may take 18.
const BEGIN_WITHIN_SECONDS: i64 = 5;

/// An event of a batch.
#[derive(Debug, Clone)]
pub struct BatchEvent {
    /// What the engine reports.
    pub reported: NewEvent,
    /// The name under which a repeat is recognized, if the sender gave one.
    pub key: Option<IdempotencyKey>,
}

impl BatchEvent {
    /// The event's id, if its key determines it.
    fn id(&self) -> Option<EventId> {
        self.key.as_ref().map(|key| EventId::keyed(self.reported.engine, key))
    }

    fn incoming<'a>(&'a self, by: &'a KeyId) -> IncomingEvent<'a> {
        IncomingEvent { reported: self.reported.clone(), key: self.key.as_ref(), by }
    }
}

/// The result of one event of a batch: of recording it, or None if it was not begun, because the time was up or the store has failed.
pub type BatchResult = Option<Result<RecordResult, StoreError>>;

/// A batch that is being recorded.
struct Batch<'a> {
    recorder: &'a EventRecorder,
    by: &'a KeyId,
    origin: Option<&'a str>,
    clock: &'a dyn Clock,
    began: Timestamp,
    has_failed: bool,
}

impl EventRecorder {
    /// Records `events` in the name of `by`. Returns their results in order.
    pub async fn record_batch(
        &self,
        events: Vec<BatchEvent>,
        by: &KeyId,
        origin: Option<&str>,
        clock: &dyn Clock,
    ) -> Vec<BatchResult> {
        let mut batch = Batch { recorder: self, by, origin, clock, began: clock.now(), has_failed: false };
        let mut results: Vec<BatchResult> = events.iter().map(|_| None).collect();
        let (mut planned, mut others, mut repeats) = (Vec::new(), Vec::new(), Vec::new());
        let mut ids = BTreeSet::new();
        for (index, event) in events.into_iter().enumerate() {
            if !event.id().is_none_or(|id| ids.insert(id)) {
                repeats.push((index, event));
            } else if self.needs_plan(&event.reported) {
                planned.push((index, event));
            } else {
                others.push((index, event));
            }
        }
        let mut set = |index: usize, result: BatchResult| {
            if let Some(place) = results.get_mut(index) {
                *place = result;
            }
        };
        for (index, event) in planned {
            set(index, batch.record(&event).await);
        }
        for chunk in transaction_chunks(others, |(_, event)| event.reported.engine) {
            let (indexes, events): (Vec<_>, Vec<_>) = chunk.into_iter().unzip();
            for (index, result) in indexes.into_iter().zip(batch.record_chunk(&events).await) {
                set(index, result);
            }
        }
        // Repeats come after the events whose keys they have: the table says whether they are the same.
        for (index, event) in repeats {
            set(index, batch.record(&event).await);
        }
        results
    }
}

impl Batch<'_> {
    async fn record(&mut self, event: &BatchEvent) -> BatchResult {
        if self.is_over() {
            return None;
        }
        let result = self.recorder.record(event.incoming(self.by), self.origin, self.clock).await;
        self.has_failed |= result.as_ref().is_err_and(may_pass);
        Some(result)
    }

    async fn record_chunk(&mut self, events: &[BatchEvent]) -> Vec<BatchResult> {
        if self.is_over() {
            return events.iter().map(|_| None).collect();
        }
        let incoming = events.iter().map(|event| event.incoming(self.by)).collect();
        let outcomes = self.recorder.writer.write_all(incoming, self.clock).await;
        self.has_failed |= outcomes.iter().any(|outcome| outcome.as_ref().is_err_and(may_pass));
        let recorded = |event| RecordedEvent { event, actions: Vec::new() };
        let result = |outcome| match outcome {
            WriteOutcome::Created { event, .. } => RecordResult::Created(recorded(event)),
            WriteOutcome::Replayed(event) => RecordResult::Replayed(recorded(event)),
            WriteOutcome::KeyReused => RecordResult::KeyReused,
        };
        outcomes.into_iter().map(|outcome| Some(outcome.map(result))).collect()
    }

    /// Whether nothing more is begun: the store has failed, and would fail as slowly again, or the time is up.
    fn is_over(&self) -> bool {
        self.has_failed || self.clock.now() > self.began.plus_seconds(BEGIN_WITHIN_SECONDS)
    }
}

/// Whether a later attempt may succeed.
const fn may_pass(error: &StoreError) -> bool {
    !matches!(error, StoreError::InvalidTransition(_) | StoreError::Corrupt { .. })
}
