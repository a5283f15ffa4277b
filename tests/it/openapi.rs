//! The contract of the API: `infra/openapi.json` is generated from the code, and the API serves it.

mod channel_scenario;
mod examples;
mod problems;
mod recorder;
mod scenario;

use std::collections::BTreeSet;
use std::path::Path;

use age_http::{FieldErrorCode, ProblemCode, Route};
use age_model::Token;
use serde_json::Value;
use utoipa::OpenApi as _;
use utoipa::openapi::{ContactBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};

use crate::world::World;

const CONTRACT_FILE: &str = include_str!("../../infra/openapi.json");
const MESSAGES_FILE: &str = include_str!("../../infra/asyncapi.json");

/// Returns the contract and the routes of each function.
fn functions() -> [(OpenApi, Vec<Route>); 11] {
    [
        (log_event::Contract::openapi(), log_event::routes().list().collect()),
        (list_events::Contract::openapi(), list_events::routes().list().collect()),
        (actions::Contract::openapi(), actions::routes().list().collect()),
        (incidents::Contract::openapi(), incidents::routes().list().collect()),
        (generate_report::Contract::openapi(), generate_report::routes().list().collect()),
        (list_reports::Contract::openapi(), list_reports::routes().list().collect()),
        (get_stats::Contract::openapi(), get_stats::routes().list().collect()),
        (credentials::Contract::openapi(), credentials::routes().list().collect()),
        (policies::Contract::openapi(), policies::routes().list().collect()),
        (decide::Contract::openapi(), decide::routes().list().collect()),
        (channels::Contract::openapi(), channels::routes().list().collect()),
    ]
}

/// Returns the contract as the API serves it.
fn contract() -> Value {
    let info = InfoBuilder::new()
        .title("AGE, the Autonomous Governance Engine")
        .version(env!("CARGO_PKG_VERSION"))
        .contact(Some(ContactBuilder::new().name(Some("The operators of this deployment")).build()))
        .license(Some(LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()));
    let mut api = OpenApiBuilder::new().info(info.build()).build();
    let mut routes = Vec::new();
    for (part, function_routes) in functions() {
        api.merge(part);
        routes.extend(function_routes);
    }
    api.merge(age_notify::contract::Contract::openapi());
    age_http::contract::complete(&mut api, &routes);
    let mut contract = serde_json::to_value(api).unwrap();
    age_notify::contract::add_webhooks(&mut contract);
    age_http::contract::simplify(&mut contract);
    contract
}

/// Returns the description of the messages that AGE publishes.
fn messages() -> Value {
    let mut messages = age_notify::contract::asyncapi(&contract());
    age_http::contract::remove_unused(&mut messages);
    messages
}

/// Compares a generated file with the one in the repository. `make openapi` sets `AGE_WRITE_CONTRACT` to write it instead.
fn assert_generated(name: &str, generated: &Value, stored: &str) {
    let generated = serde_json::to_string_pretty(generated).unwrap() + "\n";
    if std::env::var_os("AGE_WRITE_CONTRACT").is_some() {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name), generated).unwrap();
    } else {
        assert!(generated == stored, "{name} does not match the code: run `make openapi`");
    }
}

#[tokio::test]
async fn contract_file_matches_the_code() {
    let mut contract = contract();
    examples::add_to(&mut contract).await;
    assert_generated("infra/openapi.json", &contract, CONTRACT_FILE);
}

#[test]
fn description_of_messages_matches_the_code() {
    assert_generated("infra/asyncapi.json", &messages(), MESSAGES_FILE);
}

const PROBLEMS_FILE: &str = include_str!("../../docs/reference/problems.md");

const PROBLEMS_HEAD: &str = "\
# Problems

Every error response is a problem (RFC 9457). `code` tells programs what kind of problem it is, and never changes; `type` is the URI
`urn:age:problem:` followed by the code. `detail` is for people. `requestId`, also the header `X-Request-Id`, finds the log lines of the
request.

";

