//! Splits a message of AGE into the notices that it is about.

use serde_json::Value;
use thiserror::Error;

use crate::channels::approval_notice::{approval_notice, decision_notice};
use crate::channels::incident_notice::incident_notice;
use crate::channels::json_fields::Fields;
use crate::channels::notice::ChannelNotice;
use crate::channels::report_notice::report_notice;
use crate::channels::system_notice::system_notice;

/// A text that is no message of AGE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UnreadableMessage {
    /// The text is no JSON.
    #[error("message must be a JSON object; it is no JSON")]
    NotJson,
    /// The text is JSON without the type of a message.
    #[error("message must be a JSON object with a text `type`; it has none")]
    NoType,
}

/// Returns the notices of `message`, the JSON that a topic of AGE carries, in the order of the message: one for each incident, approval
/// and decision, and one for every other message. At least one.
///
/// Fields that it does not know are ignored, and those of a later version are left out. A message of an unknown type becomes a notice
/// with its `subject` and `text`.
///
/// # Errors
/// If `message` is no JSON object with a text `type`.
pub fn notices(message: &str) -> Result<Vec<ChannelNotice>, UnreadableMessage> {
    let json: Value = serde_json::from_str(message).map_err(|_| UnreadableMessage::NotJson)?;
    let fields = Fields::of(&json);
    let message_type = fields.text("type").ok_or(UnreadableMessage::NoType)?;
    let mut notices: Vec<ChannelNotice> = match message_type {
        "notification" => {
            let incidents = fields.list("incidents").map(incident_notice);
            let approvals = fields.list("approvals").map(approval_notice);
            incidents.chain(approvals).chain(fields.list("decisions").map(decision_notice)).collect()
        }
        "report" => vec![report_notice(fields)],
        _ => Vec::new(),
    };
    if notices.is_empty() {
        notices.push(system_notice(message_type, fields));
    }
    Ok(notices.into_iter().map(ChannelNotice::bounded).collect())
}
