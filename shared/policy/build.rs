//! Validates the default policy and compiles it in as canonical JSON with its hash, so that no function parses TOML. Compiles the
//! table of confusable characters in as well.

#![expect(dead_code, unreachable_pub, reason = "the modules are those of the crate, which uses all of them")]

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

mod confusables {
    include!("build/confusables.rs");
}
#[path = "src/bounds.rs"]
mod bounds;
#[path = "src/canonical_json.rs"]
mod canonical_json;
#[path = "src/decision_document.rs"]
mod decision_document;
#[path = "src/decision_validation.rs"]
mod decision_validation;
#[path = "src/document.rs"]
mod document;
#[path = "src/document_schema.rs"]
mod document_schema;
#[path = "src/engine_names.rs"]
mod engine_names;
#[path = "src/guardrail_document.rs"]
mod guardrail_document;
#[path = "src/guardrail_validation.rs"]
mod guardrail_validation;
#[path = "src/policy_path.rs"]
mod policy_path;
#[path = "src/reader.rs"]
mod reader;
#[path = "src/rule_validation.rs"]
mod rule_validation;
#[path = "src/toml_text.rs"]
mod toml_text;
#[path = "src/unique_name.rs"]
mod unique_name;
#[path = "src/validation.rs"]
mod validation;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=default.toml");
    let policy = document::Policy::from_toml(&fs::read_to_string("default.toml")?).map_err(|errors| {
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        format!("default.toml is not a valid policy:\n{}", errors.join("\n"))
    })?;
    let folder = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(folder.join("policy.json"), policy.canonical_json())?;
    fs::write(folder.join("policy_hash"), policy.hash().as_bytes())?;
    println!("cargo::rustc-env=POLICY_HASH={}", policy.hash());

    println!("cargo::rerun-if-changed=build/confusables.rs");
    fs::write(folder.join("confusables.bin"), confusables::table()?)?;
    Ok(())
}
