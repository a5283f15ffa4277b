//! The filter of the list of actions: groups of statuses.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use age_model::ActionStatus;

/// Which actions the list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ActionFilter {
    PendingApproval,
    /// Until the outcome is verified.
    InProgress,
    Failed,
    Verified,
    NotCarriedOut,
    All,
}

impl ActionFilter {
    pub(crate) const ALL: &[Self] =
        &[Self::PendingApproval, Self::InProgress, Self::Failed, Self::Verified, Self::NotCarriedOut, Self::All];

    /// Returns the name in the URL.
    const fn as_str(self) -> &'static str {
        match self {
            Self::PendingApproval => "pending_approval",
            Self::InProgress => "in_progress",
            Self::Failed => "failed",
            Self::Verified => "verified",
            Self::NotCarriedOut => "not_carried_out",
            Self::All => "all",
        }
    }

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::PendingApproval => "Pending approval",
            Self::InProgress => "In progress",
            Self::Failed => "Failed",
            Self::Verified => "Verified",
            Self::NotCarriedOut => "Not carried out",
            Self::All => "All",
        }
    }

    /// Returns the statuses of the actions that the list has. Empty: the list has all.
    pub(crate) fn statuses(self) -> BTreeSet<ActionStatus> {
        let listed = ActionStatus::ALL.iter().copied().filter(|status| self != Self::All && self.includes(*status));
        listed.collect()
    }

    /// Whether the list has actions of `status`.
    pub(crate) const fn includes(self, status: ActionStatus) -> bool {
        match self {
            Self::PendingApproval => matches!(status, ActionStatus::PendingApproval),
            Self::InProgress => {
                matches!(status, ActionStatus::Pending | ActionStatus::Dispatched | ActionStatus::Succeeded)
            }
            Self::Failed => status.is_failure(),
            Self::Verified => matches!(status, ActionStatus::Verified),
            Self::NotCarriedOut => {
                matches!(status, ActionStatus::Denied | ActionStatus::Expired | ActionStatus::Suppressed)
            }
            Self::All => true,
        }
    }
}

impl fmt::Display for ActionFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is not the name of a filter.
pub(crate) struct InvalidActionFilter;

impl fmt::Display for InvalidActionFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = ActionFilter::ALL.iter().map(|filter| filter.as_str()).collect();
        write!(f, "must be one of {}", names.join(", "))
    }
}

impl FromStr for ActionFilter {
    type Err = InvalidActionFilter;

    fn from_str(text: &str) -> Result<Self, InvalidActionFilter> {
        Self::ALL.iter().find(|filter| filter.as_str() == text).copied().ok_or(InvalidActionFilter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_belongs_to_one_filter() {
        for status in ActionStatus::ALL {
            let filters =
                ActionFilter::ALL.iter().filter(|filter| **filter != ActionFilter::All && filter.includes(*status));
            assert_eq!(filters.count(), 1, "{status}");
        }
    }
}
