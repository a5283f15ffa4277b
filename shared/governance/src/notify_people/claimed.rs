//! What one sender has claimed: it alone may notify people of it until its lease ends.

use age_model::{
    ActionItem, ApprovalNotificationKind, Engine, FailedRemediation, Incident, IncidentId, IncidentKey,
    NotificationKind, Timestamp,
};
use age_notify::{Notified, NotifiedIncident};
use age_policy::ActivePolicy;
use age_store::IncidentStateRecord;

use super::approval_record::ClaimedApproval;

/// Something of which this sender may notify people, as it was when it was claimed.
pub(super) enum Claimed {
    Incident(Box<ClaimedIncident>),
    Approval(ClaimedApproval),
}

pub(super) struct ClaimedIncident {
    pub(super) id: IncidentId,
    pub(super) kind: NotificationKind,
    pub(super) record: IncidentStateRecord,
}

/// The incidents and approvals of one e-mail that is sent at once, and the permits of that e-mail.
pub(crate) struct ClaimedAtOnce {
    pub(super) claimed: Vec<Claimed>,
    pub(super) permit: Permit,
}

/// The permits that an e-mail has taken that is sent at once.
pub(super) struct Permit {
    pub(super) of_line: bool,
    pub(super) of_engine: Option<Engine>,
}

/// The result of an attempt to send one e-mail.
pub(super) enum Attempt {
    /// The topic has the e-mail about `sent`. The others did not fit.
    Sent { at: Timestamp, sent: Vec<Claimed>, recorded: Vec<ActionItem>, rest: Vec<Claimed> },
    /// The topic refuses the e-mail about `part`, for this reason. The others did not fit.
    Refused { part: Vec<Claimed>, reason: String, rest: Vec<Claimed> },
    /// The topic accepts no e-mail at the moment, or nothing is left to send. So many wait for the end of their lease.
    NotSent { waiting: u64 },
}

impl Claimed {
    /// Whether nobody has been notified of it yet.
    pub(super) fn is_initial(&self) -> bool {
        match self {
            Self::Incident(claimed) => matches!(claimed.kind, NotificationKind::Initial),
            Self::Approval(claimed) => matches!(claimed.kind, ApprovalNotificationKind::Request),
        }
    }

    pub(super) fn lease_expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::Incident(claimed) => claimed.incident().and_then(|incident| incident.lease_expires_at),
            Self::Approval(claimed) => claimed.record.due_at(),
        }
    }

    /// Returns since when there is something to notify people of.
    pub(super) fn since(&self) -> Timestamp {
        match self {
            Self::Incident(claimed) => claimed.id.opened_at,
            Self::Approval(claimed) => claimed.record.requested_at(),
        }
    }

    pub(super) fn as_incident(&self) -> Option<&ClaimedIncident> {
        match self {
            Self::Incident(claimed) => Some(claimed),
            Self::Approval(_) => None,
        }
    }

    /// Returns the latest failed remediation, if the notification says what its worker reported.
    pub(super) fn quoted_remediation(&self) -> Option<FailedRemediation> {
        let claimed = self.as_incident().filter(|claimed| claimed.kind != NotificationKind::Resolution)?;
        claimed.incident()?.last_failed_remediation
    }

    /// Returns what a message written at `now` says under the `active` policy, with the words of the worker of the latest failed
    /// remediation.
    pub(super) fn for_message<'a>(
        &'a self,
        worker_detail: Option<&'a str>,
        active: &ActivePolicy,
        now: Timestamp,
    ) -> Option<Notified<'a>> {
        match self {
            Self::Incident(claimed) => Some(Notified::Incident(NotifiedIncident {
                id: &claimed.id,
                incident: claimed.incident()?,
                counters: claimed.record.counters,
                kind: claimed.kind,
                worker_detail,
            })),
            Self::Approval(claimed) => claimed.record.for_message(claimed.kind, active, now),
        }
    }
}

impl ClaimedIncident {
    /// Returns the claim of a notification about the incident of `key`, whose lease `record` has.
    pub(super) fn new(key: &IncidentKey, kind: NotificationKind, record: IncidentStateRecord) -> Option<Self> {
        let opened_at = record.state.incident.as_ref()?.opened_at;
        Some(Self { id: IncidentId { key: key.clone(), opened_at }, kind, record })
    }

    pub(super) const fn incident(&self) -> Option<&Incident> {
        self.record.state.incident.as_ref()
    }
}
