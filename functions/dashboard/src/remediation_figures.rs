//! How many remediations are at each status.

use age_model::ActionStatus;

use crate::action_labels::{explain_status, status_word};

/// The statuses in the order in which pages show them.
const STATUSES: [ActionStatus; 9] = [
    ActionStatus::Verified,
    ActionStatus::Succeeded,
    ActionStatus::Ineffective,
    ActionStatus::Failed,
    ActionStatus::TimedOut,
    ActionStatus::Undeliverable,
    ActionStatus::Denied,
    ActionStatus::Expired,
    ActionStatus::Suppressed,
];

/// The number of remediations at one status.
pub(crate) struct RemediationFigure {
    pub(crate) number: u64,
    pub(crate) status: String,
    pub(crate) explanation: &'static str,
}

/// Returns the figures that are not zero: those of running remediations, and of each status that is not a running one.
pub(crate) fn remediation_figures(running: u64, settled: impl Fn(ActionStatus) -> u64) -> Vec<RemediationFigure> {
    let figure = |status: ActionStatus| RemediationFigure {
        number: settled(status),
        status: status_word(status),
        explanation: explain_status(status),
    };
    let running = RemediationFigure {
        number: running,
        status: "running".to_owned(),
        explanation: "pending, pending approval or dispatched",
    };
    let figures = STATUSES.into_iter().map(figure).chain([running]);
    figures.filter(|figure| figure.number > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_settled_status_has_a_figure() {
        let figures = remediation_figures(7, |_| 1);
        assert_eq!(figures.len(), ActionStatus::settled().count() + 1);
        assert_eq!(figures.iter().map(|figure| figure.number).sum::<u64>(), 9 + 7);
    }

    #[test]
    fn zero_has_no_figure() {
        let figures = remediation_figures(0, |status| u64::from(status == ActionStatus::TimedOut));
        let statuses: Vec<&str> = figures.iter().map(|figure| figure.status.as_str()).collect();
        assert_eq!(statuses, ["timed out"]);
    }
}
