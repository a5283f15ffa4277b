//! The steps of a decision while its approval is pending, until people were notified of its end.

use age_model::{
    ApprovalNotificationKind, ApprovalNotifications, DecisionApproval, DecisionApprovalStatus, DecisionRecord,
    NotificationFailure, Timestamp,
};

use crate::approval_timing::ApprovalStep;
use crate::document::Policy;

/// The step that is due for a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecisionStep {
    /// People are to be notified of its approval.
    Notify(ApprovalNotificationKind),
    /// The decision becomes this one: nobody has approved or denied the operation in time, of which people are to be notified.
    Expire(DecisionRecord),
    /// The decision becomes this one, with the same status of its approval.
    Postpone(DecisionRecord),
}

impl Policy {
    /// Returns the step of `record`, which is due at `now`.
    #[must_use]
    pub fn next_decision_step(&self, record: &DecisionRecord, now: Timestamp) -> DecisionStep {
        match self.next_approval_step(record, now) {
            ApprovalStep::Notify(kind) => DecisionStep::Notify(kind),
            // Due until people have been notified.
            ApprovalStep::Expire => {
                let mut expired = DecisionRecord { due_at: Some(now), ..record.clone() };
                if let Some(DecisionApproval { status, .. }) = &mut expired.decision.approval {
                    *status = DecisionApprovalStatus::Expired;
                }
                DecisionStep::Expire(expired)
            }
            ApprovalStep::Wait(until) => {
                DecisionStep::Postpone(DecisionRecord { due_at: Some(until), ..record.clone() })
            }
            ApprovalStep::Nothing => DecisionStep::Postpone(DecisionRecord { due_at: None, ..record.clone() }),
        }
    }

    /// Returns `record` after people were notified of its approval at `at`.
    #[must_use]
    pub fn decision_notified(&self, record: &DecisionRecord, at: Timestamp) -> DecisionRecord {
        let count = record.notifications.count.saturating_add(1);
        let notifications = ApprovalNotifications { count, last_at: Some(at), failure: None };
        self.with_next_due(DecisionRecord { notifications, ..record.clone() }, at)
    }

    /// Returns `record` after its topic has refused the notification of its approval.
    #[must_use]
    pub fn decision_notification_refused(
        &self,
        record: &DecisionRecord,
        failure: NotificationFailure,
    ) -> DecisionRecord {
        let at = failure.at;
        let notifications = ApprovalNotifications { failure: Some(failure), ..record.notifications.clone() };
        self.with_next_due(DecisionRecord { notifications, ..record.clone() }, at)
    }

    fn with_next_due(&self, record: DecisionRecord, now: Timestamp) -> DecisionRecord {
        DecisionRecord { due_at: self.approval_due_at(&record, now), ..record }
    }
}

#[cfg(test)]
mod tests {
    use age_model::{ActionItem, ActionStatus, Decision, DecisionRequest, Engine, PolicyHash, Verdict};
    use proptest::prelude::*;

    use super::*;
    use crate::action_steps::ActionStep;
    use crate::approval_timing::tests::pending_approval;

    const DAY: i64 = 86_400;

    fn pending_operation(at: Timestamp, approve_within: i64) -> DecisionRecord {
        let until = at.plus_seconds(approve_within);
        DecisionRecord::new(Decision {
            id: "01936f2e-0000-7000-8000-00000000000a".parse().unwrap(),
            decided_at: at,
            engine: Engine::from_static("billing"),
            asked_by: "billing-engine".parse().unwrap(),
            request: DecisionRequest {
                subject_type: "engine".to_owned(),
                subject_id: "billing".to_owned(),
                action: "refund".to_owned(),
                resource_type: "invoice".to_owned(),
                resource_id: "4711".to_owned(),
                digest: "d".to_owned(),
                request_id: None,
                position: 0,
                payload: None,
            },
            verdict: Verdict::NeedsApproval,
            reasons: Vec::new(),
            policy_hash: PolicyHash::from_bytes([7; 32]),
            posture: None,
            expires_at: until,
            approval: Some(DecisionApproval::pending("d".to_owned(), until)),
            approved_by_decision: None,
            event_expected_by: None,
            event_status: None,
            followed_by: None,
            shadow: None,
        })
    }

