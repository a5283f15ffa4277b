//! A hold in responses.

use age_model::{Engine, HoldId, HoldOrigin, HoldRecord, HoldStatus, KeyId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// A temporary stop of an engine, or of one of its operations.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Hold)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HoldView {
    pub(super) id: HoldId,
    engine: Engine,
    /// The name of the action that is stopped; all actions, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    reason: String,
    status: HoldStatus,
    /// The credential of the person who set it; absent if a rule of the policy did.
    #[serde(skip_serializing_if = "Option::is_none")]
    set_by: Option<KeyId>,
    /// The rule of the policy that set it; absent if a person did.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    set_at: Timestamp,
    /// When it ends by itself.
    until: Timestamp,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Timestamp>,
    /// The credential of the person who ended it before its time.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_by: Option<KeyId>,
    /// Why it was ended before its time.
    #[serde(skip_serializing_if = "Option::is_none")]
    end_reason: Option<String>,
}

impl HoldView {
    pub(super) fn new(record: HoldRecord, now: Timestamp) -> Self {
        let status = record.status(now);
        let ended_at = (status == HoldStatus::Ended).then_some(record.ends_at());
        let HoldRecord { hold, end } = record;
        let (set_by, rule) = match hold.set_by {
            HoldOrigin::Person(kid) => (Some(kid), None),
            HoldOrigin::Policy(rule) => (None, Some(rule)),
        };
        let (ended_by, end_reason) = end.map(|end| (person(end.by), end.reason)).unwrap_or_default();
        Self {
            id: hold.id,
            engine: hold.engine,
            operation: hold.operation,
            reason: hold.reason,
            status,
            set_by,
            rule,
            set_at: hold.set_at,
            until: hold.until,
            ended_at,
            ended_by,
            end_reason,
        }
    }
}

fn person(origin: HoldOrigin) -> Option<KeyId> {
    match origin {
        HoldOrigin::Person(kid) => Some(kid),
        HoldOrigin::Policy(_) => None,
    }
}
