//! The schema of a batch. Only a body that is not an array is refused as a whole; every element has its own result.

use std::borrow::Cow;

use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, ObjectBuilder, SchemaType};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::body::MAX_EVENTS;
use crate::cloudevents::CloudEvent;
use crate::json::BatchedEventReport;

/// A batch of events as JSON.
pub(super) struct Events;

/// A batch of CloudEvents.
pub(super) struct CloudEvents;

impl PartialSchema for Events {
    fn schema() -> RefOr<Schema> {
        array_of::<BatchedEventReport>()
    }
}

impl ToSchema for Events {
    fn name() -> Cow<'static, str> {
        "EventBatch".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        add::<BatchedEventReport>(schemas);
    }
}

impl PartialSchema for CloudEvents {
    fn schema() -> RefOr<Schema> {
        array_of::<CloudEvent>()
    }
}

impl ToSchema for CloudEvents {
    fn name() -> Cow<'static, str> {
        "CloudEventBatch".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        add::<CloudEvent>(schemas);
    }
}

fn array_of<T: ToSchema>() -> RefOr<Schema> {
    let invalid = "Anything else has a result with an error";
    let anything = ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(Some(invalid));
    let item = AnyOfBuilder::new().item(Ref::from_schema_name(T::name())).item(anything);
    // With `maxItems`, a batch of more would have to be a 422.
    let description = format!("At most {MAX_EVENTS} events; more are a 413");
    ArrayBuilder::new().items(item).description(Some(description)).into()
}

fn add<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}
