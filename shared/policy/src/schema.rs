//! The JSON Schema of the policy document, for editors and for the API.

/// Returns the JSON Schema (2020-12) of the policy document. It states what one value may be; [`Policy::from_value`] checks in addition
/// how values fit together.
///
/// [`Policy::from_value`]: crate::Policy::from_value
#[must_use]
pub const fn schema() -> &'static str {
    include_str!("../../../docs/reference/policy.schema.json")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};
    use utoipa::{PartialSchema, ToSchema};

    use super::*;
    use crate::document::Policy;

    fn generated() -> Value {
        let mut parts = Vec::new();
        Policy::schemas(&mut parts);
        let mut definitions = serde_json::Map::new();
        for (name, part) in parts {
            definitions.insert(name, serde_json::to_value(part).unwrap());
        }
        let mut schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Policy of AGE",
        });
        let Value::Object(policy) = serde_json::to_value(Policy::schema()).unwrap() else { panic!("no object") };
        schema.as_object_mut().unwrap().extend(policy);
        schema["$defs"] = definitions.into();
        let text = serde_json::to_string(&schema).unwrap().replace("#/components/schemas/", "#/$defs/");
        serde_json::from_str(&text).unwrap()
    }

    /// `AGE_WRITE_CONTRACT` writes the file instead of comparing it, as it does for the contract of the API.
    #[test]
    fn schema_file_matches_the_code() {
        let generated = serde_json::to_string_pretty(&generated()).unwrap() + "\n";
        if std::env::var_os("AGE_WRITE_CONTRACT").is_some() {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/policy.schema.json");
            std::fs::write(file, generated).unwrap();
            return;
        }
        assert!(generated == schema(), "docs/reference/policy.schema.json does not match the code: run `make openapi`");
    }

    /// A change of the value at a pointer, and whether the schema allows it.
    type Change = (String, Option<Value>, bool);

    /// Returns the changes of the policy `value` at `pointer`, and below, that `schema` distinguishes.
    fn changes(root: &Value, schema: &Value, pointer: &str, value: &Value) -> Vec<Change> {
        let schema = match schema["$ref"].as_str() {
            Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap(),
            None => schema,
        };
        let change = |value, is_allowed| (pointer.to_owned(), Some(value), is_allowed);
        let bound = |name: &str| schema[name].as_i64();
        let length = |name: &str| schema[name].as_u64().map(|length| usize::try_from(length).unwrap());
        let mut changes = vec![change(json!(null), false), change(json!({"": [1.5]}), false)];
        match (schema["type"].as_str(), value) {
            (Some("integer"), _) => {
                let (min, max) = (bound("minimum").expect(pointer), bound("maximum").expect(pointer));
                let numbers = [(min - 1, false), (min, true), (max, true), (max + 1, false)];
                changes.extend(numbers.map(|(number, is_allowed)| change(number.into(), is_allowed)));
            }
            (Some("string"), _) => {
                if let Some(max) = length("maxLength") {
                    // Braces make every text that is long enough match the pattern of the one text with a pattern.
                    let text = |length: usize| format!("{{count}}{}", "é".repeat(length - 7));
                    changes.extend([change(text(max).into(), true), change(text(max + 1).into(), false)]);
                }
                changes.extend(length("minLength").map(|_| change(json!(""), false)));
            }
            (Some("array"), Value::Array(items)) => {
                let item = items.first().unwrap();
                if let Some(max) = length("maxItems") {
                    changes.extend(
                        [(max, true), (max + 1, false)]
                            .map(|(count, is_allowed)| change(vec![item.clone(); count].into(), is_allowed)),
                    );
                }
                changes.extend(length("minItems").map(|_| change(json!([]), false)));
                changes.extend(self::changes(root, &schema["items"], &format!("{pointer}/0"), item));
            }
            (Some("object"), Value::Object(map)) => {
                let required = schema["required"].as_array().cloned().unwrap_or_default();
                for (key, value) in map {
                    let field = format!("{pointer}/{key}");
                    let of_field = schema["properties"].get(key).unwrap_or(&schema["additionalProperties"]);
                    changes.extend(self::changes(root, of_field, &field, value));
                    changes.push((field, None, !required.contains(&json!(key))));
                }
                if schema["additionalProperties"] == false {
                    changes.push((format!("{pointer}/zzz"), Some(json!(1)), false));
                }
            }
            _ => {}
        }
        changes
    }

    #[test]
    fn schema_has_the_bounds_of_the_validation() {
        let mut policy = Policy::compiled().unwrap();
        policy.incidents.on_resolved = Some(crate::document::OnResolved::Note);
        policy.actions.first_match[0].severity = Some(age_model::Severity::High);
        policy.guardrails = crate::guardrail_document::test_data::guardrails();
        policy.decisions = crate::decision_document::test_data::decision_rules();
        let document = serde_json::to_value(policy).unwrap();
        let schema = generated();
        let changes = changes(&schema, &schema, "", &document);
        assert!(changes.len() > 300, "{}", changes.len());
        for (pointer, value, is_allowed) in changes.into_iter().filter(|(pointer, ..)| !pointer.is_empty()) {
            let mut document = document.clone();
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            match (document.pointer_mut(parent).unwrap(), &value) {
                (Value::Object(map), Some(value)) => _ = map.insert(key.to_owned(), value.clone()),
                (Value::Object(map), None) => _ = map.remove(key),
                (list, value) => list[key.parse::<usize>().unwrap()] = value.clone().unwrap(),
            }
            // Errors about how values fit together are none of the schema.
            let begins =
                ["must be a whole", "must be 0", "must be 1 to", "must be a list of", "is missing", "is not a known"];
            let is_of_bound = |detail: &str| begins.iter().any(|begin| detail.starts_with(begin));
            let errors = Policy::from_value(&document).err().unwrap_or_default();
            let refused = errors.iter().any(|error| {
                let place = error.path.pointer();
                if is_allowed { place == pointer && is_of_bound(&error.detail) } else { place.starts_with(&pointer) }
            });
            assert_eq!(refused, !is_allowed, "{pointer} {value:?}: {errors:?}");
        }
    }
}