    fn status(record: &DecisionRecord) -> DecisionApprovalStatus {
        record.decision.approval.as_ref().unwrap().status
    }

    #[test]
    fn decision_that_needs_no_approval_is_never_due() {
        let at = "2026-11-23T00:00:00Z".parse().unwrap();
        let mut decision = pending_operation(at, DAY).decision;
        decision.approval = None;
        assert_eq!(DecisionRecord::new(decision).due_at, None);
    }

    #[test]
    fn approved_or_denied_operation_is_due_no_more() {
        let policy = Policy::compiled().unwrap();
        let at = "2026-11-23T00:00:00Z".parse().unwrap();
        for ended in [DecisionApprovalStatus::Approved, DecisionApprovalStatus::Denied, DecisionApprovalStatus::Used] {
            let mut record = pending_operation(at, DAY);
            record.decision.approval.as_mut().unwrap().status = ended;
            let DecisionStep::Postpone(next) = policy.next_decision_step(&record, at.plus_days(1)) else {
                panic!("{ended}");
            };
            assert_eq!((next.due_at, status(&next)), (None, ended));
        }
    }

    /// The next state of an action and of an operation, if the topic takes their notifications or refuses them, and the kind of the
    /// notification that was due.
    fn next_action(
        policy: &Policy,
        item: &ActionItem,
        refused: bool,
        now: Timestamp,
    ) -> (ActionItem, Option<&'static str>) {
        match policy.next_action_step(item, None, now) {
            ActionStep::Notify(kind) if refused => {
                let failure = NotificationFailure::new(now, false, "refused");
                (policy.approval_notification_refused(item, failure), Some(kind.as_str()))
            }
            ActionStep::Notify(kind) => (policy.approval_notified(item, now), Some(kind.as_str())),
            ActionStep::Expire(new) | ActionStep::Advance(new) | ActionStep::Postpone(new) => (new, None),
            ActionStep::Dispatch => panic!("nobody has approved {item:?}"),
        }
    }

    fn next_operation(
        policy: &Policy,
        record: &DecisionRecord,
        refused: bool,
        now: Timestamp,
    ) -> (DecisionRecord, Option<&'static str>) {
        match policy.next_decision_step(record, now) {
            DecisionStep::Notify(kind) if refused => {
                let failure = NotificationFailure::new(now, false, "refused");
                (policy.decision_notification_refused(record, failure), Some(kind.as_str()))
            }
            DecisionStep::Notify(kind) => (policy.decision_notified(record, now), Some(kind.as_str())),
            DecisionStep::Expire(new) | DecisionStep::Postpone(new) => (new, None),
        }
    }

    proptest! {
        /// Whenever sweeps come and whatever the topic refuses.
        #[test]
        fn operation_and_action_with_the_same_history_are_notified_alike_until_nothing_is_due(
            approve_within in 300..2 * DAY,
            sweeps in prop::collection::vec((30..12_000_i64, prop::bool::weighted(0.2)), 1..40),
        ) {
            let policy = Policy::compiled().unwrap();
            let mut item = pending_approval(approve_within);
            let began = item.created_at;
            let mut record = pending_operation(began, approve_within);
            let (mut now, mut sent) = (began, 0);
            // The last sweeps come after the deadline, and the topic takes what they send.
            let last = [(3 * DAY, false), (60, false), (60, false)];
            for (seconds, refused) in sweeps.into_iter().chain(last) {
                now = now.plus_seconds(seconds);
                while record.due_at.is_some_and(|due_at| due_at <= now) {
                    let (next_item, kind) = next_action(&policy, &item, refused, now);
                    let (next_record, same_kind) = next_operation(&policy, &record, refused, now);
                    prop_assert_eq!((next_item.due_at, kind), (next_record.due_at, same_kind));
                    sent += u32::from(kind.is_some() && !refused);
                    (item, record) = (next_item, next_record);
                }
                prop_assert_eq!(item.due_at, record.due_at);
                prop_assert_eq!(item.status == ActionStatus::Expired, status(&record) == DecisionApprovalStatus::Expired);
            }
            prop_assert_eq!((record.due_at, status(&record)), (None, DecisionApprovalStatus::Expired));
            prop_assert_eq!(record.notifications.count, sent);
            prop_assert!(sent <= 4);
        }
    }
}
