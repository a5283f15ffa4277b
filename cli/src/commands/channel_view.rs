//! Channels as AGE describes them, and as people read them.

use age_model::Timestamp;
use serde::Deserialize;

use crate::format::{NO_VALUE, format_name, format_timestamp};
use crate::text_layout::{format_facts, format_section};

/// The path of channels in the API.
pub(super) const RESOURCE: &str = "channels";

/// A channel. Words of a later version are shown as they are.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Channel {
    pub(super) name: String,
    kind: String,
    /// The host of the target. The rest of the target is a secret, which AGE does not show.
    host: String,
    pub(super) status: String,
    /// Empty: all. So are `engines` and `messages`.
    severities: Vec<String>,
    engines: Vec<String>,
    messages: Vec<String>,
    created_at: Timestamp,
    created_by: Option<String>,
    pub(super) last_delivery: Option<Delivery>,
    /// When the first of the deliveries failed that have all failed since.
    failing_since: Option<Timestamp>,
}

/// The latest attempt to deliver something to a channel.
#[derive(Deserialize)]
pub(super) struct Delivery {
    pub(super) at: Timestamp,
    /// `delivered`, `failed` (AGE tries it again), or `given_up`.
    pub(super) result: String,
    /// The HTTP status, or why the request got no response.
    pub(super) detail: Option<String>,
}

impl Channel {
    pub(super) const HEADINGS: [&str; 8] =
        ["name", "kind", "host", "status", "severities", "engines", "messages", "last delivery"];

    /// Returns the name, the kind and the host.
    pub(super) fn summary(&self) -> String {
        format!("{}: {} at {}", self.name, self.kind, self.host)
    }

    pub(super) fn table_row(self) -> [String; 8] {
        let filters = [&self.severities, &self.engines, &self.messages].map(|words| join_or_all(words));
        let [severities, engines, messages] = filters;
        let last_delivery = self.last_delivery.map_or_else(|| NO_VALUE.to_owned(), |delivery| delivery.as_text());
        [self.name, self.kind, self.host, self.status, severities, engines, messages, last_delivery]
    }

    pub(super) fn as_text(&self) -> String {
        let created_by = self.created_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let last_delivery = self.last_delivery.as_ref().map_or_else(|| "none yet".to_owned(), Delivery::as_text);
        let mut facts = vec![
            ("Kind", self.kind.clone()),
            ("Host", self.host.clone()),
            ("Status", self.status.clone()),
            ("Severities", join_or_all(&self.severities)),
            ("Engines", join_or_all(&self.engines)),
            ("Messages", join_or_all(&self.messages)),
            ("Created", format!("{}{created_by}", format_timestamp(self.created_at))),
            ("Last delivery", last_delivery),
        ];
        facts.extend(self.failing_since.map(|at| ("Failing since", format_timestamp(at))));
        format_section(&format!("Channel {}", self.name), format_facts(facts))
    }
}

impl Delivery {
    pub(super) fn is_delivered(&self) -> bool {
        self.result == "delivered"
    }

    /// Returns the result, its time and its detail.
    pub(super) fn as_text(&self) -> String {
        let detail = self.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
        format!("{} at {}{detail}", format_name(&self.result), format_timestamp(self.at))
    }
}

fn join_or_all(words: &[String]) -> String {
    if words.is_empty() { "all".to_owned() } else { words.join(", ") }
}
