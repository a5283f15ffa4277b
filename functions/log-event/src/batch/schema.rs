//! The schema of a batch. Only a body that is not an array is refused as a whole; every element has its own result.

use std::borrow::Cow;

use utoipa::openapi::schema::ArrayBuilder;
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::body::MAX_EVENTS;
use crate::json::BatchedEventReport;

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
