//! What engines report.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use crate::{Details, Engine, EventId, KeyId, Severity, Timestamp};

const MAX_EVENT_TYPE_CHARS: usize = 128;

/// The kind of an event in its engine's own words, such as `invoice_sync_failed`: one line of 1 to 128 visible
/// characters. It is shown to people at night, so nothing in it may hide or reorder what is around it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(into = "String", try_from = "String")]
#[schema(
    min_length = 1,
    max_length = 128,
    pattern = r"^[^\s\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb](?:[^\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]*[^\s\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb])?$"
)]
pub struct EventType(String);

/// A text that is not an event type.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidEventType {
    /// Empty or over 128 characters.
    #[error("must be 1 to {MAX_EVENT_TYPE_CHARS} characters long")]
    Length,
    /// White space at an end.
    #[error("must not begin or end with white space")]
    Untrimmed,
    /// A control or invisible formatting character.
    #[error("must not hold control or invisible characters, has U+{0:04X}")]
    Invisible(u32),
}

impl EventType {
    /// AGE's own word for an engine from which nothing is heard.
    pub const ENGINE_SILENT: &str = "engine_silent";

    pub(crate) fn engine_silent() -> Self {
        Self(Self::ENGINE_SILENT.to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EventType {
    type Err = InvalidEventType;

    fn from_str(text: &str) -> Result<Self, InvalidEventType> {
        if text.is_empty() || text.chars().count() > MAX_EVENT_TYPE_CHARS {
            return Err(InvalidEventType::Length);
        }
        if let Some(bad) = text.chars().find(|character| is_invisible(*character)) {
            return Err(InvalidEventType::Invisible(bad.into()));
        }
        if text.trim() != text {
            return Err(InvalidEventType::Untrimmed);
        }
        Ok(Self(text.to_owned()))
    }
}

/// Control characters, line separators, and the format characters that reorder or hide text (Unicode's Cf and Zl, Zp).
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

impl From<EventType> for String {
    fn from(event_type: EventType) -> Self {
        event_type.0
    }
}

impl TryFrom<String> for EventType {
    type Error = InvalidEventType;

    fn try_from(text: String) -> Result<Self, InvalidEventType> {
        text.parse()
    }
}

/// An event as its engine reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewEvent {
    /// Who reports.
    pub engine: Engine,
    /// What happened.
    pub event_type: EventType,
    /// How bad it is.
    pub severity: Severity,
    /// The circumstances.
    pub details: Details,
    /// When it happened by the engine's own clock. Shown, never counted by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_time: Option<Timestamp>,
}

impl NewEvent {
    /// Whether both report the same: what decides if a repeated idempotency key is a replay.
    #[must_use]
    pub fn content_eq(&self, other: &Self) -> bool {
        let head = |event: &Self| (event.engine, event.event_type.clone(), event.severity, event.source_time);
        head(self) == head(other) && self.details.content_eq(&other.details)
    }
}

/// An event that AGE has accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Its name.
    pub id: EventId,
    /// What was reported.
    #[serde(flatten)]
    pub reported: NewEvent,
    /// When AGE accepted it: the time it is counted by.
    pub occurred_at: Timestamp,
    /// Whose credential it came with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reported_by: Option<KeyId>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn event_types_are_one_visible_line() {
        for good in [
            "a",
            "invoice_sync_failed",
            "com.example/thing:v2",
            "sauvegarde échouée",
            "<b>",
            "日本語",
            &"x".repeat(128),
        ] {
            assert_eq!(good.parse::<EventType>().unwrap().as_str(), good);
        }
        for bad in ["", " a", "a ", "a\nb", "a\0", "a\u{202e}b", "\u{feff}a", "a\u{2028}b", &"x".repeat(129)] {
            assert!(bad.parse::<EventType>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn shown_in_the_words_of_the_contract() {
        let event = Event {
            id: "01936f2e-0000-7000-8000-00000000000a".parse().unwrap(),
            reported: NewEvent {
                engine: Engine::ImageEngine,
                event_type: "render_failed".parse().unwrap(),
                severity: Severity::High,
                details: r#"{"b":1,"a":2.50}"#.parse().unwrap(),
                source_time: None,
            },
            occurred_at: "2026-11-23T00:05:00Z".parse().unwrap(),
            reported_by: Some("image-worker".parse().unwrap()),
        };
        assert_eq!(
            serde_json::to_string(&event).unwrap(),
            r#"{"id":"01936f2e-0000-7000-8000-00000000000a","engine":"image_engine","eventType":"render_failed","severity":"HIGH","details":{"b":1,"a":2.50},"occurredAt":"2026-11-23T00:05:00.000Z","reportedBy":"image-worker"}"#
        );
    }

    proptest! {
        #[test]
        fn any_text_is_an_event_type_or_refused(text in any::<String>()) {
            if let Ok(event_type) = text.parse::<EventType>() {
                prop_assert_eq!(event_type.as_str(), text);
            }
        }
    }
}
