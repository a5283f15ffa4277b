//! The self-check: whatever the replay under the active policy does not reproduce is counted and listed by reason.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{Action, ActionStatus, EventId, IncidentKey, Timestamp};

use crate::simulation::compare::{
    Identified, about_action, about_incident, action_consequence, incident_consequence, is_resolved,
    is_same_notification, notification_consequence, paired_incidents,
};
use crate::simulation::consequences::{ActionResult, Consequences, IncidentResult, NotificationKey};
use crate::simulation::history::{History, RecordedAction, RecordedEvent};
use crate::simulation::listed::{FirstOf, MAX_BYTES};
use crate::simulation::result::{
    About, Consequence, ConsequenceKind, ReasonCount, SelfCheck, SelfCheckItem, UnreproducedReason,
};
use UnreproducedReason::{
    Dispatch, EarlierState, LeftOut, NotificationTiming, OtherPolicy, Repeats, SameMillisecond, SweepTiming,
    Unexplained,
};

/// Compares the replay under the active policy, whose hash is `active_hash`, with what really followed.
pub(super) fn self_check(
    active_hash: &str,
    history: &History,
    replayed: &Consequences,
    real: &Consequences,
) -> SelfCheck {
    let mut check = Check::new(active_hash, history);
    check.compare_actions(replayed, real);
    check.compare_incidents(replayed, real);
    check.finish()
}

struct Check<'a> {
    history: &'a History,
    /// The actions that another policy planned.
    of_other_policy: BTreeSet<(EventId, Action)>,
    /// The incident keys about which something began before the period.
    earlier: BTreeSet<IncidentKey>,
    /// The incident keys whose events were accepted in the same millisecond.
    together: BTreeSet<IncidentKey>,
    /// The first reason for which something about a key is not reproduced: what follows from it has the same reason.
    reasons: BTreeMap<IncidentKey, UnreproducedReason>,
    reproduced: u64,
    counts: BTreeMap<UnreproducedReason, u64>,
    items: FirstOf<(UnreproducedReason, Timestamp), SelfCheckItem>,
    /// The differences without a reason of their own, until the reasons of its key are known.
    unexplained: Vec<(IncidentKey, SelfCheckItem)>,
}

impl<'a> Check<'a> {
    fn new(active_hash: &str, history: &'a History) -> Self {
        let others = history.actions.iter().filter(|action| action.policy_hash != active_hash);
        let incidents = history.incidents.iter().filter(|incident| incident.id.opened_at < history.from);
        let actions = history.actions.iter().filter(|action| action.created_at < history.from);
        let together = history.events.chunk_by(|a, b| a.occurred_at == b.occurred_at).filter(|group| group.len() > 1);
        Self {
            history,
            of_other_policy: others.map(|action| (action.event_id, action.action)).collect(),
            earlier: incidents.map(|it| it.id.key.clone()).chain(actions.map(RecordedAction::key)).collect(),
            together: together.flatten().map(RecordedEvent::key).collect(),
            reasons: BTreeMap::new(),
            reproduced: 0,
            counts: BTreeMap::new(),
            items: FirstOf::new(),
            unexplained: Vec::new(),
        }
    }

    fn compare_actions(&mut self, replayed: &Consequences, real: &Consequences) {
        let ids: BTreeSet<(EventId, Action)> = replayed.actions.keys().chain(real.actions.keys()).copied().collect();
        for id in ids {
            let (Some(any), one, other) =
                (replayed.actions.get(&id).or(real.actions.get(&id)), replayed.actions.get(&id), real.actions.get(&id))
            else {
                continue;
            };
            // The status of a message to people follows its notifications, which are compared.
            if !id.1.is_remediation() || one.zip(other).is_some_and(|(one, other)| is_same_action(one, other)) {
                self.reproduced += 1;
                continue;
            }
            let reason = if self.of_other_policy.contains(&id) { OtherPolicy } else { action_reason(one, other) };
            let result = |it: Option<&ActionResult>| it.map(action_consequence);
            self.add(&any.key, reason, ConsequenceKind::Action, about_action(id, any), (result(one), result(other)));
        }
    }

    fn compare_incidents(&mut self, replayed: &Consequences, real: &Consequences) {
        for (one, other) in paired_incidents(replayed, real) {
            let Some(any) = one.or(other) else { continue };
            let key = &any.0.key;
            match incident_reason(one, other) {
                None => self.reproduced += 1,
                Some(reason) => {
                    let results = (one.map(incident_consequence), other.map(incident_consequence));
                    self.add(key, reason, ConsequenceKind::Incident, about_incident(any), results);
                }
            }
            self.compare_notifications(any, one, other);
        }
    }

