//! `agectl credential`: who may call AGE.

use std::time::Duration;

use age_model::{CredentialStatus, Engine, KeyId, Role, Timestamp};
use clap::Subcommand;
use serde::{Deserialize, Serialize};

use crate::api::Answer;
use crate::args;
use crate::error::Error;
use crate::json;
use crate::session::Session;
use crate::table::{self, NOTHING};

const PATH: &str = "credentials";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes a credential and prints its token, which is shown once
    ///
    /// The token stands alone on standard output, all else goes to standard error.
    Create {
        /// Its name, such as night-desk: what records say of who did something
        kid: KeyId,
        /// What it may do
        #[arg(long, value_parser = args::role())]
        role: Role,
        /// The engine it speaks for, if its role is engine; may be given several times
        #[arg(long = "engine", value_name = "NAME", value_parser = args::engine())]
        engines: Vec<Engine>,
        /// How long it is taken, such as 90d
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, conflicts_with = "expires_at")]
        expires_in: Option<Duration>,
        /// From when on it is no longer taken, RFC 3339
        #[arg(long, value_name = "TIME")]
        expires_at: Option<Timestamp>,
    },
    /// Lists all credentials
    List,
    /// Ends a credential, for good
    Revoke {
        /// Its name
        kid: KeyId,
    },
    /// Gives a credential a new secret and prints its token, which is shown once
    Rotate {
        /// Its name
        kid: KeyId,
        /// How long the old secret is still taken, up to 30d; AGE takes it for 24h by default
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
        overlap: Option<Duration>,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct New<'a> {
    kid: &'a KeyId,
    role: Role,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    engines: Vec<Engine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rotation {
    #[serde(skip_serializing_if = "Option::is_none")]
    overlap_seconds: Option<u64>,
}

#[derive(Deserialize)]
struct Credentials {
    credentials: Vec<Credential>,
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
    secrets: Vec<Secret>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Secret {
    expires_at: Option<Timestamp>,
}

/// What is read of a new credential before all else. It cannot be shown for debugging.
#[derive(Deserialize)]
struct Made {
    token: String,
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Error> {
        match self {
            Self::Create { kid, role, engines, expires_in, expires_at } => {
                let after = |wait: Duration| session.now.plus_seconds(wait.as_secs().try_into().unwrap_or(i64::MAX));
                let expires_at = expires_at.or(expires_in.map(after));
                let new = New { kid: &kid, role, engines, expires_at };
                let answer = session.api().await?.post_once(&[PATH], &new).await?;
                made(&kid, &answer, session, |credential, _| {
                    let until = credential.expires_at.map(|at| format!(" until {}", table::moment(at)));
                    format!("{kid} is made: {}{}", credential.may(), until.unwrap_or_default())
                })
            }
            Self::Rotate { kid, overlap } => {
                let rotation = Rotation { overlap_seconds: overlap.map(|overlap| overlap.as_secs()) };
                let answer = session.api().await?.post_once(&[PATH, kid.as_str(), "rotate"], &rotation).await?;
                made(&kid, &answer, session, |credential, now| match credential.old_secret_until(now) {
                    Some(until) => {
                        format!("{kid} has a new secret; the old one is accepted until {}", table::moment(until))
                    }
                    None => format!("{kid} has a new secret; within 60 seconds, the old one is no longer accepted"),
                })
            }
            Self::List => list(session).await,
            Self::Revoke { kid } => revoke(&kid, session).await,
        }
    }
}

/// Prints a new token where it can be taken from: before all else, because there is no second chance.
fn made(
    kid: &KeyId,
    answer: &Answer,
    session: &mut Session<'_>,
    told: impl Fn(&Credential, Timestamp) -> String,
) -> Result<(), Error> {
    let Made { token } = answer.read()?;
    let text = if session.json { json::pretty(&answer.body) } else { token };
    let printed = writeln!(session.out, "{text}").and_then(|()| session.out.flush());
    printed.map_err(|cause| Error::TokenLost { kid: kid.clone(), cause })?;
    let credential = answer.read()?;
    writeln!(session.err, "{}", told(&credential, session.now))?;
    writeln!(session.err, "The token is shown once: AGE keeps only its hash.")?;
    Ok(())
}

async fn list(session: &mut Session<'_>) -> Result<(), Error> {
    let answer = session.api().await?.get(&[PATH], &[]).await?;
    if session.json {
        return session.show_json(&answer.body);
    }
    let Credentials { credentials } = answer.read()?;
    let rows = credentials.into_iter().map(|credential| credential.row(session.now));
    let names = ["kid", "role", "engines", "status", "expires", "secrets", "created by"];
    Ok(writeln!(session.out, "{}", table::of(names, rows))?)
}

async fn revoke(kid: &KeyId, session: &mut Session<'_>) -> Result<(), Error> {
    let answer = session.api().await?.delete(&[PATH, kid.as_str()]).await?;
    if session.json {
        return session.show_json(&answer.body);
    }
    let Credential { status, .. } = answer.read()?;
    Ok(writeln!(session.out, "{kid} is {status}: within 60 seconds, it is no longer accepted")?)
}

impl Credential {
    fn engines(&self) -> String {
        self.engines.iter().map(|engine| engine.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Its role, and for whom it may speak.
    fn may(&self) -> String {
        if self.engines.is_empty() { self.role.to_string() } else { format!("{} of {}", self.role, self.engines()) }
    }

    fn row(self, now: Timestamp) -> [String; 7] {
        let live = self.secrets.iter().filter(|secret| secret.expires_at.is_none_or(|at| at > now)).count();
        let engines = self.engines();
        [
            self.kid.to_string(),
            self.role.to_string(),
            if engines.is_empty() { NOTHING.to_owned() } else { engines },
            self.status.to_string(),
            self.expires_at.map_or_else(|| NOTHING.to_owned(), table::moment),
            live.to_string(),
            // Who has rights on AWS needs no credential to make one.
            self.created_by.unwrap_or_else(|| "an operator".to_owned()),
        ]
    }

    /// Until when a secret other than the newest, which is the first, is taken.
    fn old_secret_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.secrets.iter().skip(1).filter_map(|secret| secret.expires_at).filter(|until| *until > now).max()
    }
}
