//! The difference of two replays, next to what really followed.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{Action, Engine, EventId};

use crate::simulation::compare::{
    Identified, about_action, about_incident, action_consequence, approval_consequence, incident_consequence,
    is_same_incident, is_same_notification, notification_consequence, paired_incidents,
};
use crate::simulation::consequences::{ActionResult, Consequences, NotificationKey};
use crate::simulation::listed::listed;
use crate::simulation::result::{
    About, Change, ChangeCount, ChangeKind, Changes, Consequence, ConsequenceKind, Difference,
};

/// Returns what differs between `before` and `after`, next to what `real` has.
pub(super) fn difference(before: &Consequences, after: &Consequences, real: &Consequences) -> Difference {
    let (actions, approvals, of_approvals) = compare_actions(before, after, real);
    let (incidents, of_incidents) = compare_incidents(before, after, real);
    let notifications = [of_approvals, of_incidents].concat();
    let mut counts: BTreeMap<(ConsequenceKind, Engine), [u64; 3]> = BTreeMap::new();
    let of_kind = [
        (ConsequenceKind::Action, &actions),
        (ConsequenceKind::Approval, &approvals),
        (ConsequenceKind::Incident, &incidents),
        (ConsequenceKind::Notification, &notifications),
    ];
    for (kind, changes) in of_kind {
        for Change { change, about, .. } in changes {
            let [added, removed, changed] = counts.entry((kind, about.engine)).or_default();
            *match change {
                ChangeKind::Added => added,
                ChangeKind::Removed => removed,
                ChangeKind::Changed => changed,
            } += 1;
        }
    }
    let count = |((kind, engine), [added, removed, changed]): ((ConsequenceKind, Engine), [u64; 3])| ChangeCount {
        kind,
        engine,
        added,
        removed,
        changed,
    };
    Difference {
        counts: counts.into_iter().map(count).collect(),
        actions: bounded(actions),
        approvals: bounded(approvals),
        incidents: bounded(incidents),
        notifications: bounded(notifications),
    }
}

fn bounded(mut changes: Vec<Change>) -> Changes {
    changes.sort_by_key(|change| change.about.at);
    Changes { total: changes.len() as u64, items: listed(changes) }
}

/// Returns the change from `before` to `after`; None if nothing differs.
fn change(
    about: About,
    before: Option<Consequence>,
    after: Option<Consequence>,
    is_same: bool,
    real: Option<Consequence>,
) -> Option<Change> {
    let change = match (&before, &after) {
        (None, None) => return None,
        (None, Some(_)) => ChangeKind::Added,
        (Some(_), None) => ChangeKind::Removed,
        (Some(_), Some(_)) if is_same => return None,
        (Some(_), Some(_)) => ChangeKind::Changed,
    };
    Some(Change { change, about, before, after, real })
}

/// Returns the changes of actions, of their approvals, and of the notifications about those.
fn compare_actions(
    before: &Consequences,
    after: &Consequences,
    real: &Consequences,
) -> (Vec<Change>, Vec<Change>, Vec<Change>) {
    let ids: BTreeSet<(EventId, Action)> = before.actions.keys().chain(after.actions.keys()).copied().collect();
    let (mut actions, mut approvals, mut notifications) = (Vec::new(), Vec::new(), Vec::new());
    for id in ids {
        let [old, new, real] = [before, after, real].map(|it| it.actions.get(&id));
        let Some(any) = new.or(old) else { continue };
        let about = || about_action(id, any);
        let consequence = |it: Option<&ActionResult>| it.map(action_consequence);
        let is_same = old.zip(new).is_some_and(|(old, new)| is_same_action(old, new));
        actions.extend(change(about(), consequence(old), consequence(new), is_same, consequence(real)));
        let [old_approval, new_approval, real] = [old, new, real].map(|it| it.and_then(approval_consequence));
        let is_same = old_approval == new_approval;
        approvals.extend(change(about(), old_approval, new_approval, is_same, real));
        notifications.extend(approval_notifications(id, old, new));
    }
    (actions, approvals, notifications)
}

