//! What an event leads to: which actions, and which of them not now.

use model::{
    Action, ActionStatus, Alarm, Cause, Event, EventId, NewEvent, NotifyAdmin, Owed, Plan, Remedy, Timestamp, Watch,
};

use crate::{ActionRule, ActionRules, Policy};

/// How many remedies one event proves to be of no use; the next one proves the others. A transaction has 100 items.
const MAX_INEFFECTIVE: usize = 25;

impl ActionRule {
    fn matches(&self, event: &NewEvent) -> bool {
        self.engine.is_none_or(|engine| engine == event.engine)
            && self.severity.is_none_or(|severity| severity == event.severity)
            && self.event_type_prefix.as_ref().is_none_or(|prefix| event.event_type.as_str().starts_with(prefix))
    }
}

/// The actions that the policy has for `event`, each once.
fn select_actions(policy: &Policy, event: &NewEvent) -> Vec<Action> {
    let rules = &policy.actions;
    if event.severity < rules.from {
        return Vec::new();
    }
    let first = rules.first_match.iter().find(|rule| rule.matches(event));
    let also = rules.also.iter().filter(|rule| rule.matches(event));
    let mut selected = Vec::new();
    for action in first.into_iter().chain(also).map(|rule| rule.action) {
        if !selected.contains(&action) {
            selected.push(action);
        }
    }
    selected
}

/// What `event` leads to, given what is remembered of its kind of trouble.
#[must_use]
pub fn plan(policy: &Policy, event: &Event, watch: &Watch) -> Plan {
    let (rules, now) = (&policy.actions, event.occurred_at);
    let mut next = watch.clone();
    let of_no_use = next.remedies.extract_if(.., |remedy| was_of_no_use(rules, remedy, event));
    let ineffective: Vec<_> = of_no_use.take(MAX_INEFFECTIVE).collect();
    next.ineffective.retain(|at| at.plus_seconds(rules.give_up_within_seconds) > now);
    next.ineffective.extend(ineffective.iter().map(|_| now));
    let given_up = next.ineffective.len() >= rules.give_up_after;
    for Remedy { action, event_id, .. } in &ineffective {
        let alarm = Alarm { action: *action, event_id: *event_id, status: ActionStatus::Ineffective, at: now };
        policy.incidents.alarm(&mut next, alarm, event.reported.severity);
    }

    let selected = select_actions(policy, &event.reported);
    let must_tell = if selected.contains(&Action::NotifyAdmin) {
        Some(Cause::CriticalEvent)
    } else {
        given_up.then_some(Cause::GivenUp)
    };
    let counted = policy.incidents.take(&mut next, event, must_tell);
    let owed = selected.into_iter().map(|action| {
        if action.is_remedy() {
            remedy(rules, &mut next, action, event, given_up)
        } else {
            notice(&mut next, action, event.id)
        }
    });
    let owed = owed.collect();
    let changed = next != *watch;
    next.version = watch.version.saturating_add(1);
    Plan { owed, watch: changed.then_some(next), ineffective, counted }
}

/// A remedy is begun unless the same is running, or it has been of no use too often.
fn remedy(rules: &ActionRules, watch: &mut Watch, action: Action, event: &Event, given_up: bool) -> Owed {
    let now = event.occurred_at;
    let running = |remedy: &&Remedy| {
        let soon = remedy.since.plus_seconds(rules.repeat_after_seconds) > now;
        remedy.action == action && remedy.succeeded_at.is_none() && soon
    };
    let latest = watch.remedies.iter().filter(running).max_by_key(|remedy| remedy.since);
    let suppressed_by = latest.map(|remedy| remedy.event_id);
    if suppressed_by.is_some() || given_up {
        return Owed { action, status: ActionStatus::Suppressed, due_at: None, suppressed_by };
    }
    watch.remedies.push(Remedy { action, event_id: event.id, since: now, succeeded_at: None });
    first_step(rules, action, now)
}

