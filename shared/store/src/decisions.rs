//! The `decisions` table: what the guardrails answered, one row a decision, which expires.

use age_model::{
    ApprovalNotifications, Decision, DecisionApproval, DecisionApprovalStatus, DecisionEventStatus, DecisionId,
    DecisionPosture, DecisionReason, DecisionRecord, DecisionRequest, Engine, EventId, KeyId, NotificationFailure,
    PolicyHash, ShadowVerdict, StoreError, Timestamp, Verdict,
};
use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure};
use serde::{Deserialize, Serialize};

use crate::dynamodb::attribute::{Item, text};
use crate::dynamodb::client::{Consistency, DynamoDb, Table};
use crate::dynamodb::keys::{self, DueKey, DueStep, Position};
use crate::dynamodb::transaction::{self, TransactionResult, Write};
use crate::dynamodb::update::UpdateExpression;
use crate::policies::Policies;

/// The error of a `due_key` that is malformed.
pub(crate) const INVALID_DUE_KEY: &str = "must be an engine, a step and a time";

/// The row, except for attributes of a later version.
#[derive(Debug, Serialize, Deserialize)]
struct DecisionRow {
    id: DecisionId,
    /// The partition of the index `listing`.
    engine: Engine,
    /// The sort key of the index `listing`.
    at: String,
    asked_by: KeyId,
    request: DecisionRequest,
    verdict: Verdict,
    reasons: Vec<DecisionReason>,
    policy_hash: PolicyHash,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    posture: Option<DecisionPosture>,
    valid_until: Timestamp,
    /// The status of the approval, for filters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approval_status: Option<DecisionApprovalStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approval: Option<DecisionApproval>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approved_by_decision: Option<DecisionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event_expected_by: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event_status: Option<DecisionEventStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    followed_by: Option<EventId>,
    /// The partition of the index `due`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_shard: Option<String>,
    /// The sort key of the index `due`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_key: Option<String>,
    /// Number of notifications about the approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    notification_count: Option<u32>,
    /// When people were last notified of the approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    notified_at: Option<Timestamp>,
    /// Why people could not be notified of the approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    notification_failure: Option<NotificationFailure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shadow: Option<ShadowVerdict>,
    /// Whether the shadow would have answered otherwise, for filters; absent if not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shadow_differs: Option<bool>,
    expires_at: i64,
}

/// A decision to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDecision {
    /// The decision.
    pub decision: Decision,
    /// The approval that it uses.
    pub uses: Option<UsedApproval>,
}

/// An approval as it was read, which a decision uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedApproval {
    /// The decision that was approved.
    pub decision: DecisionId,
    /// The digest that the approval is bound to.
    pub digest: String,
}

/// The result of recording decisions. Unless they are `Recorded`, nothing was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordedDecisions {
    /// All of them are recorded, and the approvals that they use are used.
    Recorded,
    /// Decisions with these ids were recorded before.
    Exist(Vec<Decision>),
    /// An approval has been used meanwhile, or another policy version is active.
    Stale,
    /// Other transactions were writing the rows. The counters with these indexes are among them.
    Conflict(Vec<usize>),
}

/// The `decisions` table.
#[derive(Debug, Clone)]
pub struct Decisions {
    pub(crate) table: Table,
    retention_days: i64,
}

impl Decisions {
    /// Uses the table `name`, whose rows expire `retention_days` after the decision.
    #[must_use]
    pub fn new(db: &DynamoDb, name: impl Into<String>, retention_days: i64) -> Self {
        Self { table: db.table(name, &["id"]), retention_days }
    }

