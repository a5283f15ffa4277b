//! The decisions whose approvals are pending.

use std::collections::BTreeSet;

use age_model::{
    Decision, DecisionApprovalStatus, DecisionId, Engine, StoreError, Timestamp, UnreadableItem, take_turns,
};

use crate::decisions::Decisions;
use crate::dynamodb::attribute::{Item, text};
use crate::dynamodb::keys::DueStep;
use crate::found::Found;

/// How many decisions of each engine are counted.
const MAX_COUNTED: usize = 100;

/// The next step of a pending approval is due within the time for the approval, which is at most a day.
const MAX_DAYS: i64 = 2;

/// Decisions whose approvals are pending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PendingApprovals {
    /// The decisions, first the one whose time is up first.
    pub decisions: Vec<Decision>,
    /// How many more there are; of each engine, up to 100 are counted.
    pub more: usize,
    /// The decisions among those read that cannot be read.
    pub unreadable: Vec<UnreadableItem>,
}

impl Decisions {
    /// Returns up to `limit` decisions of `engines` whose approvals are pending at `now`. If there are more, engines take turns, so that one
    /// with many does not hide those of another.
    ///
    /// Makes one query of each partition of the index `due`, more if many approvals are pending, and one read of each decision that is returned. A
    /// new decision may be missing for some seconds.
    ///
    /// # Errors
    /// [`StoreError`] if the table cannot be read.
    pub async fn pending(
        &self,
        engines: &BTreeSet<Engine>,
        limit: usize,
        now: Timestamp,
    ) -> Result<PendingApprovals, StoreError> {
        let counted = |engine, step| (step == DueStep::Approval && engines.contains(&engine)).then_some(MAX_COUNTED);
        let due = self.due(now.plus_days(MAX_DAYS), counted).await?;
        let Found { items: due, mut unreadable } = Found::of(due.items)?;
        let ids: Vec<DecisionId> = take_turns(due, |due| due.engine).into_iter().map(|due| due.id).collect();
        let key = |id: &DecisionId| Item::from([("id".to_owned(), text(id))]);
        let keys: Vec<Item> = ids.iter().take(limit).map(key).collect();
        let rows = if keys.is_empty() { Vec::new() } else { self.table.get_all(keys).await? };
        let found = Found::of(rows.iter().map(|row| self.parse(row)))?;
        unreadable.extend(found.unreadable);
        let mut decisions = found.items;
        // The index is eventually consistent, and an approval is in it until the sweep finds that its time is up.
        let until = |decision: &Decision| {
            let approval = decision.approval.as_ref()?;
            (approval.status_at(now) == DecisionApprovalStatus::Pending).then_some(approval.until)
        };
        decisions.retain(|decision| until(decision).is_some());
        decisions.sort_by_key(|decision| (until(decision), decision.id));
        Ok(PendingApprovals { decisions, more: ids.len().saturating_sub(limit), unreadable })
    }
}
