//! Events: what engines report.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::credential::KeyId;
use crate::details::Details;
use crate::engine::Engine;
use crate::id::{DecisionId, EventId};
use crate::severity::Severity;
use crate::system_alert::SystemAlertKind;
use crate::time::Timestamp;
use crate::visible_text::{is_combining, is_hidden, visible_pattern};

const MAX_EVENT_TYPE_CHARS: usize = 128;

/// The type of an event, named by its engine, such as `invoice_sync_failed`: one line of 1 to 128 visible characters.
/// Characters that people cannot see, or that reorder or hide others, are refused, because people decide by what they see. That
/// includes the joiners and variation selectors of composed emoji.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct EventType(String);

impl PartialSchema for EventType {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).description(Some(
            "The type of an event, named by its engine, such as `invoice_sync_failed`: one line of 1 to 128 visible characters. \
             Characters that people cannot see, or that reorder or hide others, are refused, because people decide by what they \
             see. That includes the joiners and variation selectors of composed emoji.",
        ));
        text.min_length(Some(1)).max_length(Some(MAX_EVENT_TYPE_CHARS)).pattern(Some(visible_pattern())).into()
    }
}

impl ToSchema for EventType {}

/// Why a text is refused as an event type.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidEventType {
    /// Empty, or more than 128 characters.
    #[error("must be 1 to {MAX_EVENT_TYPE_CHARS} characters long")]
    Length,
    /// White space at the beginning or end.
    #[error("must not begin or end with white space")]
    Untrimmed,
    /// A character that people cannot see.
    #[error("must not contain control or invisible characters; got U+{0:04X}")]
    Invisible(u32),
    /// A combining mark at the beginning.
    #[error("must not begin with a combining mark; got U+{0:04X}")]
    Combining(u32),
}

impl EventType {
    /// The event type of incidents about silent engines, which AGE opens itself.
    pub const ENGINE_SILENT: &str = "engine_silent";

    /// The event type of incidents that gather what would open too many incidents of an engine, which AGE opens itself.
    pub const MANY_EVENT_TYPES: &str = "many_event_types";

    /// The event type of incidents about permits of an engine of which no event has reported the operation, which AGE opens itself.
    pub const PERMIT_WITHOUT_EVENT: &str = "permit_without_event";

    /// The event type of incidents about events of an engine that report operations without a permit, which AGE opens itself.
    pub const OPERATION_WITHOUT_PERMIT: &str = "operation_without_permit";

    pub(crate) fn permit_without_event() -> Self {
        Self(Self::PERMIT_WITHOUT_EVENT.to_owned())
    }

    pub(crate) fn operation_without_permit() -> Self {
        Self(Self::OPERATION_WITHOUT_PERMIT.to_owned())
    }

    pub(crate) fn engine_silent() -> Self {
        Self(Self::ENGINE_SILENT.to_owned())
    }

    pub(crate) fn many_event_types() -> Self {
        Self(Self::MANY_EVENT_TYPES.to_owned())
    }

    /// The type of AGE's own event that a policy version was activated.
    pub(crate) fn policy_activated() -> Self {
        Self("policy_activated".to_owned())
    }

    /// The type of AGE's own event that a system alert of `kind` has begun.
    pub(crate) fn of_system_alert(kind: SystemAlertKind) -> Self {
        Self(kind.as_str().to_owned())
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
        if let Some(bad) = text.chars().find(|character| is_hidden(*character)) {
            return Err(InvalidEventType::Invisible(bad.into()));
        }
        if text.trim() != text {
            return Err(InvalidEventType::Untrimmed);
        }
        if let Some(mark) = text.chars().next().filter(|first| is_combining(*first)) {
            return Err(InvalidEventType::Combining(mark.into()));
        }
        Ok(Self(text.to_owned()))
    }
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
    /// The decision that permitted what the event reports, as the engine says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_id: Option<DecisionId>,
}

