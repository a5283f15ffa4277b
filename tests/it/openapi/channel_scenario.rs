//! Every operation on channels succeeds once and conflicts as it can.

use serde_json::json;

use super::recorder::{Recorder, Request};
use crate::world::World;
use crate::world::test_credentials::{ADMIN, DAY_DESK};

/// Records the examples of the operations on channels.
pub(super) async fn record_channels(recorder: &mut Recorder, world: &World) {
    let (admin, desk) = (world.as_caller(ADMIN), world.as_caller(DAY_DESK));
    let create = || {
        Request::to("/channels").json(json!({
            "name": "ops-chat", "kind": "slack", "url": "https://chat.example.com/hooks/example",
            "severities": ["HIGH", "CRITICAL"], "messages": ["incident", "approval"],
        }))
    };
    recorder.send(&admin, "create_channel", create(), 201).await;
    recorder.send(&admin, "create_channel", create(), 409).await;
    recorder.send(&desk, "list_channels", Request::to("/channels"), 200).await;
    recorder.send(&desk, "get_channel", Request::to("/channels/ops-chat"), 200).await;
    let target = json!({ "url": "https://chat.example.com/hooks/another-example" });
    recorder.send(&admin, "rotate_channel", Request::to("/channels/ops-chat/rotate").json(target), 200).await;
    recorder.send(&admin, "test_channel", Request::to("/channels/ops-chat/test"), 202).await;
    recorder.send(&admin, "pause_channel", Request::to("/channels/ops-chat/pause"), 200).await;
    recorder.send(&admin, "test_channel", Request::to("/channels/ops-chat/test"), 409).await;
    recorder.send(&admin, "resume_channel", Request::to("/channels/ops-chat/resume"), 200).await;
    recorder.send(&admin, "remove_channel", Request::to("/channels/ops-chat"), 200).await;
    // The problems of these operations are about a channel that exists.
    recorder.send(&admin, "create_channel", create(), 201).await;
}
