//! An event as every format is parsed to.

use std::fmt::{self, Display};
use std::str::FromStr;

use age_governance::{EventIdentity, IncomingEvent};
use age_http::{AnyBody, FieldError, MAX_BODY_BYTES, Problem};
use age_model::{EventType, NewEvent};

/// The header that has the idempotency key of a single event.
pub(crate) const KEY_HEADER: &str = "Idempotency-Key";

/// The body of a request with one event.
pub(crate) type EventBody = AnyBody<MAX_BODY_BYTES, true>;

/// An event of a request.
#[derive(Debug, Clone)]
pub(crate) struct ParsedEvent {
    pub(crate) reported: NewEvent,
    /// How a repeat of it is recognized.
    pub(crate) identity: EventIdentity,
    /// The field or header that determines the key.
    pub(crate) key_field: &'static str,
}

impl ParsedEvent {
    /// 422: an event with other content was stored under the idempotency key.
    pub(crate) fn key_reused(key_field: &str) -> Problem {
        Problem::invalid(vec![FieldError::new(key_field, "was used before for an event with other content")])
    }
}

impl From<ParsedEvent> for IncomingEvent {
    fn from(ParsedEvent { reported, identity, .. }: ParsedEvent) -> Self {
        Self { reported, identity }
    }
}

/// An event type that an engine may report: any but the one that AGE reserves.
#[derive(Debug, Clone)]
pub(crate) struct ReportedType(pub(crate) EventType);

/// Why a text is not an event type that an engine may report.
pub(crate) enum InvalidReportedType {
    Invalid(<EventType as FromStr>::Err),
    Reserved,
}

impl FromStr for ReportedType {
    type Err = InvalidReportedType;

    fn from_str(text: &str) -> Result<Self, InvalidReportedType> {
        let event_type: EventType = text.parse().map_err(InvalidReportedType::Invalid)?;
        // An engine that could report its own silence would hide its real silence.
        if event_type.as_str() == EventType::ENGINE_SILENT {
            return Err(InvalidReportedType::Reserved);
        }
        Ok(Self(event_type))
    }
}

impl Display for InvalidReportedType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => error.fmt(f),
            Self::Reserved => {
                write!(f, "must not be {}, which AGE reserves for silent engines", EventType::ENGINE_SILENT)
            }
        }
    }
}

age_http::string_fields!(ReportedType);
