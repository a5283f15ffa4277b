//! Requests for decisions that people write, to try guardrails without AGE.

use age_model::{AccessRequest, Engine};
use age_policy::Policy;

/// Parses a request.
///
/// # Errors
/// All its errors, as one text.
pub(crate) fn parse_request(json: &str) -> Result<AccessRequest, String> {
    AccessRequest::from_json(json).map_err(|errors| {
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        format!("the request is refused: {}", errors.join("; "))
    })
}

/// Returns the engine that asks: `given`, or the one that the request names.
///
/// # Errors
/// If none is named, or the policy does not have it.
pub(crate) fn asking_engine(given: Option<Engine>, request: &AccessRequest, policy: &Policy) -> Result<Engine, String> {
    let subject = || (request.subject.kind == "engine").then(|| request.subject.id.parse().ok()).flatten();
    let named = request.engine().map_err(|error| error.to_string())?;
    let engine = given.or(named).or_else(subject).ok_or("no engine asks: give --engine, or name one in the request")?;
    if policy.engines.contains_key(&engine) {
        return Ok(engine);
    }
    let known: Vec<_> = policy.engines.keys().map(Engine::as_str).collect();
    Err(format!("the engine must be one of the policy: {}; got {engine}", known.join(", ")))
}
