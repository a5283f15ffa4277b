//! `agectl policy show`: a policy as TOML.

use age_model::{PolicyHash, Timestamp, visible_line, visible_text};
use age_policy::Policy;
use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::api_response::parse_json;
use crate::commands::policy::comparison::default_policy;
use crate::commands::policy::policy_file::PolicyFile;
use crate::commands::policy::policy_ref::PolicyRef;
use crate::commands::policy::stored_version::{Activation, StoredVersion, get_version, last_activation};
use crate::error::Error;
use crate::format::format_timestamp;
use crate::session::Session;

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Hash of a version or its first 8 or more digits, `active`, `default` for the default policy of agectl, or a file
    #[arg(value_name = "POLICY", default_value = "active")]
    policy: PolicyRef,
}

/// A policy that AGE was not asked for, in the shape of the API.
#[derive(Serialize)]
struct LocalPolicy {
    hash: PolicyHash,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    document: Box<RawValue>,
}

impl ShowArgs {
    pub(super) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        match self.policy {
            PolicyRef::Active => show_stored("active", session).await,
            PolicyRef::Version(version) => {
                let hash = version.resolve(&session.api_client().await?).await?;
                show_stored(&hash.to_string(), session).await
            }
            PolicyRef::Default => show_default(session),
            PolicyRef::File(source) => {
                let file = PolicyFile::read(&source, session).await?;
                let policy = file.valid_policy(session)?;
                if session.json {
                    return print_local(&policy, None, session);
                }
                print_toml(&[format!("{}: {}", file.name(), policy.hash())], &policy, session)
            }
        }
    }
}

async fn show_stored(segment: &str, session: &mut Session<'_>) -> Result<(), Error> {
    let client = session.api_client().await?;
    let response = get_version(segment, &client).await?;
    if session.json {
        return session.print_json(&response.body);
    }
    let version: StoredVersion = response.parse()?;
    let activation = match version.active {
        Some(true) => last_activation(&client).await?,
        _ => None,
    };
    print_toml(&version.header(activation), &version.policy()?, session)
}

/// Prints the default policy with its comments, to start from.
fn show_default(session: &mut Session<'_>) -> Result<(), Error> {
    let policy = default_policy()?;
    if session.json {
        return print_local(&policy, Some(0), session);
    }
    let line = format!("The default policy of agectl {}: {}", env!("CARGO_PKG_VERSION"), policy.hash());
    // The first comments are about the file in AGE's repository.
    let document = Policy::DEFAULT_TOML.split_once("\n\n").map_or(Policy::DEFAULT_TOML, |(_, document)| document);
    Ok(write!(session.stdout, "# {line}\n\n{document}")?)
}

fn print_local(policy: &Policy, version: Option<u64>, session: &mut Session<'_>) -> Result<(), Error> {
    session.print_value(&LocalPolicy { hash: policy.hash(), version, document: parse_json(&policy.canonical_json())? })
}

/// Prints the policy below `comments`.
fn print_toml(comments: &[String], policy: &Policy, session: &mut Session<'_>) -> Result<(), Error> {
    let toml = visible_text(&policy.to_toml());
    // INVARIANT: the text is read as the same policy, so a version that is pushed again has the same hash.
    if Policy::from_toml(&toml).as_ref() != Ok(policy) {
        return Err(Error::Usage("the policy cannot be shown as TOML without a loss: use --json".to_owned()));
    }
    for comment in comments {
        writeln!(session.stdout, "# {}", visible_line(comment))?;
    }
    Ok(write!(session.stdout, "\n{toml}")?)
}

impl StoredVersion {
    /// Returns what AGE knows of the version besides its document, a line each.
    fn header(&self, activation: Option<Activation>) -> Vec<String> {
        let name = match self.version {
            0 => "The default policy of AGE".to_owned(),
            version => format!("Policy version {version}"),
        };
        let at =
            |time: Option<Timestamp>| time.map(|time| format!(" at {}", format_timestamp(time))).unwrap_or_default();
        let stored = self.author.as_ref().map(|author| format!("Stored by {author}{}", at(self.created_at)));
        let activated = activation.filter(|activation| activation.hash == self.hash).map(|activation| {
            let Activation { by, reason, at: time, .. } = activation;
            format!("Activated by {by}{}: {reason}", at(Some(time)))
        });
        let not_active = (self.active == Some(false)).then(|| "Not active".to_owned());
        let shadow = self.shadow.as_ref().map(|shadow| {
            format!("Shadow from {} until {}", format_timestamp(shadow.started_at), format_timestamp(shadow.until))
        });
        [Some(format!("{name}: {}", self.hash)), stored, activated, not_active, shadow].into_iter().flatten().collect()
    }
}
