//! What needs the attention of a person now.

use age_model::{
    Action, ActionItem, ActionStatus, Credential, EventId, IncidentStatus, KeyId, Keyring, StoreError, SystemAlert,
    SystemAlertKind, Timestamp, TopicName, TopicStatus, take_turns,
};
use age_policy::Policy;
use age_store::{Found, IncidentSummary, OpenAction, SystemHealth};

use crate::decisions::PendingOperations;
use crate::engine_title::engine_title;
use crate::format::{duration_between, format_duration};
use crate::incidents::{EngineCount, IncidentFilterForm, StatusFilter, count_by_engine};
use crate::paths::{action_path, incident_path};
use crate::safe_text::SafeText;

/// How many open incidents, pending approvals of actions and of operations, and system alerts are listed; the others are counted.
pub(super) const MAX_LISTED: usize = 8;

/// Credentials that expire within this time are listed for admins.
const CREDENTIAL_NOTICE_DAYS: i64 = 7;

/// The sweep runs every minute: after five minutes without one, it is not running.
const SWEEP_OVERDUE_SECONDS: i64 = 300;

pub(super) struct NeedsAttention {
    /// Engines take turns, so that one with many incidents does not hide those of another; the latest of each first.
    pub(super) open_incidents: Vec<UnresolvedIncident>,
    /// How many open incidents are not listed.
    pub(super) more_open_incidents: usize,
    /// How many incidents of each engine are open.
    pub(super) open_by_engine: Vec<EngineCount>,
    /// The incidents of silent engines, open or acknowledged.
    pub(super) silent_engines: Vec<UnresolvedIncident>,
    /// Engines take turns; the one of each that expires first is the first.
    pub(super) pending_approvals: Vec<PendingApproval>,
    /// How many pending approvals are not listed.
    pub(super) more_pending_approvals: usize,
    /// The operations of engines that wait for an approval.
    pub(super) operations: PendingOperations,
    /// The credentials that expire within 7 days, the first one first. Empty for callers that may not see credentials.
    pub(super) expiring_credentials: Vec<ExpiringCredential>,
    /// How many incidents, open actions and decisions cannot be read.
    pub(super) unreadable: usize,
    pub(super) age_problems: Vec<AgeProblem>,
    /// In the order of kind, sender and subject.
    pub(super) system_alerts: Vec<ListedSystemAlert>,
    /// How many system alerts are not listed.
    pub(super) more_system_alerts: usize,
}

pub(super) struct UnresolvedIncident {
    pub(super) path: String,
    pub(super) engine: SafeText,
    pub(super) event_type: SafeText,
    pub(super) opened_at: Timestamp,
    pub(super) is_acknowledged: bool,
}

pub(super) struct PendingApproval {
    pub(super) path: String,
    pub(super) action: Action,
    pub(super) engine: SafeText,
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Option<Timestamp>,
    /// The time left to approve or deny the action.
    pub(super) time_left: Option<String>,
}

/// A system alert, in words.
pub(super) struct ListedSystemAlert {
    /// The description of the system alert, with the name of its sender.
    pub(super) summary: SafeText,
    /// The part of the sender's messages that it is about, and what is wrong with it.
    pub(super) detail: SafeText,
    pub(super) first_at: Timestamp,
    pub(super) last_at: Timestamp,
}

impl From<SystemAlert> for ListedSystemAlert {
    fn from(SystemAlert { kind, sender, subject, detail, count, first_at, last_at }: SystemAlert) -> Self {
        let what = match kind {
            SystemAlertKind::RefusedEvent => "Refused events of credential",
            SystemAlertKind::UnmappedSeverity => "Severities that the policy does not map, of credential",
            SystemAlertKind::ExpiredCredential => "Requests with expired credential",
            SystemAlertKind::UndeliverableNotification => "Undeliverable notifications to",
            SystemAlertKind::UnreadableRow => "Rows that this version cannot read, found by",
            SystemAlertKind::UnreadablePolicy => "The active policy cannot be read, found by",
            SystemAlertKind::Unknown(kind) => kind.as_str(),
        };
        let summary = format!("{what} {sender}: {count}");
        let detail = format!("{subject}: {detail}");
        Self { summary: SafeText::new(&summary), detail: SafeText::new(&detail), first_at, last_at }
    }
}

pub(super) struct ExpiringCredential {
    pub(super) kid: KeyId,
    pub(super) expires_at: Timestamp,
}

/// A problem of AGE itself.
pub(super) enum AgeProblem {
    /// The sweep does not run. With the time of the last one; None if none has run yet.
    SweepNotRunning(Option<Timestamp>),
    /// The active policy cannot be read. With the hash of the version by which AGE works.
    PolicyUnreadable(String),
    /// Nobody is subscribed to a topic that people rely on.
    NoSubscriber(TopicName),
}

/// Returns the actions that are pending approval, as the index of due actions has them. Engines take turns; the one of each that
/// expires first is the first.
pub(super) fn pending_approvals(open_actions: &[Result<OpenAction, StoreError>]) -> Vec<OpenAction> {
    let readable = open_actions.iter().filter_map(|action| action.as_ref().ok()).copied();
    let mut pending: Vec<_> = readable.filter(|action| action.status == ActionStatus::PendingApproval).collect();
    pending.sort_by_key(|action| action.created_at);
    take_turns(pending, |action| action.engine)
}

