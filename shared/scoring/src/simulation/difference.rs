//! The difference of two replays, next to what really followed.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{Action, ApprovalNotificationKind, Engine, EventId, Notification, Timestamp};

use crate::simulation::compare::{
    Identified, about_action, about_incident, action_consequence, approval_consequence, incident_consequence,
    is_same_incident, is_same_notification, notification_consequence, paired_incidents,
};
use crate::simulation::consequences::{ActionResult, Consequences, NotificationKey};
use crate::simulation::listed::{FirstOf, MAX_BYTES};
use crate::simulation::result::{
    About, Change, ChangeCount, ChangeKind, Changes, Consequence, ConsequenceKind, Difference,
};

/// Returns what differs between `before` and `after`, next to what `real` has.
pub(super) fn difference(before: &Consequences, after: &Consequences, real: &Consequences) -> Difference {
    let mut found = Found {
        counts: BTreeMap::new(),
        actions: FirstOf::new(),
        approvals: FirstOf::new(),
        incidents: FirstOf::new(),
        notifications: FirstOf::new(),
    };
    found.compare_actions(before, after, real);
    found.compare_incidents(before, after, real);
    let count = |((kind, engine), [added, removed, changed]): ((ConsequenceKind, Engine), [u64; 3])| ChangeCount {
        kind,
        engine,
        added,
        removed,
        changed,
    };
    Difference {
        counts: found.counts.into_iter().map(count).collect(),
        actions: changes(found.actions),
        approvals: changes(found.approvals),
        incidents: changes(found.incidents),
        notifications: changes(found.notifications),
    }
}

fn changes(found: FirstOf<Timestamp, Change>) -> Changes {
    let (total, items) = found.into_total_and_items(MAX_BYTES);
    Changes { total, items }
}

/// The changes that were found.
struct Found {
    counts: BTreeMap<(ConsequenceKind, Engine), [u64; 3]>,
    actions: FirstOf<Timestamp, Change>,
    approvals: FirstOf<Timestamp, Change>,
    incidents: FirstOf<Timestamp, Change>,
    notifications: FirstOf<Timestamp, Change>,
}

/// Something under both policies, and really.
type Three<T> = [Option<T>; 3];

impl Found {
    /// Adds the change of something of `engine` that begins at `at`, if there is one. `make` says what it is about and how it is described.
    fn add<T: Copy>(
        &mut self,
        kind: ConsequenceKind,
        (engine, at): (Engine, Timestamp),
        [old, new, real]: Three<T>,
        is_same: impl FnOnce(T, T) -> bool,
        make: (impl FnOnce() -> About, impl Fn(T) -> Consequence),
    ) {
        let (change, place) = match (old, new) {
            (None, None) => return,
            (None, Some(_)) => (ChangeKind::Added, 0),
            (Some(_), None) => (ChangeKind::Removed, 1),
            (Some(old), Some(new)) if is_same(old, new) => return,
            (Some(_), Some(_)) => (ChangeKind::Changed, 2),
        };
        let counts = self.counts.entry((kind, engine)).or_default();
        if let Some(count) = counts.get_mut(place) {
            *count += 1;
        }
        let list = match kind {
            ConsequenceKind::Action => &mut self.actions,
            ConsequenceKind::Approval => &mut self.approvals,
            ConsequenceKind::Incident => &mut self.incidents,
            ConsequenceKind::Notification => &mut self.notifications,
        };
        list.add(at, || {
            let (about, describe) = make;
            let [before, after, real] = [old, new, real].map(|it| it.map(&describe));
            Change { change, about: about(), before, after, real }
        });
    }

    fn compare_actions(&mut self, before: &Consequences, after: &Consequences, real: &Consequences) {
        let ids: BTreeSet<(EventId, Action)> = before.actions.keys().chain(after.actions.keys()).copied().collect();
        for id in ids {
            let three = [before, after, real].map(|it| it.actions.get(&id));
            let [old, new, _] = three;
            let Some(any) = new.or(old) else { continue };
            let place = (any.key.engine, any.created_at);
            let about = || about_action(id, any);
            self.add(ConsequenceKind::Action, place, three, is_same_action, (about, action_consequence));
            let approvals = three.map(|it| it.and_then(approval_consequence));
            let approvals = [0, 1, 2].map(|place: usize| approvals.get(place).and_then(Option::as_ref));
            self.add(ConsequenceKind::Approval, place, approvals, |a, b| a == b, (about, Clone::clone));
            self.compare_approval_notifications(id, any, [old, new]);
        }
    }

