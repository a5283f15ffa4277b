//! Rules of the house that a tool can check.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// What a crate links, as cargo sees it.
fn dependencies(package: &str) -> Vec<String> {
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{lib}",
            "--package",
            package,
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    String::from_utf8(tree.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn model_and_scoring_do_no_io() {
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
    ];
    for package in ["age-model", "age-scoring"] {
        let linked = dependencies(package);
        assert!(linked.iter().any(|name| name == "serde"), "cargo tree said nothing of {package}: {linked:?}");
        for name in io {
            assert!(!linked.iter().any(|linked| linked == name), "{package} links {name}");
        }
    }
}

#[test]
fn dynamodb_is_behind_store_and_sns_behind_notify() {
    let store = dependencies("age-store");
    let notify = dependencies("age-notify");
    assert!(store.iter().any(|name| name == "aws_sdk_dynamodb") && !store.iter().any(|name| name == "aws_sdk_sns"));
    assert!(notify.iter().any(|name| name == "aws_sdk_sns") && !notify.iter().any(|name| name == "aws_sdk_dynamodb"));
}

/// Each is a tenth of a megabyte of a zip, and what they do is done by another, or not needed.
#[test]
fn functions_link_one_tls_and_no_tables_of_unicode() {
    for function in ["log-event", "dashboard", "sweep"] {
        let linked = dependencies(function);
        assert!(linked.iter().any(|name| name == "ring"), "cargo tree said nothing of {function}: {linked:?}");
        for name in ["aws_lc_rs", "openssl", "icu_normalizer", "unicode_normalization"] {
            assert!(!linked.iter().any(|linked| linked == name), "{function} links {name}");
        }
    }
}

#[test]
fn a_main_is_read_at_a_glance() {
    let mut mains = Vec::new();
    for function in std::fs::read_dir(root().join("functions")).unwrap() {
        let source = function.unwrap().path().join("src");
        mains.push(source.join("main.rs"));
        if let Ok(others) = std::fs::read_dir(source.join("bin")) {
            mains.extend(others.map(|other| other.unwrap().path()));
        }
    }
    assert!(mains.len() >= 6, "{mains:?}");
    for main in mains {
        let text = std::fs::read_to_string(&main).unwrap();
        assert!(text.lines().count() <= 30, "{} has {} lines", main.display(), text.lines().count());
        for said in ["//! Trigger: ", "//! May: ", "//! State: "] {
            assert!(text.contains(said), "{} does not say its {said}", main.display());
        }
    }
}

/// The files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn every_key_string_is_in_keys() {
    for file in files(&root().join("shared/store/src")).into_iter().filter(|file| !file.ends_with("keys.rs")) {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains("}#{"), "{} makes a key", file.display());
        assert!(!text.contains(".scan()"), "{} scans", file.display());
    }
}

/// A lease that ends while its holder may still be at work would let two hand the same action over.
#[test]
fn leases_outlast_the_functions_that_hold_them() {
    let template: yaml_serde::Value = yaml_serde::from_str(include_str!("../../infra/template.yaml")).unwrap();
    let lease = age_scoring::Policy::compiled().unwrap().actions.lease_seconds;
    for function in ["LogEventFunction", "WeeklyReportFunction"] {
        let timeout = template["Resources"][function]["Properties"]["Timeout"].as_i64().unwrap();
        assert!(timeout < lease, "{function}: {timeout} s, lease {lease} s");
    }
}
