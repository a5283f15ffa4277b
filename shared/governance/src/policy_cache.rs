//! The active policy of an execution environment, read together with the credentials.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use age_model::{
    CredentialSource, Engine, KeyringFuture, PolicyHash, PolicyPointer, PolicyShadow, StoreError, Timestamp,
};
use age_policy::{ActivePolicy, CompiledPolicyError, Policy, UnknownEngine};
use age_store::{Credentials, Policies, PolicyPointers, ReadPointers};
use thiserror::Error;

use crate::shadow_policy::ShadowPolicy;

/// The active policy. Functions behind the API refresh it whenever they read the credentials, others when they run: a plan is made by a
/// version that was active at most a minute ago. Build one per execution environment.
#[derive(Clone)]
pub struct PolicyCache(Arc<Inner>);

struct Inner {
    policies: Policies,
    /// Whether the document of the shadow is read.
    reads_shadow: bool,
    cached: Mutex<Cached>,
}

struct Cached {
    /// The number of the activation of `active`; 0 for a version that the pointer does not name.
    number: u64,
    active: Arc<ActivePolicy>,
    /// The latest pointer that could be read.
    pointer: Option<PolicyPointer>,
    /// Why the active version could not be read at the latest attempt. AGE works by the last one that it could read.
    unreadable: Option<UnreadablePolicy>,
    /// The shadow; None if no version is the shadow, or its document cannot be read.
    shadow: Option<Arc<ShadowPolicy>>,
}

/// Why the active policy version cannot be read.
#[derive(Debug, Clone)]
pub(crate) struct UnreadablePolicy {
    pub(crate) error: StoreError,
    /// How many attempts in a row have failed.
    pub(crate) attempts: u32,
}

