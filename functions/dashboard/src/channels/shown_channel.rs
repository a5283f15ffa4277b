//! A channel as pages show it: all but its target, which is a secret.

use age_governance::ListedChannel;
use age_http::Problem;
use age_model::{
    Channel, ChannelFilter, ChannelKind, ChannelName, DeliveryAttempt, DeliveryResult, Engine, KeyId, Timestamp,
};
use age_policy::Policy;

use crate::format::to_words;
use crate::paths::channel_path;
use crate::safe_text::SafeText;

/// A channel and its latest delivery.
pub(crate) struct ShownChannel {
    pub(crate) name: ChannelName,
    pub(crate) path: String,
    pub(crate) kind: SafeText,
    /// Whether a test message opens an alert, which stays open.
    pub(crate) is_pager: bool,
    /// The host of the address.
    pub(crate) host: SafeText,
    /// The severities that the channel gets, or `all`.
    pub(crate) severities: SafeText,
    /// The titles of the engines that the channel gets messages about, or `all`.
    pub(crate) engines: SafeText,
    /// The kinds of messages that the channel gets, or `all`.
    pub(crate) messages: SafeText,
    pub(crate) is_paused: bool,
    pub(crate) failing_since: Option<Timestamp>,
    pub(crate) latest: Option<LatestDelivery>,
    pub(crate) created_at: Timestamp,
    /// The credential of the admin who added the channel.
    pub(crate) created_by: KeyId,
}

/// The latest attempt to deliver a message to a channel.
pub(crate) struct LatestDelivery {
    pub(crate) at: Timestamp,
    pub(crate) result: DeliveryResult,
    /// The status of the response, or why no response came.
    pub(crate) detail: SafeText,
}

impl ShownChannel {
    /// Returns `listed` with the titles of engines that `policy` has.
    pub(crate) fn new(listed: ListedChannel, policy: &Policy) -> Self {
        let latest = listed.latest_attempt().map(|DeliveryAttempt { at, result, detail, .. }| LatestDelivery {
            at: *at,
            result: *result,
            detail: SafeText::new(detail),
        });
        let failing_since = listed.failing_since();
        let Channel { name, kind, host, filter, is_paused, created_at, created_by, .. } = listed.channel;
        let ChannelFilter { severities, engines, messages } = filter;
        let title = |engine: &Engine| policy.title(engine).to_owned();
        Self {
            path: channel_path(&name),
            name,
            kind: kind_title(kind),
            is_pager: kind == ChannelKind::PagerDuty,
            host: SafeText::new(&host),
            severities: list_or_all(severities.iter().map(ToString::to_string)),
            engines: list_or_all(engines.iter().map(title)),
            messages: list_or_all(messages.iter().map(ToString::to_string)),
            is_paused,
            failing_since,
            latest,
            created_at,
            created_by,
        }
    }
}

/// Returns the 404 for a channel that does not exist.
pub(crate) fn no_channel(name: &ChannelName) -> Problem {
    Problem::not_found(format!("channel {name} does not exist"))
}

/// Returns the name of the service that a channel of this kind belongs to.
fn kind_title(kind: ChannelKind) -> SafeText {
    SafeText::new(match kind {
        ChannelKind::Slack => "Slack",
        ChannelKind::MicrosoftTeams => "Microsoft Teams",
        ChannelKind::PagerDuty => "PagerDuty",
        ChannelKind::Webhook => "Webhook",
        ChannelKind::Unknown(_) => kind.as_str(),
    })
}

/// Returns `words` with commas between them, or `all` without any: an empty filter chooses all.
fn list_or_all(words: impl Iterator<Item = String>) -> SafeText {
    let words: Vec<String> = words.collect();
    SafeText::new(&if words.is_empty() { "all".to_owned() } else { words.join(", ") })
}

impl LatestDelivery {
    /// Returns the word of the result, after a symbol: no result is recognized by its colour alone.
    pub(crate) fn label(&self) -> SafeText {
        let symbol = match self.result {
            DeliveryResult::Delivered => "✓",
            DeliveryResult::Failed => "▲",
            DeliveryResult::GivenUp => "■",
            DeliveryResult::Unknown(_) => "?",
        };
        SafeText::new(&format!("{symbol} {}", to_words(self.result.as_str())))
    }

    /// Returns the class of the result's badge.
    pub(crate) const fn tone(&self) -> &'static str {
        match self.result {
            DeliveryResult::Delivered => "success",
            DeliveryResult::Failed | DeliveryResult::GivenUp => "failure",
            DeliveryResult::Unknown(_) => "neutral",
        }
    }
}