/// People are told by the notices of the incident. One `notify_admin` stands for all of them; the others are counted with it.
fn notice(watch: &mut Watch, action: Action, event_id: EventId) -> Owed {
    let told = watch.open_incident_mut().map(|incident| &mut incident.notify_admin);
    match told {
        Some(told @ None) => {
            *told = Some(NotifyAdmin { event_id, status: ActionStatus::Pending });
            Owed { action, status: ActionStatus::Pending, due_at: None, suppressed_by: None }
        }
        told => {
            let suppressed_by = told.and_then(|told| told.map(|told| told.event_id));
            Owed { action, status: ActionStatus::Suppressed, due_at: None, suppressed_by }
        }
    }
}

/// Whether `event` proves that the remedy did not help: the trouble came after it, and soon.
fn was_of_no_use(rules: &ActionRules, remedy: &Remedy, event: &Event) -> bool {
    let verified_at = |done: Timestamp| done.plus_seconds(rules.verify_after_seconds);
    // A repeat of the remedy's own event is no new trouble.
    let another = remedy.event_id != event.id;
    another
        && remedy.succeeded_at.is_some_and(|done| done < event.occurred_at && event.occurred_at <= verified_at(done))
}

fn first_step(rules: &ActionRules, action: Action, now: Timestamp) -> Owed {
    let (status, seconds) = if rules.need_approval.contains(&action) {
        (ActionStatus::AwaitingApproval, rules.approve_within_seconds)
    } else {
        (ActionStatus::Pending, rules.lease_seconds)
    };
    Owed { action, status, due_at: Some(now.plus_seconds(seconds)), suppressed_by: None }
}

#[cfg(test)]
mod tests {
    use model::{Details, Engine, ManualClock, Severity};
    use proptest::prelude::*;

    use super::*;

    fn event(engine: Engine, event_type: &str, severity: Severity) -> NewEvent {
        NewEvent {
            engine,
            event_type: event_type.parse().unwrap(),
            severity,
            details: Details::default(),
            source_time: None,
        }
    }

    fn selected(engine: Engine, event_type: &str, severity: Severity) -> Vec<Action> {
        select_actions(&Policy::compiled().unwrap(), &event(engine, event_type, severity))
    }

    /// Walks through the plans of the same trouble, at these seconds.
    struct Trouble {
        policy: Policy,
        clock: ManualClock,
        watch: Watch,
        severity: Severity,
    }

    impl Trouble {
        fn new() -> Self {
            let clock = ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap());
            Self { policy: Policy::compiled().unwrap(), clock, watch: Watch::default(), severity: Severity::High }
        }

        fn comes(&mut self, after: i64) -> (EventId, Plan) {
            self.clock.advance(after);
            let reported = event(Engine::Billing, "sync_failed", self.severity);
            let event = Event {
                id: EventId::fresh(&self.clock),
                reported,
                occurred_at: model::Clock::now(&self.clock),
                reported_by: None,
            };
            let plan = plan(&self.policy, &event, &self.watch);
            self.watch = plan.watch.clone().unwrap_or_else(|| self.watch.clone());
            (event.id, plan)
        }

