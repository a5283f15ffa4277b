//! The contract of the API: `infra/openapi.json` is generated from the code, and the API serves it.

use std::collections::BTreeSet;
use std::path::Path;

use age_http::{FieldErrorCode, ProblemCode, Route};
use serde_json::Value;
use utoipa::OpenApi as _;
use utoipa::openapi::{ContactBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};

use crate::world::World;

const CONTRACT_FILE: &str = include_str!("../../infra/openapi.json");
const MESSAGES_FILE: &str = include_str!("../../infra/asyncapi.json");

/// Returns the contract and the routes of each function.
fn functions() -> [(OpenApi, Vec<Route>); 9] {
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

#[test]
fn contract_file_matches_the_code() {
    assert_generated("infra/openapi.json", &contract(), CONTRACT_FILE);
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

#[tokio::test]
async fn contract_is_served_without_a_credential() {
    let world = World::new().await;
    let served = world.api().send_without_token("GET", "/api/governance/openapi.json", &[], b"").await;
    assert_eq!((served.status, served.header("content-type")), (200, Some("application/json")));
    assert_eq!(served.json, serde_json::from_str::<Value>(CONTRACT_FILE).unwrap());
}
