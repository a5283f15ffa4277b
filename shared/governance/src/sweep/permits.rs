//! Permits and events: whether each permit is followed by an event that reports its operation, and each such event by a permit.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{Engine, StoreError, Timestamp};
use age_policy::ActivePolicy;
use age_store::DueDecision;
use futures_util::stream::{self, StreamExt};

use super::occurrences::{Mismatch, MismatchedRow};
use super::operations::PAGE;
use super::posture::FleetReading;
use super::{CONCURRENT_STEPS, Sweep, SweepReport};

impl Sweep {
    /// Compares permits and events until `end`: the events first, so that a permit whose event has come is not found without one. `due` has
    /// the permits of each engine whose event should have been reported.
    pub(super) async fn compare_permits(
        &self,
        fleet: &FleetReading,
        mut due: BTreeMap<Engine, Vec<DueDecision>>,
        end: Timestamp,
        report: &mut SweepReport,
    ) -> Result<(), StoreError> {
        let active = self.dispatcher.active_policy();
        let asking = fleet.engines_with_decisions();
        if asking.is_none() {
            // Without the counters, the engines that have reported are unknown, and with them the permits whose event has come.
            due.clear();
        }
        let has_asked = asking.is_some_and(|engines| !engines.is_empty());
        let has_reports = !active.policy.decisions.event_types.is_empty() || has_asked;
        let reporting = if has_reports { fleet.heard_engines() } else { BTreeSet::new() };
        let (unfinished, checked) = self.check_operations(&active, reporting, end, report).await;
        for permits in unfinished.iter().filter_map(|engine| due.remove(engine)) {
            report.leave_permits(&permits, self.now());
        }
        let missing = self.count_permits_without_event(&active, due, end, report).await;
        checked.and(missing)
    }

    /// Counts the permits of `due` that no event has followed, a page of each engine in turn, until `end`.
    async fn count_permits_without_event(
        &self,
        active: &ActivePolicy,
        due: BTreeMap<Engine, Vec<DueDecision>>,
        end: Timestamp,
        report: &mut SweepReport,
    ) -> Result<(), StoreError> {
        let mut first_error = None;
        let mut turns: Vec<(Engine, Vec<DueDecision>)> = due.into_iter().collect();
        while !turns.is_empty() && self.now() <= end {
            let pages = stream::iter(std::mem::take(&mut turns)).map(async |(engine, mut page)| {
                let rest = page.split_off(PAGE.min(page.len()));
                let rows = page.into_iter().map(|due| MismatchedRow::Decision(due.id)).collect();
                (engine, rest, self.count_mismatches(active, engine, Mismatch::PermitWithoutEvent, rows).await)
            });
            for (engine, rest, counted) in pages.buffer_unordered(CONCURRENT_STEPS).collect::<Vec<_>>().await {
                match counted {
                    Ok(counted) => {
                        if counted > 0 {
                            tracing::warn!(
                                %engine, counted,
                                "{counted} permits of engine {engine} are without an event that reports their operation"
                            );
                        }
                        report.permits_without_event += counted;
                        turns.extend((!rest.is_empty()).then_some((engine, rest)));
                    }
                    Err(error) => {
                        report.failed += 1;
                        self.report_unreadable(&error).await;
                        first_error.get_or_insert(error);
                    }
                }
            }
        }
        for (_, permits) in turns {
            report.leave_permits(&permits, self.now());
        }
        first_error.map_or(Ok(()), Err)
    }
}

impl SweepReport {
    /// Notes that the run has no time for `permits`, the earliest first.
    fn leave_permits(&mut self, permits: &[DueDecision], now: Timestamp) {
        if let Some(first) = permits.first() {
            self.leave_decision(*first, now);
        }
    }
}
