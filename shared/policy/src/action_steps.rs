//! The steps of an action from its dispatch to its end, and what a failed one means for its incident.

use age_model::{
    ActionItem, ActionStatus, ApprovalDecision, ApprovalNotificationKind, FailedRemediation, IncidentState, KeyId,
    NotificationFailure, Outcome, Timestamp,
};

use crate::approval_timing::ApprovalStep;
use crate::document::{ActionRules, IncidentRules, Policy};

/// The step that is due for an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionStep {
    /// The action is to be dispatched.
    Dispatch,
    /// People are to be notified of its approval.
    Notify(ApprovalNotificationKind),
    /// The action becomes this one: nobody has approved or denied it in time, of which people are to be notified.
    Expire(ActionItem),
    /// The action becomes this one, with another status.
    Advance(ActionItem),
    /// The action becomes this one, with the same status.
    Postpone(ActionItem),
}

impl Policy {
    /// Returns the step of `item`, which is due at `now`. `heard_at` is when its incident key was last heard, which matters only after
    /// its worker has reported a success.
    #[must_use]
    pub fn next_action_step(&self, item: &ActionItem, heard_at: Option<Timestamp>, now: Timestamp) -> ActionStep {
        let completed = |status| ActionItem { status, completed_at: Some(now), due_at: None, ..item.clone() };
        match item.status {
            ActionStatus::Pending => ActionStep::Dispatch,
            ActionStatus::PendingApproval | ActionStatus::Expired => match self.next_approval_step(item, now) {
                ApprovalStep::Notify(kind) => ActionStep::Notify(kind),
                // Due until people have been notified.
                ApprovalStep::Expire => {
                    ActionStep::Expire(ActionItem { due_at: Some(now), ..completed(ActionStatus::Expired) })
                }
                ApprovalStep::Wait(until) => ActionStep::Postpone(ActionItem { due_at: Some(until), ..item.clone() }),
                ApprovalStep::Nothing => ActionStep::Postpone(ActionItem { due_at: None, ..item.clone() }),
            },
            ActionStatus::Dispatched => ActionStep::Advance(completed(ActionStatus::TimedOut)),
            // A problem that was heard after the success, while the success was being reported, has not made it ineffective yet.
            ActionStatus::Succeeded => {
                let is_disproved = item.is_disproved(heard_at);
                let status = if is_disproved { ActionStatus::Ineffective } else { ActionStatus::Verified };
                ActionStep::Advance(ActionItem { status, verified_at: Some(now), due_at: None, ..item.clone() })
            }
            // Nothing is due for an action that has ended.
            _ => ActionStep::Postpone(ActionItem { due_at: None, ..item.clone() }),
        }
    }

    /// Returns `item` after people were notified of its approval at `at`.
    #[must_use]
    pub fn approval_notified(&self, item: &ActionItem, at: Timestamp) -> ActionItem {
        let notified = ActionItem { approval_notified_at: Some(at), notification_failure: None, ..item.clone() };
        ActionItem { due_at: self.approval_due_at(&notified, at), ..notified }
    }

    /// Returns `item` after its topic has refused the notification of its approval.
    #[must_use]
    pub fn approval_notification_refused(&self, item: &ActionItem, failure: NotificationFailure) -> ActionItem {
        let at = failure.at;
        let refused = ActionItem { notification_failure: Some(failure), ..item.clone() };
        ActionItem { due_at: self.approval_due_at(&refused, at), ..refused }
    }
}

impl ActionRules {
    /// Returns until when the worker has to report the outcome of an action that is dispatched at `now`.
    #[must_use]
    pub fn answer_by(&self, now: Timestamp) -> Timestamp {
        now.plus_seconds(self.answer_within_seconds)
    }

    /// Returns `item` after its worker has reported `outcome` at `now`.
    #[must_use]
    pub fn reported(&self, item: &ActionItem, outcome: Outcome, now: Timestamp) -> ActionItem {
        let (status, due_at) = match outcome {
            Outcome::Succeeded => (ActionStatus::Succeeded, Some(now.plus_seconds(self.verify_after_seconds))),
            Outcome::Failed => (ActionStatus::Failed, None),
        };
        ActionItem { status, completed_at: Some(now), due_at, ..item.clone() }
    }
}

