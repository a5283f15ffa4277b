//! The request that delivers a message to a channel, in the form of the channel's kind.

use age_model::{Channel, ChannelKind, ChannelRequest, ChannelTarget, Delivery, Timestamp};
use age_notify::channels::{
    ChannelNotice, WebhookSecret, pagerduty_action, pagerduty_event, signature_headers, slack_message, teams_message,
};
use serde_json::Value;
use thiserror::Error;

/// The parts of a request.
pub(super) struct RequestParts<'a> {
    pub(super) channel: &'a Channel,
    pub(super) target: &'a ChannelTarget,
    /// The deliveries of the message: one, or several for a chat.
    pub(super) batch: &'a [Delivery],
    pub(super) now: Timestamp,
}

/// A stored delivery or target cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum Unsendable {
    /// The delivery is not in the form of its channel.
    #[error("the stored delivery cannot be read")]
    Delivery,
    /// The target lacks what its kind of channel needs.
    #[error("the target of the channel is not complete")]
    Target,
}

/// Returns the request that delivers a message.
///
/// # Errors
/// [`Unsendable`] if the message can never be sent.
pub(super) fn channel_request(parts: &RequestParts<'_>) -> Result<ChannelRequest, Unsendable> {
    let RequestParts { channel, target, batch, now } = *parts;
    let (headers, body) = match channel.kind {
        ChannelKind::Slack => (Vec::new(), json(&slack_message(&notices(batch)?))),
        ChannelKind::MicrosoftTeams => (Vec::new(), json(&teams_message(&notices(batch)?))),
        ChannelKind::PagerDuty => {
            let (notices, key) = (notices(batch)?, target.routing_key.as_deref().ok_or(Unsendable::Target)?);
            let notice = notices.first().ok_or(Unsendable::Delivery)?;
            (Vec::new(), json(&pagerduty_event(notice, key, pagerduty_action(notice))))
        }
        ChannelKind::Webhook => {
            let delivery = batch.first().ok_or(Unsendable::Delivery)?;
            let body = delivery.content.clone().into_bytes();
            let secrets: Result<Vec<WebhookSecret>, _> = target.secrets.iter().map(|secret| secret.parse()).collect();
            let secrets = secrets.map_err(|_| Unsendable::Target)?;
            // The same for every attempt, so that the receiver knows a repeat.
            let id = format!("msg_{}", delivery.message);
            (signature_headers(&id, now.seconds(), &body, &secrets).into(), body)
        }
        ChannelKind::Unknown(_) => return Err(Unsendable::Target),
    };
    Ok(ChannelRequest { url: target.url.clone(), headers, body })
}

/// Whether all of `batch` can be combined in one message to a chat.
pub(super) fn are_notices(batch: &[Delivery]) -> bool {
    notices(batch).is_ok()
}

fn notices(batch: &[Delivery]) -> Result<Vec<ChannelNotice>, Unsendable> {
    batch.iter().map(|delivery| serde_json::from_str(&delivery.content).map_err(|_| Unsendable::Delivery)).collect()
}

fn json(body: &Value) -> Vec<u8> {
    body.to_string().into_bytes()
}
