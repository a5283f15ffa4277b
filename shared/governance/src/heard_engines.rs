//! Which engines this execution environment has recorded as heard.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use age_model::{Engine, Timestamp};

/// How often one execution environment records that it has heard an engine, in seconds.
const RECORD_ENGINE_SECONDS: i64 = 60;

/// When this execution environment last recorded that it has heard each engine.
#[derive(Debug, Default)]
pub(crate) struct HeardEngines(Mutex<BTreeMap<Engine, Timestamp>>);

impl HeardEngines {
    /// Notes that the time at which `engine` was heard is stored.
    pub(crate) fn note(&self, engine: Engine, at: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(engine, at);
    }

    /// Whether `engine` was not recorded as heard within the last minute.
    pub(crate) fn is_due(&self, engine: Engine, now: Timestamp) -> bool {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |at: &Timestamp| *at <= now && now < at.plus_seconds(RECORD_ENGINE_SECONDS);
        !heard.get(&engine).is_some_and(is_recent)
    }
}