impl NewEvent {
    /// Whether both report the same content: then a repeated idempotency key is a replay, otherwise a conflict.
    #[must_use]
    pub fn content_eq(&self, other: &Self) -> bool {
        let head = |event: &Self| {
            (event.engine, event.event_type.clone(), event.severity, event.source_time, event.decision_id)
        };
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
            "결제 실패",
            "बिलिंग",
            "🚀 deploy failed",
            "e\u{301}chec",
            &"x".repeat(128),
        ] {
            assert_eq!(good.parse::<EventType>().unwrap().as_str(), good);
        }
        for bad in ["", " a", "a ", "a\nb", "a\0", "a\u{202e}b", "\u{feff}a", "a\u{2028}b", &"x".repeat(129)] {
            assert!(bad.parse::<EventType>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn name_with_characters_that_nobody_sees_is_refused() {
        let fillers = ["\u{115f}", "\u{1160}", "\u{3164}", "\u{ffa0}", "\u{2800}", "\u{1d159}"];
        let ignorable =
            ["\u{17b4}", "\u{17b5}", "\u{180b}", "\u{180f}", "\u{fe0f}", "\u{e0100}", "\u{e0041}", "\u{34f}"];
        let joiners = ["\u{200c}", "\u{200d}", "\u{2060}", "\u{ad}", "\u{1bca0}", "\u{1d173}"];
        let undefined = ["\u{e000}", "\u{f8ff}", "\u{ffff}", "\u{fdd0}", "\u{f0000}", "\u{10ffff}", "\u{fffc}"];
        let spaces = ["\u{a0}", "\u{1680}", "\u{2003}", "\u{202f}", "\u{205f}", "\u{3000}", "\u{85}", "\t"];
        for hidden in [&fillers[..], &ignorable, &joiners, &undefined, &spaces].concat() {
            for name in
                [hidden.to_owned(), hidden.repeat(3), format!("a{hidden}b"), format!("a{hidden}"), format!("{hidden}a")]
            {
                let refused = name.parse::<EventType>();
                assert!(matches!(refused, Err(InvalidEventType::Invisible(_))), "{name:?}: {refused:?}");
            }
        }
        for combining in ["\u{301}", "\u{301}\u{302}", "\u{338}billing", "\u{20dd}", "\u{fe20}a"] {
            assert!(matches!(combining.parse::<EventType>(), Err(InvalidEventType::Combining(_))), "{combining:?}");
        }
        let emoji = "\u{1f469}\u{200d}\u{1f4bb}".parse::<EventType>().unwrap_err();
        assert_eq!(emoji.to_string(), "must not contain control or invisible characters; got U+200D");
    }

    #[test]
    fn event_serializes_with_the_names_of_the_api() {
        let event = Event {
            id: "01936f2e-0000-7000-8000-00000000000a".parse().unwrap(),
            reported: NewEvent {
                engine: Engine::from_static("image_engine"),
                event_type: "render_failed".parse().unwrap(),
                severity: Severity::High,
                details: r#"{"b":1,"a":2.50}"#.parse().unwrap(),
                source_time: None,
                decision_id: None,
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

    /// Returns texts that match the pattern of the schema.
    fn matching_the_schema() -> impl Strategy<Value = String> {
        let schema = serde_json::to_value(EventType::schema()).unwrap();
        let pattern = schema["pattern"].as_str().unwrap();
        let unanchored = pattern.strip_prefix('^').and_then(|pattern| pattern.strip_suffix('$')).unwrap();
        proptest::string::string_regex(unanchored).unwrap()
    }

    proptest! {
        #[test]
        fn text_that_matches_the_schema_is_an_event_type(text in matching_the_schema()) {
            // The pattern knows nothing of characters above U+FFFF.
            let is_beyond = |character: char| character > '\u{ffff}' && (is_hidden(character) || is_combining(character));
            prop_assume!(!text.contains(is_beyond));
            prop_assert!(text.parse::<EventType>().is_ok(), "{:?}", text);
        }

        #[test]
        fn arbitrary_text_round_trips_or_is_refused(text in any::<String>()) {
            if let Ok(event_type) = text.parse::<EventType>() {
                prop_assert_eq!(event_type.as_str(), text);
            }
        }
    }
}
