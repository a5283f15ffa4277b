//! Actions: what AGE does about an event, and the transitions of their status.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use crate::content_hash;
use crate::credential::KeyId;
use crate::engine::Engine;
use crate::event::{Event, EventType};
use crate::id::EventId;
use crate::incident_key::IncidentKey;
use crate::notification_failure::NotificationFailure;
use crate::severity::Severity;
use crate::time::Timestamp;

crate::string_enum::open_string_enum! {
    /// An action that AGE can take about an event. The six names are those of the original sketch.
    Action {
        /// MAOS starts its fix workflow.
        MaosAutoFix = "MAOS_auto_fix",
        /// Deep Agent applies a stricter policy.
        DeepAgentPolicyUpdate = "DeepAgent_policy_update",
        /// Billing repairs its synchronization.
        BillingSyncRepair = "billing_sync_repair",
        /// Permissions are reset to their last good state.
        PermissionReset = "permission_reset",
        /// People are notified of an incident.
        NotifyAdmin = "notify_admin",
        /// The weekly report is sent to its subscribers.
        AutomatedGovernanceSummary = "automated_governance_summary",
    }
}

impl Action {
    /// Whether the action is a remediation: an engine's worker carries it out and reports the outcome. The other actions are
    /// messages from AGE to people. An action that this version does not know counts as a remediation, and nothing is done with it.
    #[must_use]
    pub const fn is_remediation(self) -> bool {
        !matches!(self, Self::NotifyAdmin | Self::AutomatedGovernanceSummary)
    }

    /// Returns what the action does, as a sentence for the person who approves it.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::MaosAutoFix => "MAOS starts its fix workflow for this problem.",
            Self::DeepAgentPolicyUpdate => "The Deep Agent applies a stricter policy.",
            Self::BillingSyncRepair => "Billing repairs its synchronisation.",
            Self::PermissionReset => "Permissions are reset to their last good state.",
            Self::NotifyAdmin => "AGE notifies people with the e-mails of the incident.",
            Self::AutomatedGovernanceSummary => "AGE sends the weekly report.",
            Self::Unknown(_) => "This version of AGE does not know the action.",
        }
    }
}

crate::string_enum::open_string_enum! {
    /// The status of an action.
    ActionStatus {
        /// Planned, and not dispatched yet.
        Pending = "pending",
        /// Waits for a responder's approval, and becomes pending with it.
        PendingApproval = "pending_approval",
        /// Published to its topic. A `notify_admin`: people were notified.
        Dispatched = "dispatched",
        /// The worker reported success, which is not verified yet. A `notify_admin`: somebody acknowledged the incident.
        Succeeded = "succeeded",
        /// The worker reported a failure.
        Failed = "failed",
        /// No outcome was reported before the deadline.
        TimedOut = "timed_out",
        /// Succeeded, and no event of the same incident key followed within the verification time.
        Verified = "verified",
        /// Succeeded, but an event of the same incident key followed within the verification time.
        Ineffective = "ineffective",
        /// A responder denied its approval.
        Denied = "denied",
        /// No responder approved it in time.
        Expired = "expired",
        /// Not started: the same action was running, people were notified already, or remediations of the incident key were
        /// ineffective too often.
        Suppressed = "suppressed",
        /// Every attempt to dispatch it failed.
        Undeliverable = "undeliverable",
    }
}

/// A status transition that actions do not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an action cannot go from {from} to {to}")]
pub struct InvalidTransition {
    /// The current status.
    pub from: ActionStatus,
    /// The requested status.
    pub to: ActionStatus,
}

impl ActionStatus {
    /// Returns `next` if an action may change from `self` to it. Every change of an action's status goes through this table.
    ///
    /// # Errors
    /// [`InvalidTransition`] if the table does not have the transition.
    pub const fn transition_to(self, next: Self) -> Result<Self, InvalidTransition> {
        use ActionStatus::{
            Denied, Dispatched, Expired, Failed, Ineffective, Pending, PendingApproval, Succeeded, TimedOut,
            Undeliverable, Verified,
        };
        match (self, next) {
            (PendingApproval, Pending | Denied | Expired)
            // A worker may report its outcome before the dispatch is recorded.
            | (Pending, Dispatched | Succeeded | Failed | Undeliverable)
            | (Dispatched, Succeeded | Failed | TimedOut)
            | (Succeeded, Verified | Ineffective) => Ok(next),
            (from, to) => Err(InvalidTransition { from, to }),
        }
    }

    /// Returns the meaning of the status, for a sentence such as `billing_sync_repair: …` in a message or report. The text claims no
    /// more than AGE knows: a dispatched action may not have been carried out, a successful one may not have solved the problem.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Pending => "pending, not dispatched yet",
            Self::PendingApproval => "pending approval",
            Self::Dispatched => "dispatched, no outcome yet",
            Self::Succeeded => "succeeded according to its worker, not verified yet",
            Self::Failed => "failed according to its worker",
            Self::TimedOut => "timed out, its worker reported no outcome",
            Self::Verified => "succeeded and verified",
            Self::Ineffective => "ineffective, the problem occurred again",
            Self::Denied => "denied",
            Self::Expired => "expired, nobody approved it in time",
            Self::Suppressed => "suppressed, the same action is in progress or was ineffective",
            Self::Undeliverable => "undeliverable, every dispatch failed",
            Self::Unknown(word) => word.as_str(),
        }
    }

    /// Whether no transition leads out of this status. A status that this version does not know is not final.
    #[must_use]
    pub fn is_final(self) -> bool {
        self.is_known() && Self::ALL.iter().all(|next| self.transition_to(*next).is_err())
    }

    /// Returns every status that is not [running](Self::is_running).
    pub fn settled() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|status| !status.is_running())
    }

    /// Whether a remediation with this status has failed, so that people must be notified.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::TimedOut | Self::Ineffective | Self::Undeliverable)
    }

    /// Whether the action is in progress: pending, pending approval or dispatched.
    #[must_use]
    pub const fn is_running(self) -> bool {
        matches!(self, Self::Pending | Self::PendingApproval | Self::Dispatched)
    }
}

