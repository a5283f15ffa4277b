//! What needs a person now.

use age_model::{Action, ActionStatus, IncidentStatus, Timestamp};
use age_scoring::Policy;
use age_store::{Health, IncidentSummary, OpenAction, StoreError};

use crate::text::Shown;
use crate::{actions, incidents};

/// So many of each are named; the others are counted.
const NAMED: usize = 8;

/// A sweep that is older than this is one that does not run. It runs every minute.
const BELIEVED_SECONDS: i64 = 300;

/// What needs a person.
pub(super) struct Needs {
    /// Incidents that nobody has taken, the latest first.
    pub(super) open: Vec<Trouble>,
    /// How many more there are.
    pub(super) more_open: usize,
    /// Engines that say nothing.
    pub(super) silent: Vec<Trouble>,
    /// Actions that wait for approval, the most urgent first.
    pub(super) waiting: Vec<Waiting>,
    /// How many more there are.
    pub(super) more_waiting: usize,
    /// How many actions cannot be read.
    pub(super) unreadable: usize,
    /// What is wrong with AGE itself.
    pub(super) own: Option<Own>,
}

/// An incident that is not over.
pub(super) struct Trouble {
    pub(super) path: String,
    pub(super) engine: String,
    pub(super) event_type: Shown,
    pub(super) opened_at: Timestamp,
    pub(super) is_taken: bool,
}

/// An action that waits for approval.
pub(super) struct Waiting {
    pub(super) path: String,
    pub(super) action: Action,
    pub(super) engine: String,
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
}

/// What is wrong with AGE itself.
pub(super) enum Own {
    /// It has not swept since then; ever, if there is no such moment.
    NotSwept(Option<Timestamp>),
    /// Nobody has confirmed to get escalations.
    Unheard,
}

impl Needs {
    pub(super) fn of(
        policy: &Policy,
        unresolved: Vec<IncidentSummary>,
        open_actions: Vec<Result<OpenAction, StoreError>>,
        health: Option<Health>,
        now: Timestamp,
    ) -> Self {
        let (silent, others): (Vec<_>, Vec<_>) = unresolved.into_iter().partition(IncidentSummary::is_silence);
        let trouble = |listed: IncidentSummary| Trouble {
            path: incidents::path(&listed.id),
            engine: policy.title(listed.id.key.engine).to_owned(),
            event_type: Shown::new(listed.id.key.event_type.as_str()),
            opened_at: listed.id.opened_at,
            is_taken: listed.status != IncidentStatus::Open,
        };
        let mut open: Vec<_> = others.into_iter().filter(|it| it.status == IncidentStatus::Open).collect();
        let more_open = open.len().saturating_sub(NAMED);
        open.truncate(NAMED);
        let unreadable = open_actions.iter().filter(|row| row.is_err()).count();
        let waits = |row: &OpenAction| row.status == ActionStatus::PendingApproval;
        let mut waiting: Vec<_> = open_actions.into_iter().filter_map(Result::ok).filter(waits).collect();
        let more_waiting = waiting.len().saturating_sub(NAMED);
        waiting.truncate(NAMED);
        let waits = |row: OpenAction| Waiting {
            path: actions::path(row.event_id, row.action),
            action: row.action,
            engine: policy.title(row.engine).to_owned(),
            since: row.created_at,
            until: row.due_at,
        };
        Self {
            open: open.into_iter().map(trouble).collect(),
            more_open,
            silent: silent.into_iter().map(trouble).collect(),
            waiting: waiting.into_iter().map(waits).collect(),
            more_waiting,
            unreadable,
            own: Own::of(health, now),
        }
    }

    /// Whether nothing does.
    pub(super) const fn is_nothing(&self) -> bool {
        self.open.is_empty()
            && self.silent.is_empty()
            && self.waiting.is_empty()
            && self.unreadable == 0
            && self.own.is_none()
    }
}

impl Own {
    fn of(health: Option<Health>, now: Timestamp) -> Option<Self> {
        let Some(health) = health else { return Some(Self::NotSwept(None)) };
        if health.last_sweep_at.plus_seconds(BELIEVED_SECONDS) < now {
            return Some(Self::NotSwept(Some(health.last_sweep_at)));
        }
        (health.notifications_reachable == Some(false)).then_some(Self::Unheard)
    }
}
