//! The rules of decisions of the policy document. The build script compiles this file as well.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use age_model::{Severity, deserialize_known};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::document_schema;

/// The rules of the answers to requests for decisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DecisionRules {
    /// How long a decision holds, in seconds. The default is 300. A repeated request gets the recorded answer until then.
    #[schema(minimum = 1, maximum = 3600, default = 300)]
    pub valid_for_seconds: i64,
    /// How long responders have to approve a decision, in seconds. The default is 86400.
    #[schema(minimum = 1, maximum = 86_400, default = 86_400)]
    pub approve_within_seconds: i64,
    /// Whether a decision is recorded with the request itself, not with its digest only. The default is false.
    #[schema(default = false)]
    pub record_payload: bool,
    /// The fields of the context that an approval is not bound to, such as the time at which a request is sent. Guardrails cannot read
    /// them. Each once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 64)]
    pub unbound_context: Vec<String>,
    /// How long after an operation was allowed its event is expected, in seconds. Events are not expected, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = document_schema::expect_event_within_seconds)]
    pub expect_event_within_seconds: Option<i64>,
    /// The answer that engines assume for an operation while AGE cannot be asked, by the name of its action. Without an entry, it is
    /// deny. At most 200.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub on_unavailable: BTreeMap<String, OnUnavailable>,
    /// The event types that report operations, each with the name of the action that it reports. An event of such a type needs a
    /// permit: a decision that allowed this action, which no other event has reported. If any are given, AGE expects events of these
    /// actions only. At most 200.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub event_types: BTreeMap<String, String>,
    /// When AGE itself sets a hold on an engine.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 64)]
    pub holds: Vec<HoldRule>,
}

impl Default for DecisionRules {
    fn default() -> Self {
        Self {
            valid_for_seconds: 300,
            approve_within_seconds: 86_400,
            record_payload: false,
            unbound_context: Vec::new(),
            expect_event_within_seconds: None,
            on_unavailable: BTreeMap::new(),
            event_types: BTreeMap::new(),
            holds: Vec::new(),
        }
    }
}

impl DecisionRules {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The answer that an engine assumes while AGE cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnUnavailable {
    /// The operation does not run.
    Deny,
    /// The operation runs.
    Allow,
}

impl OnUnavailable {
    /// Every member.
    pub const ALL: &[Self] = &[Self::Deny, Self::Allow];

    /// The name in the document.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Allow => "allow",
        }
    }
}

impl fmt::Display for OnUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A rule by which AGE sets a hold on every engine that has an unacknowledged incident, for as long as it has one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldRule {
    /// The id, by which the hold names the rule. Each rule has another one.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,63}$")]
    pub id: String,
    /// The reason of the hold, on one line.
    #[schema(min_length = 1, max_length = 200)]
    pub message: String,
    /// The lowest severity of the unacknowledged incidents.
    #[serde(deserialize_with = "deserialize_known")]
    pub unacknowledged: Severity,
    /// The names of the actions that are stopped, each once; all, if absent.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schema(min_items = 1, max_items = 64)]
    pub operations: BTreeSet<String>,
    /// The longest time that the hold lasts, in seconds.
    #[schema(minimum = 60, maximum = 2_592_000)]
    pub for_seconds: i64,
}

/// Rules of decisions that have every field.
#[cfg(test)]
pub(crate) mod test_data {
    use serde_json::json;

    use super::DecisionRules;

    pub(crate) fn decision_rules() -> DecisionRules {
        let hold = json!({
            "id": "rule", "message": "critical", "unacknowledged": "CRITICAL", "operations": ["refund"], "for_seconds": 60,
        });
        let rules = json!({
            "valid_for_seconds": 60, "approve_within_seconds": 60, "record_payload": true, "unbound_context": ["sent_at"],
            "expect_event_within_seconds": 60, "on_unavailable": {"read": "allow"},
            "event_types": {"refund_paid": "refund"}, "holds": [hold],
        });
        serde_json::from_value(rules).unwrap()
    }
}
