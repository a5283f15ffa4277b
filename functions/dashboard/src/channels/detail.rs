//! The page of one channel, and the forms that test, pause and resume it.

use age_governance::ChannelTestError;
use age_http::{NoQuery, PathId, Problem, Query};
use age_model::{ChannelName, Timestamp};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::app::{App, AppState};
use crate::channels::shown_channel::{ShownChannel, no_channel};
use crate::form::VerifiedForm;
use crate::page::{self, Section};
use crate::paths::{channel_path, list_url};
use crate::session::Session;

/// The parameter with the time at which a test message was requested.
const TESTED: &str = "tested";

#[derive(Template)]
#[template(path = "channel.html")]
struct ChannelPage<'a> {
    session: &'a Session,
    section: Section,
    channel: ShownChannel,
    test: Option<RequestedTest>,
}

/// A test message that the caller has requested.
struct RequestedTest {
    at: Timestamp,
    /// Whether a delivery has ended since then.
    has_result: bool,
    /// The page that shows the result later.
    path: String,
}

pub(crate) async fn show(
    State(App(app)): State<App>,
    session: Session,
    PathId(name): PathId<ChannelName>,
    mut query: Query,
) -> Result<Response, Problem> {
    let tested: Option<Timestamp> = query.optional(TESTED);
    query.finish()?;
    let listed = app.channels.get(&name).await?.ok_or_else(|| no_channel(&name))?;
    let channel = ShownChannel::new(listed, &app.policies.current().policy);
    let latest = channel.latest.as_ref().map(|latest| latest.at);
    let test = tested.map(|at| RequestedTest {
        at,
        has_result: latest.is_some_and(|latest| latest >= at),
        path: tested_path(&name, at),
    });
    let page = ChannelPage { session: &session, section: Section::Channels, channel, test };
    Ok(page::render(StatusCode::OK, &page))
}

/// Has the relay send a test message, and redirects to the page of the channel.
pub(crate) async fn test(
    State(App(app)): State<App>,
    session: Session,
    PathId(name): PathId<ChannelName>,
    _: NoQuery,
    VerifiedForm(form): VerifiedForm,
) -> Result<Response, Problem> {
    form.finish()?;
    let requested_at = app.clock.now();
    let tested = app.channels.test(&name, &session.caller.kid, app.clock.as_ref()).await.map_err(test_problem)?;
    tested.ok_or_else(|| no_channel(&name))?;
    Ok(page::redirect_to(&tested_path(&name, requested_at)))
}

/// Pauses the channel, and redirects to its page. Pausing a paused channel has no effect.
pub(crate) async fn pause(
    State(App(app)): State<App>,
    PathId(name): PathId<ChannelName>,
    _: NoQuery,
    form: VerifiedForm,
) -> Result<Response, Problem> {
    set_paused(&app, &name, true, form).await
}

/// Resumes the channel, and redirects to its page. Resuming an active channel has no effect.
pub(crate) async fn resume(
    State(App(app)): State<App>,
    PathId(name): PathId<ChannelName>,
    _: NoQuery,
    form: VerifiedForm,
) -> Result<Response, Problem> {
    set_paused(&app, &name, false, form).await
}

async fn set_paused(
    app: &AppState,
    name: &ChannelName,
    is_paused: bool,
    VerifiedForm(form): VerifiedForm,
) -> Result<Response, Problem> {
    form.finish()?;
    app.channels.set_paused(name, is_paused).await?.ok_or_else(|| no_channel(name))?;
    Ok(page::redirect_to(&channel_path(name)))
}

fn tested_path(name: &ChannelName, at: Timestamp) -> String {
    list_url(&channel_path(name), [(TESTED, Some(at.to_string()))])
}

/// Returns the problem of a test message that was not sent. Why the topic did not accept the message is for logs.
fn test_problem(error: ChannelTestError) -> Problem {
    match error {
        ChannelTestError::Paused(_) => Problem::conflict(error.to_string()),
        ChannelTestError::NotPublished(error) => {
            tracing::error!(%error, "sent no test message: {error}");
            Problem::unavailable("no test message can be sent now; retry later")
        }
        ChannelTestError::Store(error) => error.into(),
    }
}
