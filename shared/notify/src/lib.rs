//! The only crate that depends on the SNS SDK: the messages that AGE publishes, and the topics it publishes them to.

mod action_message;
mod approval_text;
mod channel_message;
pub mod channels;
pub mod contract;
mod credential_message;
mod decision_text;
mod defang;
#[cfg(test)]
mod hostile_texts;
mod incident_text;
mod message;
mod notification_json;
mod notification_message;
mod policy_message;
mod report_message;
mod simulation_message;
mod subscriber_notice;
mod text;
mod topic;

pub use action_message::action_message;
pub use approval_text::NotifiedApproval;
pub use channel_message::{channel_failing_message, channel_test_message, tested_channel};
pub use credential_message::{NotifiedCredential, credential_message};
pub use decision_text::NotifiedDecision;
pub use incident_text::NotifiedIncident;
pub use message::Message;
pub use notification_message::{Notified, count_fitting, notification_message};
pub use policy_message::policy_message;
pub use report_message::report_message;
pub use simulation_message::simulation_message;
pub use subscriber_notice::subscriber_notice;
pub use topic::{PublishError, Sns, Topic};
