//! One action: what exactly is done, how far it has come, and whoever approves or denies it.

use age_model::{Action, ActionItem, ActionStatus, ApprovalDecision, Event, EventId};
use age_platform::{NoQuery, PathNames, Problem};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tokio::try_join;

use crate::form::Form;
use crate::line::Line;
use crate::page::{self, Part};
use crate::session::Session;
use crate::text::{Shown, indented, span};
use crate::{App, Parts, actions, events};

#[derive(Template)]
#[template(path = "action.html")]
struct Page<'a> {
    session: &'a Session,
    part: Part,
    path: String,
    engine: &'a str,
    event_type: Shown,
    item: &'a ActionItem,
    event: &'a Event,
    event_path: String,
    meaning: &'static str,
    details: Shown,
    /// How much time is left to decide, if it waits for that.
    left: Option<String>,
    lines: Vec<Line>,
}

pub(crate) async fn show(
    State(App(app)): State<App>,
    session: Session,
    PathNames([event, action]): PathNames<2>,
    _: NoQuery,
) -> Result<Response, Problem> {
    let (event, action) = named(&event, &action)?;
    let (event, item) = try_join!(app.event(event), app.action(event, action))?;
    let (reported, engine, now) = (&event.reported, app.policy.title(item.engine), app.clock.now());
    let waits = item.status == ActionStatus::PendingApproval;
    let left = item.due_at.filter(|until| waits && *until > now);
    let page = Page {
        session: &session,
        part: Part::Actions,
        path: actions::path(event.id, action),
        engine,
        event_type: Shown::new(reported.event_type.as_str()),
        event_path: events::path(event.id),
        meaning: actions::meaning(action),
        details: Shown::new(&indented(reported.details.as_str())),
        left: left.map(|until| span(until.seconds().saturating_sub(now.seconds()))),
        lines: age_model::life(&item).into_iter().map(|entry| Line::of_action(entry, engine)).collect(),
        event: &event,
        item: &item,
    };
    Ok(page::html(StatusCode::OK, &page))
}

pub(crate) async fn approve(
    State(App(app)): State<App>,
    session: Session,
    PathNames([event, action]): PathNames<2>,
    _: NoQuery,
    form: Form,
) -> Result<Response, Problem> {
    app.decide(&session, named(&event, &action)?, form, ApprovalDecision::Approve).await
}

pub(crate) async fn deny(
    State(App(app)): State<App>,
    session: Session,
    PathNames([event, action]): PathNames<2>,
    _: NoQuery,
    form: Form,
) -> Result<Response, Problem> {
    app.decide(&session, named(&event, &action)?, form, ApprovalDecision::Deny).await
}

/// The event and the action that a path names. What is no name is the name of nothing.
fn named(event: &str, action: &str) -> Result<(EventId, Action), Problem> {
    event.parse().ok().zip(action.parse().ok()).ok_or_else(none)
}

fn none() -> Problem {
    Problem::not_found("there is no such action for this event")
}

impl Parts {
    async fn action(&self, event: EventId, action: Action) -> Result<ActionItem, Problem> {
        self.tables.life.actions().get(event, action).await?.ok_or_else(none)
    }

    /// Decides on an action, of which the form says what was before whoever decides, and goes back to its page.
    async fn decide(
        &self,
        session: &Session,
        (event, action): (EventId, Action),
        Form(mut form): Form,
        decision: ApprovalDecision,
    ) -> Result<Response, Problem> {
        let digest: String = form.take("digest").unwrap_or_default();
        form.finish()?;
        let item = self.action(event, action).await?;
        self.tables.life.decide(item, decision, &digest, &session.caller.kid, self.clock.as_ref()).await?;
        Ok(page::see(&actions::path(event, action)))
    }
}
