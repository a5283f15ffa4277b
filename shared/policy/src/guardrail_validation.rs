//! The validation of guardrails. The build script compiles this file as well.

use std::collections::{BTreeMap, BTreeSet};

use age_model::{AccessRequest, Engine, RiskLevel, Severity, Verdict};
use serde_json::Value;

use crate::bounds;
use crate::engine_names::EngineNames;
use crate::guardrail_document::{
    FieldCondition, FieldValue, Guardrail, HoldCondition, IncidentCondition, LevelCondition, RemediationCondition,
    RequestConditions, StateConditions,
};
use crate::reader::{Node, all, each_once, number};
use crate::unique_name::read_unique_name;

/// The names that guardrails may refer to.
pub(crate) struct Names<'a> {
    pub(crate) engines: &'a EngineNames<'a>,
    /// The names of the categories. None if they cannot be read, so that no reference to one is an error.
    pub(crate) categories: Option<BTreeSet<&'a str>>,
    /// The fields of the context that guardrails cannot read.
    pub(crate) unbound_context: &'a [String],
}

pub(crate) fn read_guardrails(node: &Node<'_>, names: &Names<'_>) -> Option<Vec<Guardrail>> {
    let nodes = node.list(&bounds::GUARDRAILS)?;
    let mut seen = BTreeMap::new();
    all(nodes.iter().map(|node| {
        node.object(|fields| {
            let id = read_unique_name(&fields.field("id"), bounds::MAX_RULE_ID_CHARS, &mut seen);
            let engines = fields.optional("engines", |engines| {
                each_once(&engines.list(&bounds::ENGINES_OF_GUARDRAIL)?, |engine| names.engines.read(engine))
            });
            let verdict = fields.field("verdict").word(Verdict::ALL);
            let message = fields.field("message").line(bounds::MAX_MESSAGE_CHARS);
            let request = fields.optional("match", |node| read_request_conditions(node, names));
            let state = fields.optional("state", |node| read_state_conditions(node, names));
            Some(Guardrail {
                id: id?,
                engines: engines?.unwrap_or_default().into_iter().collect(),
                verdict: verdict?,
                message: message?.to_owned(),
                request: request?.unwrap_or_default(),
                state: state?.unwrap_or_default(),
            })
        })
    }))
}

fn read_request_conditions(node: &Node<'_>, names: &Names<'_>) -> Option<RequestConditions> {
    const ENTITY: &[&str] = &["type", "id"];
    node.object(|fields| {
        let part = |name, own: &[&str]| fields.optional(name, |node| read_fields(node, |path| check_path(path, own)));
        let subject = part("subject", ENTITY);
        let action = part("action", &["name"]);
        let resource = part("resource", ENTITY);
        let context = fields.optional("context", |node| read_fields(node, |path| check_context_path(path, names)));
        Some(RequestConditions {
            subject: subject?.unwrap_or_default(),
            action: action?.unwrap_or_default(),
            resource: resource?.unwrap_or_default(),
            context: context?.unwrap_or_default(),
        })
    })
}

/// Reads the conditions on the fields of one part of a request. `check` refuses a path.
fn read_fields(
    node: &Node<'_>,
    check: impl Fn(&str) -> Result<(), String>,
) -> Option<BTreeMap<String, FieldCondition>> {
    let entries = node.entries(&bounds::FIELDS)?;
    all(entries.iter().map(|(path, node)| {
        let is_path = check(path).map_err(|detail| node.refuse(detail)).is_ok();
        let condition = read_field_condition(node);
        Some(((*path).to_owned(), condition.filter(|_| is_path)?))
    }))
}

/// Checks the path of a field of a subject, an action or a resource, which has the fields `own` and `properties`.
fn check_path(path: &str, own: &[&str]) -> Result<(), String> {
    let is_property = path.strip_prefix("properties.").is_some_and(is_dotted);
    if own.contains(&path) || is_property {
        return Ok(());
    }
    Err(format!(
        "is not a known field; the fields are {}, and those below properties, as in properties.a.b",
        own.join(", ")
    ))
}

