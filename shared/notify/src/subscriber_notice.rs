//! The message that tells people that topics have no subscriber, for when the alarm about it would reach nobody either.

use age_model::TopicName;

use crate::message::Message;

/// Returns the message that says that `topics` have no subscriber. It is sent once a day while the alarms topic is one of them.
#[must_use]
pub fn subscriber_notice(topics: &[TopicName]) -> Message {
    let names: Vec<&str> = topics.iter().map(|topic| topic.as_str()).collect();
    let mut text = format!("HIGH: nobody is subscribed to these topics of AGE: {}\n", names.join(", "));
    text += "AGE did: it notified you; nobody receives the messages of these topics\n";
    text += "To subscribe again: see \"Subscribe again\" in docs/guides/on-call.md\n\n";
    for topic in topics {
        text += &format!("{:<14} {}\n", topic.as_str(), topic.description());
    }
    Message::new("[AGE] HIGH, nobody receives AGE's alarms", text)
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
