//! The only crate that depends on the SNS SDK: the messages that AGE publishes, and the topics it publishes them to.

mod action_message;
mod credential_message;
mod incident_message;
mod message;
mod report_message;
mod topic;

pub use action_message::action_message;
pub use credential_message::{NotifiedCredential, credential_message};
pub use incident_message::{NotifiedIncident, incident_message};
pub use message::Message;
pub use report_message::report_message;
pub use topic::{PublishError, Sns, Topic};