/// Returns `item` after it was dispatched at `now`, with `answer_by` as the time until which its worker has to report the outcome.
#[must_use]
pub fn dispatched(item: &ActionItem, answer_by: Timestamp, now: Timestamp) -> ActionItem {
    ActionItem {
        status: ActionStatus::Dispatched,
        dispatched_at: Some(now),
        last_failed_at: None,
        due_at: Some(answer_by),
        ..item.clone()
    }
}

/// Returns `item` after `by` has decided on its approval at `now`.
#[must_use]
pub fn decided(item: &ActionItem, decision: ApprovalDecision, by: Option<KeyId>, now: Timestamp) -> ActionItem {
    let status = match decision {
        ApprovalDecision::Approve => ActionStatus::Pending,
        ApprovalDecision::Deny => ActionStatus::Denied,
    };
    ActionItem {
        status,
        // Due at once: the next sweep dispatches it.
        due_at: (status == ActionStatus::Pending).then_some(now),
        decided_by: by,
        decided_at: Some(now),
        notification_failure: None,
        ..item.clone()
    }
}

impl IncidentRules {
    /// Records that the remediation `item` failed at `at`, in the incident of `state`.
    pub fn record_failure(&self, state: &mut IncidentState, item: &ActionItem, at: Timestamp) {
        let ActionItem { action, event_id, status, severity, reported_by, .. } = item;
        let failed = FailedRemediation { action: *action, event_id: *event_id, status: *status, at };
        self.record_failed_remediation(state, failed, *severity);
        state.set_opener(*event_id, reported_by.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use age_model::{Action, Clock, Details, Event, EventId, ManualClock, NewEvent, PlannedAction, Severity};

    use super::*;

    fn pending() -> (Policy, ActionItem, Timestamp) {
        let clock = ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap());
        let reported = NewEvent {
            engine: "billing".parse().unwrap(),
            event_type: "sync_failed".parse().unwrap(),
            severity: Severity::High,
            details: Details::default(),
            source_time: None,
            decision_id: None,
        };
        let (id, now) = (EventId::fresh(&clock), clock.now());
        let event = Event { id, reported, occurred_at: now, reported_by: None, resolves: None };
        let planned = PlannedAction::new(Action::BillingSyncRepair, ActionStatus::Pending);
        (Policy::compiled().unwrap(), ActionItem::new(&event, planned, "abc"), now)
    }

    #[test]
    fn dispatched_action_times_out_and_a_success_is_verified_unless_its_problem_was_heard() {
        let (policy, item, now) = pending();
        assert_eq!(policy.next_action_step(&item, None, now), ActionStep::Dispatch);
        let dispatched = dispatched(&item, policy.actions.answer_by(now), now);
        let deadline = dispatched.due_at.unwrap();
        let status = |step| match step {
            ActionStep::Advance(item) => item.status,
            other => panic!("{other:?}"),
        };
        assert_eq!(status(policy.next_action_step(&dispatched, None, deadline)), ActionStatus::TimedOut);
        let succeeded = policy.actions.reported(&dispatched, Outcome::Succeeded, now.plus_seconds(60));
        let verified_at = succeeded.due_at.unwrap();
        for (heard_at, expected) in [
            (None, ActionStatus::Verified),
            (Some(now.plus_seconds(60)), ActionStatus::Verified),
            (Some(now.plus_seconds(61)), ActionStatus::Ineffective),
        ] {
            assert_eq!(status(policy.next_action_step(&succeeded, heard_at, verified_at)), expected);
        }
        let failed = policy.actions.reported(&dispatched, Outcome::Failed, now);
        assert_eq!((failed.status, failed.due_at), (ActionStatus::Failed, None));
    }

    #[test]
    fn approved_action_is_due_at_once_and_a_denied_one_never() {
        let (_, item, now) = pending();
        let approved = decided(&item, ApprovalDecision::Approve, None, now);
        assert_eq!((approved.status, approved.due_at), (ActionStatus::Pending, Some(now)));
        let denied = decided(&item, ApprovalDecision::Deny, None, now);
        assert_eq!((denied.status, denied.due_at), (ActionStatus::Denied, None));
    }
}
