//! The page of the active policy version.

use age_http::{NoQuery, Problem};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::app::App;
use crate::page::{self, Section};
use crate::policy::document_view::DocumentView;
use crate::session::Session;

#[derive(Template)]
#[template(path = "policy.html")]
struct PolicyPage<'a> {
    session: &'a Session,
    section: Section,
    document: DocumentView,
}

pub(crate) async fn show(State(App(app)): State<App>, session: Session, _: NoQuery) -> Result<Response, Problem> {
    let active = app.policies.current();
    let page = PolicyPage { session: &session, section: Section::Policy, document: DocumentView::of(&active.policy) };
    Ok(page::render(StatusCode::OK, &page))
}
