//! The dashboard: pages for people, made on the server. They need no script, and ask nobody but us.

mod cookie;
mod form;
mod incidents;
mod next;
mod overview;
mod page;
mod refusal;
mod session;
mod sign_in;
mod text;

use std::sync::Arc;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::middleware;
use axum::response::IntoResponse;
use model::Clock;
use platform::{Access, CursorKey, Gate, Routes};
use scoring::Policy;
use store::{Incidents, Life, Listing};

pub use form::FormKey;

/// What the handlers need. Made once per execution environment.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    incidents: Incidents,
    listing: Listing,
    life: Life,
    gate: Gate,
    cursors: CursorKey,
    forms: FormKey,
    policy: Policy,
    clock: Box<dyn Clock>,
}

impl App {
    /// Puts the parts together.
    pub fn new(
        incidents: Incidents,
        listing: Listing,
        life: Life,
        gate: Gate,
        (cursors, forms): (CursorKey, FormKey),
        policy: Policy,
        clock: impl Clock + 'static,
    ) -> Self {
        Self(Arc::new(Parts { incidents, listing, life, gate, cursors, forms, policy, clock: Box::new(clock) }))
    }
}

/// The routes of this function. None of the GETs changes anything: mail scanners follow links.
#[must_use]
pub fn routes() -> Routes<App> {
    Routes::new()
        .get("/dashboard", Access::Reader, overview::show)
        .get("/dashboard/incidents", Access::Reader, incidents::list::show)
        .get("/dashboard/incidents/{id}", Access::Reader, incidents::story::show)
        .post("/dashboard/incidents/{id}/acknowledge", Access::Responder, incidents::mark::acknowledge)
        .post("/dashboard/incidents/{id}/resolve", Access::Responder, incidents::mark::resolve)
        .get("/dashboard/sign-in", Access::Public, sign_in::show)
        .post("/dashboard/sign-in", Access::Public, sign_in::sign_in)
        .post("/dashboard/sign-out", Access::Public, sign_in::sign_out)
        .get("/dashboard/style.css", Access::Public, style)
}

/// The router that serves them, to whoever is signed in.
pub fn router(app: App) -> Router {
    let state = app.clone();
    let guard = move |access, request, next| session::guard(state.clone(), access, request, next);
    routes().guarded(guard, app).layer(middleware::from_fn(page::finish))
}

async fn style() -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "public, max-age=300")];
    (headers, include_str!("style.css"))
}
