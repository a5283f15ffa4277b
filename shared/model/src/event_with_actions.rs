//! An event with its actions, as responses have it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::action::ActionItem;
use crate::event::Event;
use crate::unreadable_item::UnreadableItem;

/// An event with its actions.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EventWithActions {
    /// The event.
    #[serde(flatten)]
    pub event: Event,
    /// The actions that AGE planned for the event.
    pub actions: Vec<ActionItem>,
    /// The actions that this version of AGE cannot read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub unreadable: Vec<UnreadableItem>,
}
