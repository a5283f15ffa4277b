//! Who may call: admins make, list, renew and end credentials; an operator makes the first admin.

mod change;
mod first_admin;
mod view;

use std::sync::Arc;

use age_model::Clock;
use age_platform::{Access, Routes};
use age_store::Credentials;
pub use first_admin::{FirstAdmin, FirstAdminError, Made};
use utoipa::OpenApi;

/// What the handlers need. Made once per execution environment.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    credentials: Credentials,
    clock: Box<dyn Clock>,
}

impl App {
    /// Puts the parts together.
    pub fn new(credentials: Credentials, clock: impl Clock + 'static) -> Self {
        Self(Arc::new(Parts { credentials, clock: Box::new(clock) }))
    }
}

/// The contract of these routes.
#[derive(Debug, OpenApi)]
#[openapi(paths(view::list, change::create, change::rotate, change::revoke))]
pub struct Contract;

/// The routes of this function.
#[must_use]
pub fn routes() -> Routes<App> {
    Routes::new()
        .get("/api/governance/credentials", Access::Admin, view::list)
        .post("/api/governance/credentials", Access::Admin, change::create)
        .post("/api/governance/credentials/{kid}/rotate", Access::Admin, change::rotate)
        .delete("/api/governance/credentials/{kid}", Access::Admin, change::revoke)
}
