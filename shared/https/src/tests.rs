//! Tests against receivers in this process, each with certificates of its own.

mod addresses;
mod connections;
mod limits;
mod receiver;
mod responses;
mod retry_after;
mod tls;
mod urls;
mod world;
