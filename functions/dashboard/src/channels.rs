//! Notification channels: the list, the page of one with the forms of admins, and the page that confirms a removal.

pub(crate) mod detail;
pub(crate) mod list;
pub(crate) mod removal;
mod shown_channel;
