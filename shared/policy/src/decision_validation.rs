//! The validation of the rules of decisions. The build script compiles this file as well.

use std::collections::BTreeMap;

use age_model::{AccessRequest, ReportedType, Severity};

use crate::bounds;
use crate::decision_document::{DecisionRules, HoldRule, OnUnavailable};
use crate::guardrail_validation::{is_dotted, is_text};
use crate::reader::{Node, all, each_once};
use crate::unique_name::read_unique_name;

pub(crate) fn read_decision_rules(node: &Node<'_>) -> Option<DecisionRules> {
    node.object(|fields| {
        let default = DecisionRules::default();
        let valid_for = fields.optional("valid_for_seconds", |node| node.whole_number(&bounds::VALID_FOR_SECONDS));
        let approve_within =
            fields.optional("approve_within_seconds", |node| node.whole_number(&bounds::APPROVE_DECISION_SECONDS));
        let record_payload = fields.optional("record_payload", Node::boolean);
        let unbound_context = fields
            .optional("unbound_context", |node| each_once(&node.list(&bounds::UNBOUND_FIELDS)?, read_unbound_field));
        let expect_event =
            fields.optional("expect_event_within_seconds", |node| node.whole_number(&bounds::EXPECT_EVENT_SECONDS));
        let on_unavailable = fields.optional("on_unavailable", read_on_unavailable);
        let event_types = fields.optional("event_types", read_event_types);
        let holds = fields.optional("holds", read_hold_rules);
        Some(DecisionRules {
            valid_for_seconds: valid_for?.unwrap_or(default.valid_for_seconds),
            approve_within_seconds: approve_within?.unwrap_or(default.approve_within_seconds),
            record_payload: record_payload?.unwrap_or_default(),
            unbound_context: unbound_context?.unwrap_or_default(),
            expect_event_within_seconds: expect_event?,
            on_unavailable: on_unavailable?.unwrap_or_default(),
            event_types: event_types?.unwrap_or_default(),
            holds: holds?.unwrap_or_default(),
        })
    })
}

/// Reads the name of a field of the context itself. Fields below it are not bound either.
fn read_unbound_field(node: &Node<'_>) -> Option<String> {
    let expected = "the name of a field of the context, without a dot, other than decisionId";
    let is_name = |name: &&str| is_dotted(name) && !name.contains('.') && *name != AccessRequest::DECISION_ID;
    node.read(expected, |value| value.as_str().filter(is_name)).map(str::to_owned)
}

fn read_on_unavailable(node: &Node<'_>) -> Option<BTreeMap<String, OnUnavailable>> {
    let entries = node.entries(&bounds::UNAVAILABLE_OPERATIONS)?;
    all(entries.iter().map(|(operation, node)| {
        let is_operation = is_operation(operation);
        if !is_operation {
            node.refuse(format!("must be named with {}", operation_name()));
        }
        let answer = node.word(OnUnavailable::ALL);
        Some(((*operation).to_owned(), answer.filter(|_| is_operation)?))
    }))
}

fn read_event_types(node: &Node<'_>) -> Option<BTreeMap<String, String>> {
    let entries = node.entries(&bounds::OPERATION_EVENT_TYPES)?;
    all(entries.iter().map(|(event_type, node)| {
        let refused = event_type.parse::<ReportedType>().err();
        if let Some(error) = &refused {
            node.refuse(format!("must be named with an event type that engines may report, which {error}"));
        }
        let operation = node.read(operation_name(), |value| value.as_str().filter(|name| is_operation(name)));
        Some(((*event_type).to_owned(), operation.filter(|_| refused.is_none())?.to_owned()))
    }))
}

/// Whether `name` can be that of an action of a request.
fn is_operation(name: &str) -> bool {
    !name.is_empty() && name.chars().count() <= bounds::MAX_OPERATION_CHARS && is_text(name)
}

/// Returns what [`is_operation`] allows, for errors.
fn operation_name() -> String {
    format!("1 to {} characters, none of them a control character", bounds::MAX_OPERATION_CHARS)
}

