//! The schemas of the contract in the plain form that client generators accept: flat objects, named variants, no field that may be both
//! absent and null, and no schema that nothing uses.

use std::collections::BTreeSet;
use std::mem;

use serde_json::{Map, Value, json};

const PREFIX: &str = "#/components/schemas/";

/// Rewrites the schemas of `contract`, an `OpenAPI` document, to their plain form. What they allow stays the same, except that a field
/// that is left out is no longer allowed to be null: requests may do so all the same, and responses never do.
pub fn simplify(contract: &mut Value) {
    let mut schemas = take_schemas(contract);
    name_variants(&mut schemas);
    let flat: Map<String, Value> =
        schemas.iter().map(|(name, schema)| (name.clone(), flatten(schema, &schemas))).collect();
    let mut schemas = flat;
    schemas.values_mut().for_each(simplify_schema);
    if let Some(paths) = contract.get_mut("paths") {
        simplify_bodies(paths);
        simplify_schema(paths);
    }
    if let Some(components) = contract.get_mut("components").and_then(Value::as_object_mut) {
        components.insert("schemas".to_owned(), schemas.into());
    }
    remove_unused(contract);
}

fn take_schemas(contract: &mut Value) -> Map<String, Value> {
    match contract.pointer_mut("/components/schemas") {
        Some(Value::Object(schemas)) => mem::take(schemas),
        _ => Map::new(),
    }
}

/// Makes a schema of its own of each variant of a union by `type`: an entry of type `taken_over` of `TimelineEntry` is `TakenOverEntry`.
fn name_variants(schemas: &mut Map<String, Value>) {
    let mut named = Map::new();
    let mut parts = Vec::new();
    schemas.values().for_each(|schema| find_parts(schema, &mut parts));
    // A union that is only a part of others gets no names: the union that it is a part of has them.
    for (name, schema) in schemas.iter().filter(|(name, _)| !parts.contains(name)) {
        let flat = flatten(schema, schemas);
        let Some(variants) = flat.get("oneOf").and_then(Value::as_array) else { continue };
        let types: Option<Vec<&str>> =
            variants.iter().map(|variant| variant.pointer("/properties/type/enum/0")?.as_str()).collect();
        let Some(types) = types else { continue };
        let kind = name.rfind(char::is_uppercase).and_then(|index| name.get(index..)).unwrap_or(name);
        let variant_names: Vec<String> = types.iter().map(|word| pascal_case(word) + kind).collect();
        let references = variant_names.iter().map(|name| json!({ "$ref": format!("{PREFIX}{name}") }));
        let mapping: Map<String, Value> = types
            .iter()
            .zip(&variant_names)
            .map(|(word, name)| ((*word).to_owned(), format!("{PREFIX}{name}").into()))
            .collect();
        let union = json!({
            "oneOf": references.collect::<Vec<_>>(),
            "discriminator": { "propertyName": "type", "mapping": mapping },
            "description": flat.get("description"),
        });
        named.extend(variant_names.iter().cloned().zip(variants.iter().cloned()));
        named.insert(name.clone(), union);
    }
    schemas.extend(named);
}

/// Adds the names of the schemas that are parts of an `allOf` in `schema`.
fn find_parts(schema: &Value, names: &mut Vec<String>) {
    match schema {
        Value::Object(fields) => {
            let parts = fields.get("allOf").and_then(Value::as_array).into_iter().flatten();
            let references = parts.filter_map(|part| part.get("$ref")?.as_str()?.strip_prefix(PREFIX));
            names.extend(references.map(str::to_owned));
            fields.values().for_each(|value| find_parts(value, names));
        }
        Value::Array(items) => items.iter().for_each(|item| find_parts(item, names)),
        _ => {}
    }
}

fn pascal_case(word: &str) -> String {
    let capitalized = |part: &str| {
        let mut chars = part.chars();
        chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect::<String>()
    };
    word.split('_').map(capitalized).collect()
}

