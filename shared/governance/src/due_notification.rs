//! Notifications that are due, and the fair order in which they are sent.

use age_model::{
    Action, ActionItem, ApprovalNotificationKind, Engine, EventId, IncidentKey, NotificationKind, Timestamp, take_turns,
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
    /// An action that is pending approval, or whose approval has expired.
    Approval {
        /// The event that the action is for.
        event_id: EventId,
        /// The action.
        action: Action,
        /// The event's engine.
        engine: Engine,
        /// When the action was planned.
        planned_at: Timestamp,
        /// The kind of notification that is due.
        kind: ApprovalNotificationKind,
    },
}

impl DueNotification {
    /// Returns the notification of `kind` about the approval of `item`.
    #[must_use]
    pub const fn about_approval(item: &ActionItem, kind: ApprovalNotificationKind) -> Self {
        let ActionItem { event_id, action, engine, created_at: planned_at, .. } = item;
        Self::Approval { event_id: *event_id, action: *action, engine: *engine, planned_at: *planned_at, kind }
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
            Self::Approval { planned_at, .. } => *planned_at,
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

fn order(due: &DueNotification) -> (Timestamp, Option<&IncidentKey>, Option<(EventId, Action)>) {
    match due {
        DueNotification::Incident { key, opened_at, .. } => (*opened_at, Some(key), None),
        DueNotification::Approval { event_id, action, planned_at, .. } => {
            (*planned_at, None, Some((*event_id, *action)))
        }
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
