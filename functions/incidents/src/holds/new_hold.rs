//! The body of a request that sets a hold.

use age_governance::NewHold;
use age_http::{Fields, Problem, RequestBody, request_body};
use age_model::{Engine, Hold, Note, OperationName, Timestamp};
use age_policy::ActivePolicy;

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
        if let Some(Err(error)) = fields.peek::<Timestamp>("until").map(|until| Hold::check_end(until, now)) {
            fields.refuse("until", error);
        }
        let read = Self::read(&mut fields);
        let Self { engine, operation, reason, until } = fields.finish(read)?;
        Ok(NewHold { engine, operation: operation.map(String::from), reason: reason.into(), until })
    }
}
