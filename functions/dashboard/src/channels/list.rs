//! The page of all channels.

use age_http::{NoQuery, Problem};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::app::App;
use crate::channels::shown_channel::ShownChannel;
use crate::page::{self, Section};
use crate::session::Session;

#[derive(Template)]
#[template(path = "channels.html")]
struct ChannelsPage<'a> {
    session: &'a Session,
    section: Section,
    /// By name.
    channels: Vec<ShownChannel>,
    /// How many channels this version cannot read.
    unreadable: usize,
}

pub(crate) async fn show(State(App(app)): State<App>, session: Session, _: NoQuery) -> Result<Response, Problem> {
    let (listed, unreadable) = app.channels.list().await?;
    let active = app.policies.current();
    let page = ChannelsPage {
        session: &session,
        section: Section::Channels,
        channels: listed.into_iter().map(|listed| ShownChannel::new(listed, &active.policy)).collect(),
        unreadable: unreadable.len(),
    };
    Ok(page::render(StatusCode::OK, &page))
}
