//! The only crate that knows SNS: what is said, and how it is handed over.

mod action;
mod escalation;
mod message;
mod topic;
mod weekly;

pub use action::action_message;
pub use escalation::{About, Entry, escalation_message};
pub use message::Message;
pub use topic::{PublishError, Sns, Topic};
pub use weekly::weekly_message;
