//! The timing of pending approvals, of actions and of operations: when people are notified, reminded, and told that nobody decided in
//! time.

use age_model::{
    ActionItem, ActionStatus, ApprovalNotificationKind, DecisionApprovalStatus, DecisionRecord, NotificationFailure,
    Timestamp,
};

use crate::document::Policy;

/// The last reminder comes so long before the deadline, in seconds.
const LAST_REMINDER_SECONDS: i64 = 3600;

/// The shortest time between two notifications about an approval, in seconds. A reminder that would come earlier is left out.
const MIN_REMINDER_GAP_SECONDS: i64 = 600;

/// An approval, as far as its next notification depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApprovalState<'a> {
    /// A responder has to approve or deny.
    Pending(PendingApproval<'a>),
    /// Nobody has approved or denied in time, of which people are to be notified.
    Expired,
    /// Nothing is due any more.
    Ended,
}

/// An approval that a responder has to give or deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingApproval<'a> {
    /// When the approval was requested.
    pub requested_at: Timestamp,
    /// Until when a responder can decide.
    pub deadline: Option<Timestamp>,
    /// When people were last notified.
    pub notified_at: Option<Timestamp>,
    /// Why people could not be notified, if the latest notification was refused.
    pub failure: Option<&'a NotificationFailure>,
}

/// The next step of an approval that is pending or has expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApprovalStep {
    /// People are to be notified now.
    Notify(ApprovalNotificationKind),
    /// The approval expires now.
    Expire,
    /// Nothing is due before this time.
    Wait(Timestamp),
    /// Nothing is due any more.
    Nothing,
}

impl<'a> From<&'a ActionItem> for ApprovalState<'a> {
    fn from(item: &'a ActionItem) -> Self {
        match item.status {
            ActionStatus::PendingApproval => Self::Pending(PendingApproval {
                requested_at: item.created_at,
                deadline: item.approve_by,
                notified_at: item.approval_notified_at,
                failure: item.notification_failure.as_ref(),
            }),
            ActionStatus::Expired if item.due_at.is_some() => Self::Expired,
            _ => Self::Ended,
        }
    }
}

impl<'a> From<&'a DecisionRecord> for ApprovalState<'a> {
    fn from(record: &'a DecisionRecord) -> Self {
        let DecisionRecord { decision, notifications, due_at } = record;
        let Some(approval) = &decision.approval else { return Self::Ended };
        match approval.status {
            DecisionApprovalStatus::Pending => Self::Pending(PendingApproval {
                requested_at: decision.decided_at,
                deadline: Some(approval.until),
                notified_at: notifications.last_at,
                failure: notifications.failure.as_ref(),
            }),
            DecisionApprovalStatus::Expired if due_at.is_some() => Self::Expired,
            _ => Self::Ended,
        }
    }
}

impl Policy {
    /// Returns the next step of `approval` at `now`.
    #[must_use]
    pub fn next_approval_step<'a>(&self, approval: impl Into<ApprovalState<'a>>, now: Timestamp) -> ApprovalStep {
        let pending = match approval.into() {
            ApprovalState::Pending(pending) => pending,
            ApprovalState::Expired => return ApprovalStep::Notify(ApprovalNotificationKind::Expiry),
            ApprovalState::Ended => return ApprovalStep::Nothing,
        };
        let Some(deadline) = pending.deadline.filter(|deadline| *deadline > now) else { return ApprovalStep::Expire };
        let retry_at = pending.failure.map(|failure| self.incidents.retry_at(failure));
        if let Some(retry_at) = retry_at.filter(|retry_at| *retry_at > now) {
            return ApprovalStep::Wait(retry_at.min(deadline));
        }
        let Some(last) = pending.notified_at else {
            return ApprovalStep::Notify(ApprovalNotificationKind::Request);
        };
        let mut reminders = reminders(pending.requested_at, deadline).into_iter().flatten().filter(|at| *at > last);
        match reminders.next() {
            Some(reminder) if reminder <= now => ApprovalStep::Notify(ApprovalNotificationKind::Reminder),
            Some(reminder) => ApprovalStep::Wait(reminder),
            None => ApprovalStep::Wait(deadline),
        }
    }

    /// Returns when the next step of `approval` is due, after people were notified of it or could not be; None if it is pending no more.
    #[must_use]
    pub fn approval_due_at<'a>(&self, approval: impl Into<ApprovalState<'a>>, now: Timestamp) -> Option<Timestamp> {
        let approval = approval.into();
        if !matches!(approval, ApprovalState::Pending(_)) {
            return None;
        }
        match self.next_approval_step(approval, now) {
            ApprovalStep::Wait(until) => Some(until),
            _ => Some(now),
        }
    }
}