fn read_hold_rules(node: &Node<'_>) -> Option<Vec<HoldRule>> {
    let nodes = node.list(&bounds::HOLD_RULES)?;
    let mut seen = BTreeMap::new();
    all(nodes.iter().map(|node| {
        node.object(|fields| {
            let id = read_unique_name(&fields.field("id"), bounds::MAX_RULE_ID_CHARS, &mut seen);
            let message = fields.field("message").line(bounds::MAX_MESSAGE_CHARS);
            let unacknowledged = fields.field("unacknowledged").word(Severity::ALL);
            let operations = fields.optional("operations", |node| {
                each_once(&node.list(&bounds::OPERATIONS)?, |node| {
                    let is_operation = |name: &&str| is_operation(name);
                    node.read(operation_name(), |value| value.as_str().filter(is_operation)).map(str::to_owned)
                })
            });
            let for_seconds = fields.field("for_seconds").whole_number(&bounds::HOLD_SECONDS);
            Some(HoldRule {
                id: id?,
                message: message?.to_owned(),
                unacknowledged: unacknowledged?,
                operations: operations?.unwrap_or_default().into_iter().collect(),
                for_seconds: for_seconds?,
            })
        })
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::validation::tests::{InvalidChange, default_document, paths, set};
    use crate::{decision_document, guardrail_document};

    fn invalid_changes_of_decisions() -> Vec<InvalidChange> {
        let hold =
            |id: &str| json!({"id": id, "message": "critical", "unacknowledged": "CRITICAL", "for_seconds": 86_400});
        vec![
            ("/decisions", Some(json!([])), &["decisions"]),
            ("/decisions/valid_for", Some(json!(1)), &["decisions.valid_for"]),
            ("/decisions/valid_for_seconds", Some(json!(3601)), &["decisions.valid_for_seconds"]),
            ("/decisions/approve_within_seconds", Some(json!(86_401)), &["decisions.approve_within_seconds"]),
            ("/decisions/record_payload", Some(json!("no")), &["decisions.record_payload"]),
            ("/decisions/unbound_context/-", Some(json!("sent_at")), &["decisions.unbound_context[1]"]),
            ("/decisions/unbound_context/-", Some(json!("a.c")), &["decisions.unbound_context[1]"]),
            ("/decisions/unbound_context/-", Some(json!("decisionId")), &["decisions.unbound_context[1]"]),
            ("/decisions/unbound_context/-", Some(json!("a")), &["guardrails[0].match.context.\"a.b\""]),
            ("/decisions/expect_event_within_seconds", Some(json!(59)), &["decisions.expect_event_within_seconds"]),
            ("/decisions/on_unavailable/read", Some(json!("ask")), &["decisions.on_unavailable.read"]),
            ("/decisions/on_unavailable/", Some(json!("deny")), &["decisions.on_unavailable.\"\""]),
            ("/decisions/event_types", Some(json!(["refund_paid"])), &["decisions.event_types"]),
            ("/decisions/event_types/refund_paid", Some(json!("")), &["decisions.event_types.refund_paid"]),
            ("/decisions/event_types/refund_paid", Some(json!(["refund"])), &["decisions.event_types.refund_paid"]),
            ("/decisions/event_types/", Some(json!("refund")), &["decisions.event_types.\"\""]),
            ("/decisions/event_types/engine_silent", Some(json!("refund")), &["decisions.event_types.engine_silent"]),
            ("/decisions/holds/-", Some(hold("rule")), &["decisions.holds[1].id"]),
            ("/decisions/holds/0/unacknowledged", Some(json!(true)), &["decisions.holds[0].unacknowledged"]),
            ("/decisions/holds/0/operations", Some(json!([])), &["decisions.holds[0].operations"]),
            ("/decisions/holds/0/operations/-", Some(json!("refund")), &["decisions.holds[0].operations[1]"]),
            ("/decisions/holds/0/for_seconds", Some(json!(2_592_001)), &["decisions.holds[0].for_seconds"]),
        ]
    }

    #[test]
    fn invalid_rule_of_decisions_is_refused_with_exactly_the_paths_of_its_errors() {
        let mut valid = default_document();
        valid["guardrails"] = serde_json::to_value(guardrail_document::test_data::guardrails()).unwrap();
        valid["decisions"] = serde_json::to_value(decision_document::test_data::decision_rules()).unwrap();
        assert_eq!(paths(&valid), [""; 0]);
        for (pointer, value, expected) in invalid_changes_of_decisions() {
            let mut document = valid.clone();
            set(&mut document, pointer, value.clone());
            assert_eq!(paths(&document), expected, "{pointer} {value:?}");
        }
    }
}
