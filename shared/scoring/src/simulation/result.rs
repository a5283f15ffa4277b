//! The result of a simulation, as it is stored and shown.

use std::collections::BTreeMap;

use age_model::{Action, Engine, EventId, EventType, IncidentCause, RiskLevel, Severity, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::simulation::decision_result::DecisionComparison;
use crate::simulation::history::LeftOut;

/// The past of a period as it would have been under a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Simulation {
    /// The version of this JSON: 1.
    pub schema_version: u32,
    /// The beginning of the period.
    pub from: Timestamp,
    /// The end of the period, which is not part of it.
    pub to: Timestamp,
    /// The scores and levels of each week, before and after.
    pub weeks: Vec<WeekComparison>,
    /// The consequences that the draft would change.
    pub difference: Difference,
    /// The decisions, really and under the draft.
    #[serde(default)]
    pub decisions: DecisionComparison,
    /// How far the replay under the active policy reproduces what really followed.
    pub self_check: SelfCheck,
    /// The records that were not read.
    pub left_out: LeftOut,
}

impl Simulation {
    /// The version of the JSON.
    pub const SCHEMA_VERSION: u32 = 1;
}

/// The scores and levels of a week under two policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WeekComparison {
    /// The beginning of the week.
    pub from: Timestamp,
    /// The end of the week, which is not part of it.
    pub to: Timestamp,
    /// Under the active policy.
    pub active: WeekRisk,
    /// Under the draft.
    pub draft: WeekRisk,
    /// The levels that differ: of the week first, then of its categories.
    pub flips: Vec<LevelFlip>,
}

/// The scores of a week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WeekRisk {
    /// The mean of the categories' scores, 0 to 100.
    #[schema(maximum = 100)]
    pub risk_score: u32,
    /// The level of the highest category.
    pub risk_level: RiskLevel,
    /// Score by category, 0 to 100.
    pub risk_scores: BTreeMap<String, u32>,
}

/// A level that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LevelFlip {
    /// The category; absent for the level of the week.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The level under the active policy; absent if it does not have the category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<RiskLevel>,
    /// The level under the draft; absent if it does not have the category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<RiskLevel>,
}

/// The consequences that a draft would change. Each list has its first entries by time; `total` counts all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The numbers of changes by kind and engine.
    pub counts: Vec<ChangeCount>,
    /// Actions.
    pub actions: Changes,
    /// Approvals of actions.
    pub approvals: Changes,
    /// Incidents.
    pub incidents: Changes,
    /// Notifications about incidents and approvals.
    pub notifications: Changes,
}

impl Difference {
    /// Whether nothing would change.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}

/// A kind of what follows on events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsequenceKind {
    /// An action.
    Action,
    /// The approval of an action.
    Approval,
    /// An incident.
    Incident,
    /// A notification.
    Notification,
}

/// Whether something is added, removed or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Only the draft leads to it.
    Added,
    /// Only the active policy leads to it.
    Removed,
    /// Both lead to it, and something about it differs.
    Changed,
}

/// The number of changes of one kind about one engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangeCount {
    /// The kind of the consequence.
    pub kind: ConsequenceKind,
    /// The engine.
    pub engine: Engine,
    /// How many only the draft leads to.
    pub added: u64,
    /// How many only the active policy leads to.
    pub removed: u64,
    /// How many differ.
    pub changed: u64,
}

/// The first changes of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Changes {
    /// The number of changes, also of those that are not listed.
    pub total: u64,
    /// The first changes by time.
    pub items: Vec<Change>,
}

/// A change: what follows under the active policy, what follows under the draft, and what really followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Whether it is added, removed or changed.
    pub change: ChangeKind,
    /// The subject.
    #[serde(flatten)]
    pub about: About,
    /// The consequence under the active policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Consequence>,
    /// The consequence under the draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Consequence>,
    /// The consequence that really followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub real: Option<Consequence>,
}

/// The subject of a consequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// The engine.
    pub engine: Engine,
    /// The event type.
    #[schema(value_type = String)]
    pub event_type: EventType,
    /// When it begins: when the action was planned, the incident opened or the notification sent.
    pub at: Timestamp,
    /// The event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// The action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// The incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident_id: Option<String>,
    /// The kind of the notification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification: Option<String>,
}

/// One consequence of the events of a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Consequence {
    /// The status at the end of the period: of an action, an approval or an incident. `sent` for a notification. `unknown` if it depends
    /// on an answer of a worker or a responder who was not asked.
    pub status: String,
    /// When it begins.
    pub at: Timestamp,
    /// When it ended: the action, the approval, or the incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The highest severity of an incident's events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Why the incident was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<IncidentCause>,
    /// The number of an incident's events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<u64>,
}

/// How far the replay under the active policy reproduces what really followed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SelfCheck {
    /// How many actions, incidents and notifications are as they really were.
    pub reproduced: u64,
    /// How many are not.
    pub not_reproduced: u64,
    /// Why not, with the number of each reason.
    pub reasons: Vec<ReasonCount>,
    /// The first of them, those with a rare reason before those that only happened at another time.
    pub items: Vec<SelfCheckItem>,
}

/// How often something was not reproduced for a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReasonCount {
    /// The reason.
    pub reason: UnreproducedReason,
    /// How many actions, incidents and notifications.
    pub count: u64,
}

/// Why the replay does not reproduce something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnreproducedReason {
    /// None of the others: please report it as an error of the simulation.
    Unexplained,
    /// Another policy was active then.
    OtherPolicy,
    /// The consequence began before the period, or follows from one that did.
    EarlierState,
    /// Its event was not read.
    LeftOut,
    /// The message to the worker was late or could not be delivered; the replay delivers it at once.
    Dispatch,
    /// The problem was heard again, which AGE does not record each time.
    Repeats,
    /// Events were accepted in the same millisecond, and their order is not recorded.
    SameMillisecond,
    /// The e-mail had to wait for the e-mail budget, the sweep or a subscriber; the replay sends it at once.
    NotificationTiming,
    /// The sweep ran at another second, or not at all; the replay sweeps at each whole minute.
    SweepTiming,
}

/// Something that the replay does not reproduce.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SelfCheckItem {
    /// Why.
    pub reason: UnreproducedReason,
    /// The kind of the consequence.
    pub kind: ConsequenceKind,
    /// The subject.
    #[serde(flatten)]
    pub about: About,
    /// The consequence in the replay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replayed: Option<Consequence>,
    /// The consequence that really followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub real: Option<Consequence>,
}
