//! Which actions an event leads to.

use model::{ActionRecord, ActionStatus, NewEvent};

use crate::{ActionRule, Policy};

impl ActionRule {
    fn matches(&self, event: &NewEvent) -> bool {
        self.engine.is_none_or(|engine| engine == event.engine)
            && self.severity.is_none_or(|severity| severity == event.severity)
            && self.event_type_prefix.as_ref().is_none_or(|prefix| event.event_type.as_str().starts_with(prefix))
    }
}

/// The actions that `event` leads to, each once, and the status each begins with.
#[must_use]
pub fn select_actions(policy: &Policy, event: &NewEvent) -> Vec<ActionRecord> {
    let rules = &policy.actions;
    if event.severity < rules.from {
        return Vec::new();
    }
    let first = rules.first_match.iter().find(|rule| rule.matches(event));
    let also = rules.also.iter().filter(|rule| rule.matches(event));
    let mut selected: Vec<ActionRecord> = Vec::new();
    for action in first.into_iter().chain(also).map(|rule| rule.action) {
        if selected.iter().any(|record| record.action == action) {
            continue;
        }
        let waits = rules.need_approval.contains(&action);
        let status = if waits { ActionStatus::AwaitingApproval } else { ActionStatus::Pending };
        selected.push(ActionRecord { action, status });
    }
    selected
}

#[cfg(test)]
mod tests {
    use model::{Action, Details, Engine, Severity};
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
        let policy = Policy::compiled().unwrap();
        select_actions(&policy, &event(engine, event_type, severity)).iter().map(|record| record.action).collect()
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
        let policy = Policy::compiled().unwrap();
        let records = select_actions(&policy, &event(Engine::Compliance, "permission_escalated", Severity::Critical));
        let shown: Vec<_> = records.iter().map(|record| (record.action, record.status)).collect();
        assert_eq!(
            shown,
            [(Action::PermissionReset, ActionStatus::AwaitingApproval), (Action::NotifyAdmin, ActionStatus::Pending)]
        );
        assert_eq!(selected(Engine::Compliance, "permission_denied", Severity::High), [Action::PermissionReset]);
        assert_eq!(selected(Engine::Compliance, "a_permission", Severity::High), [Action::MaosAutoFix]);
        assert_eq!(selected(Engine::Maos, "permission_denied", Severity::High), [Action::MaosAutoFix]);
    }

    proptest! {
        #[test]
        fn severe_events_always_have_an_action(engine in prop::sample::select(Engine::ALL), severity in prop::sample::select(Severity::ALL), name in "[a-z_]{1,20}") {
            let actions = selected(engine, &name, severity);
            prop_assert_eq!(actions.is_empty(), severity < Severity::High);
        }
    }
}
