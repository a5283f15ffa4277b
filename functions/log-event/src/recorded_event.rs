//! A stored event in responses.

use age_governance::RecordedEvent;
use age_model::{ActionItem, Event};
use serde::Serialize;
use utoipa::ToSchema;

/// A stored event and its actions.
#[derive(Serialize, ToSchema)]
#[schema(as = AcceptedEvent)]
pub(crate) struct AcceptedEvent {
    #[serde(flatten)]
    event: Event,
    actions: Vec<ActionItem>,
}

impl From<RecordedEvent> for AcceptedEvent {
    fn from(RecordedEvent { event, actions }: RecordedEvent) -> Self {
        Self { event, actions }
    }
}
