//! `POST /api/governance/credentials`, `POST …/{kid}/rotate`, `DELETE …/{kid}`: create, rotate and revoke credentials.

use age_governance::{CredentialError, IssuedCredential};
use age_http::{
    Caller, Fields, JsonBody, NoQuery, OptionalJsonBody, PathId, Problem, RequestBody, WholeNumber, request_body,
};
use age_model::{KeyId, KeyringError, RandomnessUnavailable, StoreError, Timestamp};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::credential_view::CredentialView;
use crate::new_credential::{NewCredential, refuse_past_expiry};

/// How long the old secret stays valid by default, in seconds: a day to distribute the new one.
const DEFAULT_OVERLAP_SECONDS: i64 = 24 * 3600;

/// An overlap, in seconds: 30 days at most.
type OverlapSeconds = WholeNumber<0, { 30 * 24 * 3600 }>;

/// The response to a lost write. A token that was not shown cannot be shown again.
const UNKNOWN_OUTCOME: &str = "write outcome unknown: read the credential; if it has a new secret whose token you do not have, rotate it with overlapSeconds 0";

request_body! {
    /// How a new secret replaces the old one.
    struct Rotation {
        /// How long the old secret stays valid; 86400 by default.
        #[schema(inline)]
        overlap_seconds: Option<OverlapSeconds>,
        /// Renews the credential until this time, in the future; if it is absent, the expiry stays.
        expires_at: Option<Timestamp>,
    }
}

impl Rotation {
    fn parse_at(body: &[u8], now: Timestamp) -> Result<age_model::Rotation, Problem> {
        let mut fields = Fields::parse(body)?;
        refuse_past_expiry(&mut fields, now);
        let read = Self::read(&mut fields);
        let Self { overlap_seconds, expires_at } = fields.finish(read)?;
        let overlap_seconds = overlap_seconds.map_or(DEFAULT_OVERLAP_SECONDS, OverlapSeconds::get);
        Ok(age_model::Rotation { overlap_seconds, expires_at })
    }
}

/// A credential with the token of its new secret, which is shown once.
#[derive(Serialize, ToSchema)]
#[schema(as = IssuedCredential)]
pub(crate) struct IssuedCredentialView {
    #[serde(flatten)]
    credential: CredentialView,
    token: String,
}

impl IssuedCredentialView {
    fn new(IssuedCredential { record, token }: &IssuedCredential, now: Timestamp) -> Self {
        Self { credential: CredentialView::new(token.kid(), record, now), token: token.reveal() }
    }

    fn into_response(self) -> Response {
        let location = format!("/api/governance/credentials/{}", self.credential.kid());
        (StatusCode::CREATED, [(LOCATION, location)], Json(self)).into_response()
    }
}

/// Create a credential
///
/// The token is shown once.
#[utoipa::path(
    post,
    path = "/api/governance/credentials",
    operation_id = "create_credential", tag = "Credentials",
    request_body = NewCredential,
    responses(
        (status = 201, description = "The credential and its token", body = IssuedCredentialView),
        (status = 409, description = "The name is taken, or there are too many credentials"),
    ),
)]
pub(crate) async fn create_credential(
    State(App(app)): State<App>,
    caller: Caller,
    _: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let (now, clock) = (app.clock.now(), app.clock.as_ref());
    let (kid, grant) = NewCredential::parse_at(&body, &app.policies.current(), now)?;
    let created = age_governance::create_credential(&app.credentials, kid, grant, Some(&caller.kid), clock).await;
    Ok(IssuedCredentialView::new(&created.map_err(problem)?, now).into_response())
}

/// Rotate a credential
///
/// Adds a secret to the credential. The token is shown once. With `expiresAt`, the credential is renewed, even if it has expired.
#[utoipa::path(
    post,
    path = "/api/governance/credentials/{kid}/rotate",
    operation_id = "rotate_credential", tag = "Credentials",
    params(("kid" = KeyId, Path, description = "The name of the credential")),
    request_body = Option<Rotation>,
    responses(
        (status = 201, description = "The credential and its new token", body = IssuedCredentialView),
        (status = 409, description = "The credential was revoked, has expired and is not or cannot be renewed, or has two secrets; or it is the last admin that does not expire and would expire"),
    ),
)]
pub(crate) async fn rotate_credential(
    State(App(app)): State<App>,
    caller: Caller,
    PathId(kid): PathId<KeyId>,
    _: NoQuery,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Response, Problem> {
    let (now, clock) = (app.clock.now(), app.clock.as_ref());
    let rotation = Rotation::parse_at(&body, now)?;
    let rotated = age_governance::rotate_credential(&app.credentials, kid, rotation, &caller.kid, clock).await;
    Ok(IssuedCredentialView::new(&rotated.map_err(problem)?, now).into_response())
}

/// Revoke a credential
///
/// The credential is refused within a minute.
#[utoipa::path(
    delete,
    path = "/api/governance/credentials/{kid}",
    operation_id = "revoke_credential", tag = "Credentials",
    params(("kid" = KeyId, Path, description = "The name of the credential")),
    responses(
        (status = 200, description = "The revoked credential", body = CredentialView),
        (status = 409, description = "It is an admin, and no other one that does not expire would remain"),
    ),
)]
pub(crate) async fn revoke_credential(
    State(App(app)): State<App>,
    caller: Caller,
    PathId(kid): PathId<KeyId>,
    _: NoQuery,
) -> Result<Json<CredentialView>, Problem> {
    let (now, clock) = (app.clock.now(), app.clock.as_ref());
    let revoked = age_governance::revoke_credential(&app.credentials, &kid, &caller.kid, clock).await;
    Ok(Json(CredentialView::new(&kid, &revoked.map_err(problem)?, now)))
}

fn problem(error: CredentialError) -> Problem {
    match error {
        CredentialError::Keyring(KeyringError::Unknown(kid)) => {
            Problem::not_found(format!("credential {kid} does not exist"))
        }
        CredentialError::Keyring(error @ KeyringError::NotLiveAdmin(_)) => Problem::forbidden(error.to_string()),
        CredentialError::Keyring(conflict) => Problem::conflict(conflict.to_string()),
        CredentialError::Randomness(RandomnessUnavailable) => {
            Problem::unavailable("no secret can be generated now; nothing was stored, retry later")
        }
        CredentialError::Store(error) => {
            let is_unknown = matches!(error, StoreError::UnknownOutcome { .. });
            let problem = Problem::from(error);
            if is_unknown { problem.with_detail(UNKNOWN_OUTCOME) } else { problem }
        }
    }
}
