//! The active policy version, as AGE works by it.

use std::collections::BTreeSet;

use age_model::Engine;
use thiserror::Error;

use crate::compiled::CompiledPolicyError;
use crate::document::Policy;

/// The active policy version, and the engines whose records there are.
#[derive(Debug, Clone, PartialEq)]
pub struct ActivePolicy {
    /// The document.
    pub policy: Policy,
    /// SHA-256 of the document, hexadecimal. Actions and reports name by it the rules that made them.
    pub hash: String,
    /// Every engine that an active version has or ever had, and AGE itself. Sums over the past are over all of these.
    pub engines: BTreeSet<Engine>,
}

/// An engine that the active policy does not have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be an engine of the active policy: {}; got \"{engine}\"{}", self.names(), self.hint())]
pub struct UnknownEngine {
    engine: Engine,
    engines: Vec<Engine>,
    is_retired: bool,
}

impl ActivePolicy {
    /// Returns version 0, the default policy.
    ///
    /// # Errors
    /// [`CompiledPolicyError`] if the binary is damaged.
    pub fn compiled() -> Result<Self, CompiledPolicyError> {
        Ok(Self::new(Policy::compiled()?, Policy::HASH.to_owned(), []))
    }

    /// Returns the version with this document, after versions that had the engines `ever_used`.
    #[must_use]
    pub fn new(policy: Policy, hash: String, ever_used: impl IntoIterator<Item = Engine>) -> Self {
        let engines = policy.engines.keys().copied().chain(ever_used).chain([Engine::AGE]).collect();
        Self { policy, hash, engines }
    }

    /// Returns the engines that AGE supervises or has supervised. There are no incidents of AGE itself.
    pub fn supervised(&self) -> impl Iterator<Item = Engine> {
        self.engines.iter().copied().filter(|engine| *engine != Engine::AGE)
    }

    /// Whether only an earlier version had `engine`.
    #[must_use]
    pub fn is_retired(&self, engine: Engine) -> bool {
        engine != Engine::AGE && !self.policy.engines.contains_key(&engine) && self.engines.contains(&engine)
    }

    /// Requires that events of `engine` may be reported and that it may have a credential.
    ///
    /// # Errors
    /// [`UnknownEngine`] if the document does not have it.
    pub fn require_engine(&self, engine: Engine) -> Result<(), UnknownEngine> {
        if self.policy.engines.contains_key(&engine) {
            return Ok(());
        }
        let engines = self.policy.engines.keys().copied().collect();
        Err(UnknownEngine { engine, engines, is_retired: self.is_retired(engine) })
    }

    /// Returns the engines whose records are to be listed: `engines`, or all if it has none.
    ///
    /// # Errors
    /// [`UnknownEngine`] for the first of which no active version ever had it.
    pub fn engines_of_records(
        &self,
        engines: impl IntoIterator<Item = Engine>,
    ) -> Result<BTreeSet<Engine>, UnknownEngine> {
        let wanted: BTreeSet<Engine> = engines.into_iter().collect();
        match wanted.difference(&self.engines).next() {
            Some(engine) => Err(UnknownEngine {
                engine: *engine,
                engines: self.engines.iter().copied().collect(),
                is_retired: false,
            }),
            None if wanted.is_empty() => Ok(self.engines.clone()),
            None => Ok(wanted),
        }
    }
}

impl UnknownEngine {
    fn names(&self) -> String {
        self.engines.iter().map(Engine::as_str).collect::<Vec<_>>().join(", ")
    }

    const fn hint(&self) -> &'static str {
        if self.is_retired { ", which is retired" } else { "" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_of_an_earlier_version_is_retired_and_stays_among_the_records() {
        let [qa, search, other] = ["qa", "search", "other"].map(Engine::from_static);
        let active = ActivePolicy::new(Policy::compiled().unwrap(), "hash".to_owned(), [search]);
        assert_eq!((active.require_engine(qa), active.is_retired(qa)), (Ok(()), false));
        assert!(active.is_retired(search) && active.engines_of_records(Some(search)) == Ok(BTreeSet::from([search])));
        let refused = active.require_engine(search).unwrap_err().to_string();
        assert!(refused.ends_with("voice_engine; got \"search\", which is retired"), "{refused}");
        assert_eq!(active.engines_of_records([search, qa, qa]), Ok(BTreeSet::from([qa, search])));
        let refused = active.engines_of_records([qa, other]).unwrap_err().to_string();
        assert!(refused.contains("age, billing, ") && refused.ends_with("got \"other\""), "{refused}");
        assert!(
            active.require_engine(Engine::AGE).is_err()
                && active.engines_of_records(None).unwrap().contains(&Engine::AGE)
        );
        assert!(!active.is_retired(other) && !active.is_retired(Engine::AGE));
    }
}
