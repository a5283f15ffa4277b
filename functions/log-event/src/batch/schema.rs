//! The schema of a batch. Only a body that is not an array is refused as a whole; every element has its own result.

use std::borrow::Cow;

use age_http::contract::status_schema;
use utoipa::openapi::schema::ArrayBuilder;
use utoipa::openapi::{Object, Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::body::MAX_EVENTS;
use crate::json::BatchedEventReport;

/// The status of the result of an event.
pub(super) fn result_status() -> Object {
    status_schema(
        &[200, 201, 400, 403, 413, 422, 500, 503],
        "The status of a request for this event alone: 201 stored, 200 stored before under the same idempotency key; 400, 413 or 422 \
         invalid, 403 forbidden, 500 stored data is corrupt, 503 service unavailable.",
    )
}

/// A batch of events as JSON.
pub(super) struct Events;

impl PartialSchema for Events {
    fn schema() -> RefOr<Schema> {
        // With `maxItems`, a batch of more would have to be a 422.
        let description = format!(
            "At most {MAX_EVENTS} events; more are a 413. An element that is not a valid event has a result with an error."
        );
        let item = Ref::from_schema_name(BatchedEventReport::name());
        ArrayBuilder::new().items(item).description(Some(description)).into()
    }
}

impl ToSchema for Events {
    fn name() -> Cow<'static, str> {
        "EventBatch".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((BatchedEventReport::name().into_owned(), BatchedEventReport::schema()));
        BatchedEventReport::schemas(schemas);
    }
}
