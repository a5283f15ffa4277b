//! Changing many incidents at once: those with given ids, or those that match a filter.

use std::collections::BTreeSet;

use age_model::{
    Clock, CommandError, Engine, Incident, IncidentConflict, IncidentId, IncidentStatus, KeyId, Severity, StatusChange,
    StoreError, Timestamp,
};
use age_policy::IncidentCommand;
use age_store::{IncidentSummary, Incidents};
use futures_util::stream::{self, StreamExt};
use thiserror::Error;

use crate::change_incident::change_incident;
use crate::incident_lifecycle::IncidentLifecycle;

/// How many incidents are read, or changed, at the same time.
const CONCURRENT_CHANGES: usize = 32;

/// For how long changes are begun, in seconds: well within API Gateway's 30 and the function's 25, with one change still to come.
const BEGIN_WITHIN_SECONDS: i64 = 14;

/// The most incidents that a filter may match.
const MAX_MATCHES: usize = 10_000;

/// The most failures of a result that are listed.
const MAX_LISTED_FAILURES: usize = 100;

/// Which unresolved incidents are meant. Each condition that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BulkFilter {
    /// The engine.
    pub engine: Option<Engine>,
    /// The status; never `resolved`.
    pub status: Option<IncidentStatus>,
    /// The highest severity of the incident's events.
    pub severity: Option<Severity>,
    /// How the event type begins.
    pub event_type_prefix: Option<String>,
    /// The incident was opened at this time or later.
    pub opened_from: Option<Timestamp>,
    /// The incident was opened before this time.
    pub opened_before: Option<Timestamp>,
    /// An event opened the incident which this credential reported.
    pub opened_by: Option<KeyId>,
}

/// Which incidents a bulk change is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkSelection {
    /// Those with these ids.
    Ids(Vec<IncidentId>),
    /// Those that match the filter.
    Matching {
        /// The filter.
        filter: BulkFilter,
        /// How many incidents match it, as the caller believes.
        expected_count: u64,
    },
}

/// Why nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BulkConflict {
    /// Another number of incidents matches the filter.
    #[error("the filter matches {actual} incidents, not {expected}; nothing was changed")]
    CountDiffers {
        /// How many match.
        actual: u64,
        /// How many the caller expected.
        expected: u64,
    },
    /// Too many incidents match the filter.
    #[error("the filter matches {0} incidents, and at most {MAX_MATCHES} can be changed at once; narrow the filter")]
    TooMany(u64),
}

impl BulkConflict {
    /// Returns how many incidents match the filter.
    #[must_use]
    pub const fn actual_count(self) -> u64 {
        match self {
            Self::CountDiffers { actual, .. } | Self::TooMany(actual) => actual,
        }
    }
}

/// The result of a bulk change. The four numbers sum to that of the selected incidents.
#[derive(Debug, Default)]
pub struct BulkResult {
    /// Number of incidents that were changed.
    pub changed: u64,
    /// Number of incidents that were left as they are: they had been acknowledged or resolved already.
    pub unchanged: u64,
    /// Number of incidents that could not be changed.
    pub failed: u64,
    /// Number of incidents for which no time was left. A repeat continues with them.
    pub remaining: u64,
    /// The first of the incidents that could not be changed, at most 100.
    pub failures: Vec<BulkFailure>,
}

/// An incident that could not be changed.
#[derive(Debug)]
pub struct BulkFailure {
    /// The incident.
    pub id: IncidentId,
    /// Why. None: there is no such incident.
    pub error: Option<CommandError<IncidentConflict>>,
}

enum Outcome {
    Changed,
    Unchanged,
    Failed(BulkFailure),
    Remaining,
}

