//! Activating a policy version: from then on, AGE works by it. Activating an earlier version is a rollback.

use std::collections::BTreeSet;

use age_model::{
    Clock, Engine, Event, KeyId, MAX_ENGINES_EVER, Note, PolicyActivation, PolicyHash, PolicyPointer, PolicyVersion,
    StoreError, Timestamp,
};
use age_policy::Policy;
use age_store::{ActivationChange, Policies, PolicyPointers, TransactionResult, wait_before_retry};
use thiserror::Error;

use crate::own_events::OwnEvents;
use crate::read_policies::{PolicyDocument, PolicyReadError, is_default, policy_version};

/// Attempts while other admins activate versions. Admins do so by hand, so more attempts would not help.
const MAX_ATTEMPTS: u32 = 8;

/// Why a policy version is not activated.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ActivationConflict {
    /// The version is active already.
    #[error("policy version {} is active already{}", .0.hash, .0.since())]
    AlreadyActive(ActiveVersion),
    /// Another version is active than the caller expected.
    #[error("the active policy version is {}{}; expectedActive is {expected}", active.hash, active.since())]
    NotExpected {
        /// The active version.
        active: ActiveVersion,
        /// The version that the caller expected.
        expected: PolicyHash,
    },
    /// The active version requires another admin than the author.
    #[error(
        "policy version {hash} is activated by another admin than its author, {author}: the active policy has \
         activation.requires_another_admin"
    )]
    NeedsAnotherAdmin {
        /// The version.
        hash: PolicyHash,
        /// The credential that stored the version, which is the caller's.
        author: KeyId,
    },
    /// Active versions would have had too many engines together.
    #[error("active versions would have had {0} engines together, at most {MAX_ENGINES_EVER} are possible")]
    TooManyEngines(usize),
}

/// The active version, and who has activated it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveVersion {
    /// The version.
    pub hash: PolicyHash,
    /// The admin who activated it, and the time. None if no version was ever activated: it is the default policy.
    pub activated: Option<(KeyId, Timestamp)>,
}

