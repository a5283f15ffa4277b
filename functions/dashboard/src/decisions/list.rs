//! The list of decisions, newest first, after the operations that wait for an approval.

use age_http::{CursorKey, CursorScope, Problem, Query};
use age_model::{DecisionApprovalStatus, Engine, Verdict};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tokio::try_join;

use crate::app::App;
use crate::decisions::filter::DecisionFilterForm;
use crate::decisions::pending::PendingOperations;
use crate::decisions::row::DecisionRow;
use crate::engine_title::engine_title;
use crate::page::{self, Section};
use crate::safe_text::SafeText;
use crate::session::Session;

const PAGE_SIZE: usize = 25;

/// How many operations that wait for an approval are shown.
const MAX_PENDING: usize = 50;

#[derive(Template)]
#[template(path = "decisions.html")]
struct DecisionsPage<'a> {
    session: &'a Session,
    section: Section,
    form: DecisionFilterForm,
    /// Every engine with its title.
    engines: Vec<(Engine, SafeText)>,
    /// The operations that wait for an approval, on the first page of each engine or of all.
    pending: PendingOperations,
    decisions: Vec<DecisionRow>,
    /// How many decisions of the page cannot be read.
    unreadable: usize,
    next_page: Option<String>,
    has_previous_page: bool,
    /// Whether the active policy permits anything.
    has_guardrails: bool,
}

pub(crate) async fn show(
    State(App(app)): State<App>,
    session: Session,
    cursors: CursorKey,
    query: Query,
) -> Result<Response, Problem> {
    let active = app.policies.current();
    let mut query = query.without_blanks();
    let form = DecisionFilterForm::read(&mut query, &active);
    let cursor: Option<String> = query.optional("cursor");
    query.finish()?;

    let scope = CursorScope::new("dashboard/decisions").filter("filter", Some(&form.url(None)));
    let before = cursor.map(|cursor| cursors.open(&scope, &cursor)).transpose()?;
    let now = app.clock.now();
    let (table, filter) = (&app.tables.decisions, form.filter(&active));
    let pending = async {
        if before.is_some() || !form.is_of_engine_alone() {
            return Ok(PendingOperations::default());
        }
        PendingOperations::read(table, &filter.engines, MAX_PENDING, &active, now).await
    };
    let (page, pending) = try_join!(table.list(&filter, PAGE_SIZE, before.as_ref()), pending)?;
    let cursor = page.next.map(|position| cursors.seal(&scope, &position));
    let page = DecisionsPage {
        session: &session,
        section: Section::Decisions,
        form,
        engines: active.engines.iter().map(|engine| (*engine, engine_title(&active.policy, *engine))).collect(),
        // A decision that waits is in the list as well.
        unreadable: page.unreadable.len().max(pending.unreadable),
        pending,
        decisions: page.decisions.iter().map(|it| DecisionRow::new(it, &active.policy, now)).collect(),
        next_page: cursor.map(|cursor| form.url(Some(cursor))),
        has_previous_page: before.is_some(),
        has_guardrails: !active.policy.guardrails.is_empty(),
    };
    Ok(page::render(StatusCode::OK, &page))
}
