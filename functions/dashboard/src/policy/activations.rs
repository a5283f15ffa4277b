//! The list of activations of policy versions, the newest first.

use age_http::{CursorKey, CursorScope, Problem, Query};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::app::App;
use crate::page::{self, Section};
use crate::policy::history::ActivationView;
use crate::session::Session;

const PAGE_SIZE: usize = 25;

#[derive(Template)]
#[template(path = "policy_activations.html")]
struct ActivationsPage<'a> {
    session: &'a Session,
    section: Section,
    activations: Vec<ActivationView>,
    /// How many activations of the page cannot be read.
    unreadable: usize,
    next_page: Option<String>,
}

pub(crate) async fn show(
    State(App(app)): State<App>,
    session: Session,
    cursors: CursorKey,
    mut query: Query,
) -> Result<Response, Problem> {
    let cursor: Option<String> = query.optional("cursor");
    query.finish()?;
    let scope = CursorScope::new("dashboard/policy/activations");
    let before: Option<String> = cursor.map(|cursor| cursors.open(&scope, &cursor)).transpose()?;
    let found = app.tables.policies.activations(PAGE_SIZE, before.as_deref()).await?;
    let cursor = found.next.map(|position| cursors.seal(&scope, &position));
    let page = ActivationsPage {
        session: &session,
        section: Section::Policy,
        activations: found.activations.items.into_iter().map(ActivationView::from).collect(),
        unreadable: found.activations.unreadable.len(),
        next_page: cursor.map(|cursor| format!("/dashboard/policy/activations?cursor={cursor}")),
    };
    Ok(page::render(StatusCode::OK, &page))
}
