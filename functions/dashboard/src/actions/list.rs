//! The list of actions: pending approvals, unless the filter says otherwise.

use age_http::{CursorKey, CursorScope, Problem, Query};
use age_model::{ActionItem, ActionStatus, Severity, StoreError, Timestamp};
use age_policy::Policy;
use age_store::{Found, Position};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::actions::filter::ActionFilter;
use crate::app::{App, AppState};
use crate::engine_title::engine_title;
use crate::page::{self, Section};
use crate::paths::action_path;
use crate::policy::severities_from;
use crate::safe_text::SafeText;
use crate::session::Session;

/// How many actions a page has.
const PAGE_SIZE: usize = 50;

#[derive(Template)]
#[template(path = "actions.html")]
struct ActionsPage<'a> {
    session: &'a Session,
    section: Section,
    filter: ActionFilter,
    filters: &'static [ActionFilter],
    /// The severities of events that can lead to actions, in words.
    acted_on: String,
    actions: Vec<ActionRow>,
    /// How many more open actions there are.
    more: usize,
    /// How many actions of the page cannot be read.
    unreadable: usize,
    next_page: Option<String>,
    has_previous_page: bool,
}

struct ActionRow {
    path: String,
    title: String,
    engine: SafeText,
    event_type: SafeText,
    severity: Severity,
    status: ActionStatus,
    created_at: Timestamp,
    /// The deadline of a pending approval.
    expires_at: Option<Timestamp>,
}

/// The actions of one page.
struct ActionsFound {
    items: Vec<ActionItem>,
    more: usize,
    unreadable: usize,
    next: Option<Position>,
}

pub(crate) async fn show(
    State(App(app)): State<App>,
    session: Session,
    cursors: CursorKey,
    mut query: Query,
) -> Result<Response, Problem> {
    let active = app.policies.current();
    let filter: ActionFilter = query.optional("status").unwrap_or(ActionFilter::PendingApproval);
    let cursor: Option<String> = query.optional("cursor");
    query.finish()?;

    let scope = CursorScope::new("dashboard/actions").filter("status", Some(&filter));
    let before = cursor.map(|cursor| cursors.open(&scope, &cursor)).transpose()?;
    let has_previous_page = before.is_some();
    let ActionsFound { items, more, unreadable, next } = match filter {
        ActionFilter::PendingApproval | ActionFilter::InProgress => find_open_actions(&app, filter).await?,
        _ => find_actions(&app, filter, before).await?,
    };
    let cursor = next.map(|position| cursors.seal(&scope, &position));
    let page = ActionsPage {
        session: &session,
        section: Section::Actions,
        filter,
        filters: ActionFilter::ALL,
        acted_on: severities_from(active.policy.actions.min_severity),
        actions: items.iter().map(|item| ActionRow::new(item, &active.policy)).collect(),
        more,
        unreadable,
        next_page: cursor.map(|cursor| format!("/dashboard/actions?status={filter}&cursor={cursor}")),
        has_previous_page,
    };
    Ok(page::render(StatusCode::OK, &page))
}

/// Returns the open actions, those that are due first before the others. The index of due actions has all of them.
async fn find_open_actions(app: &AppState, filter: ActionFilter) -> Result<ActionsFound, StoreError> {
    let actions = &app.tables.actions;
    let open_actions = actions.open().await?;
    let unreadable = open_actions.iter().filter(|action| action.is_err()).count();
    let open_actions = open_actions.into_iter().filter_map(Result::ok);
    let mut due: Vec<_> = open_actions.filter(|action| filter.includes(action.status)).collect();
    if filter == ActionFilter::PendingApproval {
        // The one that was planned first expires first. It is due whenever people are to be reminded.
        due.sort_by_key(|action| action.created_at);
    }
    let more = due.len().saturating_sub(PAGE_SIZE);
    let shown = due.into_iter().take(PAGE_SIZE).map(|action| (action.event_id, action.action));
    // The index is eventually consistent: the status of some may have changed.
    let Found { mut items, unreadable: also_unreadable } = actions.get_all(shown).await?;
    items.retain(|item| filter.includes(item.status) && item.due_at.is_some());
    Ok(ActionsFound { items, more, unreadable: unreadable + also_unreadable.len(), next: None })
}

/// Returns the actions before `before`, the newest first.
async fn find_actions(
    app: &AppState,
    filter: ActionFilter,
    before: Option<Position>,
) -> Result<ActionsFound, StoreError> {
    let active = app.policies.current();
    let of_status = age_store::ActionFilter {
        engines: active.engines.clone(),
        min_severity: Some(active.policy.actions.min_severity),
        statuses: filter.statuses(),
        ..age_store::ActionFilter::default()
    };
    let page = app.tables.action_search.page(&of_status, PAGE_SIZE, before, app.clock.as_ref()).await?;
    Ok(ActionsFound { items: page.actions, more: 0, unreadable: page.unreadable.len(), next: page.next })
}

impl ActionRow {
    fn new(item: &ActionItem, policy: &Policy) -> Self {
        Self {
            path: action_path(item.event_id, item.action),
            title: item.action.to_string(),
            engine: engine_title(policy, item.engine),
            event_type: SafeText::new(item.event_type.as_str()),
            severity: item.severity,
            status: item.status,
            created_at: item.created_at,
            expires_at: item.approve_by.filter(|_| item.status == ActionStatus::PendingApproval),
        }
    }
}
