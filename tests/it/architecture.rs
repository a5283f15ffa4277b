//! Architecture rules: which crate may depend on which, and that modules have no cycles.

mod modules;
mod packages;

use std::path::{Path, PathBuf};

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The files in `folder` and below it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    files.sort();
    files
}

/// The source files of `shared/`, `functions/` and `cli/`.
fn sources() -> Vec<PathBuf> {
    let folders = ["shared", "functions", "cli/src"].map(|folder| root().join(folder));
    let sources: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| files(folder))
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .filter(|file| !file.components().any(|part| part.as_os_str() == "tests"))
        .collect();
    assert!(sources.len() > 150, "found only {} source files", sources.len());
    sources
}

/// The text of a source file without its unit tests, which stand at its end.
fn without_tests(text: &str) -> &str {
    let end = text.match_indices("#[cfg(test)]\n").find(|(at, mark)| {
        let rest = &text[at + mark.len()..];
        rest.lines().next().is_some_and(|line| line.contains("mod ") && line.ends_with('{'))
    });
    end.map_or(text, |(at, _)| &text[..at])
}

#[test]
fn source_file_has_at_most_350_lines_without_its_tests() {
    for file in sources() {
        let text = std::fs::read_to_string(&file).unwrap();
        let lines = without_tests(&text).lines().count();
        assert!(lines <= 350, "{} has {lines} lines without its tests", file.display());
    }
}

/// The tests of programs are not built: what is worth a test belongs to a library.
#[test]
fn main_files_have_no_tests() {
    for file in sources().into_iter().filter(|file| file.ends_with("main.rs")) {
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(without_tests(&text), text, "{} has tests", file.display());
    }
}

#[test]
fn readme_and_architecture_have_at_most_150_lines() {
    for name in ["README.md", "ARCHITECTURE.md"] {
        let lines = std::fs::read_to_string(root().join(name)).unwrap().lines().count();
        assert!(lines <= 150, "{name} has {lines} lines");
    }
}

#[test]
fn main_states_its_trigger_permissions_and_state() {
    let mains: Vec<PathBuf> = files(&root().join("functions"))
        .into_iter()
        .filter(|file| file.file_name().is_some_and(|name| name == "main.rs"))
        .collect();
    assert!(mains.len() >= 12, "{mains:?}");
    for main in mains {
        let text = std::fs::read_to_string(&main).unwrap();
        for heading in ["//! Trigger: ", "//! Permissions: ", "//! State: "] {
            assert!(text.contains(heading), "{} lacks its {heading}", main.display());
        }
    }
}

#[test]
fn dynamodb_keys_are_built_in_one_module_and_no_table_is_scanned() {
    let store = root().join("shared/store/src");
    let keys = ["keys.rs", "keys/due.rs", "keys/position.rs"].map(|file| store.join("dynamodb").join(file));
    for file in files(&store).into_iter().filter(|file| !keys.contains(file)) {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains("}#{"), "{} builds a key", file.display());
        assert!(!text.contains(".scan()"), "{} scans a table", file.display());
    }
}

/// A lease that ends while its holder is still at work would let two environments dispatch the same action.
#[test]
fn lease_outlasts_the_functions_that_hold_it() {
    let template: yaml_serde::Value = yaml_serde::from_str(include_str!("../../infra/template.yaml")).unwrap();
    let lease = *age_policy::LEASE_SECONDS.start();
    for function in ["LogEventFunction", "WeeklyReportFunction"] {
        let timeout = template["Resources"][function]["Properties"]["Timeout"].as_i64().unwrap();
        assert!(timeout < lease, "{function}: {timeout} s, shortest lease {lease} s");
    }
}

#[test]
fn every_function_behind_the_api_verifies_its_origin() {
    let mut served = 0;
    for file in sources().into_iter().filter(|file| file.ends_with("src/main.rs")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let verified = "age_runtime::serve(verify_origin(config.authentication.origin_secrets, routes))";
        if text.contains("age_runtime::serve(") {
            assert!(text.contains(verified), "{} serves requests that no proxy sent", file.display());
            served += 1;
        }
    }
    assert!(served >= 9, "found only {served} functions behind the API");
}
