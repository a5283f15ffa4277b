//! Channels: where messages reach people besides e-mail.

use std::collections::BTreeSet;

use crate::channel::{ChannelKind, ChannelMessage};
use crate::channel_name::ChannelName;
use crate::channel_target::SealedTarget;
use crate::credential::KeyId;
use crate::engine::Engine;
use crate::severity::Severity;
use crate::time::Timestamp;

/// A place that messages are delivered to, as an admin configured it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// The name, unique among channels.
    pub name: ChannelName,
    /// The form of its messages.
    pub kind: ChannelKind,
    /// The host of its address, which is no secret.
    pub host: String,
    /// Address and secrets.
    pub target: SealedTarget,
    /// Which messages it gets.
    pub filter: ChannelFilter,
    /// A paused channel gets no messages. What was pending when it was paused is delivered when it is resumed, within a week.
    pub is_paused: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// The admin who created it.
    pub created_by: KeyId,
}

impl Channel {
    /// Whether messages of the kind `message` reach people by it, at least about some engines and severities.
    #[must_use]
    pub fn gets(&self, message: ChannelMessage) -> bool {
        let is_selected = self.filter.messages.is_empty() || self.filter.messages.contains(&message);
        !self.is_paused && self.kind.carries(message) && is_selected
    }
}

/// Which messages a channel gets. An empty set chooses all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChannelFilter {
    /// The severities. Messages without one, such as reports, are not filtered by it.
    pub severities: BTreeSet<Severity>,
    /// The engines. Messages about no engine are not filtered by it.
    pub engines: BTreeSet<Engine>,
    /// The kinds of messages.
    pub messages: BTreeSet<ChannelMessage>,
}

impl ChannelFilter {
    /// Whether the channel gets a message of `kind` with `severity` about `engines`.
    #[must_use]
    pub fn selects(&self, kind: ChannelMessage, severity: Option<Severity>, engines: &[Engine]) -> bool {
        let is_of_engine = engines.is_empty() || engines.iter().any(|engine| self.engines.contains(engine));
        (self.messages.is_empty() || self.messages.contains(&kind))
            && (self.severities.is_empty() || severity.is_none_or(|severity| self.severities.contains(&severity)))
            && (self.engines.is_empty() || is_of_engine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_filter_selects_everything() {
        let all = ChannelFilter::default();
        assert!(all.selects(ChannelMessage::Report, None, &[]));
        assert!(all.selects(ChannelMessage::Incident, Some(Severity::Low), &[Engine::from_static("qa")]));
    }

    #[test]
    fn filter_selects_by_kind_severity_and_engine_together() {
        let filter = ChannelFilter {
            severities: BTreeSet::from([Severity::Critical]),
            engines: BTreeSet::from([Engine::from_static("billing")]),
            messages: BTreeSet::from([ChannelMessage::Incident, ChannelMessage::System]),
        };
        let (billing, qa) = (Engine::from_static("billing"), Engine::from_static("qa"));
        assert!(filter.selects(ChannelMessage::Incident, Some(Severity::Critical), &[qa, billing]));
        assert!(!filter.selects(ChannelMessage::Incident, Some(Severity::High), &[billing]));
        assert!(!filter.selects(ChannelMessage::Incident, Some(Severity::Critical), &[qa]));
        assert!(!filter.selects(ChannelMessage::Approval, Some(Severity::Critical), &[billing]));
        assert!(filter.selects(ChannelMessage::System, None, &[]), "about no engine, of no severity");
    }
}
