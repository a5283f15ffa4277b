//! Changes of action rules, by their effects: which events lead to which actions.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{Action, Engine, Severity};

use crate::action_planning::select_actions;
use crate::document::{ActionRule, ActionRules, Policy};
use crate::policy_change::{PolicyChange, listed};

/// The actions that follow on an event. None: the event is refused, because the policy does not have its engine.
type Effect = Option<Vec<PlannedEffect>>;

/// An action that follows on an event, and whether it needs an approval.
type PlannedEffect = (Action, bool);

/// The event types that an effect is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum EventTypes {
    /// All.
    All,
    /// Those that begin with a prefix which a rule has, and with no longer one.
    Prefixed(String),
    /// Those that begin with no such prefix, or with one that has the same effect.
    Others,
}

/// The effects before and after.
type Effects = (Effect, Effect);

/// Returns the changes of what events lead to: one for all engines and severities that change alike.
pub(crate) fn effect_changes(old: &Policy, new: &Policy) -> Vec<PolicyChange> {
    let engines = engines(old, new);
    let mut alike: BTreeMap<(EventTypes, Effects), BTreeMap<Severity, BTreeSet<Engine>>> = BTreeMap::new();
    for (event_types, (engine, severity), effects) in changed_effects(old, new, &engines) {
        alike.entry((event_types, effects)).or_default().entry(severity).or_default().insert(engine);
    }
    let mut changes = Vec::new();
    for ((event_types, (before, after)), severities) in alike {
        let mut of_engines: BTreeMap<BTreeSet<Engine>, Vec<Severity>> = BTreeMap::new();
        for (severity, engines) in severities {
            of_engines.entry(engines).or_default().push(severity);
        }
        for (of, severities) in of_engines {
            let names: BTreeSet<String> = of.iter().map(Engine::to_string).collect();
            let of = if of == engines { "every engine".to_owned() } else { listed(names) };
            let subject = subject(&severities, &of, &event_types);
            changes.push(effect_change(subject, before.as_deref(), after.as_deref()));
        }
    }
    if changes.is_empty()
        && (&old.actions.first_match, &old.actions.also) != (&new.actions.first_match, &new.actions.also)
    {
        changes.push(PolicyChange::new("action rules", "The rules are written differently and have the same effects."));
    }
    changes
}

/// The engines of both policies. AGE itself is one of them if a rule names it.
fn engines(old: &Policy, new: &Policy) -> BTreeSet<Engine> {
    let named = [old, new].into_iter().flat_map(|policy| rules(&policy.actions)).filter_map(|rule| rule.engine);
    old.engines.keys().chain(new.engines.keys()).copied().chain(named).collect()
}

fn rules(rules: &ActionRules) -> impl Iterator<Item = &ActionRule> {
    rules.first_match.iter().chain(&rules.also)
}

/// Returns the event types of each engine and severity whose effect changes, with the effects before and after.
fn changed_effects(
    old: &Policy,
    new: &Policy,
    engines: &BTreeSet<Engine>,
) -> Vec<(EventTypes, (Engine, Severity), Effects)> {
    let all_rules = [old, new].into_iter().flat_map(|policy| rules(&policy.actions));
    let prefixes: BTreeSet<&String> = all_rules.filter_map(|rule| rule.event_type_prefix.as_ref()).collect();
    // No prefix is empty, so the empty text stands for an event type that begins with none of them.
    let others = effects(old, new, engines, "");
    let mut changed = Vec::new();
    let mut with_exceptions = BTreeSet::new();
    for prefix in prefixes {
        for (events, of_prefix) in effects(old, new, engines, prefix) {
            if others.get(&events) != Some(&of_prefix) {
                with_exceptions.insert(events);
                changed.push((EventTypes::Prefixed(prefix.clone()), events, of_prefix));
            }
        }
    }
    changed.extend(others.into_iter().map(|(events, of_others)| {
        let event_types = if with_exceptions.contains(&events) { EventTypes::Others } else { EventTypes::All };
        (event_types, events, of_others)
    }));
    changed.retain(|(_, _, (before, after))| is_change(before.as_deref(), after.as_deref()));
    changed
}

/// Whether other actions follow. An engine that is added or retired is a change of its own, and so is an approval.
fn is_change(before: Option<&[PlannedEffect]>, after: Option<&[PlannedEffect]>) -> bool {
    let actions = |effect: Option<&[PlannedEffect]>| -> Vec<Action> {
        effect.unwrap_or_default().iter().map(|(action, _)| *action).collect()
    };
    actions(before) != actions(after)
}