/// Checks the path of a field of the context.
fn check_context_path(path: &str, names: &Names<'_>) -> Result<(), String> {
    let name = path.split('.').next().unwrap_or_default();
    if !is_dotted(path) {
        let max = bounds::MAX_PATH_CHARS;
        return Err(format!("must be a path of 1 to {max} characters, with a dot between the names, as in a.b"));
    }
    if name == AccessRequest::DECISION_ID {
        return Err("must be another field: it names the decision whose approval is used".to_owned());
    }
    if names.unbound_context.iter().any(|unbound| unbound == name) {
        return Err("must not be in decisions.unbound_context, whose fields guardrails cannot read".to_owned());
    }
    Ok(())
}

/// Whether `path` is names with dots between them.
pub(crate) fn is_dotted(path: &str) -> bool {
    path.chars().count() <= bounds::MAX_PATH_CHARS && path.split('.').all(|name| is_text(name) && !name.is_empty())
}

/// Whether `text` has no control characters.
pub(crate) fn is_text(text: &str) -> bool {
    !text.contains(|character: char| character.is_control())
}

fn read_field_condition(node: &Node<'_>) -> Option<FieldCondition> {
    let condition = node.object(|fields| {
        let equals = fields.optional("equals", read_value);
        let one_of = fields.optional("in", |node| each_once(&node.list(&bounds::VALUES)?, read_value));
        let prefix = fields.optional("prefix", |node| {
            let max = bounds::MAX_VALUE_CHARS;
            let is_prefix = |text: &&str| !text.is_empty() && text.chars().count() <= max && is_text(text);
            let expected = format_args!("1 to {max} characters, none of them a control character");
            node.read(expected, |value| value.as_str().filter(is_prefix)).map(str::to_owned)
        });
        let above = fields.optional("above", Node::number);
        let below = fields.optional("below", Node::number);
        let exists = fields.optional("exists", Node::boolean);
        Some(FieldCondition {
            equals: equals?,
            one_of: one_of?,
            prefix: prefix?,
            above: above?,
            below: below?,
            exists: exists?,
        })
    })?;
    if condition == FieldCondition::default() {
        node.refuse("must have at least one of equals, in, prefix, above, below, exists");
        return None;
    }
    Some(condition)
}

fn read_value(node: &Node<'_>) -> Option<FieldValue> {
    let max = bounds::MAX_VALUE_CHARS;
    let expected = format_args!(
        "a string of up to {max} characters, none of them a control character, a number from {} to {}, true or false",
        bounds::NUMBER.start(),
        bounds::NUMBER.end()
    );
    node.read(expected, |value| match value {
        Value::String(text) => (text.chars().count() <= max && is_text(text)).then(|| FieldValue::Text(text.clone())),
        Value::Number(_) => number(value).map(FieldValue::Number),
        Value::Bool(value) => Some(FieldValue::Boolean(*value)),
        _ => None,
    })
}

fn read_state_conditions(node: &Node<'_>, names: &Names<'_>) -> Option<StateConditions> {
    let read_engine = |node: &Node<'_>| -> Option<Engine> { names.engines.read(node) };
    node.object(|fields| {
        let at_level = fields.optional("at_level", |node| {
            node.object(|fields| {
                let category = read_category(&fields.field("category"), names);
                let level = fields.field("level").word(RiskLevel::ALL);
                Some(LevelCondition { category: category?, level: level? })
            })
        });
        let open_incident = fields.optional("open_incident", |node| {
            node.object(|fields| {
                let severity = fields.field("severity").word(Severity::ALL);
                let unacknowledged = fields.optional("unacknowledged", Node::boolean);
                let engine = fields.optional("engine", read_engine);
                let unacknowledged = unacknowledged?.unwrap_or_default();
                Some(IncidentCondition { severity: severity?, unacknowledged, engine: engine? })
            })
        });
        let ineffective_within = fields.optional("ineffective_within", |node| {
            node.object(|fields| {
                let seconds = fields.field("seconds").whole_number(&bounds::INEFFECTIVE_SECONDS);
                let engine = fields.optional("engine", read_engine);
                Some(RemediationCondition { seconds: seconds?, engine: engine? })
            })
        });
        let held = fields.optional("held", |node| {
            node.object(|fields| Some(HoldCondition { engine: read_engine(&fields.field("engine"))? }))
        });
        Some(StateConditions {
            at_level: at_level?,
            open_incident: open_incident?,
            ineffective_within: ineffective_within?,
            held: held?,
        })
    })
}

