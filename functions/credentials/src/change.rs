//! Making, renewing and ending credentials.

use std::collections::BTreeSet;

use age_model::{Engine, Grant, KeyId, KeyringError, RandomnessUnavailable, Role, Timestamp, Token};
use age_platform::{Caller, Fields, JsonBody, NoQuery, OptionalJsonBody, PathId, Problem, Refused};
use age_store::StoreError;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::view::View;

/// How long the old secret is taken beside the new one, unless the caller says otherwise: a day to bring the new one out.
const OVERLAP_SECONDS: i64 = 24 * 3600;

/// The longest that two secrets are taken.
const MAX_OVERLAP_SECONDS: i64 = 30 * 24 * 3600;

/// A credential with a secret that is shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = IssuedCredential)]
pub(crate) struct Issued {
    #[serde(flatten)]
    credential: View,
    token: String,
}

/// A new credential.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it is the form of what `create` reads")]
enum NewCredential {
    /// One that speaks for engines.
    #[serde(deny_unknown_fields)]
    OfEngines {
        kid: KeyId,
        role: EngineRole,
        #[schema(min_items = 1)]
        engines: Vec<Engine>,
        /// In the future.
        #[serde(rename = "expiresAt")]
        expires_at: Option<Timestamp>,
    },
    /// One of a person, or of a machine that reads.
    #[serde(deny_unknown_fields)]
    OfOthers {
        kid: KeyId,
        role: OtherRole,
        /// In the future.
        #[serde(rename = "expiresAt")]
        expires_at: Option<Timestamp>,
    },
}

#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "it is the form of what `create` reads")]
enum EngineRole {
    Engine,
}

#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "it is the form of what `create` reads")]
enum OtherRole {
    Reader,
    Responder,
    Admin,
}

/// Makes a credential. Its token is shown this once.
#[utoipa::path(
    post,
    path = "/api/governance/credentials",
    operation_id = "create_credential", tag = "Credentials",
    request_body = NewCredential,
    responses(
        (status = 201, description = "The credential and its token", body = Issued),
        (status = 409, description = "Its name was given before, or there is no room"),
    ),
)]
pub(crate) async fn create(
    State(App(app)): State<App>,
    caller: Caller,
    _: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<Issued>), Problem> {
    let now = app.clock.now();
    let (kid, grant) = Fields::read(&body, |fields| wanted(fields, now))?;
    let token = fresh(kid, &app)?;
    let created = app.credentials.change(app.clock.as_ref(), |keyring| {
        let changed = keyring.create(&token, grant.clone(), Some(&caller.kid), now);
        changed.map(|credential| View::of(token.kid(), credential, now)).map_err(Failed::from)
    });
    let credential = created.await?;
    tracing::info!(kid = %token.kid(), by = %caller.kid, "made a credential");
    Ok((StatusCode::CREATED, Json(Issued { credential, token: token.reveal() })))
}

/// How the new secret is to take over.
#[derive(ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(dead_code, reason = "it is the form of what `rotate` reads")]
struct Rotation {
    /// How long the old secret is taken beside the new one; 86400 if not given.
    #[schema(minimum = 0, maximum = 2_592_000)]
    overlap_seconds: Option<u32>,
}