/// Returns the reference of problems, from the tables of codes in the code.
fn problems() -> String {
    let rows = |codes: &[(&str, &str)]| {
        let rows = codes.iter().map(|(code, text)| format!("| `{code}` | {text} |\n"));
        format!("| code | meaning |\n|---|---|\n{}", rows.collect::<String>())
    };
    let problems: Vec<_> = ProblemCode::ALL.iter().map(|code| (code.as_str(), code.description())).collect();
    let fields: Vec<_> = FieldErrorCode::ALL.iter().map(|code| (code.as_str(), code.description())).collect();
    format!(
        "{PROBLEMS_HEAD}{}\n## Errors of fields\n\nEach item of `errors` has a `code`:\n\n{}",
        rows(&problems),
        rows(&fields)
    )
}

#[test]
fn reference_of_problems_matches_the_code() {
    if std::env::var_os("AGE_WRITE_CONTRACT").is_some() {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/problems.md"), problems())
            .unwrap();
        return;
    }
    assert!(problems() == PROBLEMS_FILE, "docs/reference/problems.md does not match the code: run `make openapi`");
}

#[test]
fn contract_has_exactly_the_routes_of_the_code() {
    let mut routes: BTreeSet<(String, String)> = BTreeSet::new();
    for (_, function_routes) in functions() {
        routes.extend(function_routes.iter().map(|route| (route.path.to_owned(), route.method.to_lowercase())));
    }
    let contract: Value = serde_json::from_str(CONTRACT_FILE).unwrap();
    let paths = contract["paths"].as_object().unwrap().iter();
    let methods = |(path, item): (&String, &Value)| {
        let methods: Vec<_> = item.as_object().unwrap().keys().map(|method| (path.clone(), method.clone())).collect();
        methods
    };
    assert_eq!(paths.flat_map(methods).collect::<BTreeSet<_>>(), routes);
}

#[test]
fn every_reference_of_the_contract_is_resolved() {
    let contract: Value = serde_json::from_str(CONTRACT_FILE).unwrap();
    let mut unresolved = BTreeSet::new();
    let mut waiting = vec![&contract];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Object(fields) => {
                let reference = fields.get("$ref").and_then(Value::as_str).and_then(|it| it.strip_prefix('#'));
                unresolved.extend(reference.filter(|pointer| contract.pointer(pointer).is_none()));
                waiting.extend(fields.values());
            }
            Value::Array(items) => waiting.extend(items),
            _ => {}
        }
    }
    assert!(unresolved.is_empty(), "{unresolved:?}");
}

#[tokio::test]
async fn contract_is_served_without_a_credential() {
    let world = World::new().await;
    let served = world.api().send_without_token("GET", "/api/governance/openapi.json", &[], b"").await;
    assert_eq!((served.status, served.header("content-type")), (200, Some("application/json")));
    assert_eq!(served.json, serde_json::from_str::<Value>(CONTRACT_FILE).unwrap());
}

#[test]
fn examples_have_no_secrets() {
    let tokens: Vec<&str> = CONTRACT_FILE.split('"').filter(|text| text.parse::<Token>().is_ok()).collect();
    assert_eq!(tokens.len(), 2, "those of a created and of a rotated credential");
    assert!(tokens.iter().all(|token| token.ends_with(recorder::NO_SECRET)));
}