/// Returns the times of the reminders: halfway to the deadline, and an hour before it. One that would follow the notification
/// before it too soon is left out.
fn reminders(requested_at: Timestamp, deadline: Timestamp) -> [Option<Timestamp>; 2] {
    let halfway_seconds = (deadline.seconds() - requested_at.seconds()) / 2;
    let halfway = requested_at.plus_seconds(halfway_seconds);
    let last = deadline.plus_seconds(-LAST_REMINDER_SECONDS);
    [
        (halfway_seconds >= MIN_REMINDER_GAP_SECONDS).then_some(halfway),
        (last >= halfway.plus_seconds(MIN_REMINDER_GAP_SECONDS)).then_some(last),
    ]
}

#[cfg(test)]
pub(crate) mod tests {
    use age_model::{
        Action, Clock, Details, Engine, Event, EventId, ManualClock, NewEvent, NotificationFailure, PlannedAction,
        Severity,
    };

    use super::*;

    const HOUR: i64 = 3600;

    pub(crate) fn pending_approval(approve_within: i64) -> ActionItem {
        let clock = ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap());
        let reported = NewEvent {
            engine: Engine::from_static("compliance"),
            event_type: "permission_escalated".parse().unwrap(),
            severity: Severity::High,
            details: Details::default(),
            source_time: None,
            decision_id: None,
        };
        let now = clock.now();
        let event = Event { id: EventId::fresh(&clock), reported, occurred_at: now, reported_by: None, resolves: None };
        let planned = PlannedAction {
            due_at: Some(now),
            approve_by: Some(now.plus_seconds(approve_within)),
            ..PlannedAction::new(Action::PermissionReset, ActionStatus::PendingApproval)
        };
        ActionItem::new(&event, planned, "abc")
    }

    /// Returns the second and the kind of each notification about an approval that nobody decides.
    fn notifications(approve_within: i64) -> Vec<(i64, &'static str)> {
        let (policy, mut item) = (Policy::compiled().unwrap(), pending_approval(approve_within));
        let (began, mut now, mut sent) = (item.created_at, item.created_at, Vec::new());
        loop {
            match policy.next_approval_step(&item, now) {
                ApprovalStep::Notify(kind) => {
                    sent.push((now.seconds() - began.seconds(), kind.as_str()));
                    item.approval_notified_at = Some(now);
                    if kind == ApprovalNotificationKind::Expiry {
                        item.due_at = None;
                    }
                }
                ApprovalStep::Expire => item.status = ActionStatus::Expired,
                ApprovalStep::Wait(until) => {
                    assert!(until > now);
                    now = until;
                }
                ApprovalStep::Nothing => return sent,
            }
        }
    }

    #[test]
    fn undecided_approval_is_reminded_halfway_and_an_hour_before_its_deadline() {
        let expected = [(0, "request"), (12 * HOUR, "reminder"), (23 * HOUR, "reminder"), (24 * HOUR, "expiry")];
        assert_eq!(notifications(24 * HOUR), expected);
    }

    #[test]
    fn reminder_that_would_come_too_soon_is_left_out() {
        assert_eq!(notifications(2 * HOUR), [(0, "request"), (HOUR, "reminder"), (2 * HOUR, "expiry")]);
        assert_eq!(notifications(900), [(0, "request"), (900, "expiry")]);
    }

    #[test]
    fn reminders_that_were_due_during_an_outage_are_one() {
        let (policy, mut item) = (Policy::compiled().unwrap(), pending_approval(24 * HOUR));
        item.approval_notified_at = Some(item.created_at);
        let late = item.created_at.plus_seconds(23 * HOUR + 60);
        assert_eq!(policy.next_approval_step(&item, late), ApprovalStep::Notify(ApprovalNotificationKind::Reminder));
        item.approval_notified_at = Some(late);
        assert_eq!(policy.next_approval_step(&item, late), ApprovalStep::Wait(item.approve_by.unwrap()));
    }

    #[test]
    fn refused_notification_is_retried_with_the_interval_of_reminders() {
        let (policy, mut item) = (Policy::compiled().unwrap(), pending_approval(24 * HOUR));
        let now = item.created_at;
        item.notification_failure = Some(NotificationFailure::new(now, false, "too long"));
        assert_eq!(policy.next_approval_step(&item, now), ApprovalStep::Wait(now.plus_seconds(4 * HOUR)));
        assert_eq!(
            policy.next_approval_step(&item, now.plus_seconds(4 * HOUR)),
            ApprovalStep::Notify(ApprovalNotificationKind::Request)
        );
        item.status = ActionStatus::Pending;
        assert_eq!(policy.next_approval_step(&item, now.plus_seconds(4 * HOUR)), ApprovalStep::Nothing);
    }
}
