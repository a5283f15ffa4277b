//! The validation of the rules about actions, incidents and alerts. The build script compiles this file as well.

use std::collections::BTreeMap;

use age_model::{Action, Engine, EventType, Severity};

use crate::bounds;
use crate::document::{ActionRule, ActionRules, AlertRules, IncidentRules, OnResolved};
use crate::engine_names::EngineNames;
use crate::reader::{Fields, Node, all, each_once};

pub(crate) fn read_actions(node: &Node<'_>, engines: &EngineNames<'_>) -> Option<ActionRules> {
    node.object(|fields| {
        let min_severity = fields.field("min_severity").word(Severity::ALL);
        let require_approval = fields.field("require_approval").list(&(0..=Action::ALL.len()));
        let require_approval = require_approval.and_then(|actions| each_once(&actions, read_remediation));
        let lease_seconds = fields.field("lease_seconds").whole_number(&bounds::LEASE_SECONDS);
        let retries = fields.field("retry_after_seconds").list(&bounds::RETRIES);
        let retries = retries.and_then(|retries| all(retries.iter().map(|wait| wait.whole_number(&bounds::SECONDS))));
        let answer_within_seconds = seconds(fields, "answer_within_seconds");
        let approve_within_seconds = seconds(fields, "approve_within_seconds");
        let verify_after_seconds = seconds(fields, "verify_after_seconds");
        let repeat_after_seconds = seconds(fields, "repeat_after_seconds");
        let give_up_after = fields.field("give_up_after").whole_number::<i64>(&bounds::GIVE_UP_AFTER);
        let give_up_within_seconds = seconds(fields, "give_up_within_seconds");
        let first_match = read_first_match(&fields.field("first_match"), engines, min_severity);
        let also = fields.field("also").list(&bounds::ALSO_RULES);
        let also = also.and_then(|rules| all(rules.iter().map(|rule| read_rule(rule, engines, min_severity))));
        let carried_out_by = fields.optional("carried_out_by", |node| read_carried_out_by(node, engines));
        Some(ActionRules {
            min_severity: min_severity?,
            require_approval: require_approval?.into_iter().collect(),
            lease_seconds: lease_seconds?,
            retry_after_seconds: retries?,
            answer_within_seconds: answer_within_seconds?,
            approve_within_seconds: approve_within_seconds?,
            verify_after_seconds: verify_after_seconds?,
            repeat_after_seconds: repeat_after_seconds?,
            give_up_after: usize::try_from(give_up_after?).ok()?,
            give_up_within_seconds: give_up_within_seconds?,
            first_match: first_match?,
            also: also?,
            carried_out_by: carried_out_by?.unwrap_or_default(),
        })
    })
}

/// Reads a time of usual bounds.
fn seconds(fields: &Fields<'_, '_>, name: &'static str) -> Option<i64> {
    fields.field(name).whole_number(&bounds::SECONDS)
}

/// The remediations: other actions are messages of AGE itself, which no engine carries out and nobody approves.
fn remediations() -> Vec<Action> {
    Action::ALL.iter().copied().filter(|action| action.is_remediation()).collect()
}

fn read_remediation(node: &Node<'_>) -> Option<Action> {
    node.word(&remediations())
}

fn read_carried_out_by(node: &Node<'_>, engines: &EngineNames<'_>) -> Option<BTreeMap<Action, Engine>> {
    node.object(|fields| {
        let entry = |action: &Action| {
            let engine = fields.optional(action.as_str(), |engine| engines.read(engine))?;
            Some(engine.map(|engine| (*action, engine)))
        };
        let entries: Vec<_> = all(remediations().iter().map(entry))?;
        Some(entries.into_iter().flatten().collect())
    })
}

fn read_first_match(node: &Node<'_>, engines: &EngineNames<'_>, min: Option<Severity>) -> Option<Vec<ActionRule>> {
    let nodes = node.list(&bounds::FIRST_MATCH_RULES)?;
    let rules: Vec<_> = nodes.iter().map(|rule| read_rule(rule, engines, min)).collect();
    let mut is_valid = true;
    for (index, (node, rule)) in nodes.iter().zip(&rules).enumerate() {
        let Some(rule) = rule else { continue };
        let mut before = nodes.iter().zip(&rules).take(index);
        let covering = before.find(|(_, earlier)| earlier.as_ref().is_some_and(|earlier| earlier.covers(rule)));
        if let Some((earlier, _)) = covering {
            node.refuse(format!(
                "must match an event that no rule before it matches; {} matches all of its events",
                earlier.path()
            ));
            is_valid = false;
        }
        if index + 1 == nodes.len() && !rule.is_unconditional() {
            node.refuse("must have no conditions, because the last rule must match every event");
            is_valid = false;
        }
    }
    rules.into_iter().collect::<Option<_>>().filter(|_| is_valid)
}

