//! The result of a simulation, as people read it.

use age_model::Timestamp;
use age_policy::Policy;
use age_scoring::simulation::{LeftOut, ReasonCount, SelfCheck, Simulation, UnreproducedReason};

use crate::policy::simulation::changes::{ChangesView, CountView, UnreproducedView, changes, counts};
use crate::policy::simulation::decisions::DecisionsView;
use crate::policy::simulation::weeks::WeeksView;

/// How many of the things that were not reproduced the page lists.
const MAX_UNREPRODUCED: usize = 50;

/// The result of a simulation.
pub(crate) struct ResultView {
    pub(crate) weeks: WeeksView,
    pub(crate) counts: Vec<CountView>,
    pub(crate) changes: Vec<ChangesView>,
    pub(crate) decisions: DecisionsView,
    pub(crate) check: CheckView,
    pub(crate) left_out: LeftOut,
}

/// How far the replay reproduces what really followed.
pub(crate) struct CheckView {
    pub(crate) reproduced: u64,
    pub(crate) not_reproduced: u64,
    /// The number and the description of each reason.
    pub(crate) reasons: Vec<(u64, &'static str)>,
    pub(crate) items: Vec<UnreproducedView>,
}

impl ResultView {
    /// Returns `simulation` with the titles of engines that `policy` has.
    pub(crate) fn of(simulation: &Simulation, policy: &Policy) -> Self {
        Self {
            weeks: WeeksView::of(simulation),
            counts: counts(&simulation.difference, policy),
            changes: changes(&simulation.difference, policy),
            decisions: DecisionsView::of(&simulation.decisions, policy),
            check: CheckView::of(&simulation.self_check, policy),
            left_out: simulation.left_out.clone(),
        }
    }

    /// Whether anything was left out.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.left_out != LeftOut::default()
    }

    pub(crate) const fn complete_since(&self) -> Option<Timestamp> {
        self.left_out.complete_since
    }

    pub(crate) const fn decisions_complete_since(&self) -> Option<Timestamp> {
        self.left_out.decisions_complete_since
    }
}

impl CheckView {
    fn of(check: &SelfCheck, policy: &Policy) -> Self {
        let items = check.items.iter().take(MAX_UNREPRODUCED);
        Self {
            reproduced: check.reproduced,
            not_reproduced: check.not_reproduced,
            reasons: check
                .reasons
                .iter()
                .map(|ReasonCount { reason, count }| (*count, describe_reason(*reason)))
                .collect(),
            items: items.map(|item| UnreproducedView::of(item, policy)).collect(),
        }
    }
}

