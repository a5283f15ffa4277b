//! Reads the policy, refuses an invalid one, and hands it over as JSON with its hash: no function parses TOML.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use sha2::{Digest, Sha256};

#[path = "src/policy/rules.rs"]
#[expect(unreachable_pub, reason = "public in the crate, not in its build script")]
mod rules;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=policy.toml");
    let text = fs::read_to_string("policy.toml")?;
    let policy: rules::Policy = toml::from_str(&text)?;
    policy.validate().map_err(|error| format!("policy.toml: {error}"))?;

    let hash = Sha256::digest(&text).iter().fold(String::new(), |hash, byte| hash + &format!("{byte:02x}"));
    println!("cargo::rustc-env=POLICY_HASH={hash}");
    let out = PathBuf::from(env::var("OUT_DIR")?).join("policy.json");
    fs::write(out, serde_json::to_string(&policy)?)?;
    Ok(())
}
