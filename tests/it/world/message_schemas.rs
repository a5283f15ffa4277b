//! The schemas of the messages that AGE publishes, from the contract.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

/// The validator of the messages of each topic, by the name of its webhook.
static VALIDATORS: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(|| {
    let mut contract: Value = serde_json::from_str(include_str!("../../../infra/openapi.json")).unwrap();
    contract["components"]["schemas"].as_object_mut().unwrap().values_mut().for_each(forbid_other_fields);
    let webhooks = contract["webhooks"].as_object().unwrap().iter();
    let validator = |(name, webhook): (&String, &Value)| {
        let mut schema = webhook.pointer("/post/requestBody/content/application~1json/schema").unwrap().clone();
        schema["components"] = contract["components"].clone();
        (name.clone(), jsonschema::validator_for(&schema).unwrap())
    };
    webhooks.map(validator).collect()
});

/// A field that the contract does not have is a mistake, although clients have to accept it.
fn forbid_other_fields(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.contains_key("properties") {
                fields.entry("additionalProperties").or_insert(json!(false));
            }
            fields.values_mut().for_each(forbid_other_fields);
        }
        Value::Array(items) => items.iter_mut().for_each(forbid_other_fields),
        _ => {}
    }
}

/// Returns how `message` for machines differs from what the contract says of the messages of `topic`. Nothing while the contract is
/// written: it says what is in the code now.
pub(crate) fn errors(topic: &str, message: &Value) -> Vec<String> {
    if std::env::var_os("AGE_WRITE_CONTRACT").is_some() {
        return Vec::new();
    }
    let validator = &VALIDATORS[&topic.replace('-', "_")];
    validator.iter_errors(message).map(|error| format!("{topic}{}: {error}", error.instance_path())).collect()
}

#[test]
fn message_with_another_field_or_without_one_is_found() {
    let valid = json!({
        "schemaVersion": 1, "type": "missing_subscribers", "subject": "[AGE] x", "text": "x\n", "topics": ["alarms"],
    });
    assert_eq!(errors("notifications", &valid), Vec::<String>::new());
    let fails = |message: Value| !errors("notifications", &message).is_empty();
    let with = |name: &str, value: Value| {
        let mut message = valid.clone();
        message[name] = value;
        message
    };
    assert!(fails(with("surprise", json!(1))));
    assert!(fails(with("schemaVersion", json!(2))));
    assert!(fails(with("topics", json!(["pager"]))));
    assert!(fails(with("topics", Value::Null)));
}
