//! HTTP for all functions: routes, authentication, extractors, problem details, cursors, and what their contracts have in common.
//! Depends on `age-model` only.

pub mod contract;

mod authentication;
mod authorization;
mod base_path;
mod body_extractors;
mod caller;
mod content_encoding;
mod cursor;
mod day_or_time;
mod expired_credential_alerts;
mod fields;
mod origin;
mod origin_verification;
mod path;
mod problem;
mod problem_code;
mod query;
mod rate_limit;
mod request_body;
mod request_log;
mod response_budget;
mod router;
mod routes;
mod sealer;
mod session_authentication;
mod session_key;
mod token_search;

pub use authentication::Authentication;
pub use authorization::Access;
pub use base_path::strip_base_path;
pub use body_extractors::{AnyBody, FormBody, JsonBody, MAX_BODY_BYTES, NoBody, OptionalJsonBody};
pub use caller::Caller;
pub use cursor::{CursorKey, CursorScope};
pub use day_or_time::{DayOrTime, InvalidDayOrTime};
pub use fields::{Fields, Refused};
pub use origin::Origin;
pub use origin_verification::verify_origin;
pub use path::{PathId, PathNames};
pub use problem::{FieldError, Problem, ProblemBody};
pub use problem_code::{FieldErrorCode, ProblemCode};
pub use query::{MAX_VALUES, NoQuery, Query};
pub use rate_limit::{RequestCost, RequestRate};
pub use request_body::{FieldValue, RequestBody, WholeNumber, json_name};
pub use response_budget::ResponseBudget;
pub use routes::{Route, Routes};
pub use sealer::Sealer;
pub use session_authentication::SignedInCaller;
pub use session_key::SessionKey;