#[tokio::test]
async fn method_that_a_path_does_not_have_is_refused_with_those_that_it_has() {
    let world = World::new().await;
    let contract: Value = serde_json::from_str(CONTRACT_FILE).unwrap();
    for (path, item) in contract["paths"].as_object().unwrap() {
        let mut methods: BTreeSet<String> =
            item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        if methods.contains("GET") {
            methods.insert("HEAD".to_owned());
        }
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            let response = world.send(method, path, &[], b"").await;
            let expected = !methods.contains(method);
            assert_eq!(response.status == 405, expected, "{method} {path}: {response:?}");
            if expected {
                let allowed = response.header("allow").unwrap().split(',').map(|it| it.trim().to_owned());
                assert_eq!(allowed.collect::<BTreeSet<_>>(), methods, "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn head_is_answered_as_get_without_the_body() {
    let world = World::new().await;
    let routes = functions().into_iter().flat_map(|(_, routes)| routes).filter(|route| route.method == "GET");
    let mut bodies = 0;
    for path in routes.map(|route| route.path) {
        for token in [true, false] {
            let send = async |method: &str| {
                if token {
                    world.send(method, path, &[], b"").await
                } else {
                    world.api().send_without_token(method, path, &[], b"").await
                }
            };
            let (get, head) = (send("GET").await, send("HEAD").await);
            assert_eq!((head.status, head.body.as_str()), (get.status, ""), "{path}");
            assert_eq!(head.headers, get.headers, "{path}");
            bodies += get.body.len();
        }
    }
    assert!(bodies > 0);
}

/// Returns each operation of the contract with its id.
fn operations(contract: &Value) -> Vec<(&str, &Value)> {
    let items = contract["paths"].as_object().unwrap().values();
    let operations = items.flat_map(|item| item.as_object().unwrap().values());
    operations.map(|operation| (operation["operationId"].as_str().unwrap(), operation)).collect()
}

#[test]
fn every_parameter_and_header_is_described_and_numbers_have_bounds_and_a_default() {
    let contract: Value = serde_json::from_str(CONTRACT_FILE).unwrap();
    for (id, operation) in operations(&contract) {
        let parameters = operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
        for parameter in parameters {
            let name = format!("{} of {id}", parameter["name"].as_str().unwrap());
            let description = parameter["description"].as_str().unwrap_or_default();
            assert!(!description.is_empty(), "{name} has no description");
            let schema = &parameter["schema"];
            if schema["type"] == "integer" {
                assert!(schema["minimum"].is_u64() && schema["maximum"].is_u64(), "{name} has no bounds");
                assert!(description.contains("by default"), "{name} has no default");
            }
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            for (name, header) in response["headers"].as_object().unwrap() {
                assert!(header["description"].is_string(), "{name} of {id} {status} has no description");
            }
        }
    }
}

#[test]
fn every_link_passes_what_the_next_operation_needs_from_the_response() {
    let contract: Value = serde_json::from_str(CONTRACT_FILE).unwrap();
    let operations = operations(&contract);
    let mut links = 0;
    for (id, operation) in &operations {
        for response in operation["responses"].as_object().unwrap().values() {
            for link in response.get("links").and_then(Value::as_object).into_iter().flat_map(|links| links.values()) {
                let target = link["operationId"].as_str().unwrap();
                let (_, next) = operations.iter().find(|(id, _)| *id == target).unwrap();
                let parameters = link["parameters"].as_object().unwrap();
                let names = |required: bool| {
                    let all = next["parameters"].as_array().unwrap().iter();
                    let chosen = all.filter(move |it| !required || it["required"] == true);
                    chosen.map(|it| it["name"].as_str().unwrap()).collect::<BTreeSet<_>>()
                };
                let given: BTreeSet<_> = parameters.keys().map(String::as_str).collect();
                assert!(names(true).is_subset(&given) && given.is_subset(&names(false)), "{id} to {target}: {given:?}");
                for value in parameters.values() {
                    let pointer = value.as_str().unwrap().strip_prefix("$response.body#").unwrap();
                    let example = &response["content"]["application/json"]["example"];
                    // A list that ends with the example has no next page.
                    assert!(
                        pointer == "/nextCursor" || example.pointer(pointer).is_some(),
                        "{id} to {target}: {value}"
                    );
                    links += 1;
                }
            }
        }
    }
    assert!(links > 30, "{links}");
}

#[test]
fn descriptions_are_for_clients() {
    for (name, file) in [("openapi.json", CONTRACT_FILE), ("asyncapi.json", MESSAGES_FILE)] {
        for of_the_code in ["INVARIANT", "[`", "crate::", "Self::"] {
            assert!(!file.contains(of_the_code), "{name} has {of_the_code}");
        }
    }
}
