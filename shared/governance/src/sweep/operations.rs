//! Events that report operations, or name a decision: each is compared with that decision, once.

use std::collections::BTreeSet;

use age_model::{Decision, DecisionId, Engine, EventId, StoreError, Timestamp};
use age_policy::{ActivePolicy, PermitCheck, ReportedOperation};
use age_store::{Position, UncheckedOperation};
use futures_util::stream::{self, StreamExt};

use super::occurrences::{Mismatch, MismatchedRow};
use super::{CONCURRENT_STEPS, Sweep, SweepReport};

/// How many events of an engine are compared before it is the next engine's turn. They are counted in one transaction.
pub(super) const PAGE: usize = 50;

/// How many events of a page are recorded at the same time.
const CONCURRENT_WRITES: usize = 8;

/// The events of one page, by what the comparison says.
#[derive(Default)]
struct ComparedPage {
    /// Events with the permits that they follow.
    permitted: Vec<(EventId, Decision)>,
    not_needed: Vec<EventId>,
    without_permit: Vec<UncheckedOperation>,
    while_unavailable: Vec<MismatchedRow>,
    unreadable: Vec<StoreError>,
    next: Option<Position>,
}

/// The result of comparing a page.
struct RecordedPage {
    next: Option<Position>,
    followed: u64,
    without_permit: u64,
    while_unavailable: u64,
    failed: Vec<StoreError>,
}

impl Sweep {
    /// Compares the events of `engines` that were not compared yet with the decisions that they name, a page of each engine in turn, until
    /// `end`. Returns the engines of which some are left, and the first error.
    pub(super) async fn check_operations(
        &self,
        active: &ActivePolicy,
        engines: BTreeSet<Engine>,
        end: Timestamp,
        report: &mut SweepReport,
    ) -> (BTreeSet<Engine>, Result<(), StoreError>) {
        let (mut unfinished, mut first_error) = (BTreeSet::new(), None);
        let mut turns: Vec<(Engine, Option<Position>)> = engines.into_iter().map(|engine| (engine, None)).collect();
        while !turns.is_empty() && self.now() <= end {
            let pages = stream::iter(std::mem::take(&mut turns))
                .map(async |(engine, after)| (engine, self.check_page(active, engine, after.as_ref()).await));
            for (engine, page) in pages.buffer_unordered(CONCURRENT_STEPS).collect::<Vec<_>>().await {
                let page = page.unwrap_or_else(RecordedPage::failed);
                report.permits_followed += page.followed;
                report.operations_without_permit += page.without_permit;
                report.operations_while_unavailable += page.while_unavailable;
                report.failed += page.failed.len() as u64;
                for error in page.failed {
                    self.report_unreadable(&error).await;
                    // A row that cannot be read keeps no other row from being compared, in this run or in the next one.
                    if !matches!(error, StoreError::Corrupt { .. }) {
                        unfinished.insert(engine);
                        first_error.get_or_insert(error);
                    }
                }
                turns.extend(page.next.map(|next| (engine, Some(next))));
            }
        }
        unfinished.extend(turns.into_iter().map(|(engine, _)| engine));
        (unfinished, first_error.map_or(Ok(()), Err))
    }

    async fn check_page(
        &self,
        active: &ActivePolicy,
        engine: Engine,
        after: Option<&Position>,
    ) -> Result<RecordedPage, StoreError> {
        let ComparedPage { permitted, not_needed, without_permit, while_unavailable, unreadable, next } =
            self.compare_page(active, engine, after).await?;
        let mut failed = unreadable;
        let checked = stream::iter(not_needed).map(|event| self.events.set_checked(event));
        failed.extend(
            checked.buffer_unordered(CONCURRENT_WRITES).filter_map(async |it| it.err()).collect::<Vec<_>>().await,
        );
        let followed = stream::iter(&permitted).map(|(event, decision)| self.follow(*event, decision));
        let mut number = 0;
        for followed in followed.buffer_unordered(CONCURRENT_WRITES).collect::<Vec<_>>().await {
            match followed {
                Ok(has_followed) => number += u64::from(has_followed),
                Err(error) => failed.push(error),
            }
        }
        for UncheckedOperation { event_id, operation, decision_id, .. } in &without_permit {
            let operation = operation.as_deref().unwrap_or_default();
            tracing::warn!(
                event.id = %event_id, decision.id = decision_id.map(tracing::field::display), %engine,
                "event {event_id} of engine {engine} reports {operation:?}, which no decision has permitted"
            );
        }
        let rows = without_permit.iter().map(|operation| MismatchedRow::Event(operation.event_id)).collect();
        let mut counts = [0, 0];
        for (count, (mismatch, rows)) in counts
            .iter_mut()
            .zip([(Mismatch::OperationWithoutPermit, rows), (Mismatch::OperationWhileUnavailable, while_unavailable)])
        {
            match self.count_mismatches(active, engine, mismatch, rows).await {
                Ok(counted) => *count = counted,
                Err(error) => failed.push(error),
            }
        }
        let [without_permit, while_unavailable] = counts;
        Ok(RecordedPage { next, followed: number, without_permit, while_unavailable, failed })
    }

    /// Compares a page of events with the decisions that they name.
    async fn compare_page(
        &self,
        active: &ActivePolicy,
        engine: Engine,
        after: Option<&Position>,
    ) -> Result<ComparedPage, StoreError> {
        let page = self.events.unchecked_operations(engine, after, PAGE).await?;
        let named: BTreeSet<DecisionId> = page.operations.iter().filter_map(|it| it.decision_id).collect();
        let decisions = self.decisions.find_all(named).await?;
        let mut compared = ComparedPage { unreadable: page.unreadable, next: page.next, ..ComparedPage::default() };
        // The first of several events that name the same permit follows it. The others are compared once that is recorded.
        let mut taken = BTreeSet::new();
        for operation in page.operations {
            let UncheckedOperation { event_id, occurred_at, decision_id, .. } = operation;
            let decision = match decision_id.and_then(|id| decisions.get(&id)) {
                None => None,
                Some(Ok(decision)) => Some(decision),
                Some(Err(error)) => {
                    compared.unreadable.push(error.clone());
                    continue;
                }
            };
            let reported = ReportedOperation {
                event_id,
                engine,
                occurred_at,
                operation: operation.operation.as_deref(),
                decision_id,
            };
            match (active.policy.decisions.check_permit(&reported, decision), decision) {
                (PermitCheck::Permitted, Some(decision)) => {
                    if taken.insert(decision.id) {
                        compared.permitted.push((event_id, decision.clone()));
                    }
                }
                (PermitCheck::WhileUnavailable, _) => compared.while_unavailable.push(MismatchedRow::Event(event_id)),
                (PermitCheck::WithoutPermit, _) => compared.without_permit.push(operation),
                (PermitCheck::NotNeeded | PermitCheck::Permitted, _) => compared.not_needed.push(event_id),
            }
        }
        Ok(compared)
    }

    /// Records that `event` follows `decision`. Returns false if another event has followed it meanwhile; the next run compares `event`
    /// again.
    async fn follow(&self, event: EventId, decision: &Decision) -> Result<bool, StoreError> {
        if decision.followed_by.is_none() && !self.decisions.set_followed(decision.id, event).await? {
            return Ok(false);
        }
        // Until then, `event` is compared again, with the same result.
        self.events.set_checked(event).await?;
        Ok(true)
    }
}

impl RecordedPage {
    fn failed(error: StoreError) -> Self {
        Self { next: None, followed: 0, without_permit: 0, while_unavailable: 0, failed: vec![error] }
    }
}