/// An action of one event, from planning to its end. API responses show it as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionItem {
    /// The event that the action is for.
    pub event_id: EventId,
    /// The action to carry out.
    pub action: Action,
    /// The current status.
    pub status: ActionStatus,
    /// The event's engine.
    pub engine: Engine,
    /// The event's type.
    pub event_type: EventType,
    /// The event's severity.
    pub severity: Severity,
    /// The credential that reported the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_by: Option<KeyId>,
    /// When the action was planned: when AGE accepted its event.
    pub created_at: Timestamp,
    /// SHA-256 of the policy that planned the action, hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub policy_hash: String,
    /// SHA-256 of the action, its event and its policy, hexadecimal. An approval repeats it, and so covers nothing else.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub digest: String,
    /// How many attempts to dispatch the action were begun.
    pub attempt: u32,
    /// When the action was dispatched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispatched_at: Option<Timestamp>,
    /// When the outcome was reported, or the action timed out, expired or became undeliverable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// When the action became verified or ineffective.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Timestamp>,
    /// When the latest attempt to dispatch the action failed, while it waits for the next attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failed_at: Option<Timestamp>,
    /// When the next step is due: an attempt to dispatch, a notification about a pending approval, or the end of the time for
    /// approval, outcome or verification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// The credential that reported the outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_by: Option<KeyId>,
    /// The worker's note on the outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The event whose same action was running, if this action is suppressed because of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed_by: Option<EventId>,
    /// Until when a responder can approve or deny the action, if it requires an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approve_by: Option<Timestamp>,
    /// When people were last notified that the action is pending approval, or that its approval has expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_notified_at: Option<Timestamp>,
    /// Why people could not be notified of the pending approval, if the latest notification was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_failure: Option<NotificationFailure>,
    /// The credential that approved or denied the action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<KeyId>,
    /// When the action was approved or denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
}

impl ActionItem {
    /// Creates the `planned` action of `event`. A pending action begins with its first attempt: its creator has until
    /// `due_at` to dispatch it, or to notify people that it is pending approval.
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
            reported_by: event.reported_by.clone(),
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
            approve_by: planned.approve_by,
            approval_notified_at: None,
            notification_failure: None,
            decided_by: None,
            decided_at: None,
        }
    }

    /// Returns the incident key of the action's event.
    #[must_use]
    pub fn incident_key(&self) -> IncidentKey {
        IncidentKey { engine: self.engine, event_type: self.event_type.clone() }
    }

    /// Whether the status is the last one. A message to people ends with success: only remediations are verified.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.status.is_final() || (!self.action.is_remediation() && self.status == ActionStatus::Succeeded)
    }

    /// Whether the problem of a succeeded action was heard again, last at `heard_at`, within the time of its verification.
    #[must_use]
    pub fn is_disproved(&self, heard_at: Option<Timestamp>) -> bool {
        heard_at > self.completed_at && heard_at <= self.due_at
    }

    /// Returns the SHA-256, hexadecimal, of everything that an approval covers: the action, its event with details, and the
    /// policy that chose it.
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
        content_hash::of(parts)
    }
}

/// An action planned for an event that is not stored yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedAction {
    /// The action to carry out.
    pub action: Action,
    /// The first status: pending, pending approval or suppressed.
    pub status: ActionStatus,
    /// When the next step is due.
    pub due_at: Option<Timestamp>,
    /// Until when a responder can approve or deny the action, if it requires an approval.
    pub approve_by: Option<Timestamp>,
    /// The event whose same action is running, if this action is suppressed because of it.
    pub suppressed_by: Option<EventId>,
}

impl PlannedAction {
    /// Creates an action for which nothing is due.
    #[must_use]
    pub const fn new(action: Action, status: ActionStatus) -> Self {
        Self { action, status, due_at: None, approve_by: None, suppressed_by: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_has_exactly_these_transitions() {
        let transitions: Vec<String> = ActionStatus::ALL
            .iter()
            .flat_map(|from| ActionStatus::ALL.iter().map(move |to| (*from, *to)))
            .filter(|(from, to)| from.transition_to(*to).is_ok())
            .map(|(from, to)| format!("{from}>{to}"))
            .collect();
        assert_eq!(
            transitions,
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
    fn final_statuses_are_these_and_none_is_running() {
        let final_statuses: Vec<_> =
            ActionStatus::ALL.iter().filter(|status| status.is_final()).map(|status| status.as_str()).collect();
        assert_eq!(
            final_statuses,
            ["failed", "timed_out", "verified", "ineffective", "denied", "expired", "suppressed", "undeliverable"]
        );
        assert!(ActionStatus::ALL.iter().all(|status| !(status.is_final() && status.is_running())));
    }

    #[test]
    fn unknown_status_is_neither_final_nor_running_and_has_no_transitions() {
        let unknown = ActionStatus::stored("cancelled");
        assert!(!unknown.is_final() && !unknown.is_running() && !unknown.is_failure());
        assert!(ActionStatus::ALL.iter().all(|next| unknown.transition_to(*next).is_err()));
        assert!(ActionStatus::ALL.iter().all(|from| from.transition_to(unknown).is_err()));
        assert_eq!(unknown.description(), "cancelled");
    }

    #[test]
    fn action_names_are_those_of_the_original_sketch() {
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
