//! What an event leads to: which actions, and which of them not now.

use age_model::{
    Action, ActionStatus, Event, EventId, FailedRemediation, IncidentCause, IncidentState, NewEvent, NotifyAdmin, Plan,
    PlannedAction, Remediation, Timestamp,
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
    if event.severity < rules.min_severity {
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
pub fn plan(policy: &Policy, event: &Event, state: &IncidentState) -> Plan {
    let (rules, now) = (&policy.actions, event.occurred_at);
    let mut next = state.clone();
    let ineffective_ids = next.remediations.extract_if(.., |remediation| proves_ineffective(rules, remediation, event));
    let ineffective: Vec<_> = ineffective_ids.take(MAX_INEFFECTIVE).collect();
    next.ineffective.retain(|at| at.plus_seconds(rules.give_up_within_seconds) > now);
    next.ineffective.extend(ineffective.iter().map(|_| now));
    let given_up = next.ineffective.len() >= rules.give_up_after;
    for Remediation { action, event_id, .. } in &ineffective {
        let failed_remediation =
            FailedRemediation { action: *action, event_id: *event_id, status: ActionStatus::Ineffective, at: now };
        policy.incidents.record_failed_remediation(&mut next, failed_remediation, event.reported.severity);
    }

    let selected = select_actions(policy, &event.reported);
    let must_tell = if selected.contains(&Action::NotifyAdmin) {
        Some(IncidentCause::CriticalEvent)
    } else {
        given_up.then_some(IncidentCause::GivenUp)
    };
    let counted = policy.incidents.record_event(&mut next, event, must_tell);
    let actions = selected.into_iter().map(|action| {
        if action.is_remediation() {
            plan_remediation(rules, &mut next, action, event, given_up)
        } else {
            plan_notify_admin(&mut next, action, event.id)
        }
    });
    let actions = actions.collect();
    let changed = next != *state;
    next.version = state.version.saturating_add(1);
    Plan { actions, state: changed.then_some(next), ineffective, counted }
}

/// A remedy is begun unless the same is running, or it has been of no use too often.
fn plan_remediation(
    rules: &ActionRules,
    state: &mut IncidentState,
    action: Action,
    event: &Event,
    given_up: bool,
) -> PlannedAction {
    let now = event.occurred_at;
    let running = |remediation: &&Remediation| {
        let soon = remediation.since.plus_seconds(rules.repeat_after_seconds) > now;
        remediation.action == action && remediation.succeeded_at.is_none() && soon
    };
    let latest = state.remediations.iter().filter(running).max_by_key(|remediation| remediation.since);
    let suppressed_by = latest.map(|remediation| remediation.event_id);
    if suppressed_by.is_some() || given_up {
        return PlannedAction { action, status: ActionStatus::Suppressed, due_at: None, suppressed_by };
    }
    state.remediations.push(Remediation { action, event_id: event.id, since: now, succeeded_at: None });
    first_step(rules, action, now)
}

/// People are told by the notices of the incident. One `notify_admin` stands for all of them; the others are counted with it.
fn plan_notify_admin(state: &mut IncidentState, action: Action, event_id: EventId) -> PlannedAction {
    let notified = state.open_incident_mut().map(|incident| &mut incident.notify_admin);
    match notified {
        Some(notified @ None) => {
            *notified = Some(NotifyAdmin { event_id, status: ActionStatus::Pending });
            PlannedAction { action, status: ActionStatus::Pending, due_at: None, suppressed_by: None }
        }
        notified => {
            let suppressed_by = notified.and_then(|notified| notified.map(|notified| notified.event_id));
            PlannedAction { action, status: ActionStatus::Suppressed, due_at: None, suppressed_by }
        }
    }
}

/// Whether `event` proves that the remedy did not help: the trouble came after it, and soon.
fn proves_ineffective(rules: &ActionRules, remediation: &Remediation, event: &Event) -> bool {
    let verified_at = |done: Timestamp| done.plus_seconds(rules.verify_after_seconds);
    // A repeat of the remedy's own event is no new trouble.
    let another = remediation.event_id != event.id;
    another
        && remediation
            .succeeded_at
            .is_some_and(|done| done < event.occurred_at && event.occurred_at <= verified_at(done))
}

fn first_step(rules: &ActionRules, action: Action, now: Timestamp) -> PlannedAction {
    let (status, seconds) = if rules.require_approval.contains(&action) {
        (ActionStatus::PendingApproval, rules.approve_within_seconds)
    } else {
        (ActionStatus::Pending, rules.lease_seconds)
    };
    PlannedAction { action, status, due_at: Some(now.plus_seconds(seconds)), suppressed_by: None }
}

#[cfg(test)]
mod tests {
    use age_model::{Details, Engine, ManualClock, Severity};
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
        state: IncidentState,
        severity: Severity,
    }

    impl Trouble {
        fn new() -> Self {
            let clock = ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap());
            Self {
                policy: Policy::compiled().unwrap(),
                clock,
                state: IncidentState::default(),
                severity: Severity::High,
            }
        }

        fn comes(&mut self, after: i64) -> (EventId, Plan) {
            self.clock.advance(after);
            let reported = event(Engine::Billing, "sync_failed", self.severity);
            let event = Event {
                id: EventId::fresh(&self.clock),
                reported,
                occurred_at: age_model::Clock::now(&self.clock),
                reported_by: None,
            };
            let plan = plan(&self.policy, &event, &self.state);
            self.state = plan.state.clone().unwrap_or_else(|| self.state.clone());
            (event.id, plan)
        }

        fn is(&mut self, id: EventId, status: ActionStatus) {
            if status.is_final() {
                self.state.forget(Action::BillingSyncRepair, id);
            } else if status == ActionStatus::Succeeded {
                let it = self.state.remediations.iter_mut().find(|remediation| remediation.event_id == id).unwrap();
                it.succeeded_at = Some(age_model::Clock::now(&self.clock));
            }
        }
    }

    fn ineffective_ids(plan: &Plan) -> Vec<EventId> {
        plan.ineffective.iter().map(|remediation| remediation.event_id).collect()
    }

    fn first(plan: &Plan) -> (ActionStatus, Option<EventId>) {
        (plan.actions[0].status, plan.actions[0].suppressed_by)
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
        let event = Event {
            id: EventId::fresh(&clock),
            reported,
            occurred_at: age_model::Clock::now(&clock),
            reported_by: None,
        };
        let actions = plan(&Policy::compiled().unwrap(), &event, &IncidentState::default()).actions;
        let shown: Vec<_> = actions
            .iter()
            .map(|actions| (actions.action, actions.status, actions.due_at.map(|due| due.to_string())))
            .collect();
        assert_eq!(
            shown,
            [
                (Action::PermissionReset, ActionStatus::PendingApproval, Some("2026-11-24T00:00:00.000Z".to_owned())),
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
        assert_eq!(ineffective_ids(&plan), [one]);
        let incident = trouble.state.open_incident().unwrap();
        assert_eq!(
            (incident.cause, incident.failed_remediations, plan.counted),
            (IncidentCause::FailedRemediation, 1, true)
        );
        assert_eq!(
            first(&plan),
            (ActionStatus::Suppressed, trouble.state.remediations.first().map(|remediation| remediation.event_id))
        );
        assert_ne!(Some(two), trouble.state.remediations.first().map(|remediation| remediation.event_id));
    }

    #[test]
    fn an_older_success_is_watched_beside_a_newer_remedy() {
        let mut trouble = Trouble::new();
        let (one, _) = trouble.comes(0);
        let (two, plan) = trouble.comes(600);
        assert_eq!(first(&plan), (ActionStatus::Pending, None));
        trouble.is(one, ActionStatus::Succeeded);
        let (_, plan) = trouble.comes(60);
        assert_eq!((ineffective_ids(&plan), first(&plan)), (vec![one], (ActionStatus::Suppressed, Some(two))));
    }

    #[test]
    fn the_event_itself_sent_again_is_no_new_trouble() {
        let mut trouble = Trouble::new();
        let (one, _) = trouble.comes(0);
        trouble.is(one, ActionStatus::Succeeded);
        trouble.clock.advance(60);
        let reported = event(Engine::Billing, "sync_failed", Severity::High);
        let again = Event { id: one, reported, occurred_at: age_model::Clock::now(&trouble.clock), reported_by: None };
        assert_eq!(plan(&trouble.policy, &again, &trouble.state).ineffective, []);
    }

    #[test]
    fn one_notice_stands_for_all_of_an_incident() {
        let mut trouble = Trouble { severity: Severity::Critical, ..Trouble::new() };
        let notified =
            |plan: &Plan| plan.actions.iter().find(|actions| actions.action == Action::NotifyAdmin).copied().unwrap();
        let (one, plan) = trouble.comes(0);
        assert_eq!((notified(&plan).status, plan.counted), (ActionStatus::Pending, true));
        let (_, plan) = trouble.comes(5999);
        assert_eq!((notified(&plan).status, notified(&plan).suppressed_by), (ActionStatus::Suppressed, Some(one)));
        assert!(plan.counted);
    }

    #[test]
    fn a_notice_begins_with_the_first_critical_event_whatever_opened_the_incident() {
        let mut trouble = Trouble::new();
        let (one, plan) = trouble.comes(0);
        assert!(!plan.counted && trouble.state.incident.is_none(), "HIGH alone opens none");
        trouble.is(one, ActionStatus::Succeeded);
        assert!(trouble.comes(60).1.counted);
        trouble.severity = Severity::Critical;
        let (three, _) = trouble.comes(1);
        let incident = trouble.state.open_incident().unwrap();
        assert_eq!((incident.cause, incident.severity), (IncidentCause::FailedRemediation, Severity::Critical));
        assert_eq!(incident.notify_admin, Some(NotifyAdmin { event_id: three, status: ActionStatus::Pending }));
    }

    #[test]
    fn what_changes_nothing_is_not_written() {
        let mut trouble = Trouble::new();
        assert!(trouble.comes(0).1.state.is_some());
        assert_eq!(trouble.comes(1).1.state, None);
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
        let mark = age_model::StatusChange {
            at: age_model::Clock::now(&trouble.clock),
            by: Some("night-desk".parse().unwrap()),
            note: None,
        };
        crate::resolve(trouble.state.incident.as_mut().unwrap(), mark).unwrap();
        assert!(trouble.comes(60).1.counted, "an incident instead");
        assert_eq!(trouble.state.open_incident().unwrap().cause, IncidentCause::GivenUp);
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
