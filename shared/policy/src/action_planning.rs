//! Planning: which actions an event leads to, and which of them are suppressed.

use age_model::{
    Action, ActionStatus, Engine, Event, EventId, IncidentCause, IncidentState, NewEvent, NotifyAdmin, PlannedAction,
    Remediation, Severity, Timestamp,
};

use crate::document::{ActionRule, ActionRules, Policy};
use crate::ineffective_remediations::{Sign, has_given_up, remove_ineffective};

/// The consequences of an event: its actions, and the changes that they bring.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The event's actions.
    pub actions: Vec<PlannedAction>,
    /// The new state of the event's incident key; None if it stays as it was.
    pub state: Option<IncidentState>,
    /// Remediations that had succeeded and that this event proves ineffective.
    pub ineffective: Vec<Remediation>,
    /// Whether an incident counts the event.
    pub counted: bool,
}

impl ActionRule {
    fn matches(&self, engine: Engine, severity: Severity, event_type: &str) -> bool {
        self.engine.is_none_or(|it| it == engine)
            && self.severity.is_none_or(|it| it == severity)
            && self.event_type_prefix.as_ref().is_none_or(|prefix| event_type.starts_with(prefix))
    }
}

/// Returns the actions that the policy selects for an event of `engine`, `severity` and `event_type`, each once.
pub(crate) fn select_actions(rules: &ActionRules, engine: Engine, severity: Severity, event_type: &str) -> Vec<Action> {
    if severity < rules.min_severity {
        return Vec::new();
    }
    let matches = |rule: &&ActionRule| rule.matches(engine, severity, event_type);
    let first = rules.first_match.iter().find(matches);
    let also = rules.also.iter().filter(matches);
    let mut selected = Vec::new();
    for action in first.into_iter().chain(also).map(|rule| rule.action) {
        if !selected.contains(&action) {
            selected.push(action);
        }
    }
    selected
}

impl Policy {
    /// Whether people are notified of an event that is `reported`, if its incident key has no open incident.
    #[must_use]
    pub fn opens_incident(&self, reported: &NewEvent) -> bool {
        let NewEvent { engine, severity, event_type, .. } = reported;
        select_actions(&self.actions, *engine, *severity, event_type.as_str()).contains(&Action::NotifyAdmin)
    }
}

