//! The page that confirms the removal of a channel, and the removal.

use age_http::{NoQuery, PathId, Problem};
use age_model::ChannelName;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::app::App;
use crate::channels::shown_channel::{ShownChannel, no_channel};
use crate::form::VerifiedForm;
use crate::page::{self, Section};
use crate::paths::CHANNELS_PATH;
use crate::session::Session;

#[derive(Template)]
#[template(path = "remove_channel.html")]
struct RemoveChannelPage<'a> {
    session: &'a Session,
    section: Section,
    channel: ShownChannel,
}

/// Shows the channel, and the form that removes it.
pub(crate) async fn show(
    State(App(app)): State<App>,
    session: Session,
    PathId(name): PathId<ChannelName>,
    _: NoQuery,
) -> Result<Response, Problem> {
    let listed = app.channels.get(&name).await?.ok_or_else(|| no_channel(&name))?;
    let channel = ShownChannel::new(listed, &app.policies.current().policy);
    Ok(page::render(StatusCode::OK, &RemoveChannelPage { session: &session, section: Section::Channels, channel }))
}

/// Removes the channel, and redirects to the list. The same form sent again has no effect.
pub(crate) async fn remove(
    State(App(app)): State<App>,
    PathId(name): PathId<ChannelName>,
    _: NoQuery,
    VerifiedForm(form): VerifiedForm,
) -> Result<Response, Problem> {
    form.finish()?;
    app.channels.remove(&name).await?;
    Ok(page::redirect_to(CHANNELS_PATH))
}