    /// Returns the decision `id`, if it exists.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn get(&self, id: DecisionId, consistency: Consistency) -> Result<Option<Decision>, StoreError> {
        let item = self.table.get([("id", text(id))], consistency).await?;
        item.map(|item| self.parse(&item)).transpose()
    }

    /// Returns those of the decisions `ids` that exist, read strongly, in no particular order.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    pub async fn get_all(&self, ids: impl IntoIterator<Item = DecisionId>) -> Result<Vec<Decision>, StoreError> {
        let keys: Vec<Item> = ids.into_iter().map(|id| Item::from([("id".to_owned(), text(id))])).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.table.get_all(keys).await?.iter().map(|item| self.parse(item)).collect()
    }

    /// Records `decisions` together, none of whose ids may exist, with `counters`, the writes that count them. The approvals that they
    /// use are used up, provided that they are approved and that `active` is the active policy version.
    ///
    /// INVARIANT: decisions, their counters, the end of the approvals that they use and the check of the version are one transaction. A
    /// recorded decision is counted once.
    ///
    /// # Errors
    /// [`StoreError`] if they were not recorded, or that is unknown.
    pub async fn record(
        &self,
        decisions: &[NewDecision],
        counters: Vec<Write>,
        policies: &Policies,
        active: &PolicyHash,
    ) -> Result<RecordedDecisions, StoreError> {
        let counters_at = decisions.len()..decisions.len() + counters.len();
        let mut writes = Vec::new();
        for NewDecision { decision, .. } in decisions {
            let put = Put::builder()
                .set_item(Some(self.item(decision)?))
                .condition_expression("attribute_not_exists(id)")
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            writes.push(transaction::put(&self.table.name, put)?);
        }
        writes.extend(counters);
        let mut has_uses = false;
        for NewDecision { decision, uses } in decisions {
            let Some(used) = uses else { continue };
            has_uses = true;
            writes.push(self.use_of(used, decision)?);
        }
        if has_uses {
            writes.push(policies.is_active(active)?);
        }
        match self.table.commit(writes).await? {
            TransactionResult::Committed => Ok(RecordedDecisions::Recorded),
            TransactionResult::Exists(rows) => {
                let existing = rows.iter().map(|row| self.parse(&row.item)).collect::<Result<_, _>>()?;
                Ok(RecordedDecisions::Exist(existing))
            }
            TransactionResult::Stale => Ok(RecordedDecisions::Stale),
            TransactionResult::Conflict(indexes) => {
                let of_counters = indexes.into_iter().filter(|index| counters_at.contains(index));
                Ok(RecordedDecisions::Conflict(of_counters.map(|index| index - counters_at.start).collect()))
            }
            TransactionResult::InProgress => Ok(RecordedDecisions::Conflict(Vec::new())),
        }
    }

    /// Returns the write by which `decision` uses up an approval.
    fn use_of(&self, used: &UsedApproval, decision: &Decision) -> Result<Write, StoreError> {
        let mut expression = UpdateExpression::default();
        set_status(&mut expression, DecisionApprovalStatus::Used);
        expression.set(&["approval", "usedBy"], text(decision.id));
        let condition = condition_on_approval(&mut expression, DecisionApprovalStatus::Approved, &used.digest);
        let update = expression.into_update().key("id", text(used.decision)).condition_expression(condition);
        transaction::update(&self.table.name, update)
    }

    /// Stores that a responder has decided on the pending approval of the decision `id`. Returns false, and nothing is written, if
    /// it is not pending any more.
    ///
    /// # Errors
    /// [`StoreError`] if it was not stored.
    pub async fn decide_approval(&self, id: DecisionId, approval: &DecisionApproval) -> Result<bool, StoreError> {
        let mut expression = UpdateExpression::default();
        set_status(&mut expression, approval.status);
        for (name, value) in [
            ("decidedBy", approval.decided_by.as_ref().map(ToString::to_string)),
            ("decidedAt", approval.decided_at.map(|at| at.to_string())),
        ] {
            if let Some(value) = value {
                expression.set(&["approval", name], text(value));
            }
        }
        // Nobody has to be notified any more.
        set_due(&mut expression, None);
        let condition = condition_on_approval(&mut expression, DecisionApprovalStatus::Pending, &approval.digest);
        let update = self.table.client.update_item().table_name(&self.table.name).key("id", text(id));
        self.table.update_if(expression.apply(update).condition_expression(condition)).await
    }

    /// Returns the error of writes that conflicted with others in each of `attempts`.
    #[must_use]
    pub fn contended(&self, attempts: u32) -> StoreError {
        StoreError::Contended { table: self.table.name.clone(), attempts }
    }

    fn item(&self, decision: &Decision) -> Result<Item, StoreError> {
        let DecisionRecord { decision, due_at, .. } = DecisionRecord::new(decision.clone());
        let approval_due = due_at.map(|at| (DueStep::Approval, at));
        let due = approval_due.or_else(|| decision.event_due_at().map(|at| (DueStep::Event, at)));
        let due_key = due.map(|(step, at)| keys::due_decision(decision.engine, step, at));
        self.table.serialize(&DecisionRow {
            id: decision.id,
            engine: decision.engine,
            at: Position::of_decision(decision.decided_at, decision.id).to_string(),
            asked_by: decision.asked_by,
            request: decision.request,
            verdict: decision.verdict,
            reasons: decision.reasons,
            policy_hash: decision.policy_hash,
            posture: decision.posture,
            valid_until: decision.expires_at,
            approval_status: decision.approval.as_ref().map(|approval| approval.status),
            approval: decision.approval,
            approved_by_decision: decision.approved_by_decision,
            event_expected_by: decision.event_expected_by,
            event_status: decision.event_status,
            followed_by: decision.followed_by,
            due_shard: due_key.as_ref().map(|_| keys::due_shard(decision.engine.as_str())),
            due_key,
            // Nobody was notified yet.
            notification_count: None,
            notified_at: None,
            notification_failure: None,
            shadow: decision.shadow.clone(),
            shadow_differs: decision.shadow.is_some().then_some(true),
            expires_at: decision.decided_at.plus_days(self.retention_days).seconds(),
        })
    }

    pub(crate) fn parse(&self, item: &Item) -> Result<Decision, StoreError> {
        Ok(self.parse_record(item)?.decision)
    }

    pub(crate) fn parse_record(&self, item: &Item) -> Result<DecisionRecord, StoreError> {
        let row: DecisionRow = self.table.parse(item)?;
        let at = row.at.parse::<Position>().ok().and_then(|position| position.time());
        let notifications = ApprovalNotifications {
            count: row.notification_count.unwrap_or_default(),
            last_at: row.notified_at,
            failure: row.notification_failure,
        };
        let due_at = row.due_key.as_deref().map(|key| DueKey::parse(key).map(|due| due.due_at));
        let due_at = due_at.map(|due_at| due_at.ok_or_else(|| self.table.corrupt(item, "due_key", INVALID_DUE_KEY)));
        let decision = Decision {
            id: row.id,
            decided_at: at.ok_or_else(|| self.table.corrupt(item, "at", "must be a time and a decision id"))?,
            engine: row.engine,
            asked_by: row.asked_by,
            request: row.request,
            verdict: row.verdict,
            reasons: row.reasons,
            policy_hash: row.policy_hash,
            posture: row.posture,
            expires_at: row.valid_until,
            approval: row.approval,
            approved_by_decision: row.approved_by_decision,
            event_expected_by: row.event_expected_by,
            event_status: row.event_status,
            followed_by: row.followed_by,
            shadow: row.shadow,
        };
        Ok(DecisionRecord { decision, notifications, due_at: due_at.transpose()? })
    }
}

