//! What AGE does about an event, and how far it has come.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use crate::digest;
use crate::{Engine, Event, EventId, EventType, IncidentKey, KeyId, Severity, Timestamp};

crate::string_enum::string_enum! {
    /// Something AGE does. The six of the seed.
    Action {
        /// MAOS starts its fix workflow.
        MaosAutoFix = "MAOS_auto_fix",
        /// The Deep Agent takes a stricter policy.
        DeepAgentPolicyUpdate = "DeepAgent_policy_update",
        /// Billing repairs its synchronisation.
        BillingSyncRepair = "billing_sync_repair",
        /// Permissions go back to their last good state.
        PermissionReset = "permission_reset",
        /// A person is told.
        NotifyAdmin = "notify_admin",
        /// The weekly report is sent out.
        AutomatedGovernanceSummary = "automated_governance_summary",
    }
}

impl Action {
    /// Whether an engine's worker carries it out and says what came of it. The others are AGE's own messages to people.
    #[must_use]
    pub const fn is_remediation(self) -> bool {
        !matches!(self, Self::NotifyAdmin | Self::AutomatedGovernanceSummary)
    }
}

crate::string_enum::string_enum! {
    /// How far an action has come.
    ActionStatus {
        /// PlannedAction: nobody has been told yet.
        Pending = "pending",
        /// Not owed until a person approves it.
        PendingApproval = "pending_approval",
        /// Handed over to its topic.
        Dispatched = "dispatched",
        /// Carried out, says who carried it out. Whether it helped is not known yet.
        Succeeded = "succeeded",
        /// Not carried out, says who was to.
        Failed = "failed",
        /// Nobody said anything before the deadline.
        TimedOut = "timed_out",
        /// Carried out, and the trouble has not come again.
        Verified = "verified",
        /// Carried out, and the trouble came again.
        Ineffective = "ineffective",
        /// A person said no.
        Denied = "denied",
        /// Nobody approved it in time.
        Expired = "expired",
        /// Not done: the same was being done or told already, or has not helped before.
        Suppressed = "suppressed",
        /// Could not be handed over, however often it was tried.
        Undeliverable = "undeliverable",
    }
}

/// A move that the life of an action does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an action cannot go from {from} to {to}")]
pub struct InvalidTransition {
    /// Where it is.
    pub from: ActionStatus,
    /// Where it was to go.
    pub to: ActionStatus,
}

impl ActionStatus {
    /// The one table of moves. Every change of an action's status goes through it.
    ///
    /// # Errors
    /// [`InvalidTransition`] if an action cannot go from `self` to `next`.
    pub const fn transition_to(self, next: Self) -> Result<Self, InvalidTransition> {
        use ActionStatus::{
            Denied, Dispatched, Expired, Failed, Ineffective, Pending, PendingApproval, Succeeded, TimedOut,
            Undeliverable, Verified,
        };
        match (self, next) {
            (PendingApproval, Pending | Denied | Expired)
            // A worker may answer before its hand-over is on record.
            | (Pending, Dispatched | Succeeded | Failed | Undeliverable)
            | (Dispatched, Succeeded | Failed | TimedOut)
            | (Succeeded, Verified | Ineffective) => Ok(next),
            (from, to) => Err(InvalidTransition { from, to }),
        }
    }

    /// Whether no move leads on from here.
    #[must_use]
    pub fn is_final(self) -> bool {
        Self::ALL.iter().all(|next| self.transition_to(*next).is_err())
    }

    /// Every status that an action does not leave by being worked on: all but those of running ones.
    pub fn settled() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|status| !status.is_running())
    }

    /// Whether a remedy has come to an end that a person must know of.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::TimedOut | Self::Ineffective | Self::Undeliverable)
    }

    /// Whether the action is on its way: the same one need not be done again.
    #[must_use]
    pub const fn is_running(self) -> bool {
        matches!(self, Self::Pending | Self::PendingApproval | Self::Dispatched)
    }
}

/// An action for an event, from being owed to its end. Answers show it as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionItem {
    /// The event it is for.
    pub event_id: EventId,
    /// What.
    pub action: Action,
    /// How far.
    pub status: ActionStatus,
    /// The event's engine.
    pub engine: Engine,
    /// The event's type.
    pub event_type: EventType,
    /// The event's severity.
    pub severity: Severity,
    /// When it came to be owed.
    pub created_at: Timestamp,
    /// The policy that decided on it, SHA-256.
    pub policy_hash: String,
    /// Binds an approval to exactly this: see [`ActionItem::digest_of`].
    pub digest: String,
    /// How often somebody set out to hand it over.
    pub attempt: u32,
    /// When it was handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispatched_at: Option<Timestamp>,
    /// When its worker said what came of it, or nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// When it turned out whether it had helped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Timestamp>,
    /// When the last try at handing it over failed, if it waits for the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failed_at: Option<Timestamp>,
    /// By when something has to happen: a next try, an answer, an approval, or the check whether it helped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// Whose credential its outcome came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_by: Option<KeyId>,
    /// What its worker said besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The event whose same action was running, if that is why this one is suppressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed_by: Option<EventId>,
    /// Who approved or denied it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<KeyId>,
    /// When somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
}

