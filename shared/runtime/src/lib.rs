//! Running a function on AWS Lambda: configuration, clock, logs, metrics, AWS client configuration, and serving. The only crate
//! that depends on `lambda_*` and on the providers of `aws-config`. It has no routes and no business rules.

pub mod aws;
pub mod logs;
pub mod metrics;

mod clock;
mod config;
mod gateway;
mod public_url;
mod queue_event;
mod receiver_address;
mod serve;

pub use clock::SystemClock;
pub use config::{AuthenticationConfig, ConfigError, ConfigValue, Variables};
pub use lambda_runtime::Error;
pub use public_url::{InvalidPublicUrl, PublicUrl};
pub use queue_event::{QueueEvent, QueueMessage, QueueResponse};
pub use receiver_address::ReceiverAddress;
pub use serve::{ScheduledEvent, TopicEvent, on_invocation, serve, warm};