    fn compare_notifications(
        &mut self,
        any: Identified<'_>,
        one: Option<Identified<'_>>,
        other: Option<Identified<'_>>,
    ) {
        let by_key = |it: Option<Identified<'_>>| -> BTreeMap<NotificationKey, age_model::Notification> {
            let sent = it.map(|(_, result)| result.notifications_by_key()).unwrap_or_default();
            sent.into_iter().map(|(key, sent)| (key, *sent)).collect()
        };
        let (replayed, real) = (by_key(one), by_key(other));
        let keys: BTreeSet<NotificationKey> = replayed.keys().chain(real.keys()).copied().collect();
        for key in keys {
            let (one, other) = (replayed.get(&key), real.get(&key));
            let is_same = one.zip(other).is_some_and(|(a, b)| a.at == b.at && is_same_notification(a, b));
            if is_same {
                self.reproduced += 1;
                continue;
            }
            let is_minutes_later = one.zip(other).is_some_and(|(a, b)| is_near(a.at, b.at));
            let reason = if is_minutes_later { SweepTiming } else { NotificationTiming };
            let at = one.or(other).map_or(any.0.opened_at, |sent| sent.at);
            let about = About { at, notification: Some(key.kind.as_str().to_owned()), ..about_incident(any) };
            let result = |it: Option<&age_model::Notification>| {
                it.map(|sent| notification_consequence(sent.at, Some(sent.event_count), false))
            };
            self.add(&any.0.key, reason, ConsequenceKind::Notification, about, (result(one), result(other)));
        }
    }

    fn add(
        &mut self,
        key: &IncidentKey,
        reason: UnreproducedReason,
        kind: ConsequenceKind,
        about: About,
        (replayed, real): (Option<Consequence>, Option<Consequence>),
    ) {
        let reason = self.explained(key, reason, about.at);
        let item = SelfCheckItem { reason, kind, about, replayed, real };
        if reason == Unexplained {
            self.unexplained.push((key.clone(), item));
        } else {
            self.reasons.entry(key.clone()).or_insert(reason);
            self.count(item);
        }
    }

    fn count(&mut self, item: SelfCheckItem) {
        *self.counts.entry(item.reason).or_default() += 1;
        self.items.add((item.reason, item.about.at), || item);
    }

    fn explained(&self, key: &IncidentKey, reason: UnreproducedReason, at: Timestamp) -> UnreproducedReason {
        let is_left_out = self.history.left_out.complete_since.is_some_and(|since| at < since);
        match reason {
            Unexplained if self.earlier.contains(key) => EarlierState,
            Unexplained if self.together.contains(key) => SameMillisecond,
            Unexplained if is_left_out => LeftOut,
            reason => reason,
        }
    }

    fn finish(mut self) -> SelfCheck {
        for (key, item) in std::mem::take(&mut self.unexplained) {
            let reason = self.reasons.get(&key).copied().unwrap_or(Unexplained);
            self.count(SelfCheckItem { reason, ..item });
        }
        let (not_reproduced, items) = self.items.into_total_and_items(MAX_BYTES);
        SelfCheck {
            reproduced: self.reproduced,
            not_reproduced,
            reasons: self.counts.into_iter().map(|(reason, count)| ReasonCount { reason, count }).collect(),
            items,
        }
    }
}

/// Whether two times may be those of the same step in two sweeps that follow each other.
fn is_near(a: Timestamp, b: Timestamp) -> bool {
    (a.millis() - b.millis()).abs() <= 120_000
}

fn is_same_action(a: &ActionResult, b: &ActionResult) -> bool {
    let result = |it: &ActionResult| (it.status, it.suppressed_by, it.needs_approval);
    let times = |it: &ActionResult| (it.decided_at, it.dispatched_at, it.completed_at, it.verified_at);
    result(a) == result(b) && times(a) == times(b)
}

fn action_reason(replayed: Option<&ActionResult>, real: Option<&ActionResult>) -> UnreproducedReason {
    let (Some(replayed), Some(real)) = (replayed, real) else { return Unexplained };
    if real.status == ActionStatus::Undeliverable || replayed.dispatched_at != real.dispatched_at {
        return match (replayed.dispatched_at, real.dispatched_at) {
            (Some(a), Some(b)) if is_near(a, b) => SweepTiming,
            (Some(_), _) if real.status != ActionStatus::Suppressed => Dispatch,
            _ => Unexplained,
        };
    }
    match (replayed.status, real.status) {
        (a, b) if a == b => SweepTiming,
        (ActionStatus::Verified, ActionStatus::Ineffective) => Repeats,
        (ActionStatus::Verified | ActionStatus::TimedOut | ActionStatus::Expired, _) if !real.status.is_final() => {
            SweepTiming
        }
        _ => Unexplained,
    }
}

/// Returns why an incident is not reproduced; None if it is.
fn incident_reason(replayed: Option<Identified<'_>>, real: Option<Identified<'_>>) -> Option<UnreproducedReason> {
    let (Some((replayed_id, replayed)), Some((real_id, real))) = (replayed, real) else { return Some(Unexplained) };
    let figures = |it: &IncidentResult| (it.cause, it.severity, it.events, it.failed_remediations);
    let kinds = |it: &IncidentResult| it.changes.iter().map(|(kind, _, by)| (*kind, *by)).collect::<Vec<_>>();
    let is_same =
        (figures(replayed), replayed.status, &replayed.changes) == (figures(real), real.status, &real.changes);
    if replayed_id == real_id && is_same {
        return None;
    }
    let has_same_course = figures(replayed) == figures(real) && kinds(replayed) == kinds(real);
    let resolved_later =
        is_resolved(replayed) && replayed.resolved_at() < real.resolved_at().or(Some(Timestamp::from_millis(i64::MAX)));
    Some(if has_same_course || replayed_id != real_id && is_near(replayed_id.opened_at, real_id.opened_at) {
        SweepTiming
    } else if resolved_later {
        Repeats
    } else {
        Unexplained
    })
}
