//! What needs the attention of a person now.

use age_model::{Action, ActionStatus, IncidentStatus, StoreError, Timestamp};
use age_policy::Policy;
use age_store::{Found, IncidentSummary, OpenAction, SystemHealth};

use crate::paths::{action_path, incident_path};
use crate::safe_text::SafeText;

/// How many open incidents and pending approvals are listed; the others are counted.
const MAX_LISTED: usize = 8;

/// The sweep runs every minute: after five minutes without one, it is not running.
const SWEEP_OVERDUE_SECONDS: i64 = 300;

pub(super) struct NeedsAttention {
    /// The latest first.
    pub(super) open_incidents: Vec<UnresolvedIncident>,
    /// How many open incidents are not listed.
    pub(super) more_open_incidents: usize,
    /// The incidents of silent engines, open or acknowledged.
    pub(super) silent_engines: Vec<UnresolvedIncident>,
    /// The one that expires first is the first.
    pub(super) pending_approvals: Vec<PendingApproval>,
    /// How many pending approvals are not listed.
    pub(super) more_pending_approvals: usize,
    /// How many incidents and open actions cannot be read.
    pub(super) unreadable: usize,
    pub(super) system_alert: Option<SystemAlert>,
}

pub(super) struct UnresolvedIncident {
    pub(super) path: String,
    pub(super) engine: String,
    pub(super) event_type: SafeText,
    pub(super) opened_at: Timestamp,
    pub(super) is_acknowledged: bool,
}

pub(super) struct PendingApproval {
    pub(super) path: String,
    pub(super) action: Action,
    pub(super) engine: String,
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Timestamp,
}

/// A problem of AGE itself.
pub(super) enum SystemAlert {
    /// The sweep does not run. With the time of the last one; None if none has run yet.
    SweepNotRunning(Option<Timestamp>),
    /// Nobody has confirmed a subscription to the notifications topic.
    NotificationsUnreachable,
}

impl NeedsAttention {
    pub(super) fn of(
        policy: &Policy,
        unresolved: Found<IncidentSummary>,
        open_actions: Vec<Result<OpenAction, StoreError>>,
        health: Option<SystemHealth>,
        now: Timestamp,
    ) -> Self {
        let incident = |summary: IncidentSummary| UnresolvedIncident {
            path: incident_path(&summary.id),
            engine: policy.title(summary.id.key.engine).to_owned(),
            event_type: SafeText::new(summary.id.key.event_type.as_str()),
            opened_at: summary.id.opened_at,
            is_acknowledged: summary.status == IncidentStatus::Acknowledged,
        };
        let approval = |action: OpenAction| PendingApproval {
            path: action_path(action.event_id, action.action),
            action: action.action,
            engine: policy.title(action.engine).to_owned(),
            created_at: action.created_at,
            expires_at: action.due_at,
        };
        let (silent, others): (Vec<_>, Vec<_>) =
            unresolved.items.into_iter().partition(IncidentSummary::is_engine_silent);
        // What a later version does with its statuses is not known: a person looks.
        let is_open = |summary: &IncidentSummary| summary.status != IncidentStatus::Acknowledged;
        let (open_incidents, more_open_incidents) = split_off_unlisted(others.into_iter().filter(is_open));
        let unreadable = open_actions.iter().filter(|action| action.is_err()).count() + unresolved.unreadable.len();
        let is_pending_approval = |action: &OpenAction| action.status == ActionStatus::PendingApproval;
        let readable_actions = open_actions.into_iter().filter_map(Result::ok);
        let (pending_approvals, more_pending_approvals) =
            split_off_unlisted(readable_actions.filter(is_pending_approval));
        Self {
            open_incidents: open_incidents.into_iter().map(incident).collect(),
            more_open_incidents,
            silent_engines: silent.into_iter().map(incident).collect(),
            pending_approvals: pending_approvals.into_iter().map(approval).collect(),
            more_pending_approvals,
            unreadable,
            system_alert: SystemAlert::of(health, now),
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.open_incidents.is_empty()
            && self.silent_engines.is_empty()
            && self.pending_approvals.is_empty()
            && self.unreadable == 0
            && self.system_alert.is_none()
    }
}

/// Returns the first [`MAX_LISTED`] items, and how many more there are.
fn split_off_unlisted<T>(items: impl Iterator<Item = T>) -> (Vec<T>, usize) {
    let mut items: Vec<T> = items.collect();
    let more = items.len().saturating_sub(MAX_LISTED);
    items.truncate(MAX_LISTED);
    (items, more)
}

impl SystemAlert {
    fn of(health: Option<SystemHealth>, now: Timestamp) -> Option<Self> {
        let Some(health) = health else { return Some(Self::SweepNotRunning(None)) };
        if health.last_sweep_at.plus_seconds(SWEEP_OVERDUE_SECONDS) < now {
            return Some(Self::SweepNotRunning(Some(health.last_sweep_at)));
        }
        (health.notifications_reachable == Some(false)).then_some(Self::NotificationsUnreachable)
    }
}
