//! `agectl whoami`: the credential of the token, and its role.

use age_model::{Engine, KeyId, Role, Timestamp};
use serde::Deserialize;

use crate::api_client::ApiClient;
use crate::api_response::{ApiResponse, parse_json};
use crate::error::Error;
use crate::format::format_timestamp;
use crate::session::Session;
use crate::text_layout::format_facts;

/// The credential of the caller.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnCredential {
    kid: KeyId,
    pub(crate) role: Role,
    engines: Vec<Engine>,
    expires_at: Option<Timestamp>,
}

pub(crate) async fn print_caller(session: &mut Session<'_>) -> Result<(), Error> {
    let response = request(&session.api_client().await?).await?;
    if session.json {
        return session.print_json(&response.body);
    }
    let caller: OwnCredential = parse_json(&response.body)?;
    let mut facts = vec![("Credential", caller.kid.to_string()), ("Role", caller.role.to_string())];
    let engines: Vec<String> = caller.engines.iter().map(Engine::to_string).collect();
    facts.extend((!engines.is_empty()).then(|| ("Engines", engines.join(", "))));
    facts.extend(caller.expires_at.map(|at| ("Expires", format_timestamp(at))));
    Ok(writeln!(session.stdout, "{}", format_facts(facts).join("\n"))?)
}

impl OwnCredential {
    pub(crate) async fn get(client: &ApiClient) -> Result<Self, Error> {
        parse_json(&request(client).await?.body)
    }
}

async fn request(client: &ApiClient) -> Result<ApiResponse, Error> {
    client.get(&["whoami"], &[]).await
}
