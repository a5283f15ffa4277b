//! Events: what engines report.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use crate::credential::KeyId;
use crate::details::Details;
use crate::engine::Engine;
use crate::id::EventId;
use crate::severity::Severity;
use crate::time::Timestamp;

const MAX_EVENT_TYPE_CHARS: usize = 128;

/// The type of an event, named by its engine, such as `invoice_sync_failed`: one line of 1 to 128 visible characters.
/// Characters that hide or reorder text are refused, because people decide by what they see.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(into = "String", try_from = "String")]
#[schema(
    min_length = 1,
    max_length = 128,
    pattern = r"^[^\s\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb](?:[^\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]*[^\s\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb])?$"
)]
pub struct EventType(String);

/// Why a text is refused as an event type.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidEventType {
    /// Empty, or more than 128 characters.
    #[error("must be 1 to {MAX_EVENT_TYPE_CHARS} characters long")]
    Length,
    /// White space at the beginning or end.
    #[error("must not begin or end with white space")]
    Untrimmed,
    /// A control or invisible formatting character.
    #[error("must not contain control or invisible characters; got U+{0:04X}")]
    Invisible(u32),
}

impl EventType {
    /// The event type of incidents about silent engines, which AGE opens itself.
    pub const ENGINE_SILENT: &str = "engine_silent";

    pub(crate) fn engine_silent() -> Self {
        Self(Self::ENGINE_SILENT.to_owned())
    }

    /// Returns the text.
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

/// Whether a character is a control character, a line separator, or a format character that reorders or hides text
/// (Unicode's categories Cc, Zl, Zp and Cf).
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

/// An event as it is reported, before AGE accepts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewEvent {
    /// The engine that the event is about.
    pub engine: Engine,
    /// The type of the event, named by the engine.
    pub event_type: EventType,
    /// How serious the event is.
    pub severity: Severity,
    /// The circumstances, in fields that the engine chooses.
    pub details: Details,
    /// When the event happened by the engine's clock. For display only: events are counted by `occurredAt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_time: Option<Timestamp>,
}

impl NewEvent {
    /// Whether both report the same content: then a repeated idempotency key is a replay, otherwise a conflict.
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
    /// The id, assigned by AGE.
    pub id: EventId,
    /// The event as it was reported.
    #[serde(flatten)]
    pub reported: NewEvent,
    /// When AGE accepted the event. Events are counted and listed by this time.
    pub occurred_at: Timestamp,
    /// The credential that reported the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reported_by: Option<KeyId>,
    /// The event whose problem this one reports as resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolves: Option<EventId>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn event_type_is_one_visible_line() {
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
    fn event_serializes_with_the_names_of_the_api() {
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
            resolves: None,
        };
        assert_eq!(
            serde_json::to_string(&event).unwrap(),
            r#"{"id":"01936f2e-0000-7000-8000-00000000000a","engine":"image_engine","eventType":"render_failed","severity":"HIGH","details":{"b":1,"a":2.50},"occurredAt":"2026-11-23T00:05:00.000Z","reportedBy":"image-worker"}"#
        );
    }

    proptest! {
        #[test]
        fn arbitrary_text_round_trips_or_is_refused(text in any::<String>()) {
            if let Ok(event_type) = text.parse::<EventType>() {
                prop_assert_eq!(event_type.as_str(), text);
            }
        }
    }
}