impl ActionItem {
    /// A new action for `event`. A pending one is its maker's to hand over first, until `due_at`.
    #[must_use]
    pub fn new(event: &Event, planned: PlannedAction, policy_hash: &str) -> Self {
        let reported = &event.reported;
        Self {
            event_id: event.id,
            action: planned.action,
            status: planned.status,
            engine: reported.engine,
            event_type: reported.event_type.clone(),
            severity: reported.severity,
            created_at: event.occurred_at,
            policy_hash: policy_hash.to_owned(),
            digest: Self::digest_of(event, planned.action, policy_hash),
            attempt: u32::from(planned.status == ActionStatus::Pending),
            dispatched_at: None,
            completed_at: None,
            completed_by: None,
            verified_at: None,
            last_failed_at: None,
            due_at: planned.due_at,
            detail: None,
            suppressed_by: planned.suppressed_by,
            decided_by: None,
            decided_at: None,
        }
    }

    /// The kind of trouble it is for.
    #[must_use]
    pub fn incident_key(&self) -> IncidentKey {
        IncidentKey { engine: self.engine, event_type: self.event_type.clone() }
    }

    /// Whether nothing more will come of it. A message has done all it can when somebody has taken it.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.status.is_final() || (!self.action.is_remediation() && self.status == ActionStatus::Succeeded)
    }

    /// SHA-256 over all that would be done: the action, the event it is for, its details, and the policy that chose it.
    #[must_use]
    pub fn digest_of(event: &Event, action: Action, policy_hash: &str) -> String {
        let reported = &event.reported;
        let parts = [
            event.id.to_string(),
            action.to_string(),
            reported.engine.to_string(),
            reported.event_type.as_str().to_owned(),
            reported.severity.to_string(),
            reported.details.as_str().to_owned(),
            policy_hash.to_owned(),
        ];
        digest::of(parts)
    }
}

/// An action that is decided on, before its event is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedAction {
    /// What.
    pub action: Action,
    /// Where its life begins.
    pub status: ActionStatus,
    /// By when something has to happen.
    pub due_at: Option<Timestamp>,
    /// The event whose same action is running.
    pub suppressed_by: Option<EventId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moves_are_these() {
        let moves: Vec<String> = ActionStatus::ALL
            .iter()
            .flat_map(|from| ActionStatus::ALL.iter().map(move |to| (*from, *to)))
            .filter(|(from, to)| from.transition_to(*to).is_ok())
            .map(|(from, to)| format!("{from}>{to}"))
            .collect();
        assert_eq!(
            moves,
            [
                "pending>dispatched",
                "pending>succeeded",
                "pending>failed",
                "pending>undeliverable",
                "pending_approval>pending",
                "pending_approval>denied",
                "pending_approval>expired",
                "dispatched>succeeded",
                "dispatched>failed",
                "dispatched>timed_out",
                "succeeded>verified",
                "succeeded>ineffective",
            ]
        );
        let refused = ActionStatus::Dispatched.transition_to(ActionStatus::Pending).unwrap_err();
        assert_eq!(refused.to_string(), "an action cannot go from dispatched to pending");
    }

    #[test]
    fn every_life_ends() {
        let ends: Vec<_> =
            ActionStatus::ALL.iter().filter(|status| status.is_final()).map(|status| status.as_str()).collect();
        assert_eq!(
            ends,
            ["failed", "timed_out", "verified", "ineffective", "denied", "expired", "suppressed", "undeliverable"]
        );
        assert!(ActionStatus::ALL.iter().all(|status| !(status.is_final() && status.is_running())));
    }

    #[test]
    fn names_are_the_seeds() {
        let names: Vec<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
        assert_eq!(
            names,
            [
                "MAOS_auto_fix",
                "DeepAgent_policy_update",
                "billing_sync_repair",
                "permission_reset",
                "notify_admin",
                "automated_governance_summary"
            ]
        );
        let error = "notify".parse::<Action>().unwrap_err().to_string();
        assert!(error.starts_with("must be one of MAOS_auto_fix, "), "{error}");
    }
}
