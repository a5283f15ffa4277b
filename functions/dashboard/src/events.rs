//! Events: a list of them, and each with what AGE did about it.

pub(crate) mod list;
pub(crate) mod one;

use age_model::EventId;

/// Where the page of an event is.
pub(crate) fn path(id: EventId) -> String {
    format!("/dashboard/events/{id}")
}
