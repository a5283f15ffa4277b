//! What AGE does about an event, and how far it has come.

use serde::Serialize;
use thiserror::Error;

crate::names::named! {
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

crate::names::named! {
    /// How far an action has come.
    ActionStatus {
        /// Owed: nobody has been told yet.
        Pending = "pending",
        /// Not owed until a person approves it.
        AwaitingApproval = "awaiting_approval",
        /// Handed over to its topic.
        Dispatched = "dispatched",
    }
}

/// A move that the life of an action does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an action cannot go from {from} to {to}")]
pub struct IllegalMove {
    /// Where it is.
    pub from: ActionStatus,
    /// Where it was to go.
    pub to: ActionStatus,
}

impl ActionStatus {
    /// The one table of moves. Every change of an action's status goes through it.
    ///
    /// # Errors
    /// [`IllegalMove`] if an action cannot go from `self` to `next`.
    pub const fn to(self, next: Self) -> Result<Self, IllegalMove> {
        match (self, next) {
            (Self::Pending, Self::Dispatched) => Ok(next),
            (from, to) => Err(IllegalMove { from, to }),
        }
    }
}

/// An action and its status, as answers show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ActionRecord {
    /// What.
    pub action: Action,
    /// How far.
    pub status: ActionStatus,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_pending_action_is_dispatched() {
        for from in ActionStatus::ALL {
            for to in ActionStatus::ALL {
                let legal = (*from, *to) == (ActionStatus::Pending, ActionStatus::Dispatched);
                assert_eq!(from.to(*to).is_ok(), legal, "{from} to {to}");
            }
        }
        let refused = ActionStatus::Dispatched.to(ActionStatus::Pending).unwrap_err();
        assert_eq!(refused.to_string(), "an action cannot go from dispatched to pending");
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
