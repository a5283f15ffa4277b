//! Ineffective remediations: a remediation was ineffective if the problem occurred again after it succeeded. After several of them,
//! AGE gives up on the incident key.

use age_model::{ActionStatus, Event, FailedRemediation, IncidentState, Remediation, Timestamp};

use crate::document::{ActionRules, Policy};

/// How many remediations one event can prove ineffective; the next event proves the others. A transaction has at most 100
/// items.
const MAX_INEFFECTIVE: usize = 25;

/// Removes the remediations that `event` proves ineffective from `state`, and records them there. Returns them.
pub(crate) fn remove_ineffective(policy: &Policy, state: &mut IncidentState, event: &Event) -> Vec<Remediation> {
    let (rules, now) = (&policy.actions, event.occurred_at);
    let proven = state.remediations.extract_if(.., |remediation| proves_ineffective(rules, remediation, event));
    let ineffective: Vec<_> = proven.take(MAX_INEFFECTIVE).collect();
    state.ineffective.retain(|at| at.plus_seconds(rules.give_up_within_seconds) > now);
    state.ineffective.extend(ineffective.iter().map(|_| now));
    for Remediation { action, event_id, .. } in &ineffective {
        let failed_remediation =
            FailedRemediation { action: *action, event_id: *event_id, status: ActionStatus::Ineffective, at: now };
        policy.incidents.record_failed_remediation(state, failed_remediation, event.reported.severity);
    }
    ineffective
}

/// Whether AGE has given up on the incident key of `state`: too many of its recent remediations were ineffective.
pub(crate) const fn has_given_up(rules: &ActionRules, state: &IncidentState) -> bool {
    state.ineffective.len() >= rules.give_up_after
}

/// Whether `event` proves that the remediation was ineffective: it came after the success, within the verification time.
fn proves_ineffective(rules: &ActionRules, remediation: &Remediation, event: &Event) -> bool {
    let verified_at = |succeeded_at: Timestamp| succeeded_at.plus_seconds(rules.verify_after_seconds);
    // A repeat of the remediation's own event proves nothing.
    let is_another = remediation.event_id != event.id;
    is_another
        && remediation.succeeded_at.is_some_and(|at| at < event.occurred_at && event.occurred_at <= verified_at(at))
}