/// Adds a secret to a credential. The token is shown this once.
#[utoipa::path(
    post,
    path = "/api/governance/credentials/{kid}/rotate",
    operation_id = "rotate_credential", tag = "Credentials",
    params(("kid" = KeyId, Path)),
    request_body = Option<Rotation>,
    responses(
        (status = 201, description = "The credential and its new token", body = Issued),
        (status = 409, description = "It is over, or has two secrets already"),
    ),
)]
pub(crate) async fn rotate(
    State(App(app)): State<App>,
    caller: Caller,
    PathId(kid): PathId<KeyId>,
    _: NoQuery,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<(StatusCode, Json<Issued>), Problem> {
    let overlap = Fields::read(&body, |fields| fields.number("overlapSeconds", 0..=MAX_OVERLAP_SECONDS))?;
    let (now, overlap) = (app.clock.now(), overlap.unwrap_or(OVERLAP_SECONDS));
    let token = fresh(kid, &app)?;
    let rotated = app.credentials.change(app.clock.as_ref(), |keyring| {
        let changed = keyring.rotate(&token, overlap, &caller.kid, now);
        changed.map(|credential| View::of(token.kid(), credential, now)).map_err(Failed::from)
    });
    let credential = rotated.await?;
    tracing::info!(kid = %token.kid(), by = %caller.kid, overlap, "renewed a credential");
    Ok((StatusCode::CREATED, Json(Issued { credential, token: token.reveal() })))
}

/// Ends a credential. It is refused within a minute.
#[utoipa::path(
    delete,
    path = "/api/governance/credentials/{kid}",
    operation_id = "revoke_credential", tag = "Credentials",
    params(("kid" = KeyId, Path)),
    responses(
        (status = 200, description = "The credential as it is now", body = View),
        (status = 409, description = "It is the last admin"),
    ),
)]
pub(crate) async fn revoke(
    State(App(app)): State<App>,
    caller: Caller,
    PathId(kid): PathId<KeyId>,
    _: NoQuery,
) -> Result<Json<View>, Problem> {
    let now = app.clock.now();
    let revoked = app.credentials.change(app.clock.as_ref(), |keyring| {
        let changed = keyring.revoke(&kid, &caller.kid, now);
        changed.map(|credential| View::of(&kid, credential, now)).map_err(Failed::from)
    });
    let credential = revoked.await?;
    tracing::info!(%kid, by = %caller.kid, "revoked a credential");
    Ok(Json(credential))
}

fn fresh(kid: KeyId, app: &crate::Parts) -> Result<Token, Problem> {
    Token::fresh(kid, app.clock.as_ref()).map_err(|RandomnessUnavailable| {
        Problem::unavailable("a secret cannot be made now; nothing was stored, try again")
    })
}

/// What a new credential is to be.
fn wanted(fields: &mut Fields, now: Timestamp) -> Result<(KeyId, Grant), Refused> {
    let (kid, role) = (fields.required::<KeyId>("kid"), fields.required::<Role>("role"));
    let engines = fields.list::<Engine>("engines");
    let expires_at = expiry(fields, now);
    let engines = bound(fields, role, engines);
    Ok((kid?, Grant { role: role?, engines: engines?, expires_at: expires_at? }))
}

fn expiry(fields: &mut Fields, now: Timestamp) -> Result<Option<Timestamp>, Refused> {
    let expires_at: Option<Timestamp> = fields.optional("expiresAt")?;
    match expires_at {
        Some(past) if past <= now => Err(fields.refuse("expiresAt", "must be in the future")),
        future => Ok(future),
    }
}

/// The engines of a role that speaks for some, and of no other.
fn bound(
    fields: &mut Fields,
    role: Result<Role, Refused>,
    engines: Result<Vec<Engine>, Refused>,
) -> Result<BTreeSet<Engine>, Refused> {
    let (role, engines) = (role?, engines?);
    match (role, engines.is_empty()) {
        (Role::Engine, true) => Err(fields.refuse("engines", "must name the engines that it may speak for")),
        (Role::Reader | Role::Responder | Role::Admin, false) => {
            Err(fields.refuse("engines", format!("is for the role engine, not for {role}")))
        }
        _ => Ok(engines.into_iter().collect()),
    }
}

/// Why a credential was not changed, for its caller.
struct Failed(Problem);

impl From<KeyringError> for Failed {
    fn from(not: KeyringError) -> Self {
        Self(match not {
            KeyringError::Unknown(_) => Problem::not_found("there is no credential of this name"),
            not => Problem::conflict(not.to_string()),
        })
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        let lost = matches!(error, StoreError::Unknown { .. });
        let problem = Problem::from(error);
        Self(if lost { problem.with_detail(LOST) } else { problem })
    }
}

impl From<Failed> for Problem {
    fn from(Failed(problem): Failed) -> Self {
        problem
    }
}

/// A token that was not shown cannot be shown again.
const LOST: &str = "AGE lost its store in the middle: it was done or not. Look at the credential; if it has a new secret that nobody has, rotate it with overlapSeconds 0";
