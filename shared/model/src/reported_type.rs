//! The event types that engines may report: all but those that AGE reserves for its own incidents.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::event::{EventType, InvalidEventType};

/// The event types of incidents that AGE opens itself. An engine that could report them would hide what they stand for, such as its
/// own silence.
const RESERVED: [&str; 4] = [
    EventType::ENGINE_SILENT,
    EventType::MANY_EVENT_TYPES,
    EventType::PERMIT_WITHOUT_EVENT,
    EventType::OPERATION_WITHOUT_PERMIT,
];

/// An event type that an engine may report. A text that people would read as a reserved one, such as `Engine-Silent`, is refused
/// as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ReportedType(EventType);

/// Why a text is not an event type that an engine may report.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidReportedType {
    /// The text is not an event type.
    #[error(transparent)]
    Invalid(#[from] InvalidEventType),
    /// The text is, or reads as, a type of AGE.
    #[error("must not be {0}, which AGE reserves for its own incidents")]
    Reserved(&'static str),
}

impl FromStr for ReportedType {
    type Err = InvalidReportedType;

    fn from_str(text: &str) -> Result<Self, InvalidReportedType> {
        let event_type: EventType = text.parse()?;
        let reads_as = |reserved: &&&str| letters(text).eq(letters(reserved));
        RESERVED
            .iter()
            .find(reads_as)
            .map_or(Ok(Self(event_type)), |reserved| Err(InvalidReportedType::Reserved(reserved)))
    }
}

/// The letters and digits of `text`, in lower case.
fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase)
}

impl From<ReportedType> for EventType {
    fn from(ReportedType(event_type): ReportedType) -> Self {
        event_type
    }
}

impl From<ReportedType> for String {
    fn from(ReportedType(event_type): ReportedType) -> Self {
        event_type.into()
    }
}

impl TryFrom<String> for ReportedType {
    type Error = InvalidReportedType;

    fn try_from(text: String) -> Result<Self, InvalidReportedType> {
        text.parse()
    }
}

impl fmt::Display for ReportedType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_age_are_refused_in_every_spelling_that_reads_the_same() {
        for bad in [
            "engine_silent",
            "Engine Silent",
            "ENGINE-SILENT",
            "engineSilent",
            "many.event.types",
            "_many_event_types",
            "PermitWithoutEvent",
            "operation without permit",
        ] {
            let refused = bad.parse::<ReportedType>().unwrap_err();
            assert!(matches!(refused, InvalidReportedType::Reserved(_)), "{bad}: {refused}");
        }
        for good in ["engine_silenced", "silent", "many_event_type", "événement"] {
            assert_eq!(good.parse::<ReportedType>().unwrap().to_string(), good);
        }
        assert_eq!("".parse::<ReportedType>(), Err(InvalidReportedType::Invalid(InvalidEventType::Length)));
    }
}
