//! Ineffective remediations: a remediation was ineffective if the problem occurred again after it succeeded. After several of them,
//! AGE gives up on the incident key.

use age_model::{
    ActionStatus, Event, EventId, FailedRemediation, IncidentState, KeyId, Remediation, Severity, Timestamp,
};

use crate::document::{ActionRules, Policy};

/// How many remediations one event can prove ineffective; the next event proves the others. A transaction has at most 100
/// items.
const MAX_INEFFECTIVE: usize = 25;

/// An event or a repeat of one: a sign that the problem lasts.
pub(crate) struct Sign<'a> {
    severity: Severity,
    at: Timestamp,
    /// The event, unless this is a repeat: a remediation that was planned for it cannot have succeeded before.
    event_id: Option<EventId>,
    reported_by: Option<&'a KeyId>,
}

impl<'a> Sign<'a> {
    pub(crate) const fn of_event(event: &'a Event) -> Self {
        Self { event_id: Some(event.id), ..Self::of_repeat(event, event.occurred_at) }
    }

    pub(crate) const fn of_repeat(event: &'a Event, at: Timestamp) -> Self {
        Self { severity: event.reported.severity, at, event_id: None, reported_by: event.reported_by.as_ref() }
    }
}

/// Removes the remediations that `sign` proves ineffective from `state`, and records them there. Returns them.
pub(crate) fn remove_ineffective(policy: &Policy, state: &mut IncidentState, sign: &Sign<'_>) -> Vec<Remediation> {
    let (rules, now) = (&policy.actions, sign.at);
    let proven = state.remediations.extract_if(.., |remediation| proves_ineffective(rules, remediation, sign));
    let ineffective: Vec<_> = proven.take(MAX_INEFFECTIVE).collect();
    state.ineffective.retain(|at| at.plus_seconds(rules.give_up_within_seconds) > now);
    state.ineffective.extend(ineffective.iter().map(|_| now));
    for Remediation { action, event_id, .. } in &ineffective {
        let failed_remediation =
            FailedRemediation { action: *action, event_id: *event_id, status: ActionStatus::Ineffective, at: now };
        policy.incidents.record_failed_remediation(state, failed_remediation, sign.severity);
        state.set_opener(*event_id, sign.reported_by);
    }
    ineffective
}

/// Whether AGE has given up on the incident key of `state`: too many of its recent remediations were ineffective.
pub(crate) const fn has_given_up(rules: &ActionRules, state: &IncidentState) -> bool {
    state.ineffective.len() >= rules.give_up_after
}

/// Whether `sign` proves that the remediation was ineffective: it came after the success, within the verification time.
fn proves_ineffective(rules: &ActionRules, remediation: &Remediation, sign: &Sign<'_>) -> bool {
    let verified_at = |succeeded_at: Timestamp| succeeded_at.plus_seconds(rules.verify_after_seconds);
    let is_another = sign.event_id != Some(remediation.event_id);
    is_another && remediation.succeeded_at.is_some_and(|at| at < sign.at && sign.at <= verified_at(at))
}
