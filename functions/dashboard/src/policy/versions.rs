//! The list of policy versions, the newest first.

use age_governance::list_policy_versions;
use age_http::{CursorKey, CursorScope, Problem, Query};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::app::App;
use crate::page::{self, Section};
use crate::policy::history::VersionView;
use crate::session::Session;

const PAGE_SIZE: usize = 25;

#[derive(Template)]
#[template(path = "policy_versions.html")]
struct VersionsPage<'a> {
    session: &'a Session,
    section: Section,
    versions: Vec<VersionView>,
    /// How many versions of the page cannot be read.
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
    let scope = CursorScope::new("dashboard/policy/versions");
    let before: Option<String> = cursor.map(|cursor| cursors.open(&scope, &cursor)).transpose()?;
    let list = list_policy_versions(&app.tables.policies, PAGE_SIZE, before.as_deref()).await?;
    let cursor = list.next.map(|position| cursors.seal(&scope, &position));
    let page = VersionsPage {
        session: &session,
        section: Section::Policy,
        versions: list.versions.into_iter().map(VersionView::from).collect(),
        unreadable: list.unreadable.len(),
        next_page: cursor.map(|cursor| format!("/dashboard/policy/versions?cursor={cursor}")),
    };
    Ok(page::render(StatusCode::OK, &page))
}
