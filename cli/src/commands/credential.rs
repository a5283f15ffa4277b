//! `agectl credential`: manages the credentials of AGE's callers.

use std::time::Duration;

use age_model::{CredentialStatus, Engine, KeyId, Role, Timestamp, UnreadableItem, visible_line};
use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::api_response::ApiResponse;
use crate::commands::incident_bulk::{self, BulkVerb, Total};
use crate::error::Error;
use crate::format::{NO_VALUE, format_count, format_timestamp};
use crate::json_format::format_json;
use crate::session::Session;
use crate::value_parsers::role_parser;

const RESOURCE: &str = "credentials";

#[derive(Debug, Subcommand)]
pub(crate) enum CredentialCommand {
    /// Create a credential and print its token, which is shown only once
    ///
    /// Standard output has the token alone; messages go to standard error. AGE notifies people 7 days and 1 day before the credential
    /// expires.
    Create {
        /// Name of the credential, such as night-desk: 2 to 40 lower-case letters, digits, - and _
        ///
        /// AGE records the name with everything that the caller does. A name cannot be used again.
        kid: KeyId,
        /// What the caller may do
        #[arg(long, value_parser = role_parser())]
        role: Role,
        /// Engine that the caller may act for, with --role engine; repeat the option for several engines
        #[arg(long = "engine", value_name = "NAME")]
        engines: Vec<Engine>,
        /// Time until the credential expires, such as 90d [default: it does not expire]
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, conflicts_with = "expires_at")]
        expires_in: Option<Duration>,
        /// When the credential expires, RFC 3339, such as 2027-01-01T00:00:00Z [default: it does not expire]
        #[arg(long, value_name = "TIME")]
        expires_at: Option<Timestamp>,
    },
    /// List all credentials
    List,
    /// Revoke a credential, permanently
    ///
    /// The last admin that does not expire cannot be revoked.
    Revoke {
        /// Name of the credential
        kid: KeyId,
        /// Also resolve the incidents that its events opened; agectl asks first
        #[arg(long)]
        resolve_incidents: bool,
        /// Do not ask for a confirmation
        #[arg(long, requires = "resolve_incidents")]
        yes: bool,
    },
    /// Give a credential a new secret and print its new token, which is shown only once
    ///
    /// With --expires-in or --expires-at, it also renews the credential, even if it has expired. Standard output has the token alone; messages go to standard error.
    Rotate {
        /// Name of the credential
        kid: KeyId,
        /// How long AGE still accepts the old token, up to 30d [default: 24h]
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
        overlap: Option<Duration>,
        /// Renew the credential: time until it expires, such as 90d [default: its expiry stays]
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, conflicts_with = "expires_at")]
        expires_in: Option<Duration>,
        /// Renew the credential: when it expires, RFC 3339, such as 2027-01-01T00:00:00Z [default: its expiry stays]
        #[arg(long, value_name = "TIME")]
        expires_at: Option<Timestamp>,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreateRequest<'a> {
    kid: &'a KeyId,
    role: Role,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    engines: Vec<Engine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RotateRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    overlap_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct CredentialList {
    credentials: Vec<Box<RawValue>>,
    #[serde(default)]
    unreadable: Vec<UnreadableItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential {
    kid: KeyId,
    role: Role,
    engines: Vec<Engine>,
    status: CredentialStatus,
    created_by: Option<String>,
    expires_at: Option<Timestamp>,
    /// The newest is the first.
    secrets: Vec<Secret>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Secret {
    expires_at: Option<Timestamp>,
}

/// The output of `revoke --resolve-incidents --json`.
#[derive(Serialize)]
struct Revoked<'a> {
    credential: Box<RawValue>,
    incidents: &'a Total,
}

/// The token in the response to a create or rotate request. Has no `Debug`, so that no message can contain the token.
#[derive(Deserialize)]
struct NewToken {
    token: String,
}

impl CredentialCommand {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        match self {
            Self::Create { kid, role, engines, expires_in, expires_at } => {
                let expires_at = expires_at.or(expires_in.map(|duration| after(session.now, duration)));
                let request = CreateRequest { kid: &kid, role, engines, expires_at };
                let response = session.api_client().await?.post_non_idempotent(&[RESOURCE], &request).await?;
                print_new_token(&kid, &response, session, |credential, _| credential.created_message())
            }
            Self::Rotate { kid, overlap, expires_in, expires_at } => {
                let expires_at = expires_at.or(expires_in.map(|duration| after(session.now, duration)));
                let request = RotateRequest { overlap_seconds: overlap.map(|overlap| overlap.as_secs()), expires_at };
                let path = [RESOURCE, kid.as_str(), "rotate"];
                let response = session.api_client().await?.post_non_idempotent(&path, &request).await?;
                print_new_token(&kid, &response, session, Credential::rotated_message)
            }
            Self::List => list_credentials(session).await,
            Self::Revoke { kid, resolve_incidents: false, .. } => revoke_credential(&kid, session).await,
            Self::Revoke { kid, yes, .. } => revoke_and_resolve(&kid, yes, session).await,
        }
    }
}

fn after(now: Timestamp, duration: Duration) -> Timestamp {
    now.plus_seconds(duration.as_secs().try_into().unwrap_or(i64::MAX))
}

