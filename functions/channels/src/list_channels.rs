//! `GET /api/governance/channels` and `GET …/{name}`.

use age_http::{NoQuery, PathId, Problem};
use age_model::{ChannelName, UnreadableItem};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::channel_view::ChannelView;
use crate::problem::unknown_channel;

/// All channels.
#[derive(Serialize, ToSchema)]
#[schema(as = Channels)]
pub(crate) struct ChannelList {
    channels: Vec<ChannelView>,
    /// The channels that this version of AGE cannot read, by name. They get no messages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<UnreadableItem>,
}

/// List channels
///
/// Returns all channels by name, each with the latest attempt to deliver a message to it.
#[utoipa::path(get, path = "/api/governance/channels", operation_id = "list_channels", tag = "Channels", responses((status = 200, description = "All channels", body = ChannelList)))]
pub(crate) async fn list_channels(State(App(app)): State<App>, _: NoQuery) -> Result<Json<ChannelList>, Problem> {
    let (listed, unreadable) = app.manager.list().await?;
    Ok(Json(ChannelList { channels: listed.into_iter().map(ChannelView::from).collect(), unreadable }))
}

/// Get a channel
///
/// Returns the channel, with the latest attempt to deliver a message to it.
#[utoipa::path(
    get,
    path = "/api/governance/channels/{name}",
    operation_id = "get_channel", tag = "Channels",
    params(("name" = ChannelName, Path, description = "The name of the channel")),
    responses((status = 200, description = "The channel", body = ChannelView)),
)]
pub(crate) async fn get_channel(
    State(App(app)): State<App>,
    PathId(name): PathId<ChannelName>,
    _: NoQuery,
) -> Result<Json<ChannelView>, Problem> {
    let listed = app.manager.get(&name).await?.ok_or_else(|| unknown_channel(&name))?;
    Ok(Json(listed.into()))
}
