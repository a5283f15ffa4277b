//! The dashboard: pages for people, made on the server. They need no script, and ask nobody but us.

mod actions;
mod assets;
mod cookie;
mod engines;
mod events;
mod file;
mod form;
mod incidents;
mod line;
mod next;
mod overview;
mod page;
mod refusal;
mod reports;
mod session;
mod sign_in;
mod text;

use std::sync::Arc;

use age_model::Clock;
use age_platform::{Access, CursorKey, Gate, Routes};
use age_scoring::Policy;
use age_store::{EventSearch, Incidents, Life, Reports};
use axum::Router;
use axum::middleware;

pub use form::FormKey;

/// What the handlers need. Made once per execution environment.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What the pages are made from.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Events, newest first.
    pub listing: EventSearch,
    /// Actions and incidents, and how they move on.
    pub life: Life,
    /// Incidents, as people read them.
    pub incidents: Incidents,
    /// Reports.
    pub reports: Reports,
}

struct Parts {
    tables: Tables,
    gate: Gate,
    cursors: CursorKey,
    forms: FormKey,
    policy: Policy,
    clock: Box<dyn Clock>,
}

impl App {
    /// Puts the parts together.
    pub fn new(
        tables: Tables,
        gate: Gate,
        (cursors, forms): (CursorKey, FormKey),
        policy: Policy,
        clock: impl Clock + 'static,
    ) -> Self {
        Self(Arc::new(Parts { tables, gate, cursors, forms, policy, clock: Box::new(clock) }))
    }
}

/// The routes of this function. None of the GETs changes anything: mail scanners follow links.
#[must_use]
pub fn routes() -> Routes<App> {
    Routes::new()
        .get("/dashboard", Access::Reader, overview::show)
        .get("/dashboard/events", Access::Reader, events::list::show)
        .get("/dashboard/events.csv", Access::Reader, events::list::csv)
        .get("/dashboard/events/{id}", Access::Reader, events::one::show)
        .get("/dashboard/events/{id}/actions/{action}", Access::Reader, actions::one::show)
        .post("/dashboard/events/{id}/actions/{action}/approve", Access::Responder, actions::one::approve)
        .post("/dashboard/events/{id}/actions/{action}/deny", Access::Responder, actions::one::deny)
        .get("/dashboard/actions", Access::Reader, actions::list::show)
        .get("/dashboard/incidents", Access::Reader, incidents::list::show)
        .get("/dashboard/incidents/{id}", Access::Reader, incidents::timeline::show)
        .post("/dashboard/incidents/{id}/acknowledge", Access::Responder, incidents::mark::acknowledge)
        .post("/dashboard/incidents/{id}/resolve", Access::Responder, incidents::mark::resolve)
        .get("/dashboard/reports", Access::Reader, reports::list::show)
        .post("/dashboard/reports/new", Access::Responder, reports::make)
        .get("/dashboard/reports/{id}", Access::Reader, reports::one::show)
        .get("/dashboard/reports/{id}/csv", Access::Reader, reports::one::csv)
        .get("/dashboard/reports/{id}/json", Access::Reader, reports::one::json)
        .get("/dashboard/engines", Access::Reader, engines::show)
        .get("/dashboard/sign-in", Access::Public, sign_in::show)
        .post("/dashboard/sign-in", Access::Public, sign_in::sign_in)
        .post("/dashboard/sign-out", Access::Public, sign_in::sign_out)
        .get("/dashboard/style.css", Access::Public, assets::style)
        .get("/dashboard/script.js", Access::Public, assets::script)
        .get("/dashboard/icon.svg", Access::Public, assets::icon)
}

/// The router that serves them, to whoever is signed in.
pub fn router(app: App) -> Router {
    let state = app.clone();
    let guard = move |access, request, next| session::guard(state.clone(), access, request, next);
    routes().guarded(guard, app).layer(middleware::from_fn(page::finish))
}
