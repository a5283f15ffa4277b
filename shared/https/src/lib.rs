//! HTTPS requests to addresses that admins configured, such as the webhooks of notification channels.
//!
//! An address comes from a person, and the receiver may be hostile. [`HttpsClient`] therefore connects to public IP addresses only, follows
//! no redirects, and limits the time and size of every response. Errors and debug output name hosts, never paths, queries, headers or
//! bodies.

mod address_rule;
mod channel_sender;
mod client;
mod connection;
mod connection_pool;
mod error;
mod https_url;
mod resolver;
mod response_body;
mod retry_after;
#[cfg(test)]
mod tests;
mod tls;

pub use address_rule::AddressRule;
pub use client::{HttpsClient, HttpsResponse, HttpsSettings};
pub use error::{HttpsError, TlsFailure};
pub use https_url::{HttpsUrl, InvalidHttpsUrl, MAX_URL_BYTES};
pub use resolver::{Resolution, Resolver, SystemResolver};