        fn is(&mut self, id: EventId, status: ActionStatus) {
            if status.is_final() {
                self.watch.forget(Action::BillingSyncRepair, id);
            } else if status == ActionStatus::Succeeded {
                let it = self.watch.remedies.iter_mut().find(|remedy| remedy.event_id == id).unwrap();
                it.succeeded_at = Some(model::Clock::now(&self.clock));
            }
        }
    }

    fn of_no_use(plan: &Plan) -> Vec<EventId> {
        plan.ineffective.iter().map(|remedy| remedy.event_id).collect()
    }

    fn first(plan: &Plan) -> (ActionStatus, Option<EventId>) {
        (plan.owed[0].status, plan.owed[0].suppressed_by)
    }

    /// The seed's `selectAction`, line by line.
    fn seed(engine: Engine, severity: Severity) -> Option<Action> {
        if severity != Severity::High && severity != Severity::Critical {
            return None;
        }
        Some(match engine {
            Engine::Billing => Action::BillingSyncRepair,
            Engine::Maos => Action::MaosAutoFix,
            Engine::DeepAgent => Action::DeepAgentPolicyUpdate,
            _ if severity == Severity::Critical => Action::NotifyAdmin,
            _ => Action::MaosAutoFix,
        })
    }

    #[test]
    fn first_action_is_the_seeds_and_critical_also_tells_a_person() {
        for engine in Engine::ALL {
            for severity in Severity::ALL {
                let actions = selected(*engine, "something_happened", *severity);
                assert_eq!(actions.first().copied(), seed(*engine, *severity), "{engine} {severity}");
                assert_eq!(
                    actions.contains(&Action::NotifyAdmin),
                    *severity == Severity::Critical,
                    "{engine} {severity}"
                );
            }
        }
        assert_eq!(
            selected(Engine::Billing, "x", Severity::Critical),
            [Action::BillingSyncRepair, Action::NotifyAdmin]
        );
        assert_eq!(selected(Engine::Qa, "x", Severity::Critical), [Action::NotifyAdmin]);
    }

    #[test]
    fn compliance_permissions_are_reset_after_approval() {
        let clock = ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap());
        let reported = event(Engine::Compliance, "permission_escalated", Severity::Critical);
        let event =
            Event { id: EventId::fresh(&clock), reported, occurred_at: model::Clock::now(&clock), reported_by: None };
        let owed = plan(&Policy::compiled().unwrap(), &event, &Watch::default()).owed;
        let shown: Vec<_> =
            owed.iter().map(|owed| (owed.action, owed.status, owed.due_at.map(|due| due.to_string()))).collect();
        assert_eq!(
            shown,
            [
                (Action::PermissionReset, ActionStatus::AwaitingApproval, Some("2026-11-24T00:00:00.000Z".to_owned())),
                (Action::NotifyAdmin, ActionStatus::Pending, None),
            ]
        );
        assert_eq!(selected(Engine::Compliance, "permission_denied", Severity::High), [Action::PermissionReset]);
        assert_eq!(selected(Engine::Compliance, "a_permission", Severity::High), [Action::MaosAutoFix]);
        assert_eq!(selected(Engine::Maos, "permission_denied", Severity::High), [Action::MaosAutoFix]);
    }

    #[test]
    fn the_same_remedy_is_not_started_beside_a_running_one() {
        let mut trouble = Trouble::new();
        let (one, plan) = trouble.comes(0);
        assert_eq!(first(&plan), (ActionStatus::Pending, None));
        let (_, plan) = trouble.comes(300);
        assert_eq!(first(&plan), (ActionStatus::Suppressed, Some(one)));
        trouble.is(one, ActionStatus::Dispatched);
        assert_eq!(first(&trouble.comes(299).1), (ActionStatus::Suppressed, Some(one)));
        // Ten minutes after it began, another may.
        let (two, plan) = trouble.comes(1);
        assert_eq!(first(&plan), (ActionStatus::Pending, None));
        // The older one's end does not set the younger one free.
        trouble.is(one, ActionStatus::Failed);
        assert_eq!(first(&trouble.comes(1).1), (ActionStatus::Suppressed, Some(two)));
        trouble.is(two, ActionStatus::Failed);
        assert_eq!(first(&trouble.comes(1).1), (ActionStatus::Pending, None));
    }

    #[test]
    fn trouble_that_comes_again_proves_a_success_of_no_use() {
        let mut trouble = Trouble::new();
        let (one, _) = trouble.comes(0);
        trouble.is(one, ActionStatus::Succeeded);
        assert_eq!(trouble.comes(0).1.ineffective, [], "what comes in the same moment came before");
        let (two, plan) = trouble.comes(60);
        assert_eq!(of_no_use(&plan), [one]);
        let incident = trouble.watch.open_incident().unwrap();
        assert_eq!((incident.cause, incident.alarms, plan.counted), (Cause::Action, 1, true));
        assert_eq!(
            first(&plan),
            (ActionStatus::Suppressed, trouble.watch.remedies.first().map(|remedy| remedy.event_id))
        );
        assert_ne!(Some(two), trouble.watch.remedies.first().map(|remedy| remedy.event_id));
    }

    #[test]
    fn an_older_success_is_watched_beside_a_newer_remedy() {
        let mut trouble = Trouble::new();
        let (one, _) = trouble.comes(0);
        let (two, plan) = trouble.comes(600);
        assert_eq!(first(&plan), (ActionStatus::Pending, None));
        trouble.is(one, ActionStatus::Succeeded);
        let (_, plan) = trouble.comes(60);
        assert_eq!((of_no_use(&plan), first(&plan)), (vec![one], (ActionStatus::Suppressed, Some(two))));
    }

    #[test]
    fn the_event_itself_sent_again_is_no_new_trouble() {
        let mut trouble = Trouble::new();
        let (one, _) = trouble.comes(0);
        trouble.is(one, ActionStatus::Succeeded);
        trouble.clock.advance(60);
        let reported = event(Engine::Billing, "sync_failed", Severity::High);
        let again = Event { id: one, reported, occurred_at: model::Clock::now(&trouble.clock), reported_by: None };
        assert_eq!(plan(&trouble.policy, &again, &trouble.watch).ineffective, []);
    }

    #[test]
    fn one_notice_stands_for_all_of_an_incident() {
        let mut trouble = Trouble { severity: Severity::Critical, ..Trouble::new() };
        let told = |plan: &Plan| plan.owed.iter().find(|owed| owed.action == Action::NotifyAdmin).copied().unwrap();
        let (one, plan) = trouble.comes(0);
        assert_eq!((told(&plan).status, plan.counted), (ActionStatus::Pending, true));
        let (_, plan) = trouble.comes(5999);
        assert_eq!((told(&plan).status, told(&plan).suppressed_by), (ActionStatus::Suppressed, Some(one)));
        assert!(plan.counted);
    }

    #[test]
    fn a_notice_begins_with_the_first_critical_event_whatever_opened_the_incident() {
        let mut trouble = Trouble::new();
        let (one, plan) = trouble.comes(0);
        assert!(!plan.counted && trouble.watch.incident.is_none(), "HIGH alone opens none");
        trouble.is(one, ActionStatus::Succeeded);
        assert!(trouble.comes(60).1.counted);
        trouble.severity = Severity::Critical;
        let (three, _) = trouble.comes(1);
        let incident = trouble.watch.open_incident().unwrap();
        assert_eq!((incident.cause, incident.severity), (Cause::Action, Severity::Critical));
        assert_eq!(incident.notify_admin, Some(NotifyAdmin { event_id: three, status: ActionStatus::Pending }));
    }

    #[test]
    fn what_changes_nothing_is_not_written() {
        let mut trouble = Trouble::new();
        assert!(trouble.comes(0).1.watch.is_some());
        assert_eq!(trouble.comes(1).1.watch, None);
    }

    #[test]
    fn after_three_of_no_use_no_more_are_started_for_a_day() {
        let mut trouble = Trouble::new();
        let mut started = 0;
        // A worker that says "done" at once, and trouble that comes every second.
        for _ in 0..1000 {
            let (id, plan) = trouble.comes(1);
            if first(&plan).0 == ActionStatus::Pending {
                started += 1;
                trouble.is(id, ActionStatus::Succeeded);
            }
        }
        assert_eq!(started, 3);
        assert_eq!(first(&trouble.comes(60).1), (ActionStatus::Suppressed, None));
        let mark =
            model::Mark { at: model::Clock::now(&trouble.clock), by: Some("night-desk".parse().unwrap()), note: None };
        crate::resolve(trouble.watch.incident.as_mut().unwrap(), mark).unwrap();
        assert!(trouble.comes(60).1.counted, "an incident instead");
        assert_eq!(trouble.watch.open_incident().unwrap().cause, Cause::GivenUp);
        assert_eq!(first(&trouble.comes(86_400).1), (ActionStatus::Pending, None));
    }

    proptest! {
        #[test]
        fn severe_events_always_have_an_action(engine in prop::sample::select(Engine::ALL), severity in prop::sample::select(Severity::ALL), name in "[a-z_]{1,20}") {
            let actions = selected(engine, &name, severity);
            prop_assert_eq!(actions.is_empty(), severity < Severity::High);
        }
    }
}
