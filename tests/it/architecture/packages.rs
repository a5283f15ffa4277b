//! Dependencies between packages, as `cargo metadata` and `cargo tree` report them.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use super::root;

/// The packages of `shared/` and agectl, each with the packages of the workspace that it may depend on. A function may depend on all
/// of `shared/`, and on no other function.
const ALLOWED: [(&str, &[&str]); 11] = [
    ("age-model", &[]),
    ("age-policy", &["age-model"]),
    ("age-scoring", &["age-model", "age-policy"]),
    ("age-store", &["age-model"]),
    ("age-notify", &["age-model", "age-policy"]),
    ("age-governance", &["age-model", "age-policy", "age-scoring", "age-store", "age-notify"]),
    ("age-http", &["age-model"]),
    ("age-runtime", &["age-model"]),
    ("age-https", &["age-model"]),
    ("age-secrets", &["age-model"]),
    ("agectl", &["age-model", "age-policy", "age-scoring"]),
];

/// Crates that only some packages may depend on. Functions share the axum of `age-http`.
const OWNED: [(&str, &[&str]); 7] = [
    ("aws-sdk-dynamodb", &["age-store"]),
    ("serde_dynamo", &["age-store"]),
    ("aws-sdk-sns", &["age-notify"]),
    ("aws-sdk-kms", &["age-secrets"]),
    ("lambda_http", &["age-runtime"]),
    ("lambda_runtime", &["age-runtime"]),
    ("getrandom", &["age-runtime"]),
];

/// The direct dependencies of each package of the workspace, without those of tests.
struct Packages(BTreeMap<String, BTreeSet<String>>);

impl Packages {
    fn of_workspace() -> Self {
        let output = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
        let metadata: Value = serde_json::from_str(&output).unwrap();
        let packages = metadata["packages"].as_array().unwrap().iter().map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            let names = dependencies
                .filter(|dependency| dependency["kind"] != "dev")
                .map(|dependency| dependency["name"].as_str().unwrap().to_owned());
            (package["name"].as_str().unwrap().to_owned(), names.collect())
        });
        Self(packages.collect())
    }

    /// Every dependency that the rules forbid.
    fn violations(&self) -> Vec<String> {
        let tests = ["integration-tests", "hello"];
        let packages = || self.0.iter().filter(|(name, _)| !tests.contains(&name.as_str()));
        let mut violations = Vec::new();
        for (package, dependencies) in packages() {
            let allowed: Vec<&str> = match ALLOWED.iter().find(|(name, _)| name == package) {
                Some((_, allowed)) => allowed.to_vec(),
                None => ALLOWED.iter().map(|(name, _)| *name).filter(|name| *name != "agectl").collect(),
            };
            let in_workspace = dependencies.iter().filter(|name| self.0.contains_key(*name));
            let forbidden = in_workspace.filter(|name| !allowed.contains(&name.as_str()));
            violations.extend(forbidden.map(|name| format!("{package} depends on {name}")));
            for (owned, owners) in OWNED {
                if dependencies.contains(owned) && !owners.contains(&package.as_str()) {
                    violations.push(format!("{package} depends on {owned}, which belongs to {}", owners.join(", ")));
                }
            }
        }
        violations
    }
}

fn cargo(arguments: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO")).args(arguments).args(["--locked", "--offline"]).current_dir(root()).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The names of the libraries that are linked into `package`.
fn linked(package: &str) -> Vec<String> {
    let tree = cargo(&["tree", "--edges", "normal", "--prefix", "none", "--format", "{lib}", "--package", package]);
    let linked: Vec<String> = tree.lines().map(str::to_owned).collect();
    assert!(linked.iter().any(|name| name == "serde"), "cargo tree reported nothing of {package}: {linked:?}");
    linked
}

#[test]
fn package_depends_only_on_layers_below_it() {
    let packages = Packages::of_workspace();
    for (name, _) in ALLOWED {
        assert!(packages.0.contains_key(name), "the workspace has no package {name}");
    }
    assert_eq!(packages.violations(), Vec::<String>::new());
}

#[test]
fn forbidden_dependency_is_reported() {
    let add = |package: &str, dependency: &str| {
        let mut packages = Packages::of_workspace();
        packages.0.get_mut(package).unwrap().insert(dependency.to_owned());
        packages.violations()
    };
    assert_eq!(add("age-policy", "age-scoring"), ["age-policy depends on age-scoring"]);
    assert_eq!(add("age-http", "age-store"), ["age-http depends on age-store"]);
    assert_eq!(add("sweep", "dashboard"), ["sweep depends on dashboard"]);
    let sdk = add("age-governance", "aws-sdk-dynamodb");
    assert_eq!(sdk, ["age-governance depends on aws-sdk-dynamodb, which belongs to age-store"]);
}

#[test]
fn pure_packages_link_no_io() {
    let io = [
        "tokio",
        "hyper",
        "reqwest",
        "axum",
        "aws_config",
        "aws_sdk_dynamodb",
        "aws_sdk_sns",
        "lambda_runtime",
        "lambda_http",
        "mio",
        "socket2",
        "getrandom",
        "rand",
        "toml",
    ];
    for package in ["age-model", "age-policy", "age-scoring"] {
        let linked = linked(package);
        for name in io {
            assert!(!linked.iter().any(|linked| linked == name), "{package} links {name}");
        }
    }
}

/// Each of them is a tenth of a megabyte of a zip, and another library does its work or nothing needs it.
#[test]
fn functions_link_one_tls_library_and_no_unicode_tables() {
    for function in ["log-event", "dashboard", "sweep"] {
        let linked = linked(function);
        assert!(linked.iter().any(|name| name == "ring"), "{function} links no ring");
        for name in ["aws_lc_rs", "openssl", "icu_normalizer", "unicode_normalization"] {
            assert!(!linked.iter().any(|linked| linked == name), "{function} links {name}");
        }
    }
}
