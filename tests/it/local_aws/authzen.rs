//! The certification scenario of AuthZEN, over HTTPS and over HTTP.

use std::path::Path;

use serde_json::{Value, json};

use super::{Stack, run_program, text_of};
use crate::world::tls;

const FUNCTION: &str = "age-decide";

/// Activates the fixture of the scenario.
async fn activate_fixture(stack: &Stack) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("authzen/policy.toml");
    let pushed = stack.agectl(&["policy", "push", fixture.to_str().unwrap(), "--json"], "").await;
    let pushed: Value = serde_json::from_str(&pushed).unwrap_or_else(|error| panic!("{error}: {pushed}"));
    let hash = pushed["hash"].as_str().unwrap();
    stack.agectl(&["policy", "activate", hash, "--reason", "Certification", "--yes"], "").await;
}

/// Runs the scenario at `url`, which becomes the base URL of AGE.
async fn run_scenario(stack: &Stack, variables: &Value, url: &str, root: Option<&Path>) -> (bool, String) {
    let mut variables = variables.clone();
    variables["PUBLIC_URL"] = json!(url);
    // It also starts new environments, which read the active policy at once.
    stack.set_variables(FUNCTION, &variables).await;
    let mut of_program = vec![("AUTHZEN_URL", url.to_owned())];
    of_program.extend(root.map(|root| ("AUTHZEN_ROOT", root.to_str().unwrap().to_owned())));
    let output = run_program("authzen.py", of_program).await;
    (output.status.success(), text_of(&output))
}

#[tokio::test]
#[ignore = "needs a running stack: make test"]
async fn certification_scenario_of_authzen_is_passed() {
    let stack = Stack::connect().await;
    let http = stack.name("AGE_API_URL").to_owned();
    let (https, certificate) = tls::start_proxy(http.trim_start_matches("http://").to_owned()).await;
    let root = std::env::temp_dir().join(format!("age-authzen-{}.pem", std::process::id()));
    std::fs::write(&root, certificate).unwrap();
    let variables = stack.configuration(FUNCTION).await["Environment"]["Variables"].clone();

    activate_fixture(&stack).await;
    let over_https = run_scenario(&stack, &variables, &https, Some(&root)).await;
    let over_http = run_scenario(&stack, &variables, &http, None).await;
    stack.agectl(&["policy", "rollback", "--reason", "Certified", "--yes"], "").await;
    stack.set_variables(FUNCTION, &variables).await;
    std::fs::remove_file(&root).unwrap();

    for (passed, output) in [over_https, over_http] {
        assert!(passed, "{output}");
    }
}
