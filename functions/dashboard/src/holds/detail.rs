//! The page of one hold, and the form that ends it.

use age_governance::end_hold;
use age_http::{NoQuery, PathId, Problem};
use age_model::{HoldId, HoldOrigin, HoldRecord, HoldStatus, Timestamp};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::app::App;
use crate::engine_title::engine_title;
use crate::form::VerifiedForm;
use crate::holds::origin;
use crate::page::{self, Section};
use crate::paths::hold_path;
use crate::safe_text::SafeText;
use crate::session::Session;

#[derive(Template)]
#[template(path = "hold.html")]
struct HoldPage<'a> {
    session: &'a Session,
    section: Section,
    path: String,
    engine: SafeText,
    /// The operation that is stopped; all operations, if absent.
    operation: Option<SafeText>,
    reason: SafeText,
    set_by: String,
    set_at: Timestamp,
    until: Timestamp,
    is_active: bool,
    /// Whether a person may end the hold.
    can_be_ended: bool,
    /// Who ended the hold before its time, and when.
    ended: Option<(String, Timestamp)>,
    end_reason: Option<SafeText>,
}

pub(crate) async fn show(
    State(App(app)): State<App>,
    session: Session,
    PathId(id): PathId<HoldId>,
    _: NoQuery,
) -> Result<Response, Problem> {
    let record = app.tables.fleet_state.hold(id).await?.ok_or_else(|| no_hold(id))?;
    let is_active = record.status(app.clock.now()) == HoldStatus::Active;
    let HoldRecord { hold, end } = record;
    let page = HoldPage {
        session: &session,
        section: Section::Engines,
        path: hold_path(id),
        engine: engine_title(&app.policies.current().policy, hold.engine),
        operation: hold.operation.as_deref().map(SafeText::new),
        reason: SafeText::new(&hold.reason),
        set_by: origin(&hold.set_by),
        set_at: hold.set_at,
        until: hold.until,
        is_active,
        can_be_ended: is_active && matches!(hold.set_by, HoldOrigin::Person(_)),
        end_reason: end.as_ref().and_then(|end| end.reason.as_deref()).map(SafeText::new),
        ended: end.map(|end| (origin(&end.by), end.at)),
    };
    Ok(page::render(StatusCode::OK, &page))
}

/// Ends the hold, and redirects to its page. Ending one that has ended has no effect.
pub(crate) async fn end(
    State(App(app)): State<App>,
    session: Session,
    PathId(id): PathId<HoldId>,
    _: NoQuery,
    form: VerifiedForm,
) -> Result<Response, Problem> {
    let reason = form.into_note()?;
    let ended = end_hold(&app.tables.fleet_state, id, reason, session.caller.kid, app.clock.as_ref()).await?;
    ended.ok_or_else(|| no_hold(id))?;
    Ok(page::redirect_to(&hold_path(id)))
}

fn no_hold(id: HoldId) -> Problem {
    Problem::not_found(format!("hold {id} does not exist"))
}
