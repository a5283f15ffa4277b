//! The contract that machines read is made from the code: `infra/openapi.json` is what the code says, and what is served.

use std::collections::BTreeSet;
use std::path::Path;

use age_http::Route;
use serde_json::Value;
use utoipa::OpenApi as _;
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};

use crate::world::World;

const KEPT: &str = include_str!("../../infra/openapi.json");

/// Every function, by what it says of itself and what it serves.
fn functions() -> [(OpenApi, Vec<Route>); 8] {
    [
        (log_event::Contract::openapi(), log_event::routes().list().collect()),
        (list_events::Contract::openapi(), list_events::routes().list().collect()),
        (actions::Contract::openapi(), actions::routes().list().collect()),
        (incidents::Contract::openapi(), incidents::routes().list().collect()),
        (generate_report::Contract::openapi(), generate_report::routes().list().collect()),
        (list_reports::Contract::openapi(), list_reports::routes().list().collect()),
        (get_stats::Contract::openapi(), get_stats::routes().list().collect()),
        (credentials::Contract::openapi(), credentials::routes().list().collect()),
    ]
}

fn contract() -> OpenApi {
    let info = InfoBuilder::new()
        .title("AGE, the Autonomous Governance Engine")
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()));
    let mut api = OpenApiBuilder::new().info(info.build()).build();
    let mut routes = Vec::new();
    for (part, of_part) in functions() {
        api.merge(part);
        routes.extend(of_part);
    }
    age_http::contract::complete(&mut api, &routes);
    api
}

/// `make openapi` sets `AGE_WRITE_CONTRACT`, and the file is written instead of compared.
#[test]
fn the_kept_contract_is_what_the_code_says() {
    let said = contract().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("AGE_WRITE_CONTRACT").is_some() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/openapi.json");
        std::fs::write(file, said).unwrap();
        return;
    }
    assert!(said == KEPT, "infra/openapi.json is not what the code says: `make openapi` writes it anew");
}

#[test]
fn every_route_is_in_the_contract_and_no_other() {
    let mut routes: BTreeSet<(String, String)> = BTreeSet::new();
    for (_, of_part) in functions() {
        routes.extend(of_part.iter().map(|route| (route.path.to_owned(), route.method.to_lowercase())));
    }
    let kept: Value = serde_json::from_str(KEPT).unwrap();
    let paths = kept["paths"].as_object().unwrap().iter();
    let methods = |(path, item): (&String, &Value)| {
        let methods: Vec<_> = item.as_object().unwrap().keys().map(|method| (path.clone(), method.clone())).collect();
        methods
    };
    assert_eq!(paths.flat_map(methods).collect::<BTreeSet<_>>(), routes);
}

#[tokio::test]
async fn the_contract_is_served_to_anybody() {
    let world = World::new().await;
    let served = world.api().send_without_token("GET", "/api/governance/openapi.json", &[], b"").await;
    assert_eq!((served.status, served.header("content-type")), (200, Some("application/json")));
    assert_eq!(served.json, serde_json::from_str::<Value>(KEPT).unwrap());
}
