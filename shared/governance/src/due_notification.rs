//! Notifications that are due, and the fair order in which they are sent.

use age_model::{
    Action, ActionItem, ApprovalNotificationKind, Decision, DecisionId, Engine, EventId, IncidentKey, NotificationKind,
    Timestamp, take_turns,
};

/// Something of which people are to be notified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DueNotification {
    /// An incident.
    Incident {
        /// The incident's key.
        key: IncidentKey,
        /// When the incident was opened.
        opened_at: Timestamp,
        /// The kind of notification that is due.
        kind: NotificationKind,
    },
    /// An approval that is pending or has expired.
    Approval {
        /// What a responder has to approve or deny.
        of: ApprovalId,
        /// The engine that it is about.
        engine: Engine,
        /// When the approval was requested.
        requested_at: Timestamp,
        /// The kind of notification that is due.
        kind: ApprovalNotificationKind,
    },
}

/// What an approval is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ApprovalId {
    /// An action for an event.
    Action(EventId, Action),
    /// The operation of a decision.
    Operation(DecisionId),
}

impl DueNotification {
    /// Returns the notification of `kind` about the approval of `item`.
    #[must_use]
    pub const fn about_action(item: &ActionItem, kind: ApprovalNotificationKind) -> Self {
        let ActionItem { event_id, action, engine, created_at, .. } = item;
        Self::Approval { of: ApprovalId::Action(*event_id, *action), engine: *engine, requested_at: *created_at, kind }
    }

    /// Returns the notification of `kind` about the approval of the operation of `decision`.
    #[must_use]
    pub const fn about_operation(decision: &Decision, kind: ApprovalNotificationKind) -> Self {
        let Decision { id, engine, decided_at, .. } = decision;
        Self::Approval { of: ApprovalId::Operation(*id), engine: *engine, requested_at: *decided_at, kind }
    }

    /// Returns the engine that the notification is about.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        match self {
            Self::Incident { key, .. } => key.engine,
            Self::Approval { engine, .. } => *engine,
        }
    }

    /// Returns since when there is something to notify people of.
    #[must_use]
    pub const fn since(&self) -> Timestamp {
        match self {
            Self::Incident { opened_at, .. } => *opened_at,
            Self::Approval { requested_at, .. } => *requested_at,
        }
    }

    /// Whether nobody has been notified of it yet.
    #[must_use]
    pub const fn is_initial(&self) -> bool {
        match self {
            Self::Incident { kind, .. } => matches!(kind, NotificationKind::Initial),
            Self::Approval { kind, .. } => matches!(kind, ApprovalNotificationKind::Request),
        }
    }
}

/// Returns `due` in the order in which people are notified: initial notifications first. Among those, and among the others, each
/// engine has its turn, the oldest of it first. So no number of notifications about one engine delays those about another.
pub(crate) fn in_fair_order(mut due: Vec<DueNotification>) -> Vec<DueNotification> {
    due.sort_by(|a, b| order(a).cmp(&order(b)));
    let (initial, others): (Vec<_>, Vec<_>) = due.into_iter().partition(DueNotification::is_initial);
    [initial, others].map(|due| take_turns(due, DueNotification::engine)).into_iter().flatten().collect()
}

fn order(due: &DueNotification) -> (Timestamp, Option<&IncidentKey>, Option<ApprovalId>) {
    match due {
        DueNotification::Incident { key, opened_at, .. } => (*opened_at, Some(key), None),
        DueNotification::Approval { of, requested_at, .. } => (*requested_at, None, Some(*of)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(engine: Engine, minute: i64, kind: NotificationKind) -> DueNotification {
        let key = IncidentKey { engine, event_type: format!("type_{minute}").parse().unwrap() };
        DueNotification::Incident { key, opened_at: Timestamp::from_millis(minute * 60_000), kind }
    }

    #[test]
    fn initial_notifications_come_first_and_engines_take_turns() {
        let mut all: Vec<_> =
            (0..1000).map(|minute| due(Engine::from_static("billing"), minute, NotificationKind::Digest)).collect();
        all.extend((1000..3000).map(|minute| due(Engine::from_static("billing"), minute, NotificationKind::Initial)));
        all.push(due(Engine::from_static("qa"), 5000, NotificationKind::Initial));
        all.push(due(Engine::from_static("qa"), 4000, NotificationKind::Reminder));
        let ordered = in_fair_order(all.clone());
        assert_eq!(ordered.len(), all.len());
        let place = |one: &DueNotification| ordered.iter().position(|other| other == one).unwrap();
        assert_eq!(place(&due(Engine::from_static("qa"), 5000, NotificationKind::Initial)), 1);
        assert_eq!(place(&due(Engine::from_static("billing"), 1000, NotificationKind::Initial)), 0);
        assert_eq!(place(&due(Engine::from_static("billing"), 2999, NotificationKind::Initial)), 2000);
        assert_eq!(place(&due(Engine::from_static("qa"), 4000, NotificationKind::Reminder)), 2002);
    }
}
