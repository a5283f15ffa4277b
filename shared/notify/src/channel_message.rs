//! Messages to the relay about channels themselves.

use age_model::{ChannelKind, ChannelName, KeyId, Timestamp};
use serde::Deserialize;
use serde_json::json;

use crate::message::{Message, SCHEMA_VERSION};

/// The type of a test message.
const CHANNEL_TEST: &str = "channel_test";

/// Returns the message that tests the channel `name`. The relay delivers it to this channel alone.
#[must_use]
pub fn channel_test_message(name: &ChannelName, by: &KeyId, at: Timestamp) -> Message {
    let text = format!("This is a test of the channel {name}, which {by} asked for at {}.", at.in_words());
    let json = json!({
        "schemaVersion": SCHEMA_VERSION, "type": CHANNEL_TEST, "channel": name,
        "subject": format!("[AGE] Test of channel {name}"), "text": text,
    });
    Message::text_only("[AGE] Test of a channel", json.to_string())
}

/// Returns the JSON of the message that the channel `name` has failed since `since`; `detail` is the latest response.
#[must_use]
pub fn channel_failing_message(name: &ChannelName, kind: ChannelKind, since: Timestamp, detail: &str) -> String {
    let text = format!(
        "The channel {name} ({kind}) has accepted no message since {}. The latest response: {detail}.\n\
         AGE tries again for 24 hours after each message. To see its state: agectl channel show {name}",
        since.in_words()
    );
    let json = json!({
        "schemaVersion": SCHEMA_VERSION, "type": "channel_failing", "channel": name,
        "subject": format!("[AGE] Channel {name} fails"), "text": text,
    });
    json.to_string()
}

/// Returns the only channel that gets the message `text`, if it is a test.
#[must_use]
pub fn tested_channel(text: &str) -> Option<ChannelName> {
    #[derive(Deserialize)]
    struct Test {
        #[serde(rename = "type")]
        message_type: String,
        channel: ChannelName,
    }
    let message: Test = serde_json::from_str(text).ok()?;
    (message.message_type == CHANNEL_TEST).then_some(message.channel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_message_names_its_channel_and_no_other_message_does() {
        let (name, at): (ChannelName, Timestamp) = ("ops".parse().unwrap(), "2026-11-23T00:00:00Z".parse().unwrap());
        let test = channel_test_message(&name, &"dana".parse().unwrap(), at);
        assert_eq!(tested_channel(test.text()), Some(name.clone()));
        let failing = channel_failing_message(&name, ChannelKind::Slack, at, "503");
        assert_eq!(tested_channel(&failing), None);
        assert_eq!(tested_channel("{}"), None);
    }
}
