//! The dashboard: pages that are rendered on the server, work without scripts, and load nothing from other hosts.

mod action_labels;
mod actions;
mod app;
mod assets;
mod base_path;
mod channels;
mod cookie;
mod day_span;
mod decision_labels;
mod decisions;
mod download;
mod engine_filter;
mod engine_state;
mod engine_title;
mod engines;
mod error_page;
mod events;
mod form;
mod format;
mod holds;
mod incident_labels;
mod incidents;
mod overview;
mod page;
mod paths;
mod policy;
mod remediation_figures;
mod reports;
mod return_path;
mod safe_text;
mod session;
mod sign_in;
mod timeline_entry;

use age_http::{Access, Routes};
pub use app::{App, Tables};
use axum::Router;
use axum::middleware;

/// The routes of this function. No GET changes anything, because mail scanners follow links.
#[must_use]
pub fn routes() -> Routes<App> {
    Routes::new()
        .get("/dashboard", Access::Reader, overview::show)
        .get("/dashboard/events", Access::Reader, events::list::show)
        .get("/dashboard/events.csv", Access::Reader, events::export::download_csv)
        .get("/dashboard/events/{id}", Access::Reader, events::detail::show)
        .get("/dashboard/events/{id}/actions/{action}", Access::Reader, actions::detail::show)
        .post("/dashboard/events/{id}/actions/{action}/approve", Access::Responder, actions::approval::approve)
        .post("/dashboard/events/{id}/actions/{action}/deny", Access::Responder, actions::approval::deny)
        .get("/dashboard/actions", Access::Reader, actions::list::show)
        .get("/dashboard/decisions", Access::Reader, decisions::list::show)
        .get("/dashboard/decisions/{id}", Access::Reader, decisions::detail::show)
        .post("/dashboard/decisions/{id}/approve", Access::Responder, decisions::approval::approve)
        .post("/dashboard/decisions/{id}/deny", Access::Responder, decisions::approval::deny)
        .get("/dashboard/incidents", Access::Reader, incidents::list::show)
        .get("/dashboard/incidents/{id}", Access::Reader, incidents::detail::show)
        .post("/dashboard/incidents/{id}/acknowledge", Access::Responder, incidents::change::acknowledge)
        .post("/dashboard/incidents/{id}/resolve", Access::Responder, incidents::change::resolve)
        .post("/dashboard/incidents/{id}/reopen", Access::Responder, incidents::change::reopen)
        .post("/dashboard/incidents/{id}/comments", Access::Responder, incidents::change::comment)
        .get("/dashboard/incidents/resolve", Access::Responder, incidents::resolve_all::show)
        .post("/dashboard/incidents/resolve", Access::Responder, incidents::resolve_all::resolve_all)
        .get("/dashboard/reports", Access::Reader, reports::list::show)
        .post("/dashboard/reports/new", Access::Responder, reports::generate::generate)
        .get("/dashboard/reports/{id}", Access::Reader, reports::detail::show)
        .get("/dashboard/reports/{id}/csv", Access::Reader, reports::export::download_csv)
        .get("/dashboard/reports/{id}/json", Access::Reader, reports::export::download_json)
        .get("/dashboard/engines", Access::Reader, engines::show)
        .get("/dashboard/engines/hold", Access::Responder, holds::set::show)
        .post("/dashboard/engines/hold", Access::Responder, holds::set::set)
        .get("/dashboard/holds/{id}", Access::Reader, holds::detail::show)
        .post("/dashboard/holds/{id}/end", Access::Responder, holds::detail::end)
        .get("/dashboard/channels", Access::Reader, channels::list::show)
        .get("/dashboard/channels/{name}", Access::Reader, channels::detail::show)
        .post("/dashboard/channels/{name}/test", Access::Admin, channels::detail::test)
        .post("/dashboard/channels/{name}/pause", Access::Admin, channels::detail::pause)
        .post("/dashboard/channels/{name}/resume", Access::Admin, channels::detail::resume)
        .get("/dashboard/channels/{name}/remove", Access::Admin, channels::removal::show)
        .post("/dashboard/channels/{name}/remove", Access::Admin, channels::removal::remove)
        .get("/dashboard/policy", Access::Reader, policy::active::show)
        .get("/dashboard/policy/versions", Access::Reader, policy::versions::show)
        .get("/dashboard/policy/activations", Access::Reader, policy::activations::show)
        .get("/dashboard/policy/{hash}", Access::Reader, policy::version::show)
        .post("/dashboard/policy/{hash}/simulations", Access::Responder, policy::simulation::start)
        .get("/dashboard/policy/{hash}/simulations/{id}", Access::Reader, policy::simulation::show)
        .get("/dashboard/sign-in", Access::Public, sign_in::show)
        .post("/dashboard/sign-in", Access::Public, sign_in::sign_in)
        .post("/dashboard/sign-out", Access::Public, sign_in::sign_out)
        .get("/dashboard/style.css", Access::Public, assets::style)
        .get("/dashboard/script.js", Access::Public, assets::script)
        .get("/dashboard/icon.svg", Access::Public, assets::icon)
}

/// Builds the router that serves the routes to authenticated callers.
pub fn router(app: App) -> Router {
    let state = app.clone();
    let guard = move |access, request, next| session::authenticate(state.clone(), access, request, next);
    routes()
        .guarded(guard, app)
        .layer(middleware::from_fn(error_page::render_problems))
        .layer(middleware::from_fn(base_path::keep_base_path))
}