const fn describe_reason(reason: UnreproducedReason) -> &'static str {
    match reason {
        UnreproducedReason::OtherPolicy => "another policy version was active then",
        UnreproducedReason::EarlierState => "it began before the period, or follows from what did",
        UnreproducedReason::LeftOut => "its event was not read",
        UnreproducedReason::Dispatch => {
            "the message to the worker was late or undeliverable; the simulation delivers it at once"
        }
        UnreproducedReason::SweepTiming => "the sweep ran at another time; the simulation sweeps at each whole minute",
        UnreproducedReason::NotificationTiming => "the e-mail had to wait; the simulation sends it at once",
        UnreproducedReason::Repeats => "the problem was reported again, which AGE does not record each time",
        UnreproducedReason::SameMillisecond => {
            "events were accepted in the same millisecond, so their order is not known"
        }
        UnreproducedReason::Unexplained => "none of these reasons: please report it as an error of the simulation",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::safe_text::SafeText;

    fn change(kind: &str, mut extra: Value) -> Value {
        let mut change = json!({
            "change": kind, "engine": "billing", "eventType": "invoice_lost", "at": "2026-11-16T10:00:00Z",
            "eventId": "019a9e2c-5a00-7000-8000-000000000001",
        });
        change.as_object_mut().unwrap().append(extra.as_object_mut().unwrap());
        change
    }

    fn simulation() -> Simulation {
        let at = "2026-11-16T10:00:00.000Z";
        let action = json!({ "status": "succeeded", "at": at });
        let incident =
            json!({ "status": "open", "at": at, "severity": "CRITICAL", "cause": "critical_event", "events": 2 });
        let added =
            change("added", json!({ "action": "billing_sync_repair", "after": { "status": "unknown", "at": at } }));
        let removed = change("removed", json!({ "action": "notify_admin", "before": action, "real": action }));
        let of_incident = change(
            "changed",
            json!({ "incidentId": "an-incident", "before": incident, "after": incident, "real": incident }),
        );
        let changes = |items: Vec<Value>| json!({ "total": items.len() + 3, "items": items });
        serde_json::from_value(json!({
            "schemaVersion": 1, "from": "2026-11-16T00:00:00Z", "to": "2026-11-23T00:00:00Z",
            "weeks": [{
                "from": "2026-11-16T00:00:00Z", "to": "2026-11-23T00:00:00Z",
                "active": { "riskScore": 0, "riskLevel": "LOW", "riskScores": { "billing_risk": 0, "security_risk": 7 } },
                "draft": { "riskScore": 9, "riskLevel": "MEDIUM", "riskScores": { "billing_risk": 26, "security_risk": 7 } },
                "flips": [{ "before": "LOW", "after": "MEDIUM" }, { "category": "billing_risk", "before": "LOW", "after": "MEDIUM" }],
            }],
            "difference": {
                "counts": [{ "kind": "action", "engine": "billing", "added": 1, "removed": 1, "changed": 0 }],
                "actions": changes(vec![added, removed]), "approvals": { "total": 0, "items": [] },
                "incidents": changes(vec![of_incident]), "notifications": { "total": 0, "items": [] },
            },
            "selfCheck": {
                "reproduced": 5, "notReproduced": 1, "reasons": [{ "reason": "sweep_timing", "count": 1 }],
                "items": [{
                    "reason": "sweep_timing", "kind": "notification", "engine": "billing", "eventType": "invoice_lost", "at": at,
                    "notification": "initial", "incidentId": "an-incident", "real": { "status": "sent", "at": at, "events": 1 },
                }],
            },
            "leftOut": { "events": 0, "unreadable": 0, "incidentsCut": 0 },
        }))
        .unwrap()
    }

    #[test]
    fn weeks_have_bars_and_the_categories_that_differ() {
        let view = ResultView::of(&simulation(), &Policy::compiled().unwrap());
        assert_eq!(view.weeks.summary, "1 of 1 weeks have another score, 1 another level");
        let week = &view.weeks.weeks[0];
        assert_eq!((week.before.y, week.before.height, week.after.y, week.after.height), (99, 1, 91, 9));
        assert!(week.before.x + week.before.width < week.after.x && week.after.x + week.after.width < view.weeks.width);
        let categories: Vec<_> = week.categories.iter().map(|it| (it.title.as_str(), it.change.as_str())).collect();
        assert_eq!(categories, [("Billing risk", "0 → 26, LOW → MEDIUM")]);
    }

    #[test]
    fn changes_link_to_what_there_really_is() {
        let view = ResultView::of(&simulation(), &Policy::compiled().unwrap());
        let kinds: Vec<_> = view.changes.iter().map(|changes| (changes.title, changes.total, changes.more())).collect();
        assert_eq!(kinds, [("Actions", 5, 3), ("Incidents", 4, 3)]);
        let [added, removed] = view.changes[0].items.as_slice() else { panic!("two actions") };
        assert_eq!(
            (added.before.to_string().as_str(), added.after.to_string().as_str(), added.real.to_string().as_str()),
            ("nothing", "unknown", "nothing")
        );
        assert!(added.subject.event_path.is_some() && added.subject.action_path.is_none(), "it has no page");
        assert!(removed.subject.action_path.as_ref().is_some_and(|path| path.ends_with("/actions/notify_admin")));
        let incident = &view.changes[1].items[0];
        assert_eq!(incident.real.to_string(), "open, CRITICAL, 2 events");
        assert_eq!(incident.subject.incident_path.as_deref(), Some("/dashboard/incidents/an-incident"));
        assert_eq!(view.counts[0].engine.to_string(), "Billing");
    }

    #[test]
    fn check_names_reasons_and_what_was_left_out() {
        let view = ResultView::of(&simulation(), &Policy::compiled().unwrap());
        let reason = "the sweep ran at another time; the simulation sweeps at each whole minute";
        assert_eq!((view.check.reasons[0], view.is_incomplete()), ((1, reason), false));
        let item = &view.check.items[0];
        assert_eq!(
            (item.kind, item.replayed.to_string().as_str(), item.real.to_string().as_str()),
            ("Notifications", "nothing", "sent, 1 event")
        );
        assert_eq!(item.subject.what, Some(SafeText::new("initial")));
        let mut cut = simulation();
        cut.left_out.events = 7;
        assert!(ResultView::of(&cut, &Policy::compiled().unwrap()).is_incomplete());
    }
}
