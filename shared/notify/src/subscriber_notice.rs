//! The message that tells people that topics have no subscriber, for when the alarm about it would reach nobody either.

use age_model::TopicName;
use serde::Serialize;
use utoipa::ToSchema;

use crate::message::{Message, MessageType};

/// The topics whose messages nobody receives.
#[derive(Serialize, ToSchema)]
pub(crate) struct MissingSubscribersContent<'a> {
    topics: &'a [TopicName],
}

/// Returns the message that says that `topics` have no subscriber. It is sent once a day while the alarms topic is one of them.
#[must_use]
pub fn subscriber_notice(topics: &[TopicName]) -> Message {
    let names: Vec<&str> = topics.iter().map(|topic| topic.as_str()).collect();
    let lines: Vec<String> =
        topics.iter().map(|topic| format!("{:<14} {}\n", topic.as_str(), topic.description())).collect();
    let text = format!(
        "HIGH: nobody is subscribed to these topics of AGE: {}\n\
         AGE did: it notified you; nobody receives the messages of these topics\n\
         To subscribe again: see \"Subscribe again\" in the on-call guide of AGE's documentation\n\n{}",
        names.join(", "),
        lines.concat()
    );
    let subject = "[AGE] HIGH, nobody receives AGE's alarms";
    Message::new(MessageType::MissingSubscribers, subject, text, &MissingSubscribersContent { topics })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notice_names_the_topics_without_a_subscriber() {
        let notice = subscriber_notice(&[TopicName::Reports, TopicName::Alarms]);
        assert_eq!(notice.subject(), "[AGE] HIGH, nobody receives AGE's alarms");
        let first = notice.text().lines().next().unwrap();
        assert_eq!(first, "HIGH: nobody is subscribed to these topics of AGE: reports, alarms");
    }
}