/// Returns `schema` without `allOf`: one object with the fields of all its parts. A part that is a union becomes a union of such objects.
fn flatten(schema: &Value, schemas: &Map<String, Value>) -> Value {
    match schema {
        Value::Object(fields) if fields.contains_key("allOf") => {
            let parts = fields.get("allOf").and_then(Value::as_array).into_iter().flatten();
            let parts: Vec<Value> = parts.map(|part| flatten(&resolve(part, schemas), schemas)).collect();
            let description = fields.get("description");
            let union = parts.iter().find_map(|part| Some((part, part.get("oneOf")?.as_array()?)));
            match union {
                Some((union, variants)) => {
                    let others: Vec<&Value> = parts.iter().filter(|part| *part != union).collect();
                    let merged = |variant: &Value| {
                        let of = [&[variant], &others[..]].concat();
                        merge(&of, variant.get("description"))
                    };
                    json!({ "oneOf": variants.iter().map(merged).collect::<Vec<_>>(), "description": description })
                }
                None => merge(&parts.iter().collect::<Vec<_>>(), description),
            }
        }
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (key.clone(), flatten(value, schemas))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(|item| flatten(item, schemas)).collect(),
        other => other.clone(),
    }
}

/// Returns the schema that `schema` refers to, or itself.
fn resolve(schema: &Value, schemas: &Map<String, Value>) -> Value {
    let name = schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix(PREFIX));
    name.and_then(|name| schemas.get(name)).unwrap_or(schema).clone()
}

fn merge(objects: &[&Value], description: Option<&Value>) -> Value {
    let mut properties = Map::new();
    let mut required = BTreeSet::new();
    for object in objects {
        properties.extend(object.get("properties").and_then(Value::as_object).cloned().unwrap_or_default());
        let names = object.get("required").and_then(Value::as_array).into_iter().flatten();
        required.extend(names.filter_map(Value::as_str).map(str::to_owned));
    }
    let mut merged = Map::new();
    merged.insert("type".to_owned(), "object".into());
    merged.extend(description.map(|text| ("description".to_owned(), text.clone())));
    if !required.is_empty() {
        merged.insert("required".to_owned(), required.into_iter().collect());
    }
    merged.insert("properties".to_owned(), properties.into());
    merged.into()
}

/// Makes fields and parameters that may be absent not null, and says of objects without fields that they may have any.
fn simplify_schema(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            let is_optional = fields.contains_key("in") && fields.get("required") != Some(&Value::Bool(true));
            if let Some(parameter) = fields.get_mut("schema").filter(|_| is_optional) {
                *parameter = without_null(parameter);
            }
            let required: Vec<Value> = fields.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
            if let Some(Value::Object(properties)) = fields.get_mut("properties") {
                let optional = properties.iter_mut().filter(|(name, _)| !required.iter().any(|it| it == *name));
                optional.for_each(|(_, property)| *property = without_null(property));
            } else if fields.get("type").is_some_and(|kind| kind == "object") {
                fields.entry("additionalProperties").or_insert(Value::Bool(true));
            }
            fields.values_mut().for_each(simplify_schema);
        }
        Value::Array(items) => items.iter_mut().for_each(simplify_schema),
        _ => {}
    }
}

fn without_null(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(kind) = schema.get_mut("type") {
        let mut types = kind.as_array().cloned().unwrap_or_default();
        types.retain(|kind| kind != "null");
        if let [one] = types.as_slice() {
            *kind = one.clone();
        }
        return schema;
    }
    let Some(Value::Array(variants)) = schema.get_mut("oneOf") else { return schema };
    let is_null = |variant: &Value| variant.get("type").is_some_and(|kind| kind == "null");
    match variants.as_slice() {
        [one, null] | [null, one] if is_null(null) => one.clone(),
        _ => schema,
    }
}

/// Says of bodies that may be null that they may be absent.
fn simplify_bodies(value: &mut Value) {
    let Value::Object(fields) = value else { return };
    if let Some(body) = fields.get_mut("requestBody") {
        let contents = body.get_mut("content").and_then(Value::as_object_mut).into_iter().flatten();
        let mut is_optional = false;
        for schema in contents.filter_map(|(_, content)| content.get_mut("schema")) {
            let plain = without_null(schema);
            is_optional |= plain != *schema;
            *schema = plain;
        }
        if is_optional && let Value::Object(body) = body {
            body.insert("required".to_owned(), false.into());
        }
    }
    fields.values_mut().for_each(simplify_bodies);
}

