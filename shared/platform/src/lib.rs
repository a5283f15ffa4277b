//! The only crate that knows Lambda and the plumbing of HTTP: what every function needs and no function is about.

pub mod aws;
pub mod env;
pub mod logs;
pub mod metrics;

mod body;
mod clock;
mod cursor;
mod fields;
mod gateway;
mod origin;
mod path;
mod problem;
mod query;
mod serve;

pub use body::{AnyBody, JsonBody, NoBody};
pub use clock::SystemClock;
pub use cursor::CursorKey;
pub use fields::{Fields, Refused};
pub use lambda_runtime::Error;
pub use origin::Origin;
pub use path::{PathId, PathNames};
pub use problem::{FieldError, Problem};
pub use query::{NoQuery, Query};
pub use serve::{Tick, on_schedule, router, serve, warm};
