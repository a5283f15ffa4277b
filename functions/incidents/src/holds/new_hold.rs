//! The body of a request that sets a hold.

use std::str::FromStr;

use age_governance::NewHold;
use age_http::{Fields, Problem, RequestBody, request_body, string_fields};
use age_model::{Engine, Hold, Note, Timestamp};
use age_policy::ActivePolicy;
use thiserror::Error;
use utoipa::ToSchema;

/// The most characters of the name of an operation, so that all holds fit into one row.
const MAX_OPERATION_CHARS: usize = 200;

/// The name of an operation: of an action in requests for decisions.
#[derive(Debug, ToSchema)]
#[schema(min_length = 1, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
struct OperationName(String);

/// The text is not the name of an operation.
#[derive(Debug, Error)]
#[error("must be 1 to {MAX_OPERATION_CHARS} characters without control characters")]
struct InvalidOperationName;

impl FromStr for OperationName {
    type Err = InvalidOperationName;

    fn from_str(text: &str) -> Result<Self, InvalidOperationName> {
        let fits = (1..=MAX_OPERATION_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidOperationName) }
    }
}

string_fields!(OperationName);

request_body! {
    /// A hold to set.
    #[schema(as = NewHold)]
    pub(super) struct NewHoldBody {
        /// An engine of the active policy.
        engine: Engine,
        /// The name of the action to stop; all actions, if absent.
        operation: Option<OperationName>,
        reason: Note,
        /// In the future, at most 30 days ahead.
        until: Timestamp,
    }
}

impl NewHoldBody {
    /// Parses the body of a request at `now`. The engine must be of the `active` policy.
    pub(super) fn parse_at(body: &[u8], active: &ActivePolicy, now: Timestamp) -> Result<NewHold, Problem> {
        let mut fields = Fields::parse(body)?;
        if let Some(Err(error)) = fields.peek::<Engine>("engine").map(|engine| active.require_engine(engine)) {
            fields.refuse("engine", error);
        }
        let until = fields.peek::<Timestamp>("until");
        if until.is_some_and(|until| until <= now || now.plus_days(Hold::MAX_DAYS) < until) {
            fields.refuse("until", format!("must be in the future and at most {} days ahead", Hold::MAX_DAYS));
        }
        let read = Self::read(&mut fields);
        let Self { engine, operation, reason, until } = fields.finish(read)?;
        let operation = operation.map(|OperationName(name)| name);
        Ok(NewHold { engine, operation, reason: reason.into(), until })
    }
}