fn read_rule(node: &Node<'_>, engines: &EngineNames<'_>, min: Option<Severity>) -> Option<ActionRule> {
    let actions: Vec<_> =
        Action::ALL.iter().copied().filter(|action| *action != Action::AutomatedGovernanceSummary).collect();
    node.object(|fields| {
        let engine = fields.optional("engine", |engine| engines.read_or_age(engine));
        let severity = fields.optional("severity", |severity| read_planned_severity(severity, min));
        let event_type_prefix = fields.optional("event_type_prefix", read_prefix);
        let action = fields.field("action").word(&actions);
        Some(ActionRule {
            engine: engine?,
            severity: severity?,
            event_type_prefix: event_type_prefix?,
            action: action?,
        })
    })
}

/// Reads the severity of a rule, which must lead to actions.
fn read_planned_severity(node: &Node<'_>, min: Option<Severity>) -> Option<Severity> {
    let severity = node.word(Severity::ALL)?;
    not_below(node, severity, min)
}

/// Returns `severity` if it is not below `min`, the lowest severity that leads to actions.
fn not_below(node: &Node<'_>, severity: Severity, min: Option<Severity>) -> Option<Severity> {
    let Some(min) = min.filter(|min| severity < *min) else { return Some(severity) };
    node.refuse(format!("must not be below actions.min_severity, {min}; got {severity}"));
    None
}

/// Reads the beginning of an event type. White space that ends it is within the event type.
fn read_prefix(node: &Node<'_>) -> Option<String> {
    let is_prefix =
        |text: &&str| text.chars().count() <= 128 && text.trim_end_matches(' ').parse::<EventType>().is_ok();
    let expected = "the beginning of an event type, 1 to 128 visible characters";
    node.read(expected, |value| value.as_str().filter(is_prefix)).map(str::to_owned)
}

impl ActionRule {
    /// Whether the rule matches every event.
    const fn is_unconditional(&self) -> bool {
        self.engine.is_none() && self.severity.is_none() && self.event_type_prefix.is_none()
    }

    /// Whether the rule matches every event that `other` matches.
    fn covers(&self, other: &Self) -> bool {
        let begins =
            |prefix: &String| other.event_type_prefix.as_ref().is_some_and(|longer| longer.starts_with(prefix));
        (self.engine.is_none() || self.engine == other.engine)
            && (self.severity.is_none() || self.severity == other.severity)
            && self.event_type_prefix.as_ref().is_none_or(begins)
    }
}

/// Reads the rules of incidents. Events below `min`, the lowest severity that leads to actions, are counted and not planned for.
pub(crate) fn read_incident_rules(node: &Node<'_>, min: Option<Severity>) -> Option<IncidentRules> {
    node.object(|fields| {
        let severity = fields.field("min_severity");
        let min_severity = severity.word(Severity::ALL).and_then(|word| not_below(&severity, word, min));
        let max_open_per_engine = fields.field("max_open_per_engine").whole_number::<i64>(&bounds::MAX_OPEN_PER_ENGINE);
        let digest_after_seconds = seconds(fields, "digest_after_seconds");
        let remind_after_seconds = seconds(fields, "remind_after_seconds");
        let second_line_after_seconds = seconds(fields, "second_line_after_seconds");
        let resolve_after_seconds = seconds(fields, "resolve_after_seconds");
        let on_resolved = fields.optional("on_resolved", |node| node.word(OnResolved::ALL));
        let lease_seconds = fields.field("lease_seconds").whole_number(&bounds::LEASE_SECONDS);
        let email_interval_seconds =
            fields.field("email_interval_seconds").whole_number(&bounds::EMAIL_INTERVAL_SECONDS);
        let email_burst = fields.field("email_burst").whole_number(&bounds::EMAIL_BURST);
        Some(IncidentRules {
            min_severity: min_severity?,
            max_open_per_engine: u64::try_from(max_open_per_engine?).ok()?,
            digest_after_seconds: digest_after_seconds?,
            remind_after_seconds: remind_after_seconds?,
            second_line_after_seconds: second_line_after_seconds?,
            resolve_after_seconds: resolve_after_seconds?,
            on_resolved: on_resolved?,
            lease_seconds: lease_seconds?,
            email_interval_seconds: email_interval_seconds?,
            email_burst: email_burst?,
        })
    })
}

pub(crate) fn read_alert_rules(node: &Node<'_>) -> Option<AlertRules> {
    node.object(|fields| {
        let severities = read_severity_words(&fields.field("severities"));
        let otherwise = fields.field("otherwise").word(Severity::ALL);
        Some(AlertRules { severities: severities?, otherwise: otherwise? })
    })
}

/// Reads the words of senders. A word that is not as words of senders are compared would never be found.
fn read_severity_words(node: &Node<'_>) -> Option<BTreeMap<String, Severity>> {
    let words = node.entries(&bounds::SEVERITY_WORDS)?;
    all(words.iter().map(|(word, node)| {
        let is_found = !word.is_empty()
            && word.chars().count() <= bounds::MAX_WORD_CHARS
            && AlertRules::normalized(word) == **word;
        if !is_found {
            let max = bounds::MAX_WORD_CHARS;
            node.refuse(format!(
                "must be named with 1 to {max} characters in lower case, without white space around them"
            ));
        }
        let severity = node.word(Severity::ALL)?;
        is_found.then(|| ((*word).to_owned(), severity))
    }))
}