/// The policy version that an execution environment works by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyStatus {
    /// The hash of the version.
    pub hash: String,
    /// When it was activated. None for the default policy that was never activated, or if that is unknown.
    pub activated_at: Option<Timestamp>,
    /// Whether it is the active version. If not, that one cannot be read.
    pub is_readable: bool,
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
        Self::build(policies, false)
    }

    /// As [`Self::new`], and reads the shadow as well, if a version is the shadow.
    ///
    /// # Errors
    /// [`CompiledPolicyError`] if the binary is damaged.
    pub fn with_shadow(policies: Policies) -> Result<Self, CompiledPolicyError> {
        Self::build(policies, true)
    }

    fn build(policies: Policies, reads_shadow: bool) -> Result<Self, CompiledPolicyError> {
        let active = Arc::new(ActivePolicy::compiled()?);
        let cached = Cached { number: 0, active, pointer: None, unreadable: None, shadow: None };
        Ok(Self(Arc::new(Inner { policies, reads_shadow, cached: Mutex::new(cached) })))
    }

    /// Returns the active policy. Take it once per event or step, so that all of the step follows one version.
    #[must_use]
    pub fn current(&self) -> Arc<ActivePolicy> {
        Arc::clone(&self.cached().active)
    }

    /// Returns the shadow, if one runs at `now` and can be read.
    pub(crate) fn shadow(&self, now: Timestamp) -> Option<Arc<ShadowPolicy>> {
        let shadow = self.cached().shadow.clone()?;
        shadow.shadow.is_running(now).then_some(shadow)
    }

    /// Returns the version that AGE works by, and whether it is the active one.
    #[must_use]
    pub fn status(&self) -> PolicyStatus {
        let cached = self.cached();
        let hash = cached.active.hash.clone();
        let activated = cached.pointer.as_ref().filter(|pointer| pointer.hash.to_string() == hash);
        PolicyStatus {
            activated_at: activated.map(|pointer| pointer.activated_at),
            hash,
            is_readable: cached.unreadable.is_none(),
        }
    }

    /// Returns why the active version could not be read at the latest attempt.
    pub(crate) fn unreadable(&self) -> Option<UnreadablePolicy> {
        self.cached().unreadable.clone()
    }

    /// Returns the pointer to the active version as it was read last; None before the first activation.
    pub(crate) fn pointer(&self) -> Result<Option<PolicyPointer>, UnreadablePolicy> {
        let cached = self.cached();
        cached.unreadable.clone().map_or_else(|| Ok(cached.pointer.clone()), Err)
    }

    /// Returns the number of the latest activation; 0 before the first.
    pub(crate) fn latest_activation(&self) -> u64 {
        self.cached().pointer.as_ref().map_or(0, |pointer| pointer.number)
    }

    /// Returns the table of policy versions.
    pub(crate) fn policies(&self) -> &Policies {
        &self.0.policies
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
        let pointers = self.0.policies.pointers().await;
        self.update(pointers).await;
    }

    async fn update(&self, pointers: ReadPointers) {
        let read = match pointers {
            Ok(PolicyPointers { active, shadow }) => {
                let read = match active {
                    Some(pointer) => self.read(&pointer).await,
                    None => Ok(()),
                };
                self.update_shadow(shadow).await;
                read
            }
            Err(error) => Err(error),
        };
        let mut cached = self.cached();
        match read {
            Ok(()) => cached.unreadable = None,
            Err(error) => {
                let (hash, attempts) = (&cached.active.hash, cached.unreadable.as_ref().map_or(0, |it| it.attempts));
                tracing::error!(%error, policy.hash = hash, "the active policy cannot be read, AGE goes on with version {hash}: {error}");
                cached.unreadable = Some(UnreadablePolicy { error, attempts: attempts.saturating_add(1) });
            }
        }
    }

    /// Reads the version that `pointer` names, unless it is cached. If it cannot be read, AGE goes on with the version that it has,
    /// or in a new environment with the one that was active before, if that can be read.
    async fn read(&self, pointer: &PolicyPointer) -> Result<(), StoreError> {
        if pointer.number <= self.cached().number {
            return Ok(());
        }
        let error = match self.version(&pointer.hash).await {
            Ok(policy) => {
                self.set(policy, pointer.hash, pointer, pointer.number);
                return Ok(());
            }
            Err(error) => error,
        };
        let has_none = { self.cached().pointer.is_none() };
        if has_none && let Ok(policy) = self.version(&pointer.previous).await {
            self.set(policy, pointer.previous, pointer, 0);
        } else {
            let mut cached = self.cached();
            let ActivePolicy { policy, hash, .. } = cached.active.as_ref().clone();
            // The records of every engine stay complete, whichever version AGE works by.
            cached.active = Arc::new(ActivePolicy::new(policy, hash, pointer.engines.iter().copied()));
            cached.pointer = Some(pointer.clone());
        }
        Err(error)
    }

    /// Reads the document of the shadow, unless it is cached. If it cannot be read, decisions go on without the shadow.
    async fn update_shadow(&self, shadow: Option<PolicyShadow>) {
        let cached = self.cached().shadow.clone();
        if !self.0.reads_shadow || cached.as_ref().map(|cached| &cached.shadow) == shadow.as_ref() {
            return;
        }
        let Some(shadow) = shadow else {
            self.cached().shadow = None;
            return;
        };
        let policy = match cached.filter(|cached| cached.shadow.hash == shadow.hash) {
            Some(cached) => Ok(Arc::clone(&cached.policy)),
            None => self.version(&shadow.hash).await.map(Arc::new),
        };
        let hash = shadow.hash;
        let read = policy.inspect_err(|error| {
            tracing::warn!(%error, policy.hash = %hash, "no decision is compared with the shadow {hash}, which cannot be read: {error}");
        });
        self.cached().shadow = read.ok().map(|policy| Arc::new(ShadowPolicy { policy, shadow }));
    }

    fn set(&self, policy: Policy, hash: PolicyHash, pointer: &PolicyPointer, number: u64) {
        let mut cached = self.cached();
        // An earlier read that ended later does not bring an older version back.
        if pointer.number < cached.pointer.as_ref().map_or(0, |pointer| pointer.number) || number < cached.number {
            return;
        }
        tracing::info!(policy.hash = %hash, "AGE works by the policy version {hash}");
        cached.active = Arc::new(ActivePolicy::new(policy, hash.to_string(), pointer.engines.iter().copied()));
        cached.pointer = Some(pointer.clone());
        cached.number = number;
    }

    async fn version(&self, hash: &PolicyHash) -> Result<Policy, StoreError> {
        let current = self.current();
        if current.hash == hash.to_string() {
            return Ok(current.policy.clone());
        }
        match self.0.policies.document(hash, parse).await {
            // It is compiled in, so its row is not needed.
            Err(error) if *hash == Policy::COMPILED_HASH => Policy::compiled().map_err(|_| error),
            read => read,
        }
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
            let (keyring, pointers) = self.cache.0.policies.active_with(&self.credentials).await?;
            self.cache.update(pointers).await;
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
