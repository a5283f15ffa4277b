//! `agectl policy shadow`: starts, shows and ends the shadow.

use age_model::{Note, PolicyShadow, Timestamp};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::api_response::ApiResponse;
use crate::commands::policy::policy_ref::{VersionRef, short};
use crate::commands::policy::resource::RESOURCE;
use crate::error::Error;
use crate::format::{format_count, format_timestamp};
use crate::session::Session;
use crate::value_parsers::parse_day_or_time;

#[derive(Debug, Args)]
pub(crate) struct ShadowArgs {
    /// Hash of the version that becomes the shadow, or its first 8 or more digits, as `agectl policy list` lists them [default: show
    /// the shadow]
    #[arg(value_name = "HASH", conflicts_with = "end")]
    version: Option<VersionRef>,
    /// End the shadow
    #[arg(long)]
    end: bool,
    /// Why, for people
    #[arg(long, value_name = "TEXT", requires = "version")]
    reason: Option<Note>,
    /// When the shadow ends by itself, at most 30 days ahead: RFC 3339, or a day, which stands for its midnight in UTC [default: in 14
    /// days]
    #[arg(long, value_name = "TIME", value_parser = parse_day_or_time, requires = "version")]
    until: Option<Timestamp>,
}

#[derive(Serialize)]
struct ShadowRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

impl ShadowArgs {
    pub(super) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        let Self { version, end, reason, until } = self;
        let client = session.api_client().await?;
        let Some(version) = version else {
            let (path, verb) = ([RESOURCE, "shadow"], if end { "Ended" } else { "Shadow" });
            let response = if end { client.delete(&path).await? } else { client.get_named(&path).await? };
            return print_shadow(verb, &response, session);
        };
        let hash = version.resolve(&client).await?.to_string();
        let request = ShadowRequest { reason: reason.map(String::from), until };
        // Idempotent: a version that is the shadow already goes on.
        let response = client.post_idempotent(&[RESOURCE, &hash, "shadow"], &request).await?;
        print_shadow("Started", &response, session)?;
        Ok(writeln!(session.stderr, "Decisions with another verdict of the shadow: `agectl decision list --shadow`")?)
    }
}

/// How many decisions the shadow would have answered otherwise. Responses that only change the shadow do not have it.
#[derive(Deserialize)]
struct ShadowFigures {
    decisions: Option<u64>,
    differing: Option<u64>,
}

/// Prints the shadow after `verb`, which says what has become of it.
fn print_shadow(verb: &str, response: &ApiResponse, session: &mut Session<'_>) -> Result<(), Error> {
    if session.json {
        return session.print_json(&response.body);
    }
    let PolicyShadow { hash, started_at, started_by, reason, until } = response.parse()?;
    let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    session.print_line(&format!(
        "{verb}: version {} is the shadow from {} until {}, started by {started_by}{reason}",
        short(&hash),
        format_timestamp(started_at),
        format_timestamp(until)
    ))?;
    if let ShadowFigures { decisions: Some(decisions), differing: Some(differing) } = response.parse()? {
        let decisions = format_count(decisions, "decision");
        session.print_line(&format!("The shadow would have given another verdict to {differing} of {decisions}"))?;
    }
    Ok(())
}