/// Prints the token on standard output and a message on standard error.
fn print_new_token(
    kid: &KeyId,
    response: &ApiResponse,
    session: &mut Session<'_>,
    message: impl Fn(&Credential, Timestamp) -> String,
) -> Result<(), Error> {
    // INVARIANT: the token is printed before anything else can fail, because AGE does not show it again.
    let NewToken { token } = response.parse()?;
    let text = if session.json { format_json(&response.body) } else { visible_line(&token) };
    let result = writeln!(session.stdout, "{text}").and_then(|()| session.stdout.flush());
    result.map_err(|cause| Error::WriteToken { kid: kid.clone(), cause })?;
    let credential = response.parse()?;
    session.print_warning(&message(&credential, session.now))?;
    writeln!(session.stderr, "Store the token now: AGE keeps only its hash and cannot show it again.")?;
    Ok(())
}

async fn list_credentials(session: &mut Session<'_>) -> Result<(), Error> {
    let response = session.api_client().await?.get(&[RESOURCE], &[]).await?;
    let CredentialList { credentials, unreadable } = response.parse()?;
    session.warn_unreadable(&unreadable)?;
    if session.json {
        return session.print_json(&response.body);
    }
    let (headings, now) = (["kid", "role", "engines", "status", "expires", "secrets", "created by"], session.now);
    session.print_table(headings, &credentials, |credential: Credential| credential.table_row(now))
}

async fn revoke_credential(kid: &KeyId, session: &mut Session<'_>) -> Result<(), Error> {
    let response = session.api_client().await?.delete(&[RESOURCE, kid.as_str()]).await?;
    if session.json {
        return session.print_json(&response.body);
    }
    print_revoked(kid, &response, session)
}

fn print_revoked(kid: &KeyId, response: &ApiResponse, session: &mut Session<'_>) -> Result<(), Error> {
    let Credential { status, .. } = response.parse()?;
    session.print_line(&format!("Credential {kid} is {status}: AGE stops accepting its token within 60 seconds"))
}

/// Revokes the credential, and then resolves the incidents that its events opened.
async fn revoke_and_resolve(kid: &KeyId, is_confirmed: bool, session: &mut Session<'_>) -> Result<(), Error> {
    let client = session.api_client().await?;
    let count = incident_bulk::count_opened_by(kid, &client).await?;
    let incidents = format_count(count, "incident");
    let question = format!("Revoke {kid}, and mark {incidents} that its events opened as resolved?");
    if count > 0 && !is_confirmed && !session.confirm(&question).await? {
        return Err(Error::NotConfirmed);
    }
    let response = client.delete(&[RESOURCE, kid.as_str()]).await?;
    if !session.json {
        print_revoked(kid, &response, session)?;
    }
    let command = format!("agectl incident resolve --opened-by {kid}");
    let resolved = incident_bulk::resolve_opened_by(kid, &client, session).await;
    let resolved = resolved.map_err(|error| {
        error.with_advice(format!("the credential {kid} is revoked; resolve its incidents with `{command}`"))
    })?;
    if session.json {
        let credential: Box<RawValue> = response.parse()?;
        session.print_value(&Revoked { credential, incidents: &resolved })?;
    }
    writeln!(
        session.stderr,
        "Events that AGE accepts until then may open more incidents: resolve them with `{command}`"
    )?;
    resolved.print_text(BulkVerb::Resolve, session)
}

impl Credential {
    fn created_message(&self) -> String {
        let engines = if self.engines.is_empty() { String::new() } else { format!(" for {}", self.engine_names()) };
        let expiry = self.expires_at.map(|at| format!(", expires {}", format_timestamp(at))).unwrap_or_default();
        format!("Created credential {}: role {}{engines}{expiry}", self.kid, self.role)
    }

    fn rotated_message(&self, now: Timestamp) -> String {
        let old_token = match self.old_secret_expiry(now) {
            Some(expiry) => format!("AGE accepts the old token until {}", format_timestamp(expiry)),
            None => "AGE stops accepting the old token within 60 seconds".to_owned(),
        };
        let expiry = self.expires_at.map(|at| format!("; expires {}", format_timestamp(at))).unwrap_or_default();
        format!("Rotated credential {}: {old_token}{expiry}", self.kid)
    }

    fn engine_names(&self) -> String {
        self.engines.iter().map(Engine::as_str).collect::<Vec<_>>().join(", ")
    }

    fn table_row(self, now: Timestamp) -> [String; 7] {
        let valid_secrets = self.secrets.iter().filter(|secret| secret.expires_at.is_none_or(|at| at > now)).count();
        [
            self.kid.to_string(),
            self.role.to_string(),
            if self.engines.is_empty() { NO_VALUE.to_owned() } else { self.engine_names() },
            self.status.to_string(),
            self.expires_at.map_or_else(|| NO_VALUE.to_owned(), format_timestamp),
            valid_secrets.to_string(),
            // A person with AWS access creates the first admin, without a credential of AGE.
            self.created_by.unwrap_or_else(|| "AWS operator".to_owned()),
        ]
    }

    /// When the last of the valid secrets other than the newest expires.
    fn old_secret_expiry(&self, now: Timestamp) -> Option<Timestamp> {
        self.secrets.iter().skip(1).filter_map(|secret| secret.expires_at).filter(|expiry| *expiry > now).max()
    }
}
