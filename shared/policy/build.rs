//! Validates the default policy and compiles it in as JSON with its hash, so that no function parses TOML. Compiles the table of
//! confusable characters in as well.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use sha2::{Digest, Sha256};

mod confusables {
    include!("build/confusables.rs");
}
#[path = "src/document.rs"]
#[expect(unreachable_pub, reason = "public in the crate, not in its build script")]
mod document;
#[path = "src/validation.rs"]
#[expect(unreachable_pub, reason = "public in the crate, not in its build script")]
mod validation;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=default.toml");
    let text = fs::read_to_string("default.toml")?;
    let policy: document::Policy = toml::from_str(&text)?;
    policy.validate().map_err(|error| format!("default.toml: {error}"))?;

    let hash = Sha256::digest(&text).iter().fold(String::new(), |hash, byte| hash + &format!("{byte:02x}"));
    println!("cargo::rustc-env=POLICY_HASH={hash}");
    let out = PathBuf::from(env::var("OUT_DIR")?).join("policy.json");
    fs::write(out, serde_json::to_string(&policy)?)?;
    println!("cargo::rerun-if-changed=build/confusables.rs");
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("confusables.bin"), confusables::table()?)?;
    Ok(())
}