/// Carries out `command` on each incident of `selection` for the caller of `change`. Changes of other incidents that match later
/// do not count: an incident that is opened meanwhile is left alone.
///
/// # Errors
/// [`CommandError`] if nothing was changed, because the number of incidents differs or they cannot be listed.
pub async fn change_incidents(
    incidents: &Incidents,
    lifecycle: &IncidentLifecycle,
    selection: BulkSelection,
    command: IncidentCommand,
    change: StatusChange,
    policy_hash: &str,
    clock: &dyn Clock,
) -> Result<BulkResult, CommandError<BulkConflict>> {
    let end = clock.now().plus_seconds(BEGIN_WITHIN_SECONDS);
    let ids: Vec<IncidentId> = match selection {
        BulkSelection::Ids(ids) => {
            let mut seen = BTreeSet::new();
            ids.into_iter().filter(|id| seen.insert((id.key.clone(), id.opened_at))).collect()
        }
        BulkSelection::Matching { filter, expected_count } => {
            let ids = matching_incidents(incidents, &filter).await?;
            let actual = ids.len() as u64;
            if actual != expected_count {
                return Err(CommandError::Conflict(BulkConflict::CountDiffers { actual, expected: expected_count }));
            }
            ids
        }
    };
    let change_one = async |id: IncidentId| {
        if clock.now() > end {
            return Outcome::Remaining;
        }
        let changed = change_incident(incidents, lifecycle, &id, command, change.clone(), policy_hash, clock).await;
        let error = match changed {
            Ok(Some(changed)) => return if changed.has_changed { Outcome::Changed } else { Outcome::Unchanged },
            Err(CommandError::Conflict(IncidentConflict::Status { status: IncidentStatus::Resolved, .. }))
                if command == IncidentCommand::Resolve =>
            {
                return Outcome::Unchanged;
            }
            Ok(None) => None,
            Err(error) => Some(error),
        };
        Outcome::Failed(BulkFailure { id, error })
    };
    let mut result = BulkResult::default();
    let mut outcomes = stream::iter(ids).map(change_one).buffer_unordered(CONCURRENT_CHANGES);
    while let Some(outcome) = outcomes.next().await {
        result.add(outcome);
    }
    Ok(result)
}

/// Returns the unresolved incidents that match `filter`, the latest first. Their status and severity are read strongly.
///
/// # Errors
/// [`CommandError`] if there are too many, or they cannot be listed.
pub async fn matching_incidents(
    incidents: &Incidents,
    filter: &BulkFilter,
) -> Result<Vec<IncidentId>, CommandError<BulkConflict>> {
    let mut ids: Vec<IncidentId> = incidents.unresolved().await?.items.into_iter().map(|summary| summary.id).collect();
    ids.retain(|id| filter.matches_id(id));
    if ids.len() > MAX_MATCHES {
        return Err(CommandError::Conflict(BulkConflict::TooMany(ids.len() as u64)));
    }
    // The index that lists incidents is eventually consistent, and lacks the opener.
    let reads = stream::iter(ids).map(async |id| match incidents.get(&id).await {
        Ok(Some(record)) => Ok(filter.matches_incident(&record.incident).then_some(id)),
        Ok(None) => Ok(None),
        // The change of this one fails, and its failure is told.
        Err(StoreError::Corrupt { .. }) if filter.severity.is_none() && filter.opened_by.is_none() => Ok(Some(id)),
        Err(error) => Err(CommandError::Store(error)),
    });
    let matching: Vec<Result<Option<IncidentId>, _>> = reads.buffered(CONCURRENT_CHANGES).collect().await;
    matching.into_iter().filter_map(Result::transpose).collect()
}

impl BulkFilter {
    /// Whether the filter matches an incident as the eventually consistent index has it. Without `opened_by`, which the index lacks.
    #[must_use]
    pub fn matches_summary(&self, summary: &IncidentSummary) -> bool {
        self.matches_id(&summary.id)
            && self.status.is_none_or(|status| status == summary.status)
            && self.severity.is_none_or(|severity| severity == summary.severity)
    }

    fn matches_id(&self, IncidentId { key, opened_at }: &IncidentId) -> bool {
        let event_type = key.event_type.as_str();
        self.engine.is_none_or(|engine| engine == key.engine)
            && self.event_type_prefix.as_deref().is_none_or(|prefix| event_type.starts_with(prefix))
            && self.opened_from.is_none_or(|time| *opened_at >= time)
            && self.opened_before.is_none_or(|time| *opened_at < time)
    }

    fn matches_incident(&self, incident: &Incident) -> bool {
        incident.status != IncidentStatus::Resolved
            && self.status.is_none_or(|wanted| wanted == incident.status)
            && self.severity.is_none_or(|wanted| wanted == incident.severity)
            && self.opened_by.as_ref().is_none_or(|wanted| incident.opened_by.as_ref() == Some(wanted))
    }
}

impl BulkResult {
    fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Changed => self.changed += 1,
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Remaining => self.remaining += 1,
            Outcome::Failed(failure) => {
                self.failed += 1;
                if self.failures.len() < MAX_LISTED_FAILURES {
                    self.failures.push(failure);
                }
            }
        }
    }
}
