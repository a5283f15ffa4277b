//! Problems of channels.

use age_governance::{ChannelError, ChannelTestError};
use age_http::Problem;
use age_model::ChannelName;

/// The problem of a channel that does not exist.
pub(crate) fn unknown_channel(name: &ChannelName) -> Problem {
    Problem::not_found(format!("channel {name} does not exist"))
}

/// The problem of a change that was not made. Why a service did not respond is for logs.
pub(crate) fn channel_problem(error: ChannelError) -> Problem {
    match error {
        ChannelError::NameTaken(_) | ChannelError::TooMany => Problem::conflict(error.to_string()),
        ChannelError::Sealing(error) => {
            tracing::error!(%error, "stored no target of a channel: {error}");
            Problem::unavailable("the address cannot be encrypted now; nothing was stored, retry later")
        }
        ChannelError::Store(error) => error.into(),
    }
}

/// The problem of a test message that was not sent.
pub(crate) fn test_problem(error: ChannelTestError) -> Problem {
    match error {
        ChannelTestError::Paused(_) => Problem::conflict(error.to_string()),
        ChannelTestError::NotPublished(error) => {
            tracing::error!(%error, "sent no test message: {error}");
            Problem::unavailable("no test message can be sent now; retry later")
        }
        ChannelTestError::Store(error) => error.into(),
    }
}
