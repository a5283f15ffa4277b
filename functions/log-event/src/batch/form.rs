//! The form of a batch in the contract. Only what is no array is refused as a whole: whatever is in it has its result.

use std::borrow::Cow;

use age_model::{Details, Engine, EventType, Severity, Timestamp};
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, ObjectBuilder, SchemaType};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::EventResult;
use super::body::MAX_EVENTS;
use crate::cloudevent;

/// An event of a batch.
#[derive(ToSchema)]
#[schema(as = BatchedEvent)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(dead_code, reason = "it is the form of what `request::parse_item` reads")]
struct Reported {
    engine: Engine,
    /// In the engine's own words, but for `engine_silent`, which is AGE's.
    event_type: EventType,
    /// LOW if not given.
    severity: Option<Severity>,
    /// Up to 16 KB and 16 levels; {} if not given.
    details: Option<Details>,
    /// When it happened by the engine's own clock.
    source_time: Option<Timestamp>,
    /// Names the event, so that a repeat is known as one. As in the header of a single one.
    #[schema(min_length = 1, max_length = 255, pattern = "^[ -~]+$")]
    idempotency_key: Option<String>,
}

/// A problem, with the results so far if it is about some of a batch.
#[derive(ToSchema)]
#[schema(as = UnfinishedBatch)]
#[expect(dead_code, reason = "it is the form of a `Problem` with such a member")]
pub(super) struct Unfinished {
    /// The status in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong, for a person.
    detail: String,
    /// In the order of the events.
    results: Option<Vec<EventResult>>,
}

/// Events as AGE describes them.
pub(super) struct Events;

/// `CloudEvents`.
pub(super) struct CloudEvents;

impl PartialSchema for Events {
    fn schema() -> RefOr<Schema> {
        array_of::<Reported>()
    }
}

impl ToSchema for Events {
    fn name() -> Cow<'static, str> {
        "EventBatch".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        add::<Reported>(schemas);
    }
}

impl PartialSchema for CloudEvents {
    fn schema() -> RefOr<Schema> {
        array_of::<cloudevent::Body>()
    }
}

impl ToSchema for CloudEvents {
    fn name() -> Cow<'static, str> {
        "CloudEventBatch".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        add::<cloudevent::Body>(schemas);
    }
}

fn array_of<T: ToSchema>() -> RefOr<Schema> {
    let anything = ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(Some("Refused by its result"));
    let item = AnyOfBuilder::new().item(Ref::from_schema_name(T::name())).item(anything);
    // As `maxItems`, more would have to be a 422.
    let description = format!("At most {MAX_EVENTS}; more are a 413");
    ArrayBuilder::new().items(item).description(Some(description)).into()
}

fn add<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}
