//! Credentials as admins see them: never a secret, nor its hash.

use std::collections::BTreeSet;

use age_model::{Credential, CredentialStatus, Engine, KeyId, Role, Secret, Timestamp};
use age_platform::{NoQuery, Problem};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// A credential.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Credential)]
#[serde(rename_all = "camelCase")]
pub(crate) struct View {
    kid: KeyId,
    role: Role,
    /// The engines that it may speak for; none, if its role is another.
    engines: BTreeSet<Engine>,
    status: CredentialStatus,
    created_at: Timestamp,
    /// None: an operator, with rights on AWS.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<KeyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_by: Option<KeyId>,
    /// The secrets that are taken, the newest first.
    secrets: Vec<SecretView>,
}

/// What may be known of a secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Secret)]
#[serde(rename_all = "camelCase")]
struct SecretView {
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<KeyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

impl View {
    pub(crate) fn of(kid: &KeyId, credential: &Credential, now: Timestamp) -> Self {
        let status = credential.status_at(now);
        let shown = |secret: &&Secret| status == CredentialStatus::Live && secret.is_live(now);
        let Credential { grant, secrets, created_at, created_by, revoked } = credential.clone();
        Self {
            kid: kid.clone(),
            role: grant.role,
            engines: grant.engines,
            status,
            created_at,
            created_by,
            expires_at: grant.expires_at,
            revoked_at: revoked.as_ref().map(|revocation| revocation.at),
            revoked_by: revoked.map(|revocation| revocation.by),
            secrets: secrets.iter().filter(shown).cloned().map(SecretView::from).collect(),
        }
    }
}

impl From<Secret> for SecretView {
    fn from(Secret { created_at, created_by, expires_at, .. }: Secret) -> Self {
        Self { created_at, created_by, expires_at }
    }
}

/// Every credential.
#[derive(Serialize, ToSchema)]
#[schema(as = Credentials)]
pub(crate) struct All {
    credentials: Vec<View>,
}

/// All of them, by name: those that are over, too. There are 900 at most.
#[utoipa::path(get, path = "/api/governance/credentials", operation_id = "list_credentials", tag = "Credentials", responses((status = 200, description = "They", body = All)))]
pub(crate) async fn list(State(App(app)): State<App>, _: NoQuery) -> Result<Json<All>, Problem> {
    let (keyring, now) = (app.credentials.all().await?, app.clock.now());
    Ok(Json(All { credentials: keyring.all().map(|(kid, credential)| View::of(kid, credential, now)).collect() }))
}
