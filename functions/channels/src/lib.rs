//! Channels: admins create, change, test and remove them, and everybody who reads AGE's records can list them. Their addresses and secrets
//! go in and never come out.

mod app;
mod change_channel;
mod channel_view;
mod create_channel;
mod list_channels;
mod problem;
mod target;

use age_http::{Access, Routes};
pub use app::App;
use utoipa::OpenApi;

/// The contract of the routes.
#[derive(Debug, OpenApi)]
#[openapi(paths(
    list_channels::list_channels,
    create_channel::create_channel,
    list_channels::get_channel,
    change_channel::remove_channel,
    change_channel::pause_channel,
    change_channel::resume_channel,
    change_channel::rotate_channel,
    change_channel::test_channel,
))]
pub struct Contract;

/// The routes of this function.
#[must_use]
pub fn routes() -> Routes<App> {
    Routes::new()
        .get("/api/governance/channels", Access::Reader, list_channels::list_channels)
        .post("/api/governance/channels", Access::Admin, create_channel::create_channel)
        .get("/api/governance/channels/{name}", Access::Reader, list_channels::get_channel)
        .delete("/api/governance/channels/{name}", Access::Admin, change_channel::remove_channel)
        .post("/api/governance/channels/{name}/pause", Access::Admin, change_channel::pause_channel)
        .post("/api/governance/channels/{name}/resume", Access::Admin, change_channel::resume_channel)
        .post("/api/governance/channels/{name}/rotate", Access::Admin, change_channel::rotate_channel)
        .post("/api/governance/channels/{name}/test", Access::Admin, change_channel::test_channel)
}
