//! The page of one action: exactly what it does, its status, and the buttons that approve or deny it.

use age_http::{NoQuery, PathNames, Problem};
use age_model::{ActionItem, ActionStatus, Event};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tokio::try_join;

use crate::actions::approval::parse_names;
use crate::app::App;
use crate::engine_title::engine_title;
use crate::format::{duration_between, format_duration, indent_json};
use crate::page::{self, Section};
use crate::paths::{action_path, event_path};
use crate::safe_text::SafeText;
use crate::session::Session;
use crate::timeline_entry::TimelineEntryView;

#[derive(Template)]
#[template(path = "action.html")]
struct ActionPage<'a> {
    session: &'a Session,
    section: Section,
    path: String,
    engine: SafeText,
    event_type: SafeText,
    item: &'a ActionItem,
    event: &'a Event,
    event_path: String,
    description: &'static str,
    details: SafeText,
    /// Why people could not be notified of the pending approval.
    refused_notification: Option<SafeText>,
    /// The time left to approve or deny the action. None if it is not pending approval.
    time_left: Option<String>,
    timeline: Vec<TimelineEntryView>,
}

pub(crate) async fn show(
    State(App(app)): State<App>,
    session: Session,
    PathNames([event, action]): PathNames<2>,
    _: NoQuery,
) -> Result<Response, Problem> {
    let active = app.policies.current();
    let (event, action) = parse_names(&event, &action)?;
    let (event, item) = try_join!(app.get_event(event), app.get_action(event, action))?;
    let (reported, engine, now) = (&event.reported, engine_title(&active.policy, item.engine), app.clock.now());
    let is_pending_approval = item.status == ActionStatus::PendingApproval;
    let deadline = item.approve_by.filter(|deadline| is_pending_approval && *deadline > now);
    let page = ActionPage {
        session: &session,
        section: Section::Actions,
        path: action_path(event.id, action),
        event_type: SafeText::new(reported.event_type.as_str()),
        event_path: event_path(event.id),
        description: action.description(),
        details: SafeText::new(&indent_json(reported.details.as_str())),
        refused_notification: item.notification_failure.as_ref().map(|failure| SafeText::new(&failure.reason)),
        time_left: deadline.map(|deadline| format_duration(duration_between(now, deadline))),
        timeline: TimelineEntryView::of_action(&item, &engine.to_string()),
        engine,
        event: &event,
        item: &item,
    };
    Ok(page::render(StatusCode::OK, &page))
}
