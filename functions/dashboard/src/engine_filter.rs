//! The field `engine` of filters.

use age_http::Query;
use age_model::Engine;
use age_policy::ActivePolicy;

/// Reads the field `engine`, which must be one whose records there may be. `query` refuses another.
pub(crate) fn read_engine(query: &mut Query, active: &ActivePolicy) -> Option<Engine> {
    let engine = query.optional("engine");
    if let Err(error) = active.engines_of_records(engine) {
        query.refuse("engine", error.to_string());
    }
    engine
}
