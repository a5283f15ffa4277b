//! Changes of engines, categories and alert words.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{Engine, Severity, format_duration};

use crate::document::{AlertRules, Category, EngineRules, Policy};
use crate::policy_change::{PolicyChange, listed};

pub(crate) fn engine_changes(old: &Policy, new: &Policy) -> Vec<PolicyChange> {
    let engines: BTreeSet<&Engine> = old.engines.keys().chain(new.engines.keys()).collect();
    let change = |engine: &Engine| match (old.engines.get(engine), new.engines.get(engine)) {
        (Some(before), Some(after)) => changes_of_engine(*engine, before, after),
        (None, Some(after)) => vec![added_engine(*engine, after)],
        (Some(before), None) => vec![retired_engine(*engine, before)],
        (None, None) => Vec::new(),
    };
    engines.into_iter().flat_map(change).collect()
}

fn added_engine(engine: Engine, rules: &EngineRules) -> PolicyChange {
    let silence = match rules.expected_interval_seconds {
        0 => "It may be silent for any time.".to_owned(),
        seconds => format!("It is silent if it reports nothing for {}.", format_duration(seconds)),
    };
    let sentence = format!("Engine {engine} ({}) is added: its events are accepted. {silence}", rules.title);
    PolicyChange::new(format!("engine {engine}"), sentence)
}

fn retired_engine(engine: Engine, rules: &EngineRules) -> PolicyChange {
    let sentence = format!(
        "Engine {engine} ({}) is retired: its events are refused. Its past events, incidents and reports stay.",
        rules.title
    );
    PolicyChange::new(format!("engine {engine}"), sentence)
}

fn changes_of_engine(engine: Engine, old: &EngineRules, new: &EngineRules) -> Vec<PolicyChange> {
    let subject = || format!("engine {engine}");
    let mut changes = Vec::new();
    if old.title != new.title {
        let sentence = format!("Engine {engine} is shown as {}; it was {}.", new.title, old.title);
        let path = format!("engines.{engine}.title");
        let change = PolicyChange::new(subject(), sentence);
        changes.push(change.with_values(&path, Some(old.title.clone()), Some(new.title.clone())));
    }
    let (before, after) = (old.expected_interval_seconds, new.expected_interval_seconds);
    if before != after {
        let shown = |seconds| if seconds == 0 { "any time".to_owned() } else { format_duration(seconds) };
        let sentence = format!("Engine {engine} may report nothing for {}; it was {}.", shown(after), shown(before));
        let path = format!("engines.{engine}.expected_interval_seconds");
        let change = PolicyChange::new(subject(), sentence);
        changes.push(change.with_values(&path, Some(before.to_string()), Some(after.to_string())));
    }
    changes
}

pub(crate) fn category_changes(old: &[Category], new: &[Category]) -> Vec<PolicyChange> {
    let find = |categories: &'_ [Category], name: &str| categories.iter().position(|category| category.name == name);
    let mut changes = Vec::new();
    for before in old.iter().filter(|before| find(new, &before.name).is_none()) {
        let sentence = format!("Category {} is removed: reports have no score of it.", before.name);
        changes.push(PolicyChange::new(format!("category {}", before.name), sentence));
    }
    for after in new {
        match find(old, &after.name).and_then(|index| old.get(index)) {
            Some(before) => changes.extend(changes_of_category(before, after)),
            None => changes.push(added_category(after)),
        }
    }
    let kept = |categories: &[Category], others: &[Category]| -> Vec<String> {
        let kept = categories.iter().filter(|category| find(others, &category.name).is_some());
        kept.map(|category| category.name.clone()).collect()
    };
    let (before, after) = (kept(old, new), kept(new, old));
    if before != after {
        let sentence =
            format!("Reports list categories in the order {}; it was {}.", after.join(", "), before.join(", "));
        changes.push(PolicyChange::new("categories", sentence));
    }
    changes
}

fn added_category(category: &Category) -> PolicyChange {
    let Category { name, engines, recommend_above, recommendation } = category;
    let sentence = format!(
        "Category {name} is added: it scores the events of {}, and above {recommend_above} reports recommend {recommendation:?}.",
        listed(engines)
    );
    PolicyChange::new(format!("category {name}"), sentence)
}

fn changes_of_category(old: &Category, new: &Category) -> Vec<PolicyChange> {
    let name = &new.name;
    let change = |sentence: String| PolicyChange::new(format!("category {name}"), sentence);
    let mut changes = Vec::new();
    let only_in = |these: &Category, others: &Category| -> Vec<Engine> {
        these.engines.iter().copied().filter(|engine| !others.engines.contains(engine)).collect()
    };
    let (added, removed) = (only_in(new, old), only_in(old, new));
    if !added.is_empty() {
        changes.push(change(format!("Category {name} scores the events of {} as well.", listed(added.iter()))));
    }
    if !removed.is_empty() {
        changes
            .push(change(format!("Category {name} does not score the events of {} any more.", listed(removed.iter()))));
    }
    if added.is_empty() && removed.is_empty() && old.engines != new.engines {
        changes.push(change(format!("Category {name} lists its engines in another order, which changes no score.")));
    }
    if old.recommend_above != new.recommend_above {
        let (before, after) = (old.recommend_above, new.recommend_above);
        let sentence = format!("Reports recommend something about {name} above a score of {after}; it was {before}.");
        changes.push(PolicyChange {
            before: Some(before.to_string()),
            after: Some(after.to_string()),
            ..change(sentence)
        });
    }
    if old.recommendation != new.recommendation {
        let (before, after) = (&old.recommendation, &new.recommendation);
        let sentence = format!("The recommendation about {name} becomes {after:?}; it was {before:?}.");
        changes.push(PolicyChange { before: Some(before.clone()), after: Some(after.clone()), ..change(sentence) });
    }
    changes
}

/// Returns the changes of the words that senders of alerts use for severities: one for all words that change alike.
pub(crate) fn word_changes(old: &AlertRules, new: &AlertRules) -> Vec<PolicyChange> {
    let words: BTreeSet<&String> = old.severities.keys().chain(new.severities.keys()).collect();
    let mut alike: BTreeMap<(Option<Severity>, Option<Severity>), Vec<String>> = BTreeMap::new();
    for word in words {
        let (before, after) = (old.severities.get(word).copied(), new.severities.get(word).copied());
        if before != after {
            alike.entry((before, after)).or_default().push(format!("{word:?}"));
        }
    }
    let shown =
        |severity: Option<Severity>| severity.map_or("no severity of their own".to_owned(), |it| it.to_string());
    let change = |((before, after), words): ((Option<Severity>, Option<Severity>), Vec<String>)| {
        let sentence = format!("Alerts with {} have {}; they had {}.", listed(words), shown(after), shown(before));
        PolicyChange {
            before: before.map(|it| it.to_string()),
            after: after.map(|it| it.to_string()),
            ..PolicyChange::new("alerts", sentence)
        }
    };
    alike.into_iter().map(change).collect()
}
