//! `GET /api/governance/whoami`: the caller's own credential.

use std::collections::BTreeSet;

use age_http::{Caller, NoQuery};
use age_model::{Engine, KeyId, Role, Timestamp};
use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// The credential of the caller.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnCredential {
    kid: KeyId,
    role: Role,
    /// The engines that the credential may act for; empty unless its role is `engine`.
    engines: BTreeSet<Engine>,
    /// Absent if the credential does not expire.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

/// Get the caller's credential
///
/// Returns the credential whose token the request has: its role, its engines and its expiry.
#[utoipa::path(
    get,
    path = "/api/governance/whoami",
    operation_id = "whoami", tag = "About AGE",
    responses((status = 200, description = "The credential of the caller", body = OwnCredential)),
)]
pub(crate) async fn whoami(Caller { kid, grant }: Caller, _: NoQuery) -> Json<OwnCredential> {
    Json(OwnCredential { kid, role: grant.role, engines: grant.engines, expires_at: grant.expires_at })
}