/// Returns the effects of the events of each engine and severity whose type begins with `event_type` and with no longer prefix.
fn effects(
    old: &Policy,
    new: &Policy,
    engines: &BTreeSet<Engine>,
    event_type: &str,
) -> BTreeMap<(Engine, Severity), Effects> {
    let (old_rules, new_rules) = (narrowed(&old.actions, event_type), narrowed(&new.actions, event_type));
    let of = |engine: Engine, severity: Severity| {
        let before = effect(old, &old_rules, engine, severity);
        ((engine, severity), (before, effect(new, &new_rules, engine, severity)))
    };
    engines.iter().flat_map(|engine| Severity::ALL.iter().map(|severity| of(*engine, *severity))).collect()
}

/// Returns `rules` with those that match `event_type` only, each without its prefix.
fn narrowed(rules: &ActionRules, event_type: &str) -> ActionRules {
    let narrowed = |rules: &[ActionRule]| {
        let matches =
            |rule: &&ActionRule| rule.event_type_prefix.as_ref().is_none_or(|prefix| event_type.starts_with(prefix));
        let without_prefix = |rule: &ActionRule| ActionRule { event_type_prefix: None, ..*rule };
        rules.iter().filter(matches).map(without_prefix).collect()
    };
    let (first_match, also) = (narrowed(&rules.first_match), narrowed(&rules.also));
    ActionRules { first_match, also, ..rules.clone() }
}

fn effect(policy: &Policy, narrowed: &ActionRules, engine: Engine, severity: Severity) -> Effect {
    let is_accepted = policy.engines.contains_key(&engine) || engine == Engine::AGE;
    let planned = |action| (action, narrowed.require_approval.contains(&action));
    is_accepted.then(|| select_actions(narrowed, engine, severity, "").into_iter().map(planned).collect())
}

fn subject(severities: &[Severity], engines: &str, event_types: &EventTypes) -> String {
    let events = format!("{} events of {engines}", listed(severities));
    match event_types {
        EventTypes::All => events,
        EventTypes::Prefixed(prefix) => format!("{events} whose type begins with {prefix:?}"),
        EventTypes::Others => format!("{events} of other types"),
    }
}

fn effect_change(subject: String, before: Option<&[PlannedEffect]>, after: Option<&[PlannedEffect]>) -> PolicyChange {
    let shown = |effect: &[PlannedEffect]| match effect {
        [] => "no action".to_owned(),
        actions => listed(actions.iter().map(|(action, needs_approval)| {
            if *needs_approval { format!("{action} after approval") } else { action.to_string() }
        })),
    };
    let (before, after) = (before.map(shown), after.map(shown));
    let sentence = match (&before, &after) {
        (Some(before), Some(after)) => format!("{subject} lead to {after}; they led to {before}."),
        (None, Some(after)) => format!("{subject} lead to {after}."),
        (Some(before), None) => format!("{subject} are refused; they led to {before}."),
        (None, None) => String::new(),
    };
    PolicyChange { before, after, ..PolicyChange::new(subject, sentence) }
}

/// Returns the changes of who approves and who carries out an action.
pub(crate) fn action_changes(old: &ActionRules, new: &ActionRules) -> Vec<PolicyChange> {
    let mut changes = Vec::new();
    for action in Action::ALL {
        let subject = || format!("action {action}");
        let (before, after) = (old.require_approval.contains(action), new.require_approval.contains(action));
        if before != after {
            let needs = if after { "waits for the approval of a responder" } else { "needs no approval any more" };
            changes.push(PolicyChange::new(subject(), format!("Action {action} {needs}.")));
        }
        let (before, after) = (old.carried_out_by.get(action), new.carried_out_by.get(action));
        if before != after {
            let shown =
                |engine: Option<&Engine>| engine.map_or("the engine of the event".to_owned(), Engine::to_string);
            let sentence = format!(
                "Action {action} is carried out by {}; it was {}. Only its credentials may report the outcome.",
                shown(after),
                shown(before)
            );
            let raw = |engine: Option<&Engine>| engine.map(Engine::to_string);
            let path = format!("actions.carried_out_by.{action}");
            changes.push(PolicyChange::new(subject(), sentence).with_values(&path, raw(before), raw(after)));
        }
    }
    changes
}
