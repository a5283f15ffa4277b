//! Queueing a message for the channels that select it.

use age_model::{Channel, ChannelKind, ChannelName, Delivery, MessageId, Timestamp};
use age_notify::channels::{ChannelNotice, notices};
use age_notify::tested_channel;

use super::{Relay, RelayError};

impl Relay {
    /// Queues the message `text`, the JSON of a topic, which was published at `queued_at`, for every channel that selects it. Queueing the
    /// same message of the same time again changes nothing.
    ///
    /// # Errors
    /// [`RelayError`] if it was not queued for all of them.
    pub async fn queue(&self, text: &str, queued_at: Timestamp) -> Result<(), RelayError> {
        let channels = self.active_channels().await?;
        self.queue_for(channels.iter(), text, queued_at).await
    }

    /// Queues the message for those of `channels` that select it.
    pub(super) async fn queue_for(
        &self,
        channels: impl Iterator<Item = &Channel>,
        text: &str,
        queued_at: Timestamp,
    ) -> Result<(), RelayError> {
        let (notices, tested) = (notices(text)?, tested_channel(text));
        for channel in channels {
            for delivery in deliveries(channel, &notices, tested.as_ref(), text, queued_at) {
                self.0.deliveries.add(&delivery).await?;
            }
        }
        Ok(())
    }
}

/// Returns what `channel` gets of the message `text`, whose parts are `notices`. `tested` is the only channel that gets it, if it is a
/// test.
fn deliveries(
    channel: &Channel,
    notices: &[ChannelNotice],
    tested: Option<&ChannelName>,
    text: &str,
    queued_at: Timestamp,
) -> Vec<Delivery> {
    let is_selected = |notice: &ChannelNotice| match tested {
        Some(name) => *name == channel.name,
        None => {
            channel.kind.carries(notice.message)
                && channel.filter.selects(notice.message, notice.severity, &notice.engines)
        }
    };
    let selected: Vec<(u32, &ChannelNotice)> = (0..).zip(notices).filter(|(_, notice)| is_selected(notice)).collect();
    let delivery = |part: u32, incidents: Vec<String>, content: String| Delivery {
        channel: channel.name.clone(),
        queued_at,
        message: MessageId::of(text),
        part,
        incidents,
        content,
    };
    if channel.kind == ChannelKind::Webhook {
        if selected.is_empty() {
            return Vec::new();
        }
        let incidents = selected.iter().filter_map(|(_, notice)| incident_id(notice)).collect();
        return vec![delivery(0, incidents, text.to_owned())];
    }
    let parts = selected.into_iter().map(|(part, notice)| {
        // INVARIANT: a notice is always serializable.
        let content = serde_json::to_string(notice).unwrap_or_default();
        delivery(part, incident_id(notice).into_iter().collect(), content)
    });
    parts.collect()
}

fn incident_id(notice: &ChannelNotice) -> Option<String> {
    notice.incident.as_ref().map(|incident| incident.id.clone())
}
