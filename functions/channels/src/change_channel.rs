//! `POST /api/governance/channels/{name}/pause`, `/resume`, `/rotate`, `/test`, and `DELETE …/{name}`.

use age_http::{Caller, Fields, JsonBody, NoQuery, PathId, Problem, RequestBody, request_body};
use age_model::{ChannelKind, ChannelName, ChannelTarget};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use crate::app::{App, Inner};
use crate::channel_view::ChannelView;
use crate::problem::{channel_problem, test_problem, unknown_channel};
use crate::target::TargetFields;

request_body! {
    /// The target that replaces that of a channel, whole: with the same fields as when the channel was created.
    #[schema(as = ChannelTarget)]
    struct TargetBody {
        /// An https address of a public host. Not for `pagerduty`.
        #[schema(max_length = 2048, pattern = "^https://")]
        url: Option<String>,
        /// The integration key of a service. For `pagerduty` only.
        #[schema(pattern = "^[A-Za-z0-9]{32}$")]
        routing_key: Option<String>,
        /// The service region, `us` by default. For `pagerduty` only.
        #[schema(pattern = "^(us|eu)$")]
        region: Option<String>,
        /// The secrets that sign messages: one, or two while you change it, the new one first. For `webhook` only.
        #[schema(min_items = 1, max_items = 2)]
        secrets: Option<Vec<String>>,
    }
}

impl TargetBody {
    fn parse_for(body: &[u8], kind: ChannelKind) -> Result<(String, ChannelTarget), Problem> {
        let mut fields = Fields::parse(body)?;
        let read = Self::read(&mut fields).and_then(|Self { url, routing_key, region, secrets }| {
            TargetFields { url, routing_key, region, secrets }.target(kind, &mut fields)
        });
        fields.finish(read)
    }
}

/// Remove a channel
///
/// The channel gets no more messages. Its address and secrets are deleted.
#[utoipa::path(
    delete,
    path = "/api/governance/channels/{name}",
    operation_id = "remove_channel", tag = "Channels",
    params(("name" = ChannelName, Path, description = "The name of the channel")),
    responses((status = 200, description = "The channel as it was", body = ChannelView)),
)]
pub(crate) async fn remove_channel(
    State(App(app)): State<App>,
    PathId(name): PathId<ChannelName>,
    _: NoQuery,
) -> Result<Json<ChannelView>, Problem> {
    let removed = app.manager.remove(&name).await?.ok_or_else(|| unknown_channel(&name))?;
    Ok(Json(removed.into()))
}

/// Pause a channel
///
/// The channel gets no messages until it is resumed: those that are published meanwhile are not delivered to it.
#[utoipa::path(
    post,
    path = "/api/governance/channels/{name}/pause",
    operation_id = "pause_channel", tag = "Channels",
    params(("name" = ChannelName, Path, description = "The name of the channel")),
    responses((status = 200, description = "The paused channel", body = ChannelView)),
)]
pub(crate) async fn pause_channel(
    State(App(app)): State<App>,
    PathId(name): PathId<ChannelName>,
    _: NoQuery,
) -> Result<Json<ChannelView>, Problem> {
    app.set_paused(&name, true).await
}

/// Resume a channel
///
/// Messages are delivered to the channel again.
#[utoipa::path(
    post,
    path = "/api/governance/channels/{name}/resume",
    operation_id = "resume_channel", tag = "Channels",
    params(("name" = ChannelName, Path, description = "The name of the channel")),
    responses((status = 200, description = "The active channel", body = ChannelView)),
)]
pub(crate) async fn resume_channel(
    State(App(app)): State<App>,
    PathId(name): PathId<ChannelName>,
    _: NoQuery,
) -> Result<Json<ChannelView>, Problem> {
    app.set_paused(&name, false).await
}

/// Change the address or the secrets of a channel
///
/// Replaces the whole target. A webhook may have two secrets, so that its receiver can change from one to the other.
#[utoipa::path(
    post,
    path = "/api/governance/channels/{name}/rotate",
    operation_id = "rotate_channel", tag = "Channels",
    params(("name" = ChannelName, Path, description = "The name of the channel")),
    request_body = TargetBody,
    responses((status = 200, description = "The channel", body = ChannelView)),
)]
pub(crate) async fn rotate_channel(
    State(App(app)): State<App>,
    PathId(name): PathId<ChannelName>,
    _: NoQuery,
    JsonBody(body): JsonBody,
) -> Result<Json<ChannelView>, Problem> {
    let listed = app.manager.get(&name).await?.ok_or_else(|| unknown_channel(&name))?;
    let (host, target) = TargetBody::parse_for(&body, listed.channel.kind)?;
    let changed = app.configurator.set_target(&name, &host, &target).await.map_err(channel_problem)?;
    Ok(Json(changed.ok_or_else(|| unknown_channel(&name))?.into()))
}

/// Send a test message to a channel
///
/// The message is on its way when this responds. `lastDelivery` of the channel has the result a moment later.
#[utoipa::path(
    post,
    path = "/api/governance/channels/{name}/test",
    operation_id = "test_channel", tag = "Channels",
    params(("name" = ChannelName, Path, description = "The name of the channel")),
    responses(
        (status = 202, description = "The channel before the test", body = ChannelView),
        (status = 409, description = "The channel is paused"),
    ),
)]
pub(crate) async fn test_channel(
    State(App(app)): State<App>,
    caller: Caller,
    PathId(name): PathId<ChannelName>,
    _: NoQuery,
) -> Result<(StatusCode, Json<ChannelView>), Problem> {
    let tested = app.manager.test(&name, &caller.kid, app.clock.as_ref()).await.map_err(test_problem)?;
    let tested = tested.ok_or_else(|| unknown_channel(&name))?;
    Ok((StatusCode::ACCEPTED, Json(tested.into())))
}

impl Inner {
    async fn set_paused(&self, name: &ChannelName, is_paused: bool) -> Result<Json<ChannelView>, Problem> {
        let changed = self.manager.set_paused(name, is_paused).await?.ok_or_else(|| unknown_channel(name))?;
        Ok(Json(changed.into()))
    }
}
