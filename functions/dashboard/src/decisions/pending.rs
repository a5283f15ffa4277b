//! The operations that wait for an approval.

use std::collections::BTreeSet;

use age_model::{Engine, StoreError, Timestamp};
use age_policy::ActivePolicy;
use age_store::{Decisions, PendingApprovals};

use crate::decisions::row::DecisionRow;

/// The operations that wait for an approval, first the one whose time is up first.
#[derive(Default)]
pub(crate) struct PendingOperations {
    pub(crate) operations: Vec<DecisionRow>,
    /// How many more there are.
    pub(crate) more: usize,
    /// How many cannot be read.
    pub(crate) unreadable: usize,
}

impl PendingOperations {
    /// Reads up to `limit` of `engines`. A policy without guardrails permits nothing, whoever approves it: none are read then.
    pub(crate) async fn read(
        decisions: &Decisions,
        engines: &BTreeSet<Engine>,
        limit: usize,
        active: &ActivePolicy,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        if active.policy.guardrails.is_empty() {
            return Ok(Self::default());
        }
        let PendingApprovals { decisions, more, unreadable } = decisions.pending(engines, limit, now).await?;
        let row = |decision| DecisionRow::new(decision, &active.policy, now);
        Ok(Self { operations: decisions.iter().map(row).collect(), more, unreadable: unreadable.len() })
    }

    /// Whether there are none, as far as is known.
    pub(crate) const fn is_empty(&self) -> bool {
        self.operations.is_empty() && self.more == 0
    }
}