/// Returns the condition that the approval has this status and is of what `digest` names.
pub(crate) fn condition_on_approval(
    expression: &mut UpdateExpression,
    status: DecisionApprovalStatus,
    digest: &str,
) -> String {
    let [of_status, of_digest] = ["status", "digest"].map(|name| expression.path(&["approval", name]));
    let [status, digest] = [expression.value(text(status)), expression.value(text(digest))];
    format!("{of_status} = {status} AND {of_digest} = {digest}")
}

/// Sets the status of the approval, where the decision has it and where filters read it.
pub(crate) fn set_status(expression: &mut UpdateExpression, status: DecisionApprovalStatus) {
    expression.set(&["approval", "status"], text(status));
    expression.set(&["approval_status"], text(status));
}

/// Sets when the next step of the approval of an operation of this engine is due. None takes the decision out of the index `due`.
pub(crate) fn set_due(expression: &mut UpdateExpression, due: Option<(Engine, Timestamp)>) {
    if let Some((engine, due_at)) = due {
        expression.set(&["due_shard"], text(keys::due_shard(engine.as_str())));
        expression.set(&["due_key"], text(keys::due_decision(engine, DueStep::Approval, due_at)));
    } else {
        remove_due(expression);
    }
}

/// Takes the decision out of the index `due`.
pub(crate) fn remove_due(expression: &mut UpdateExpression) {
    expression.remove(&["due_shard"]);
    expression.remove(&["due_key"]);
}