/// Why a policy version was not activated.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ActivationError {
    /// No version has the hash.
    #[error("policy version {0} does not exist")]
    NotFound(PolicyHash),
    /// The active version does not permit it.
    #[error(transparent)]
    Conflict(#[from] ActivationConflict),
    /// The activation was not stored, or that is unknown.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A request to activate a policy version.
#[derive(Debug, Clone)]
pub struct ActivationRequest {
    /// The version.
    pub hash: PolicyHash,
    /// The version that is active, as the caller knows.
    pub expected_active: PolicyHash,
    /// Why, for people.
    pub reason: Note,
}

impl ActiveVersion {
    fn of(pointer: Option<&PolicyPointer>) -> Self {
        match pointer {
            Some(pointer) => {
                let activated = Some((pointer.activated_by.clone(), pointer.activated_at));
                Self { hash: pointer.hash, activated }
            }
            None => Self { hash: Policy::COMPILED_HASH, activated: None },
        }
    }

    /// Returns by whom and when it was activated, as the rest of a sentence.
    fn since(&self) -> String {
        match &self.activated {
            Some((by, at)) => format!(", activated by {by} at {at}"),
            None => ", the default policy".to_owned(),
        }
    }
}

/// Activates policy versions.
#[derive(Debug, Clone)]
pub struct PolicyActivator {
    policies: Policies,
    own_events: OwnEvents,
}

impl PolicyActivator {
    /// Writes to these tables.
    #[must_use]
    pub const fn new(policies: Policies, own_events: OwnEvents) -> Self {
        Self { policies, own_events }
    }

    /// Activates a policy version for `by`. The same request of the same caller, whose response was lost, is not carried out again.
    ///
    /// # Errors
    /// [`ActivationError`] if there is no such version, another one is active than expected, or it was not stored.
    pub async fn activate(
        &self,
        request: &ActivationRequest,
        by: &KeyId,
        clock: &dyn Clock,
    ) -> Result<PolicyActivation, ActivationError> {
        for attempt in 1..=MAX_ATTEMPTS {
            let activated = match self.attempt(request, by, clock).await {
                Err(ActivationError::Store(error @ StoreError::UnknownOutcome { .. })) => {
                    Some(self.resolve_unknown(request, by, error).await?)
                }
                result => result?,
            };
            if let Some(activation) = activated {
                let PolicyActivation { hash, version, number, .. } = &activation;
                tracing::info!(policy.hash = %hash, caller.id = %by, "activated policy version {version}: activation {number}");
                return Ok(activation);
            }
            wait_before_retry(attempt, clock).await;
        }
        Err(self.policies.contended(MAX_ATTEMPTS).into())
    }

    /// Returns the activation of the request whose response was lost, if the table has it.
    async fn resolve_unknown(
        &self,
        request: &ActivationRequest,
        by: &KeyId,
        lost: StoreError,
    ) -> Result<PolicyActivation, StoreError> {
        let Ok(pointer) = self.policies.active().await else { return Err(lost) };
        let pointer = pointer.filter(|pointer| pointer.hash == request.hash);
        match self.done_before(request, by, pointer.as_ref()).await {
            Ok(Some(activation)) => Ok(activation),
            Ok(None) => Err(lost.not_stored()),
            Err(_) => Err(lost),
        }
    }

    /// Tries once. Returns None if others were writing at the same time.
    async fn attempt(
        &self,
        request: &ActivationRequest,
        by: &KeyId,
        clock: &dyn Clock,
    ) -> Result<Option<PolicyActivation>, ActivationError> {
        let document = self.version(request.hash).await?;
        let PolicyPointers { active: pointer, shadow } = self.policies.pointers().await?;
        let active = ActiveVersion::of(pointer.as_ref());
        if active.hash == request.hash {
            let done = self.done_before(request, by, pointer.as_ref()).await?;
            return done.map(Some).ok_or_else(|| ActivationConflict::AlreadyActive(active).into());
        }
        if active.hash != request.expected_active {
            return Err(ActivationConflict::NotExpected { active, expected: request.expected_active }.into());
        }
        let PolicyDocument { version, .. } = &document;
        self.check_author(version, active.hash, by).await?;
        let engines = engines_ever(pointer.as_ref(), &document.policy(&self.policies)?)?;
        let activation = PolicyActivation {
            number: pointer.as_ref().map_or(0, |pointer| pointer.number).saturating_add(1),
            hash: version.hash,
            version: version.number,
            previous: active.hash,
            by: by.clone(),
            at: clock.now(),
            reason: request.reason.clone().into(),
        };
        let default_policy = self.default_policy(&activation).await?;
        let change = ActivationChange {
            before: pointer.as_ref(),
            activation: &activation,
            version,
            engines: &engines,
            ends_shadow: shadow.is_some_and(|shadow| shadow.hash == version.hash),
            default_policy: default_policy.then_some((Policy::COMPILED_HASH, Policy::COMPILED_JSON)),
        };
        let mut writes = self.policies.activation_writes(&change)?;
        writes.extend(self.own_events.writes(&Event::policy_activated(&activation))?);
        match self.policies.commit(writes).await? {
            TransactionResult::Committed => Ok(Some(activation)),
            TransactionResult::Exists(_)
            | TransactionResult::Stale
            | TransactionResult::Conflict(_)
            | TransactionResult::InProgress => Ok(None),
        }
    }

    /// Refuses the first activation of a version by its author, if the active version requires another admin.
    async fn check_author(
        &self,
        version: &PolicyVersion,
        active: PolicyHash,
        by: &KeyId,
    ) -> Result<(), ActivationError> {
        let is_author = version.author.as_ref() == Some(by);
        if !is_author || !self.version(active).await?.policy(&self.policies)?.activation.requires_another_admin {
            return Ok(());
        }
        match self.policies.listed_version(&version.hash, version.number).await? {
            Some(listed) if listed.activations > 0 => Ok(()),
            _ => Err(ActivationConflict::NeedsAnotherAdmin { hash: version.hash, author: by.clone() }.into()),
        }
    }

    async fn version(&self, hash: PolicyHash) -> Result<PolicyDocument, ActivationError> {
        policy_version(&self.policies, hash).await.map_err(|error| match error {
            PolicyReadError::NotFound(hash) => ActivationError::NotFound(hash),
            PolicyReadError::Store(error) => error.into(),
        })
    }

    /// Returns the activation that made the version active, if it was this very request.
    async fn done_before(
        &self,
        request: &ActivationRequest,
        by: &KeyId,
        pointer: Option<&PolicyPointer>,
    ) -> Result<Option<PolicyActivation>, StoreError> {
        let Some(pointer) = pointer else { return Ok(None) };
        if pointer.activated_by != *by || pointer.previous != request.expected_active {
            return Ok(None);
        }
        let reason = String::from(request.reason.clone());
        Ok(self.policies.activation(pointer.number).await?.filter(|activation| activation.reason == reason))
    }

    /// Whether the document of the default policy must be stored: it is activated or replaced, and a later release has another one.
    async fn default_policy(
        &self,
        PolicyActivation { hash, previous, .. }: &PolicyActivation,
    ) -> Result<bool, StoreError> {
        if !is_default(hash) && !is_default(previous) {
            return Ok(false);
        }
        Ok(self.policies.get_with_active(&Policy::COMPILED_HASH).await?.0.is_none())
    }
}

/// Returns every engine that an active version has or had, those of `policy` included.
fn engines_ever(pointer: Option<&PolicyPointer>, policy: &Policy) -> Result<BTreeSet<Engine>, ActivationConflict> {
    let mut engines: BTreeSet<Engine> = policy.engines.keys().copied().collect();
    match pointer {
        Some(pointer) => engines.extend(&pointer.engines),
        // INVARIANT: before the first activation, the default policy is active. A damaged binary has no default policy and no engines.
        None => engines.extend(Policy::compiled().iter().flat_map(|policy| policy.engines.keys())),
    }
    if engines.len() > MAX_ENGINES_EVER {
        return Err(ActivationConflict::TooManyEngines(engines.len()));
    }
    Ok(engines)
}
