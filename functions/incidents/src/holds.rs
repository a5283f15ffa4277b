//! Holds: people stop an engine, or one of its operations, for a time.

pub(crate) mod change_hold;
mod hold_view;
pub(crate) mod list_holds;
mod new_hold;
