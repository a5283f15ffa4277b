//! Requests for decisions that are sent together, and their answers.

use age_model::{AccessRequest, AccessRequestError, Decision, Engine, KeyId};

/// Requests for decisions, which one caller sends together.
#[derive(Debug, Clone)]
pub struct DecisionBatch {
    /// The credential that asks.
    pub caller: KeyId,
    /// The caller's `X-Request-ID`. Without one, no request is a repeat.
    pub request_id: Option<String>,
    /// The requests, at most [`Decision::MAX_BATCH`].
    pub requests: Vec<RequestedDecision>,
    /// How many of them are decided.
    pub semantics: BatchSemantics,
}

/// One request of a batch: the engine whose operation it is, and the operation; or the errors of a request that is not valid.
pub type RequestedDecision = Result<(Engine, AccessRequest), Vec<AccessRequestError>>;

/// How many requests of a batch are decided, in their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BatchSemantics {
    /// All.
    #[default]
    ExecuteAll,
    /// Those up to the first that is not allowed.
    DenyOnFirstDeny,
    /// Those up to the first that is allowed.
    PermitOnFirstPermit,
}

impl BatchSemantics {
    /// Whether no request after one with this answer is decided.
    pub(crate) const fn ends_after(self, is_allowed: bool) -> bool {
        match self {
            Self::ExecuteAll => false,
            Self::DenyOnFirstDeny => !is_allowed,
            Self::PermitOnFirstPermit => is_allowed,
        }
    }
}

/// The answer to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecisionAnswer {
    /// The decision, which is recorded.
    Decided(Box<Decision>),
    /// The request is not valid, so nothing is allowed.
    Invalid(Vec<AccessRequestError>),
}

impl DecisionAnswer {
    /// Whether the operation may run.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Decided(decision) if decision.is_allowed())
    }
}
