//! The check that the active policy has the engine of an event.

use age_governance::{EngineRefusal, KnownEngines};
use age_http::{Fields, Problem};
use age_model::Engine;

/// Records that the field `name` is wrong, if the policy does not have its `engine`.
pub(crate) fn refuse_unknown_engine(fields: &mut Fields, name: &str, engine: Option<Engine>, engines: &KnownEngines) {
    let Some(engine) = engine else { return };
    if let Err(EngineRefusal::Unknown(error)) = engines.require(engine) {
        fields.refuse(name, error);
    }
}

/// Requires that it is known whether the policy has `engine`.
///
/// # Errors
/// 503 if the policy cannot be read now, and the last one that could be read does not have the engine.
pub(crate) fn require_certainty(engine: Engine, engines: &KnownEngines) -> Result<(), Problem> {
    match engines.require(engine) {
        Err(error @ EngineRefusal::PolicyUnreadable(_)) => {
            Err(Problem::unavailable(format!("{error}; nothing was stored, retry later")))
        }
        // An engine that the policy does not have was refused with its field.
        Err(EngineRefusal::Unknown(_)) | Ok(()) => Ok(()),
    }
}
