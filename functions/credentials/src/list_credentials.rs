//! `GET /api/governance/credentials`: all credentials.

use age_http::{NoQuery, Problem};
use age_model::UnreadableItem;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::credential_view::CredentialView;

/// All credentials.
#[derive(Serialize, ToSchema)]
#[schema(as = Credentials)]
pub(crate) struct CredentialList {
    credentials: Vec<CredentialView>,
    /// The credentials that this version of AGE cannot read, by name. They permit nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<UnreadableItem>,
}

/// List credentials
///
/// Returns all credentials by name, including expired and revoked ones.
#[utoipa::path(get, path = "/api/governance/credentials", operation_id = "list_credentials", tag = "Credentials", responses((status = 200, description = "All credentials", body = CredentialList)))]
pub(crate) async fn list_credentials(State(App(app)): State<App>, _: NoQuery) -> Result<Json<CredentialList>, Problem> {
    let (listed, now) = (age_governance::list_credentials(&app.credentials).await?, app.clock.now());
    let credentials = listed.items.iter().map(|(kid, record)| CredentialView::new(kid, record, now)).collect();
    Ok(Json(CredentialList { credentials, unreadable: listed.unreadable }))
}
