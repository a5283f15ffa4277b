//! Credentials: admins create, list, rotate and revoke them, and every caller may read its own. The binary `first-admin` creates the first admin.

mod app;
mod change_credential;
mod credential_view;
mod first_admin;
mod list_credentials;
mod new_credential;
mod whoami;

use age_http::{Access, Routes};
pub use app::App;
pub use first_admin::FirstAdmin;
use utoipa::OpenApi;

/// The contract of the routes.
#[derive(Debug, OpenApi)]
#[openapi(paths(
    list_credentials::list_credentials,
    change_credential::create_credential,
    change_credential::rotate_credential,
    change_credential::revoke_credential,
    whoami::whoami,
))]
pub struct Contract;

/// The routes of this function.
#[must_use]
pub fn routes() -> Routes<App> {
    Routes::new()
        .get("/api/governance/credentials", Access::Admin, list_credentials::list_credentials)
        .post("/api/governance/credentials", Access::Admin, change_credential::create_credential)
        .post("/api/governance/credentials/{kid}/rotate", Access::Admin, change_credential::rotate_credential)
        .delete("/api/governance/credentials/{kid}", Access::Admin, change_credential::revoke_credential)
        .get("/api/governance/whoami", Access::Authenticated, whoami::whoami)
}