/// Plans the actions of `event`, given the `state` of its incident key.
#[must_use]
pub fn plan(policy: &Policy, event: &Event, state: &IncidentState) -> Plan {
    let rules = &policy.actions;
    let mut next = state.clone();
    let ineffective = remove_ineffective(policy, &mut next, &Sign::of_event(event));
    let given_up = has_given_up(rules, &next);

    let NewEvent { engine, severity, event_type, .. } = &event.reported;
    let selected = select_actions(rules, *engine, *severity, event_type.as_str());
    let cause = if selected.contains(&Action::NotifyAdmin) {
        Some(IncidentCause::CriticalEvent)
    } else {
        given_up.then_some(IncidentCause::GivenUp)
    };
    let counted = policy.incidents.record_event(&mut next, event, cause);
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

/// Plans a remediation. It is suppressed if the same one is in progress, or if AGE has given up on the incident key.
fn plan_remediation(
    rules: &ActionRules,
    state: &mut IncidentState,
    action: Action,
    event: &Event,
    given_up: bool,
) -> PlannedAction {
    let now = event.occurred_at;
    let suppresses = |remediation: &&Remediation| {
        let is_recent = remediation.since.plus_seconds(rules.repeat_after_seconds) > now;
        remediation.action == action && remediation.succeeded_at.is_none() && is_recent
    };
    let latest = state.remediations.iter().filter(suppresses).max_by_key(|remediation| remediation.since);
    let suppressed_by = latest.map(|remediation| remediation.event_id);
    if suppressed_by.is_some() || given_up {
        return PlannedAction { suppressed_by, ..PlannedAction::new(action, ActionStatus::Suppressed) };
    }
    state.remediations.push(Remediation { action, event_id: event.id, since: now, succeeded_at: None });
    first_step(rules, action, now)
}

/// Plans a `notify_admin`. One of them stands for all notifications of the incident; the others are suppressed by it.
fn plan_notify_admin(state: &mut IncidentState, action: Action, event_id: EventId) -> PlannedAction {
    let existing = state.open_incident_mut().map(|incident| &mut incident.notify_admin);
    match existing {
        Some(existing @ None) => {
            *existing = Some(NotifyAdmin { event_id, status: ActionStatus::Pending });
            PlannedAction::new(action, ActionStatus::Pending)
        }
        existing => {
            let suppressed_by = existing.and_then(|existing| existing.map(|existing| existing.event_id));
            PlannedAction { suppressed_by, ..PlannedAction::new(action, ActionStatus::Suppressed) }
        }
    }
}

fn first_step(rules: &ActionRules, action: Action, now: Timestamp) -> PlannedAction {
    // The planner dispatches the action, or notifies people of the pending approval. The sweep does it if that fails.
    let due_at = Some(now.plus_seconds(rules.lease_seconds));
    if rules.require_approval.contains(&action) {
        let approve_by = Some(now.plus_seconds(rules.approve_within_seconds));
        PlannedAction { due_at, approve_by, ..PlannedAction::new(action, ActionStatus::PendingApproval) }
    } else {
        PlannedAction { due_at, ..PlannedAction::new(action, ActionStatus::Pending) }
    }
}

#[cfg(test)]
mod tests {
    use age_model::{Details, ManualClock};
    use proptest::prelude::*;

    use super::*;

    fn event(engine: Engine, event_type: &str, severity: Severity) -> NewEvent {
        NewEvent {
            engine,
            event_type: event_type.parse().unwrap(),
            severity,
            details: Details::default(),
            source_time: None,
            decision_id: None,
        }
    }

    fn selected(engine: Engine, event_type: &str, severity: Severity) -> Vec<Action> {
        select_actions(&Policy::compiled().unwrap().actions, engine, severity, event_type)
    }

    /// Plans one event of the same incident key after another.
    struct Scenario {
        policy: Policy,
        clock: ManualClock,
        state: IncidentState,
        severity: Severity,
    }

    impl Scenario {
        fn new() -> Self {
            let clock = ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap());
            Self {
                policy: Policy::compiled().unwrap(),
                clock,
                state: IncidentState::default(),
                severity: Severity::High,
            }
        }

        fn event_after(&mut self, seconds: i64) -> (EventId, Plan) {
            self.clock.advance(seconds);
            let reported = event(Engine::from_static("billing"), "sync_failed", self.severity);
            let event = Event {
                id: EventId::fresh(&self.clock),
                reported,
                occurred_at: age_model::Clock::now(&self.clock),
                reported_by: None,
                resolves: None,
            };
            let plan = plan(&self.policy, &event, &self.state);
            self.state = plan.state.clone().unwrap_or_else(|| self.state.clone());
            (event.id, plan)
        }

        fn set_status(&mut self, id: EventId, status: ActionStatus) {
            if status.is_final() {
                self.state.remove_remediation(Action::BillingSyncRepair, id);
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

    fn engines() -> Vec<Engine> {
        Policy::compiled().unwrap().engines.into_keys().collect()
    }

    /// The original sketch's `selectAction`, line by line.
    fn original_action(engine: Engine, severity: Severity) -> Option<Action> {
        if severity != Severity::High && severity != Severity::Critical {
            return None;
        }
        Some(match engine.as_str() {
            "billing" => Action::BillingSyncRepair,
            "maos" => Action::MaosAutoFix,
            "deep_agent" => Action::DeepAgentPolicyUpdate,
            _ if severity == Severity::Critical => Action::NotifyAdmin,
            _ => Action::MaosAutoFix,
        })
    }

    #[test]
    fn first_action_equals_the_original_sketch_and_critical_events_also_notify() {
        for engine in engines() {
            for severity in Severity::ALL {
                let actions = selected(engine, "something_happened", *severity);
                assert_eq!(actions.first().copied(), original_action(engine, *severity), "{engine} {severity}");
                assert_eq!(
                    actions.contains(&Action::NotifyAdmin),
                    *severity == Severity::Critical,
                    "{engine} {severity}"
                );
            }
        }
        assert_eq!(
            selected(Engine::from_static("billing"), "x", Severity::Critical),
            [Action::BillingSyncRepair, Action::NotifyAdmin]
        );
        assert_eq!(selected(Engine::from_static("qa"), "x", Severity::Critical), [Action::NotifyAdmin]);
    }

    #[test]
    fn permission_reset_of_compliance_requires_approval() {
        let clock = ManualClock::at("2026-11-23T00:00:00Z".parse().unwrap());
        let reported = event(Engine::from_static("compliance"), "permission_escalated", Severity::Critical);
        let event = Event {
            id: EventId::fresh(&clock),
            reported,
            occurred_at: age_model::Clock::now(&clock),
            reported_by: None,
            resolves: None,
        };
        let actions = plan(&Policy::compiled().unwrap(), &event, &IncidentState::default()).actions;
        let shown: Vec<_> = actions
            .iter()
            .map(|actions| (actions.action, actions.status, actions.approve_by.map(|deadline| deadline.to_string())))
            .collect();
        assert_eq!(
            shown,
            [
                (Action::PermissionReset, ActionStatus::PendingApproval, Some("2026-11-24T00:00:00.000Z".to_owned())),
                (Action::NotifyAdmin, ActionStatus::Pending, None),
            ]
        );
        assert_eq!(
            selected(Engine::from_static("compliance"), "permission_denied", Severity::High),
            [Action::PermissionReset]
        );
        assert_eq!(selected(Engine::from_static("compliance"), "a_permission", Severity::High), [Action::MaosAutoFix]);
        assert_eq!(selected(Engine::from_static("maos"), "permission_denied", Severity::High), [Action::MaosAutoFix]);
    }

    #[test]
    fn remediation_in_progress_suppresses_the_same_one() {
        let mut scenario = Scenario::new();
        let (one, plan) = scenario.event_after(0);
        assert_eq!(first(&plan), (ActionStatus::Pending, None));
        let (_, plan) = scenario.event_after(300);
        assert_eq!(first(&plan), (ActionStatus::Suppressed, Some(one)));
        scenario.set_status(one, ActionStatus::Dispatched);
        assert_eq!(first(&scenario.event_after(299).1), (ActionStatus::Suppressed, Some(one)));
        // Ten minutes after its start, the remediation suppresses the same one no more.
        let (two, plan) = scenario.event_after(1);
        assert_eq!(first(&plan), (ActionStatus::Pending, None));
        // The end of the older remediation does not end the suppression by the newer one.
        scenario.set_status(one, ActionStatus::Failed);
        assert_eq!(first(&scenario.event_after(1).1), (ActionStatus::Suppressed, Some(two)));
        scenario.set_status(two, ActionStatus::Failed);
        assert_eq!(first(&scenario.event_after(1).1), (ActionStatus::Pending, None));
    }

    #[test]
    fn event_after_a_success_proves_the_remediation_ineffective() {
        let mut scenario = Scenario::new();
        let (one, _) = scenario.event_after(0);
        scenario.set_status(one, ActionStatus::Succeeded);
        assert_eq!(scenario.event_after(0).1.ineffective, [], "an event of the same millisecond proves nothing");
        let (two, plan) = scenario.event_after(60);
        assert_eq!(ineffective_ids(&plan), [one]);
        let incident = scenario.state.open_incident().unwrap();
        assert_eq!(
            (incident.cause, incident.failed_remediations, plan.counted),
            (IncidentCause::FailedRemediation, 1, true)
        );
        assert_eq!(
            first(&plan),
            (ActionStatus::Suppressed, scenario.state.remediations.first().map(|remediation| remediation.event_id))
        );
        assert_ne!(Some(two), scenario.state.remediations.first().map(|remediation| remediation.event_id));
    }

    #[test]
    fn older_success_is_proven_ineffective_beside_a_newer_remediation() {
        let mut scenario = Scenario::new();
        let (one, _) = scenario.event_after(0);
        let (two, plan) = scenario.event_after(600);
        assert_eq!(first(&plan), (ActionStatus::Pending, None));
        scenario.set_status(one, ActionStatus::Succeeded);
        let (_, plan) = scenario.event_after(60);
        assert_eq!((ineffective_ids(&plan), first(&plan)), (vec![one], (ActionStatus::Suppressed, Some(two))));
    }

    #[test]
    fn repeat_of_the_remediations_own_event_proves_nothing() {
        let mut scenario = Scenario::new();
        let (one, _) = scenario.event_after(0);
        scenario.set_status(one, ActionStatus::Succeeded);
        scenario.clock.advance(60);
        let reported = event(Engine::from_static("billing"), "sync_failed", Severity::High);
        let again = Event {
            id: one,
            reported,
            occurred_at: age_model::Clock::now(&scenario.clock),
            reported_by: None,
            resolves: None,
        };
        assert_eq!(plan(&scenario.policy, &again, &scenario.state).ineffective, []);
    }

    #[test]
    fn second_notify_admin_of_an_incident_is_suppressed() {
        let mut scenario = Scenario { severity: Severity::Critical, ..Scenario::new() };
        let notified =
            |plan: &Plan| plan.actions.iter().find(|actions| actions.action == Action::NotifyAdmin).copied().unwrap();
        let (one, plan) = scenario.event_after(0);
        assert_eq!((notified(&plan).status, plan.counted), (ActionStatus::Pending, true));
        let (_, plan) = scenario.event_after(5999);
        assert_eq!((notified(&plan).status, notified(&plan).suppressed_by), (ActionStatus::Suppressed, Some(one)));
        assert!(plan.counted);
    }

    #[test]
    fn notify_admin_belongs_to_the_first_critical_event_of_an_incident() {
        let mut scenario = Scenario::new();
        let (one, plan) = scenario.event_after(0);
        assert!(!plan.counted && scenario.state.incident.is_none(), "a HIGH event opens no incident");
        scenario.set_status(one, ActionStatus::Succeeded);
        assert!(scenario.event_after(60).1.counted);
        scenario.severity = Severity::Critical;
        let (three, _) = scenario.event_after(1);
        let incident = scenario.state.open_incident().unwrap();
        assert_eq!((incident.cause, incident.severity), (IncidentCause::FailedRemediation, Severity::Critical));
        assert_eq!(incident.notify_admin, Some(NotifyAdmin { event_id: three, status: ActionStatus::Pending }));
    }

    #[test]
    fn plan_has_no_state_if_nothing_changes() {
        let mut scenario = Scenario::new();
        assert!(scenario.event_after(0).1.state.is_some());
        assert_eq!(scenario.event_after(1).1.state, None);
    }

    #[test]
    fn three_ineffective_remediations_suppress_more_for_a_day() {
        let mut scenario = Scenario::new();
        let mut started = 0;
        // A worker reports success at once, and an event comes every second.
        for _ in 0..1000 {
            let (id, plan) = scenario.event_after(1);
            if first(&plan).0 == ActionStatus::Pending {
                started += 1;
                scenario.set_status(id, ActionStatus::Succeeded);
            }
        }
        assert_eq!(started, 3);
        assert_eq!(first(&scenario.event_after(60).1), (ActionStatus::Suppressed, None));
        let change = age_model::StatusChange {
            at: age_model::Clock::now(&scenario.clock),
            by: Some("night-desk".parse().unwrap()),
            note: None,
        };
        crate::incident_changes::resolve(scenario.state.incident.as_mut().unwrap(), change).unwrap();
        assert!(scenario.event_after(60).1.counted, "an incident is opened instead");
        assert_eq!(scenario.state.open_incident().unwrap().cause, IncidentCause::GivenUp);
        assert_eq!(first(&scenario.event_after(86_400).1), (ActionStatus::Pending, None));
    }

    proptest! {
        #[test]
        fn events_have_an_action_from_high_on(engine in prop::sample::select(engines()), severity in prop::sample::select(Severity::ALL), name in "[a-z_]{1,20}") {
            let actions = selected(engine, &name, severity);
            prop_assert_eq!(actions.is_empty(), severity < Severity::High);
        }
    }
}
