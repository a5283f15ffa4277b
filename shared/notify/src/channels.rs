//! The formats of notification channels: from a message of AGE to what Slack, Microsoft Teams, PagerDuty and signed webhooks accept.
//!
//! [`notices`] splits a message into [`ChannelNotice`]s, the same for every channel. Each format turns notices into the body of a
//! request. Text of others is made harmless once, in the notice: it has no links, mentions or hidden characters, and says whose it is.

mod approval_notice;
mod foreign_text;
#[cfg(test)]
mod hostile_chat_texts;
mod incident_notice;
mod json_fields;
mod message_notices;
mod notice;
mod pagerduty;
mod report_notice;
mod slack;
mod standard_webhooks;
mod summary;
mod system_notice;
mod teams;

pub use message_notices::{UnreadableMessage, notices};
pub use notice::{ChannelNotice, IncidentRef, Link, MAX_NOTICE_BYTES, Quote};
pub use pagerduty::{PagerDutyAction, pagerduty_action, pagerduty_event};
pub use slack::slack_message;
pub use standard_webhooks::{InvalidWebhookSecret, WebhookSecret, signature_headers};
pub use teams::teams_message;