/// Removes the schemas to which nothing outside the schemas of `document` refers, directly or through other schemas.
pub fn remove_unused(document: &mut Value) {
    let mut schemas = take_schemas(document);
    let mut used = BTreeSet::new();
    let mut found = references(document);
    while let Some(name) = found.pop() {
        if used.insert(name.clone()) {
            found.extend(schemas.get(&name).map(references).unwrap_or_default());
        }
    }
    schemas.retain(|name, _| used.contains(name));
    if let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) {
        components.insert("schemas".to_owned(), schemas.into());
    }
}

fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => fields.values().flat_map(references).collect(),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::String(text) => text.strip_prefix(PREFIX).map(str::to_owned).into_iter().collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn simplified(schemas: &Value, schema: &Value) -> Value {
        let content = json!({ "application/json": { "schema": schema } });
        let operation = json!({ "requestBody": { "content": content } });
        let mut contract = json!({ "paths": { "/": { "post": operation } }, "components": { "schemas": schemas } });
        simplify(&mut contract);
        contract
    }

    #[test]
    fn object_of_parts_becomes_one_object() {
        let schemas = json!({
            "Base": { "type": "object", "required": ["id"], "properties": { "id": { "type": "string" } } },
            "Whole": {
                "allOf": [
                    { "$ref": "#/components/schemas/Base" },
                    { "type": "object", "required": ["n"], "properties": { "n": { "type": ["integer", "null"] }, "x": { "type": ["string", "null"] } } },
                ],
                "description": "Both.",
            },
            "Unused": { "type": "string" },
        });
        let contract = simplified(&schemas, &json!({ "$ref": "#/components/schemas/Whole" }));
        let whole = json!({
            "type": "object",
            "description": "Both.",
            "required": ["id", "n"],
            "properties": { "id": { "type": "string" }, "n": { "type": ["integer", "null"] }, "x": { "type": "string" } },
        });
        assert_eq!(contract["components"]["schemas"], json!({ "Whole": whole }));
    }

    #[test]
    fn variants_of_a_union_by_type_have_names() {
        let variant = |word: &str| json!({ "type": "object", "required": ["type"], "properties": { "type": { "type": "string", "enum": [word] } } });
        let at = json!({ "type": "object", "required": ["at"], "properties": { "at": { "type": "string" } } });
        let schemas = json!({
            "TimelineItem": { "oneOf": [variant("event"), variant("taken_over")] },
            "EventItem": { "type": "string" },
            "TimelineEntry": { "allOf": [{ "$ref": "#/components/schemas/TimelineItem" }, at], "description": "An entry." },
        });
        let entry = json!({ "$ref": "#/components/schemas/TimelineEntry" });
        let contract = simplified(
            &schemas,
            &json!({ "type": "object", "properties": { "entry": entry, "item": { "$ref": "#/components/schemas/EventItem" } } }),
        );
        let schemas = &contract["components"]["schemas"];
        let mapping =
            json!({ "event": "#/components/schemas/EventEntry", "taken_over": "#/components/schemas/TakenOverEntry" });
        assert_eq!(schemas["TimelineEntry"]["discriminator"], json!({ "propertyName": "type", "mapping": mapping }));
        assert_eq!(schemas["TakenOverEntry"]["required"], json!(["at", "type"]));
        assert_eq!(schemas["EventItem"], json!({ "type": "string" }), "another schema is left alone");
        assert_eq!(schemas.as_object().unwrap().len(), 4);
    }

    #[test]
    fn parameter_that_may_be_absent_is_not_null() {
        let parameter = |kind: Value| json!({ "in": "header", "name": "key", "schema": { "type": kind } });
        let operation = json!({ "parameters": [parameter(json!(["string", "null"]))] });
        let mut contract = json!({ "paths": { "/": { "post": operation } }, "components": { "schemas": {} } });
        simplify(&mut contract);
        assert_eq!(contract["paths"]["/"]["post"]["parameters"], json!([parameter(json!("string"))]));
    }

    #[test]
    fn body_that_may_be_null_may_be_absent() {
        let schemas = json!({ "Note": { "type": "object" } });
        let reference = json!({ "$ref": "#/components/schemas/Note" });
        let contract = simplified(&schemas, &json!({ "oneOf": [reference, { "type": "null" }] }));
        let body = json!({ "required": false, "content": { "application/json": { "schema": reference } } });
        assert_eq!(contract["paths"]["/"]["post"]["requestBody"], body);
        assert_eq!(
            contract["components"]["schemas"]["Note"],
            json!({ "type": "object", "additionalProperties": true })
        );
    }
}
