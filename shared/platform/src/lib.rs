//! The only crate that knows Lambda and the plumbing of HTTP: what every function needs and no function is about.

pub mod aws;
pub mod contract;
pub mod env;
pub mod logs;
pub mod metrics;

mod body;
mod caller;
mod clock;
mod cursor;
mod fields;
mod gate;
mod gateway;
mod origin;
mod path;
mod problem;
mod query;
mod routes;
mod serve;
mod throttle;

pub use body::{AnyBody, FormBody, JsonBody, NoBody, OptionalJsonBody};
pub use caller::{Access, Caller};
pub use clock::SystemClock;
pub use cursor::CursorKey;
pub use fields::{Fields, Refused};
pub use gate::Gate;
pub use lambda_runtime::Error;
pub use origin::Origin;
pub use path::{PathId, PathNames};
pub use problem::{FieldError, Problem};
pub use query::{NoQuery, Query};
pub use routes::{Route, Routes};
pub use serve::{Tick, on_invocation, serve, warm};
pub use throttle::Rate;