    fn compare_approval_notifications(
        &mut self,
        id: (EventId, Action),
        any: &ActionResult,
        [old, new]: [Option<&ActionResult>; 2],
    ) {
        let sent = |it: Option<&ActionResult>| it.map(|it| it.approval_notifications.clone()).unwrap_or_default();
        let (old, new) = (sent(old), sent(new));
        let all: BTreeSet<(Timestamp, Option<ApprovalNotificationKind>)> =
            old.iter().chain(&new).map(|(kind, at)| (*at, *kind)).collect();
        for (at, kind) in all {
            let was_sent = |sent: &[_]| sent.contains(&(kind, at)).then_some(());
            let about = || About {
                at,
                notification: kind.map(|kind| format!("approval_{}", kind.as_str())),
                ..about_action(id, any)
            };
            let three = [was_sent(&old), was_sent(&new), None];
            let describe = |()| notification_consequence(at, None, false);
            self.add(ConsequenceKind::Notification, (any.key.engine, at), three, |(), ()| true, (about, describe));
        }
    }

    fn compare_incidents(&mut self, before: &Consequences, after: &Consequences, real: &Consequences) {
        let really: BTreeMap<_, _> =
            paired_incidents(before, real).into_iter().filter_map(|(old, real)| Some((old?.0, real?))).collect();
        for (old, new) in paired_incidents(before, after) {
            let Some(any) = new.or(old) else { continue };
            let same_id = || real.incidents.get_key_value(any.0);
            let real = old.and_then(|old| really.get(old.0).copied()).or_else(same_id);
            let (three, place) = ([old, new, real], (any.0.key.engine, any.0.opened_at));
            let make = (|| about_incident(any), incident_consequence);
            self.add(ConsequenceKind::Incident, place, three, is_same_incident, make);
            self.compare_notifications(any, three);
        }
    }

    fn compare_notifications(&mut self, any: Identified<'_>, three: Three<Identified<'_>>) {
        let by_key = three.map(|it| it.map(|(_, result)| result.notifications_by_key()).unwrap_or_default());
        let [old_sent, new_sent, _] = &by_key;
        let keys: BTreeSet<NotificationKey> = old_sent.keys().chain(new_sent.keys()).copied().collect();
        let unknown = three.map(|it| it.is_some_and(|(_, result)| result.is_unknown));
        for key in keys {
            let mut sent = [None; 3];
            for ((place, by_key), is_unknown) in sent.iter_mut().zip(&by_key).zip(unknown) {
                *place = by_key.get(&key).map(|it| (*it, is_unknown));
            }
            let [old, new, _]: Three<(&Notification, bool)> = sent;
            let at = new.or(old).map_or(any.0.opened_at, |(sent, _)| sent.at);
            let is_same = |(a, _): (&Notification, bool), (b, _): (&Notification, bool)| {
                a.at == b.at && is_same_notification(a, b)
            };
            let about = || About { at, notification: Some(key.kind.as_str().to_owned()), ..about_incident(any) };
            let describe = |(sent, is_unknown): (&Notification, bool)| {
                notification_consequence(sent.at, Some(sent.event_count), is_unknown)
            };
            self.add(ConsequenceKind::Notification, (any.0.key.engine, at), sent, is_same, (about, describe));
        }
    }
}

/// Whether an action has the same result. Whether it needed an approval is a matter of the approval.
fn is_same_action(a: &ActionResult, b: &ActionResult) -> bool {
    let times = |it: &ActionResult| (it.dispatched_at, it.completed_at, it.verified_at);
    let result = |it: &ActionResult| (it.status, it.suppressed_by, it.is_unknown);
    result(a) == result(b) && times(a) == times(b)
}