/// Whether an action has the same result. Whether it needed an approval is a matter of the approval.
fn is_same_action(a: &ActionResult, b: &ActionResult) -> bool {
    let times = |it: &ActionResult| (it.dispatched_at, it.completed_at, it.verified_at);
    let result = |it: &ActionResult| (it.status, it.suppressed_by, it.is_unknown);
    result(a) == result(b) && times(a) == times(b)
}

fn approval_notifications(
    id: (EventId, Action),
    old: Option<&ActionResult>,
    new: Option<&ActionResult>,
) -> Vec<Change> {
    let sent = |it: Option<&ActionResult>| it.map(|it| it.approval_notifications.clone()).unwrap_or_default();
    let (old_sent, new_sent) = (sent(old), sent(new));
    let Some(any) = new.or(old) else { return Vec::new() };
    let one = |(kind, at), is_new| {
        let kind: Option<age_model::ApprovalNotificationKind> = kind;
        let notification = kind.map(|kind| format!("approval_{}", kind.as_str()));
        let about = About { at, notification, ..about_action(id, any) };
        let sent = Some(notification_consequence(at, None, false));
        if is_new { change(about, None, sent, false, None) } else { change(about, sent, None, false, None) }
    };
    let removed = old_sent.iter().filter(|sent| !new_sent.contains(sent)).filter_map(|sent| one(*sent, false));
    let added = new_sent.iter().filter(|sent| !old_sent.contains(sent)).filter_map(|sent| one(*sent, true));
    removed.chain(added).collect()
}

/// Returns the changes of incidents, and of the notifications about them.
fn compare_incidents(before: &Consequences, after: &Consequences, real: &Consequences) -> (Vec<Change>, Vec<Change>) {
    let really: BTreeMap<_, _> =
        paired_incidents(before, real).into_iter().filter_map(|(old, real)| Some((old?.0, real?))).collect();
    let (mut incidents, mut notifications) = (Vec::new(), Vec::new());
    for (old, new) in paired_incidents(before, after) {
        let Some(any) = new.or(old) else { continue };
        let by_id = |one: Identified<'_>| real.incidents.get_key_value(one.0);
        let real = old.and_then(|old| really.get(old.0).copied()).or_else(|| by_id(any));
        let is_same = old.zip(new).is_some_and(|(old, new)| is_same_incident(old, new));
        let [old_result, new_result, real_result] = [old, new, real].map(|it| it.map(incident_consequence));
        incidents.extend(change(about_incident(any), old_result, new_result, is_same, real_result));
        notifications.extend(incident_notifications(any, [old, new, real]));
    }
    (incidents, notifications)
}

fn incident_notifications(any: Identified<'_>, [old, new, real]: [Option<Identified<'_>>; 3]) -> Vec<Change> {
    let by_key = |it: Option<Identified<'_>>| -> BTreeMap<NotificationKey, (age_model::Notification, bool)> {
        let sent = it.map(|(_, result)| (result.notifications_by_key(), result.is_unknown));
        let with_unknown = |(sent, is_unknown): (BTreeMap<NotificationKey, &age_model::Notification>, bool)| {
            sent.into_iter().map(|(key, sent)| (key, (*sent, is_unknown))).collect()
        };
        sent.map(with_unknown).unwrap_or_default()
    };
    let [old, new, real] = [old, new, real].map(by_key);
    let keys: BTreeSet<NotificationKey> = old.keys().chain(new.keys()).copied().collect();
    let one = |key: NotificationKey| {
        let [old, new, real] = [&old, &new, &real].map(|it| it.get(&key));
        let at = new.or(old).map_or(any.0.opened_at, |(sent, _)| sent.at);
        let about = About { at, notification: Some(key.kind.as_str().to_owned()), ..about_incident(any) };
        let is_same = old.zip(new).is_some_and(|((a, _), (b, _))| a.at == b.at && is_same_notification(a, b));
        let consequence = |it: Option<&(age_model::Notification, bool)>| {
            it.map(|(sent, is_unknown)| notification_consequence(sent.at, Some(sent.event_count), *is_unknown))
        };
        change(about, consequence(old), consequence(new), is_same, consequence(real))
    };
    keys.into_iter().filter_map(one).collect()
}
