//! `agectl policy push`: stores a policy as a version.

use clap::Args;
use reqwest::StatusCode;
use tokio::sync::OnceCell;

use crate::api_client::ApiClient;
use crate::api_response::ApiResponse;
use crate::commands::policy::comparison::{ComparedPolicy, compare};
use crate::commands::policy::policy_file::PolicyFile;
use crate::commands::policy::policy_ref::short;
use crate::commands::policy::resource::RESOURCE;
use crate::commands::policy::stored_version::{StoredVersion, active_version};
use crate::error::Error;
use crate::input_source::InputSource;
use crate::session::Session;

#[derive(Debug, Args)]
pub(crate) struct PushArgs {
    /// File with the policy, TOML or JSON (`-`: standard input)
    file: InputSource,
}

impl PushArgs {
    pub(super) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let file = PolicyFile::read(&self.file, session).await?;
        let client = session.api_client().await?;
        let response = push(&file, &client, session).await?;
        if session.json {
            return session.print_json(&response.body);
        }
        let version: StoredVersion = response.parse()?;
        let (is_active, hash) = (version.active == Some(true), version.hash);
        let state = match (response.status, is_active) {
            (_, true) => "Active already, and not stored again",
            (StatusCode::CREATED, false) => "Stored",
            (_, false) => "Stored already",
        };
        session.print_line(&format!("{state}: {}", version.name()))?;
        session.print_line(&format!("Hash: {hash}"))?;
        if is_active {
            return Ok(());
        }
        let active = ComparedPolicy::active(&active_version(&client).await?);
        let (pushed, client) = (ComparedPolicy::stored(hash), OnceCell::new_with(Some(client)));
        compare(&active, &pushed, &client, session).await?.print(&active, &pushed, &mut session.stdout)?;
        let hash = short(&hash);
        writeln!(
            session.stderr,
            "Next: `agectl policy simulate {hash}`, `agectl policy activate {hash} --reason TEXT`"
        )?;
        Ok(())
    }
}

/// Stores the policy. AGE checks it, and prints of its errors are the same as those of `agectl policy check`.
pub(super) async fn push(
    file: &PolicyFile,
    client: &ApiClient,
    session: &mut Session<'_>,
) -> Result<ApiResponse, Error> {
    let document = match file.to_json() {
        Ok(document) => document,
        Err(errors) => return Err(file.report_errors(&errors, session)?),
    };
    // Idempotent: AGE stores a document once.
    match client.post_idempotent(&[RESOURCE], &document).await {
        Err(Error::Api(problem)) if problem.status == StatusCode::UNPROCESSABLE_ENTITY => match file.parse() {
            Err(errors) => Err(file.report_errors(&errors, session)?),
            // AGE is of another version than agectl.
            Ok(_) => Err(Error::Api(problem)),
        },
        response => response,
    }
}
