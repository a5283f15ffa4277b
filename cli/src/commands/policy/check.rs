//! `agectl policy check`: checks a policy as AGE does, without asking AGE.

use age_policy::{Policy, PolicyError};
use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::OnceCell;

use crate::api_response::parse_json;
use crate::commands::policy::comparison::{ComparedPolicy, Comparison, compare};
use crate::commands::policy::policy_file::{PolicyFile, rules_of, size_of};
use crate::commands::policy::policy_ref::PolicyRef;
use crate::error::Error;
use crate::input_source::InputSource;
use crate::session::Session;

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// File with the policy, TOML or JSON (`-`: standard input)
    file: InputSource,
    /// Also show what changes from this policy: another file, `default`, `active`, or the hash of a version
    ///
    /// AGE is asked only for `active` and for a hash.
    #[arg(long, value_name = "POLICY")]
    against: Option<PolicyRef>,
}

/// The result, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", untagged)]
enum CheckResult {
    #[serde(rename_all = "camelCase")]
    Valid {
        is_valid: bool,
        hash: String,
        engines: usize,
        categories: usize,
        rules: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        difference: Option<Box<RawValue>>,
    },
    #[serde(rename_all = "camelCase")]
    Invalid { is_valid: bool, errors: Vec<CheckError> },
}

#[derive(Serialize)]
struct CheckError {
    /// JSON pointer of the place.
    pointer: String,
    /// The place as people write it.
    path: String,
    detail: String,
}

impl CheckArgs {
    pub(super) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let file = PolicyFile::read(&self.file, session).await?;
        let policy = match file.parse() {
            Ok(policy) => policy,
            Err(errors) => {
                if session.json {
                    session.print_value(&CheckResult::invalid(&errors))?;
                }
                return Err(file.report_errors(&errors, session)?);
            }
        };
        let client = OnceCell::new();
        let mut compared = None;
        if let Some(against) = self.against {
            let (old, new) = (against.open(&client, session).await?, ComparedPolicy::local(policy.clone(), &file));
            let comparison = compare(&old, &new, &client, session).await?;
            compared = Some((comparison, old, new));
        }
        if session.json {
            let comparison = compared.as_ref().map(|(comparison, ..)| comparison);
            return session.print_value(&CheckResult::valid(&policy, comparison)?);
        }
        session.print_line(&format!("{} is a valid policy: {}", file.name(), size_of(&policy)))?;
        session.print_line(&format!("Hash: {}", policy.hash()))?;
        compared.map_or(Ok(()), |(comparison, old, new)| comparison.print(&old, &new, &mut session.stdout))
    }
}

impl CheckResult {
    fn valid(policy: &Policy, comparison: Option<&Comparison>) -> Result<Self, Error> {
        Ok(Self::Valid {
            is_valid: true,
            hash: policy.hash().to_string(),
            engines: policy.engines.len(),
            categories: policy.categories.len(),
            rules: rules_of(policy),
            difference: comparison.map(|comparison| parse_json(&comparison.json)).transpose()?,
        })
    }

    fn invalid(errors: &[PolicyError]) -> Self {
        let error = |PolicyError { path, detail }: &PolicyError| CheckError {
            pointer: path.pointer(),
            path: path.to_string(),
            detail: detail.clone(),
        };
        Self::Invalid { is_valid: false, errors: errors.iter().map(error).collect() }
    }
}
