//! Permits and events: whether each permit is followed by an event that reports its operation, and each such event by a permit.

use std::collections::BTreeSet;

use age_model::{Engine, StoreError, Timestamp};
use age_policy::ActivePolicy;
use futures_util::stream::{self, StreamExt};

use super::occurrences::{Mismatch, MismatchedRow};
use super::operations::PAGE;
use super::posture::FleetReading;
use super::{CONCURRENT_STEPS, Sweep, SweepReport};

impl Sweep {
    /// Compares permits and events until `end`: the events first, so that a permit whose event has come is not found without one.
    pub(super) async fn compare_permits(
        &self,
        fleet: &FleetReading,
        end: Timestamp,
        report: &mut SweepReport,
    ) -> Result<(), StoreError> {
        let active = self.dispatcher.active_policy();
        // Without the counters, the engines that have reported are unknown, and with them the permits whose event has come.
        let asking = fleet.engines_with_decisions().unwrap_or_default();
        let has_reports = !active.policy.decisions.event_types.is_empty() || !asking.is_empty();
        let reporting = if has_reports { fleet.heard_engines() } else { BTreeSet::new() };
        let (unfinished, checked) = self.check_operations(&active, reporting, end, report).await;
        let finished = asking.difference(&unfinished).copied().collect();
        let due = self.check_awaited_events(&active, finished, end, report).await;
        checked.and(due)
    }

    /// Counts the permits of `engines` whose event was due and has not come, a page of each engine in turn, until `end`.
    async fn check_awaited_events(
        &self,
        active: &ActivePolicy,
        engines: BTreeSet<Engine>,
        end: Timestamp,
        report: &mut SweepReport,
    ) -> Result<(), StoreError> {
        let mut first_error = None;
        let mut turns: Vec<Engine> = engines.into_iter().collect();
        while !turns.is_empty() && self.now() <= end {
            let pages = stream::iter(std::mem::take(&mut turns))
                .map(async |engine| (engine, self.count_awaited_page(active, engine).await));
            for (engine, counted) in pages.buffer_unordered(CONCURRENT_STEPS).collect::<Vec<_>>().await {
                match counted {
                    Ok((0, _)) => {}
                    Ok((counted, is_full)) => {
                        tracing::warn!(
                            %engine, counted,
                            "{counted} permits of engine {engine} are without an event that reports their operation"
                        );
                        report.permits_without_event += counted;
                        turns.extend(is_full.then_some(engine));
                    }
                    Err(error) => {
                        report.failed += 1;
                        self.report_unreadable(&error).await;
                        first_error.get_or_insert(error);
                    }
                }
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    /// Returns how many permits of the engine were counted, and whether more may be due.
    async fn count_awaited_page(&self, active: &ActivePolicy, engine: Engine) -> Result<(u64, bool), StoreError> {
        let due = self.decisions.awaiting_event(engine, self.now(), PAGE).await?;
        let is_full = due.len() == PAGE;
        let rows = due.into_iter().map(MismatchedRow::Decision).collect();
        let counted = self.count_mismatches(active, engine, Mismatch::PermitWithoutEvent, rows).await?;
        Ok((counted, is_full))
    }
}
