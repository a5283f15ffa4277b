//! Reporting the outcome of an action, as its worker does.

use age_model::{ActionItem, ActionStatus, Clock, InvalidTransition, KeyId, Note, Outcome, StoreError};
use age_policy::ActivePolicy;

use crate::action_lifecycle::ActionLifecycle;
use crate::notify_people::Notifier;

/// What a worker reports about an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeReport {
    /// Whether the action was carried out.
    pub outcome: Outcome,
    /// What the worker adds.
    pub detail: Option<Note>,
    /// The credential that the outcome was reported with.
    pub by: KeyId,
}

/// Records the outcome of `item`, a remediation, and notifies people at once if it has failed. A repeat of the same outcome returns
/// the action as it is. `origin` is the address of the API for links, if the notifier has none.
///
/// # Errors
/// [`StoreError::InvalidTransition`] if the action has ended otherwise; another [`StoreError`] if it was not stored.
pub async fn report_outcome(
    lifecycle: &ActionLifecycle,
    active: &ActivePolicy,
    notifier: &Notifier,
    item: ActionItem,
    report: OutcomeReport,
    origin: Option<&str>,
    clock: &dyn Clock,
) -> Result<ActionItem, StoreError> {
    let to = match report.outcome {
        Outcome::Succeeded => ActionStatus::Succeeded,
        Outcome::Failed => ActionStatus::Failed,
    };
    if is_repeat(&item, to) {
        return Ok(item);
    }
    let now = clock.now();
    let detail: Option<String> = report.detail.map(String::from);
    let (event_id, action, key) = (item.event_id, item.action, item.incident_key());
    let reported = lifecycle.transition(item, to, active, clock, |item| ActionItem {
        completed_by: Some(report.by.clone()),
        detail: detail.clone(),
        ..active.policy.actions.reported(item, report.outcome, now)
    });
    match reported.await {
        // The same outcome was reported twice at the same time.
        Err(StoreError::InvalidTransition(error @ InvalidTransition { from, to })) if from == to => {
            lifecycle.actions().get(event_id, action).await?.ok_or(StoreError::InvalidTransition(error))
        }
        reported => {
            let item = reported?;
            if item.status.is_failure() {
                notifier.notify_at_once(&key, origin, clock).await;
            }
            Ok(item)
        }
    }
}

/// Whether `to` was reported before, even if the action has moved on since.
fn is_repeat(item: &ActionItem, to: ActionStatus) -> bool {
    use ActionStatus::{Ineffective, Succeeded, Verified};
    item.status == to || (to == Succeeded && matches!(item.status, Verified | Ineffective))
}
