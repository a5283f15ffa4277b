//! The active policy of an execution environment, read together with the credentials.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use age_model::{CredentialSource, Engine, KeyringFuture, PolicyPointer, StoreError};
use age_policy::{ActivePolicy, CompiledPolicyError, Policy, UnknownEngine};
use age_store::{Credentials, Policies, ReadPointer};
use thiserror::Error;

/// The active policy. Functions behind the API refresh it whenever they read the credentials, others when they run: a plan is made by a
/// version that was active at most a minute ago. Build one per execution environment.
#[derive(Clone)]
pub struct PolicyCache(Arc<Inner>);

struct Inner {
    policies: Policies,
    cached: Mutex<Cached>,
}

struct Cached {
    /// The number of the activation; 0 for the default policy.
    number: u64,
    active: Arc<ActivePolicy>,
    /// Why the active version could not be read at the latest attempt. AGE works by the last one that it could read.
    unreadable: Option<StoreError>,
}

/// Why events of an engine are refused.
#[derive(Debug, Error)]
pub enum EngineRefusal {
    /// The active policy does not have the engine.
    #[error(transparent)]
    Unknown(#[from] UnknownEngine),
    /// The last policy that could be read does not have the engine; the active one may.
    #[error("the active policy cannot be read, so it is unknown whether it has the engine \"{0}\"")]
    PolicyUnreadable(Engine),
}

impl PolicyCache {
    /// Starts with the default policy, until the active one is read for the first time.
    ///
    /// # Errors
    /// [`CompiledPolicyError`] if the binary is damaged.
    pub fn new(policies: Policies) -> Result<Self, CompiledPolicyError> {
        let cached = Cached { number: 0, active: Arc::new(ActivePolicy::compiled()?), unreadable: None };
        Ok(Self(Arc::new(Inner { policies, cached: Mutex::new(cached) })))
    }

    /// Returns the active policy. Take it once per event or step, so that all of the step follows one version.
    #[must_use]
    pub fn current(&self) -> Arc<ActivePolicy> {
        Arc::clone(&self.cached().active)
    }

    /// Whether the active version was read at the latest attempt.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.cached().unreadable.is_none()
    }

    /// Returns the engines of which events may be reported now.
    #[must_use]
    pub fn known_engines(&self) -> KnownEngines {
        let cached = self.cached();
        KnownEngines { active: Arc::clone(&cached.active), is_current: cached.unreadable.is_none() }
    }

    /// Returns a source of `credentials` that reads the pointer to the active version in the same call.
    #[must_use]
    pub fn with_credentials(&self, credentials: Credentials) -> CredentialsAndPolicy {
        CredentialsAndPolicy { credentials, cache: self.clone() }
    }

    /// Reads the pointer to the active version, and the version if it is another one than before: for functions without callers. If
    /// that fails, AGE goes on with the version that it has.
    pub async fn refresh(&self) {
        let pointer = self.0.policies.active().await;
        self.update(pointer).await;
    }

    async fn update(&self, pointer: ReadPointer) {
        let read = match pointer {
            Ok(Some(pointer)) => self.read(pointer).await,
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        let mut cached = self.cached();
        match read {
            Ok(Some((number, active))) if number > cached.number => {
                tracing::info!(policy.hash = active.hash, "AGE works by the policy version {}", active.hash);
                *cached = Cached { number, active: Arc::new(active), unreadable: None };
            }
            // An earlier read that ended later does not bring an older version back.
            Ok(_) => cached.unreadable = None,
            Err(error) => {
                let hash = &cached.active.hash;
                tracing::error!(%error, policy.hash = hash, "the active policy cannot be read, AGE goes on with version {hash}: {error}");
                cached.unreadable = Some(error);
            }
        }
    }

    /// Returns the version that `pointer` names, with the number of its activation, unless it is cached.
    async fn read(&self, pointer: PolicyPointer) -> Result<Option<(u64, ActivePolicy)>, StoreError> {
        let PolicyPointer { number, hash, engines, .. } = pointer;
        if number <= self.cached().number {
            return Ok(None);
        }
        let policy = match self.current() {
            current if current.hash == hash.to_string() => current.policy.clone(),
            _ => self.0.policies.document(&hash, parse).await?,
        };
        Ok(Some((number, ActivePolicy::new(policy, hash.to_string(), engines))))
    }

    fn cached(&self) -> MutexGuard<'_, Cached> {
        self.0.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parse(document: &str) -> Result<Policy, serde_json::Error> {
    serde_json::from_str(document)
}

impl fmt::Debug for PolicyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PolicyCache").field(&self.cached().active.hash).finish()
    }
}

/// All credentials. Whenever they are read, the cached policy is refreshed.
#[derive(Debug, Clone)]
pub struct CredentialsAndPolicy {
    credentials: Credentials,
    cache: PolicyCache,
}

impl CredentialSource for CredentialsAndPolicy {
    fn keyring(&self) -> KeyringFuture<'_> {
        Box::pin(async {
            let (keyring, pointer) = self.cache.0.policies.active_with(&self.credentials).await?;
            self.cache.update(pointer).await;
            Ok(keyring)
        })
    }
}

/// The engines of which events may be reported.
#[derive(Debug, Clone)]
pub struct KnownEngines {
    active: Arc<ActivePolicy>,
    is_current: bool,
}

impl KnownEngines {
    /// Returns the engines of the default policy.
    ///
    /// # Errors
    /// [`CompiledPolicyError`] if the binary is damaged.
    pub fn compiled() -> Result<Self, CompiledPolicyError> {
        Ok(Self { active: Arc::new(ActivePolicy::compiled()?), is_current: true })
    }

    /// Requires that events of `engine` may be reported.
    ///
    /// # Errors
    /// [`EngineRefusal`] if not, or if that is unknown.
    pub fn require(&self, engine: Engine) -> Result<(), EngineRefusal> {
        match self.active.require_engine(engine) {
            Err(_) if !self.is_current => Err(EngineRefusal::PolicyUnreadable(engine)),
            required => Ok(required?),
        }
    }
}
