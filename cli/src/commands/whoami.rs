//! `agectl whoami`: the credential of the token, and its role.

use age_model::{Engine, KeyId, Role, Timestamp};
use reqwest::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::api_client::ApiClient;
use crate::api_response::{ApiResponse, parse_json};
use crate::commands::health;
use crate::error::Error;
use crate::format::format_timestamp;
use crate::session::Session;
use crate::text_layout::format_facts;

/// A time at which no history begins. AGE refuses it, with 422 if the caller may ask and with 403 if not, and reads nothing.
const NO_HISTORY: &str = "9999-12-31T00:00:00Z";

/// The caller, as far as AGE tells.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Caller {
    kid: KeyId,
    pub(crate) role: Role,
    /// What only an admin learns about the own credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    engines: Vec<Engine>,
}

#[derive(Deserialize)]
struct CredentialList {
    credentials: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OwnCredential {
    kid: String,
    role: Role,
    engines: Vec<Engine>,
    expires_at: Option<Timestamp>,
}

pub(crate) async fn print_caller(session: &mut Session<'_>) -> Result<(), Error> {
    let client = session.api_client().await?;
    let caller = Caller::identify(&client).await?;
    if session.json {
        return session.print_value(&caller);
    }
    let mut facts = vec![("Credential", caller.kid.to_string()), ("Role", caller.role.to_string())];
    facts.extend(caller.expires_at.map(|at| ("Expires", format_timestamp(at))));
    Ok(writeln!(session.stdout, "{}", format_facts(facts).join("\n"))?)
}

impl Caller {
    /// Finds out which role the caller has.
    ///
    /// The API has no resource for this, so agectl tries requests that change nothing, from those that only admins may send to those
    /// that all callers may send.
    pub(crate) async fn identify(client: &ApiClient) -> Result<Self, Error> {
        let caller = |role| Self { kid: client.kid().clone(), role, expires_at: None, engines: Vec::new() };
        if let Some(response) = permitted(client.get(&["credentials"], &[]).await)? {
            let CredentialList { credentials } = parse_json(&response)?;
            let mut rows = credentials.iter().filter_map(|it| parse_json::<OwnCredential>(it.get()).ok());
            let own = rows.find(|credential| credential.kid == client.kid().as_str());
            return Ok(own.map_or_else(
                || caller(Role::Admin),
                |OwnCredential { role, engines, expires_at, .. }| Self { expires_at, engines, ..caller(role) },
            ));
        }
        let history = client.get(&["policies", "history"], &[("from", NO_HISTORY.to_owned())]).await;
        if permitted(history)?.is_some() {
            return Ok(caller(Role::Responder));
        }
        if permitted(client.get(&["policies", "schema"], &[]).await)?.is_some() {
            return Ok(caller(Role::Reader));
        }
        client.get(&[health::RESOURCE], &[]).await?;
        Ok(caller(Role::Engine))
    }
}

/// Returns the body of a response to a permitted request, and `None` if the role does not allow the request.
fn permitted(result: Result<ApiResponse, Error>) -> Result<Option<String>, Error> {
    match result {
        Ok(response) => Ok(Some(response.body)),
        Err(Error::Api(problem)) if problem.status == StatusCode::UNPROCESSABLE_ENTITY => Ok(Some(String::new())),
        Err(Error::Api(problem)) if problem.status == StatusCode::FORBIDDEN => Ok(None),
        Err(error) => Err(error),
    }
}
