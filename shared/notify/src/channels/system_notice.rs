//! The notice of a message about AGE itself.

use age_model::{ChannelMessage, Severity, Timestamp};

use crate::channels::foreign_text::foreign_line;
use crate::channels::json_fields::Fields;
use crate::channels::notice::{ChannelNotice, name};

/// The most credentials of which a notice says when they expire.
const MAX_CREDENTIALS: usize = 8;

/// The most changes of a policy version that a notice lists, and the most characters of each.
const MAX_CHANGES: usize = 10;
const MAX_CHANGE_CHARS: usize = 200;

/// How many digits of a hash tell two versions apart for people.
const SHORT_HASH_CHARS: usize = 12;

/// Returns the notice of a message about AGE itself, or of a type that this version does not know.
pub(crate) fn system_notice(message_type: &str, message: Fields<'_>) -> ChannelNotice {
    let subject = message.text("subject").unwrap_or_default();
    let subject = subject.strip_prefix("[AGE] ").unwrap_or(subject).trim();
    let title = [subject, message_type.trim()].into_iter().find(|text| !text.is_empty()).unwrap_or("Message of AGE");
    let mut notice = ChannelNotice::new(ChannelMessage::System, title);
    notice.occurred_at = message.value("at");
    notice.severity = match message_type {
        "missing_subscribers" | "channel_failing" => Some(Severity::High),
        _ => message.value("severity"),
    };
    let text = message.text("text").unwrap_or_default();
    let (state, rest) = text.split_once('\n').unwrap_or((text, ""));
    notice.set_state(state);
    let rest = rest.strip_prefix("AGE did: ").map_or(rest, |rest| {
        let (did, rest) = rest.split_once('\n').unwrap_or((rest, ""));
        notice.add_taken_action(did);
        rest
    });
    match message_type {
        "credentials" => add_credentials(&mut notice, message),
        "policy_activation" => add_activation(&mut notice, message),
        _ => notice.add_quote("The rest of the message", rest),
    }
    notice
}

fn add_credentials(notice: &mut ChannelNotice, message: Fields<'_>) {
    for credential in message.list("credentials").take(MAX_CREDENTIALS) {
        let at = credential.value("at").map_or(String::new(), |at: Timestamp| format!(", {}", at.in_words()));
        let kind = credential.text("kind").unwrap_or_default().replace('_', " ");
        let command = credential.text("command").map_or(String::new(), |command| format!(": {command}"));
        notice.add_fact(credential.text("kid").unwrap_or("credential"), Some(format!("{kind}{at}{command}")));
    }
    let more = message.list("credentials").count().saturating_sub(MAX_CREDENTIALS);
    notice.add_fact("More credentials", (more > 0).then(|| more.to_string()));
}

fn add_activation(notice: &mut ChannelNotice, message: Fields<'_>) {
    let hash = |name: &str| message.text(name).map(|hash| hash.chars().take(SHORT_HASH_CHARS).collect::<String>());
    let by = message.text("by").map(name);
    notice.add_fact("Version", message.number("version").map(|version| version.to_string()));
    notice.add_fact("Hash", hash("hash"));
    notice.add_fact("Hash before", hash("previous"));
    notice.add_fact("Activated by", by.clone());
    notice.add_fact("Activated", message.value::<Timestamp>("at").map(Timestamp::in_words));
    notice.add_fact("Changes", message.number("changeCount").map(|count| count.to_string()));
    if let Some(reason) = message.text("reason") {
        notice.add_quote(&format!("The reason, in the words of {}", by.as_deref().unwrap_or("the admin")), reason);
    }
    let changes: Vec<String> =
        message.texts("changes").take(MAX_CHANGES).map(|change| foreign_line(change, MAX_CHANGE_CHARS)).collect();
    notice.add_quote("The first changes, with names of the policy", &changes.join("\n"));
}
