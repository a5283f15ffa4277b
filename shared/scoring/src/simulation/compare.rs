//! Pairs of what follows twice on the same inputs: once under one policy and once under another, or in the replay and really.

use std::collections::BTreeMap;

use age_model::{Action, ActionStatus, EventId, IncidentId, IncidentStatus, Notification, Timestamp};

use crate::simulation::consequences::{ActionResult, Consequences, IncidentResult};
use crate::simulation::result::{About, Consequence};

/// An incident with its id.
pub(super) type Identified<'a> = (&'a IncidentId, &'a IncidentResult);

/// Pairs the incidents of `before` and `after`: those with the same id, and of the others those of the same key that were open at the
/// same time.
pub(super) fn paired_incidents<'a>(
    before: &'a Consequences,
    after: &'a Consequences,
) -> Vec<(Option<Identified<'a>>, Option<Identified<'a>>)> {
    let mut pairs = Vec::new();
    let mut unpaired: BTreeMap<_, Vec<Identified<'a>>> = BTreeMap::new();
    for (id, incident) in &after.incidents {
        match before.incidents.get_key_value(id) {
            Some(earlier) => pairs.push((Some(earlier), Some((id, incident)))),
            None => unpaired.entry(&id.key).or_default().push((id, incident)),
        }
    }
    for (id, incident) in before.incidents.iter().filter(|(id, _)| !after.incidents.contains_key(id)) {
        let candidates = unpaired.get_mut(&id.key);
        let found = candidates.and_then(|candidates| {
            let place = candidates.iter().position(|candidate| overlap((id, incident), *candidate))?;
            Some(candidates.remove(place))
        });
        pairs.push((Some((id, incident)), found));
    }
    pairs.extend(unpaired.into_values().flatten().map(|added| (None, Some(added))));
    let opened_at = |pair: &(Option<Identified<'a>>, Option<Identified<'a>>)| {
        pair.0.or(pair.1).map(|(id, _)| (id.opened_at, id.key.clone()))
    };
    pairs.sort_by_cached_key(opened_at);
    pairs
}

fn overlap(a: Identified<'_>, b: Identified<'_>) -> bool {
    let is_over_before =
        |one: Identified<'_>, other: Identified<'_>| one.1.resolved_at().is_some_and(|at| at < other.0.opened_at);
    !is_over_before(a, b) && !is_over_before(b, a)
}

/// Returns what an action is about.
pub(super) fn about_action((event_id, action): (EventId, Action), result: &ActionResult) -> About {
    About {
        engine: result.key.engine,
        event_type: result.key.event_type.clone(),
        at: result.created_at,
        event_id: Some(event_id),
        action: Some(action),
        incident_id: None,
        notification: None,
    }
}

/// Returns what an incident is about.
pub(super) fn about_incident((id, result): Identified<'_>) -> About {
    About {
        engine: id.key.engine,
        event_type: id.key.event_type.clone(),
        at: id.opened_at,
        event_id: result.event_id,
        action: None,
        incident_id: Some(id.to_string()),
        notification: None,
    }
}

/// Returns what became of an action.
pub(super) fn action_consequence(result: &ActionResult) -> Consequence {
    Consequence {
        status: status_of(result.status, result.is_unknown),
        at: result.created_at,
        ended_at: result.verified_at.or(result.completed_at).or(result.decided_at),
        severity: None,
        cause: None,
        events: None,
    }
}

/// Returns what became of the approval of an action, if it needed one.
pub(super) fn approval_consequence(result: &ActionResult) -> Option<Consequence> {
    if !result.needs_approval {
        return None;
    }
    let (status, ended_at) = match (result.status, result.decided_at) {
        (ActionStatus::Denied, at) => ("denied", at),
        (ActionStatus::Expired, _) => (if result.is_unknown { "unknown" } else { "expired" }, result.completed_at),
        (_, Some(at)) => ("approved", Some(at)),
        _ => ("pending_approval", None),
    };
    let at = result.created_at;
    Some(Consequence { status: status.to_owned(), at, ended_at, severity: None, cause: None, events: None })
}

/// Returns what became of an incident.
pub(super) fn incident_consequence((id, result): Identified<'_>) -> Consequence {
    Consequence {
        status: if result.is_unknown { "unknown" } else { result.status.as_str() }.to_owned(),
        at: id.opened_at,
        ended_at: result.resolved_at(),
        severity: Some(result.severity),
        cause: Some(result.cause),
        events: Some(result.events),
    }
}

/// Returns a notification that was sent at `at`.
pub(super) fn notification_consequence(at: Timestamp, events: Option<u64>, is_unknown: bool) -> Consequence {
    let status = if is_unknown { "unknown" } else { "sent" }.to_owned();
    Consequence { status, at, ended_at: None, severity: None, cause: None, events }
}

fn status_of(status: ActionStatus, is_unknown: bool) -> String {
    // What nobody was asked is unknown only once it matters: an action that runs, runs.
    let matters = is_unknown && !matches!(status, ActionStatus::Pending | ActionStatus::PendingApproval);
    if matters { "unknown" } else { status.as_str() }.to_owned()
}

/// Whether two results of an incident are the same, apart from their notifications.
pub(super) fn is_same_incident((a_id, a): Identified<'_>, (b_id, b): Identified<'_>) -> bool {
    let figures =
        |it: &IncidentResult| (it.cause, it.severity, it.status, it.events, it.failed_remediations, it.is_unknown);
    a_id == b_id && figures(a) == figures(b) && a.changes == b.changes
}

/// Whether two notifications say the same, at whatever time.
pub(super) fn is_same_notification(a: &Notification, b: &Notification) -> bool {
    (a.new_event_count, a.event_count) == (b.new_event_count, b.event_count)
}

/// Whether an incident is over.
pub(super) fn is_resolved(result: &IncidentResult) -> bool {
    result.status == IncidentStatus::Resolved
}