/// Returns the pending approvals that are listed, which the overview reads.
pub(super) fn listed_approvals(open_actions: &[Result<OpenAction, StoreError>]) -> Vec<(EventId, Action)> {
    pending_approvals(open_actions).iter().take(MAX_LISTED).map(|action| (action.event_id, action.action)).collect()
}

impl NeedsAttention {
    pub(super) fn of(
        policy: &Policy,
        unresolved: Found<IncidentSummary>,
        open_actions: &[Result<OpenAction, StoreError>],
        approvals: &[ActionItem],
        credentials: Option<&Keyring>,
        (health, system_alerts): (Option<SystemHealth>, Vec<SystemAlert>),
        now: Timestamp,
    ) -> Self {
        let incident = |summary: IncidentSummary| UnresolvedIncident {
            path: incident_path(&summary.id),
            engine: engine_title(policy, summary.id.key.engine),
            event_type: SafeText::new(summary.id.key.event_type.as_str()),
            opened_at: summary.id.opened_at,
            is_acknowledged: summary.status == IncidentStatus::Acknowledged,
        };
        let approval = |action: OpenAction| {
            let is_it = |item: &&ActionItem| (item.event_id, item.action) == (action.event_id, action.action);
            let expires_at = approvals.iter().find(is_it).and_then(|item| item.approve_by);
            PendingApproval {
                path: action_path(action.event_id, action.action),
                action: action.action,
                engine: engine_title(policy, action.engine),
                created_at: action.created_at,
                time_left: expires_at.map(|at| format_duration(duration_between(now, at))),
                expires_at,
            }
        };
        let (silent, others): (Vec<_>, Vec<_>) =
            unresolved.items.into_iter().partition(IncidentSummary::is_engine_silent);
        // What a later version does with its statuses is not known: a person looks.
        let is_open = |summary: &IncidentSummary| summary.status != IncidentStatus::Acknowledged;
        let open: Vec<_> = take_turns(others.into_iter().filter(is_open).collect(), |summary| summary.id.key.engine);
        let filter = IncidentFilterForm::of(StatusFilter::Status(IncidentStatus::Open));
        let open_by_engine = count_by_engine(open.iter(), filter, policy);
        let (open_incidents, more_open_incidents) = split_off_unlisted(open.into_iter());
        let (system_alerts, more_system_alerts) = split_off_unlisted(system_alerts.into_iter());
        let unreadable = open_actions.iter().filter(|action| action.is_err()).count() + unresolved.unreadable.len();
        let (pending_approvals, more_pending_approvals) =
            split_off_unlisted(pending_approvals(open_actions).into_iter());
        Self {
            open_incidents: open_incidents.into_iter().map(incident).collect(),
            more_open_incidents,
            open_by_engine,
            silent_engines: silent.into_iter().map(incident).collect(),
            pending_approvals: pending_approvals.into_iter().map(approval).collect(),
            more_pending_approvals,
            operations: PendingOperations::default(),
            expiring_credentials: credentials.map(|keyring| expiring(keyring, now)).unwrap_or_default(),
            unreadable,
            age_problems: AgeProblem::of(health, now),
            system_alerts: system_alerts.into_iter().map(ListedSystemAlert::from).collect(),
            more_system_alerts,
        }
    }

    /// Adds the operations that wait for an approval.
    pub(super) fn add_operations(&mut self, operations: PendingOperations) {
        self.unreadable = self.unreadable.saturating_add(operations.unreadable);
        self.operations = operations;
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.open_incidents.is_empty()
            && self.silent_engines.is_empty()
            && self.pending_approvals.is_empty()
            && self.operations.is_empty()
            && self.expiring_credentials.is_empty()
            && self.unreadable == 0
            && self.age_problems.is_empty()
            && self.system_alerts.is_empty()
    }
}

fn expiring(keyring: &Keyring, now: Timestamp) -> Vec<ExpiringCredential> {
    let is_near = |expires_at: &Timestamp| now < *expires_at && *expires_at <= now.plus_days(CREDENTIAL_NOTICE_DAYS);
    let expiring = |(kid, credential): (&KeyId, &Credential)| {
        let expires_at = credential.expires_at().filter(is_near)?;
        Some(ExpiringCredential { kid: kid.clone(), expires_at })
    };
    let mut credentials: Vec<_> = keyring.all().filter_map(expiring).collect();
    credentials.sort_by_key(|credential| credential.expires_at);
    credentials
}

/// Returns the first [`MAX_LISTED`] items, and how many more there are.
fn split_off_unlisted<T>(items: impl Iterator<Item = T>) -> (Vec<T>, usize) {
    let mut items: Vec<T> = items.collect();
    let more = items.len().saturating_sub(MAX_LISTED);
    items.truncate(MAX_LISTED);
    (items, more)
}

impl AgeProblem {
    fn of(health: Option<SystemHealth>, now: Timestamp) -> Vec<Self> {
        let Some(health) = health else { return vec![Self::SweepNotRunning(None)] };
        if health.last_sweep_at.plus_seconds(SWEEP_OVERDUE_SECONDS) < now {
            return vec![Self::SweepNotRunning(Some(health.last_sweep_at))];
        }
        let has_none = |topic: &TopicName| health.topic(*topic).status(*topic) == TopicStatus::NoSubscriber;
        TopicName::ALL.iter().copied().filter(has_none).map(Self::NoSubscriber).collect()
    }
}