fn read_category(node: &Node<'_>, names: &Names<'_>) -> Option<String> {
    let is_known = |name: &&str| names.categories.as_ref().is_none_or(|categories| categories.contains(name));
    node.read("the name of a category", |value| value.as_str().filter(is_known)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::decision_document;
    use crate::document::Policy;
    use crate::guardrail_document::test_data;
    use crate::validation::tests::{InvalidChange, default_document, paths, set};

    fn invalid_changes_of_guardrails() -> Vec<InvalidChange> {
        let rule = |id: &str| json!({"id": id, "verdict": "allow", "message": "allowed"});
        let rules = |count: usize| (0..count).map(|number| rule(&format!("rule_{number}"))).collect();
        vec![
            ("/guardrails", Some(json!({})), &["guardrails"]),
            ("/guardrails", Some(rules(201)), &["guardrails"]),
            ("/guardrails/-", Some(rule("rule")), &["guardrails[1].id"]),
            ("/guardrails/-", Some(rule("Rule")), &["guardrails[1].id"]),
            ("/guardrails/-", Some(rule(&"x".repeat(65))), &["guardrails[1].id"]),
            ("/guardrails/-", Some(json!({})), &["guardrails[1].id", "guardrails[1].verdict", "guardrails[1].message"]),
            ("/guardrails/0/when", Some(json!({})), &["guardrails[0].when"]),
            ("/guardrails/0/engines", Some(json!([])), &["guardrails[0].engines"]),
            ("/guardrails/0/engines/-", Some(json!("billing")), &["guardrails[0].engines[1]"]),
            ("/guardrails/0/engines/-", Some(json!("search")), &["guardrails[0].engines[1]"]),
            ("/guardrails/0/engines/-", Some(json!("age")), &["guardrails[0].engines[1]"]),
            ("/guardrails/0/verdict", Some(json!("permit")), &["guardrails[0].verdict"]),
            ("/guardrails/0/message", Some(json!("a\nb")), &["guardrails[0].message"]),
            ("/guardrails/0/message", Some("x".repeat(201).into()), &["guardrails[0].message"]),
            ("/guardrails/0/match/resource", Some(json!("invoice")), &["guardrails[0].match.resource"]),
            ("/guardrails/0/match/target", Some(json!({})), &["guardrails[0].match.target"]),
            ("/guardrails/0/match/resource/kind", Some(json!({"equals": 1})), &["guardrails[0].match.resource.kind"]),
            (
                "/guardrails/0/match/subject/properties.a..b",
                Some(json!({"equals": 1})),
                &["guardrails[0].match.subject.\"properties.a..b\""],
            ),
            ("/guardrails/0/match/action/id", Some(json!({"equals": 1})), &["guardrails[0].match.action.id"]),
            (
                "/guardrails/0/match/context/decisionId",
                Some(json!({"exists": true})),
                &["guardrails[0].match.context.decisionId"],
            ),
            (
                "/guardrails/0/match/context/sent_at.day",
                Some(json!({"exists": true})),
                &["guardrails[0].match.context.\"sent_at.day\""],
            ),
            ("/guardrails/0/match/context/", Some(json!({"exists": true})), &["guardrails[0].match.context.\"\""]),
            ("/guardrails/0/match/context/b", Some(json!({})), &["guardrails[0].match.context.b"]),
            (
                "/guardrails/0/match/context/b",
                Some(json!({"is": 1})),
                &["guardrails[0].match.context.b.is", "guardrails[0].match.context.b"],
            ),
            (
                "/guardrails/0/match/subject/type/equals",
                Some(json!(null)),
                &["guardrails[0].match.subject.type.equals"],
            ),
            (
                "/guardrails/0/match/subject/type/equals",
                Some(json!(9_007_199_254_740_992_i64)),
                &["guardrails[0].match.subject.type.equals"],
            ),
            ("/guardrails/0/match/subject/type/in", Some(json!([])), &["guardrails[0].match.subject.type.in"]),
            ("/guardrails/0/match/subject/type/in", Some(json!([1, 1.0])), &["guardrails[0].match.subject.type.in[1]"]),
            ("/guardrails/0/match/subject/type/prefix", Some(json!("")), &["guardrails[0].match.subject.type.prefix"]),
            ("/guardrails/0/match/subject/type/above", Some(json!("1")), &["guardrails[0].match.subject.type.above"]),
            ("/guardrails/0/match/subject/type/below", Some(json!(1e16)), &["guardrails[0].match.subject.type.below"]),
            ("/guardrails/0/match/subject/type/exists", Some(json!(1)), &["guardrails[0].match.subject.type.exists"]),
            ("/guardrails/0/state/level", Some(json!({})), &["guardrails[0].state.level"]),
            (
                "/guardrails/0/state/at_level/category",
                Some(json!("search_risk")),
                &["guardrails[0].state.at_level.category"],
            ),
            ("/guardrails/0/state/at_level/level", Some(json!("DIRE")), &["guardrails[0].state.at_level.level"]),
            (
                "/guardrails/0/state/open_incident",
                Some(json!({"unacknowledged": 1, "engine": "search"})),
                &[
                    "guardrails[0].state.open_incident.severity",
                    "guardrails[0].state.open_incident.unacknowledged",
                    "guardrails[0].state.open_incident.engine",
                ],
            ),
            (
                "/guardrails/0/state/ineffective_within/seconds",
                Some(json!(604_801)),
                &["guardrails[0].state.ineffective_within.seconds"],
            ),
            ("/guardrails/0/state/held", Some(json!({})), &["guardrails[0].state.held.engine"]),
        ]
    }

    #[test]
    fn invalid_guardrail_is_refused_with_exactly_the_paths_of_its_errors() {
        let mut valid = default_document();
        valid["guardrails"] = serde_json::to_value(test_data::guardrails()).unwrap();
        valid["decisions"] = serde_json::to_value(decision_document::test_data::decision_rules()).unwrap();
        assert_eq!(paths(&valid), [""; 0]);
        for (pointer, value, expected) in invalid_changes_of_guardrails() {
            let mut document = valid.clone();
            set(&mut document, pointer, value.clone());
            assert_eq!(paths(&document), expected, "{pointer} {value:?}");
        }
    }

    #[test]
    fn guardrails_that_say_nothing_do_not_change_the_hash() {
        let mut document = default_document();
        document["guardrails"] = json!([]);
        document["decisions"] = json!({"valid_for_seconds": 300.0, "record_payload": false, "unbound_context": []});
        assert_eq!(Policy::from_value(&document).unwrap().hash(), Policy::COMPILED_HASH);
        document["guardrails"] = serde_json::to_value(test_data::guardrails()).unwrap();
        let policy = Policy::from_value(&document).unwrap();
        assert_eq!(serde_json::from_str::<Policy>(&policy.canonical_json()).unwrap(), policy);
        // Empty conditions and numbers in another notation are the same policy.
        let other = |document: &mut Value| {
            set(document, "/guardrails/0/match/context/a.b/below", Some(json!(1.0)));
            set(document, "/guardrails/0/state/open_incident/unacknowledged", Some(json!(true)));
        };
        other(&mut document);
        assert_eq!(Policy::from_value(&document).unwrap().hash(), policy.hash());
        let condition = |value: Value| {
            let mut document = document.clone();
            set(&mut document, "/guardrails/0/match", Some(value));
            Policy::from_value(&document).unwrap().hash()
        };
        assert_eq!(condition(json!({})), condition(json!({"context": {}})));
    }
}
