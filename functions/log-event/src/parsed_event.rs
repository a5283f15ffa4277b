//! An event as every format is parsed to.

use age_governance::{EventIdentity, IncomingEvent};
use age_http::{AnyBody, FieldError, MAX_BODY_BYTES, Problem};
use age_model::NewEvent;

/// The header that has the idempotency key of a single event.
pub(crate) const KEY_HEADER: &str = "Idempotency-Key";

/// The body of a request with one event.
pub(crate) type EventBody = AnyBody<MAX_BODY_BYTES, true>;

/// The largest body of a batch, in bytes.
const MAX_BATCH_BYTES: usize = 1024 * 1024;

/// The body of a request with a batch.
pub(crate) type BatchBody = AnyBody<MAX_BATCH_BYTES, true>;

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
